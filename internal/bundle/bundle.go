package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/siptg/portal/internal/civil"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// SumsName is the file that lists the SHA-256 of all others, as sha256sum -c
// reads it.
const SumsName = "SHA256SUMS"

// maxName bounds what a name takes from outside, in bytes: paths on Windows end
// at 260 characters, names elsewhere at 255 bytes.
const maxName = 60

// Stem is the name of a document's files without their ending:
// "2026-11-22_SIP-2026-000123_Name".
func Stem(on civil.Date, number, name string) string {
	parts := []string{on.String(), clean(number)}
	if name = clean(name); name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, "_")
}

// clean makes a part of a file's name: letters and digits of every script, dots
// and dashes inside; all else becomes a dash. So there are no separators, devices,
// marks that turn the direction of writing, nor dots or spaces at the end, which
// Windows drops.
func clean(s string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, "")) {
		if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && r != '.' {
			r = '-'
		}
		if b.Len()+utf8.RuneLen(r) > maxName {
			break
		}
		if (r == '-' || r == '.') && (b.Len() == 0 || strings.HasSuffix(b.String(), "-") || strings.HasSuffix(b.String(), ".")) {
			continue
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), "-.")
}

// Archive is a ZIP that is being written.
type Archive struct {
	z     *zip.Writer
	taken map[string]bool
	sums  bytes.Buffer
}

// New begins a ZIP.
func New(w io.Writer) *Archive {
	return &Archive{z: zip.NewWriter(w), taken: map[string]bool{folded(SumsName): true}}
}

// folded is a name as file systems compare it that know no small letters, or
// take letters apart.
func folded(name string) string { return norm.NFKD.String(cases.Fold().String(norm.NFKD.String(name))) }

// Add writes a file. on is its day; a name that is taken gets a number before its
// ending. What does not compress, such as a PDF, is stored as it is.
func (a *Archive) Add(name string, on civil.Date, compress bool, write func(io.Writer) error) error {
	if !local(name) {
		return fmt.Errorf("bundle: %q is no name of a file", name)
	}
	name = a.unique(name)
	header := &zip.FileHeader{Name: name, Method: zip.Store, Modified: day(on)}
	header.SetMode(0o644)
	if compress {
		header.Method = zip.Deflate
	}
	f, err := a.z.CreateHeader(header)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(f, sum)); err != nil {
		return err
	}
	a.sums.WriteString(hex.EncodeToString(sum.Sum(nil)) + "  " + name + "\n")
	return nil
}

// Close writes the list of sums and the end of the ZIP.
func (a *Archive) Close(on civil.Date) error {
	header := &zip.FileHeader{Name: SumsName, Method: zip.Deflate, Modified: day(on)}
	header.SetMode(0o644)
	f, err := a.z.CreateHeader(header)
	if err == nil {
		_, err = f.Write(a.sums.Bytes())
	}
	if err != nil {
		return err
	}
	return a.z.Close()
}

// Flush sends what is there so far.
func (a *Archive) Flush() error { return a.z.Flush() }

func (a *Archive) unique(name string) string {
	stem, ending := name, ""
	if dot := strings.LastIndex(name, "."); dot > 0 {
		stem, ending = name[:dot], name[dot:]
	}
	for i := 2; a.taken[folded(name)]; i++ {
		name = fmt.Sprintf("%s-%d%s", stem, i, ending)
	}
	a.taken[folded(name)] = true
	return name
}

// local refuses what Stem never makes: a last wall against leaving the folder.
func local(name string) bool {
	return name != "" && len(name) < 200 && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) &&
		!strings.ContainsAny(name, `/\:*?"<>|`) && !strings.HasPrefix(name, ".") && strings.TrimRight(name, ". ") == name
}

// day is the time of a file of that day; ZIP begins in 1980.
func day(d civil.Date) time.Time {
	if d.Year < 1980 || d.Year > 2107 {
		d = civil.Date{Year: 1980, Month: time.January, Day: 1}
	}
	return d.In(time.UTC)
}
