package pdf

import (
	"github.com/siptg/portal/internal/i18n"
	"rsc.io/qr"
)

// verify ends a tax document with a code that opens the page on which everybody
// can check it. The page is told the number alone: date and total are typed in
// from the paper. It is kept together with what comes before it; without a code it
// is nothing.
func (s *sheet) verify() block {
	code := VerifyCode(s.d.VerifyURL)
	if code == nil {
		return gap(0)
	}
	const size = 54.0
	x := left + size + 12
	text := stack(
		s.phrase(x, s.each(func(t i18n.Translator) string { return t.T("doc.verify") }), labelType, frameWidth-size-12),
		s.paragraph(x, s.d.VerifyURL, labelType, frameWidth-size-12),
	)
	return stack(gap(16), block{max(size, text.height), func(y float64) {
		quiet := size * 4 / float64(code.Size+8) // four modules, ISO/IEC 18004
		s.panel(left, y, size, size, 0, white)
		s.modules(left+quiet, y+quiet, size-2*quiet, code.Size, code.Black)
		text.draw(y + (size-text.height)/2)
	}})
}

// VerifyCode is the QR code of an address; nil for none, and for one that is too
// long to be read from a small square.
func VerifyCode(url string) *Code {
	if url == "" {
		return nil
	}
	code, err := qr.Encode(url, qr.M)
	if err != nil || code.Size > 45 {
		return nil
	}
	return code
}
