package pdfa

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// deflaters are kept: making one costs more than what it does here.
var deflaters = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, 5)
	if err != nil {
		panic(err) // the level is one
	}
	return w
}}

// deflate compresses for /FlateDecode.
func deflate(data []byte) []byte {
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, err := w.Write(data)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
