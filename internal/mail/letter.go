package mail

import (
	"html"
	"strings"
)

// Letter is what a mail says, in words that are ready to read. It is written
// twice, as plain text and as HTML: the same words in the same order.
type Letter struct {
	Language   string // "en"
	Paragraphs []string
	Action     Link     // what the reader is asked to do; the zero Link for nothing
	Notes      []string // under it
	Foot       []Line   // why this mail came, and how to stop it
}

// Link is a link with its text.
type Link struct{ Text, URL string }

// Line is a line of the foot, with a link that may be zero.
type Line struct {
	Text string
	Link Link
}

// Plain is the letter as plain text.
func (l Letter) Plain() string {
	var b strings.Builder
	for _, p := range l.Paragraphs {
		b.WriteString(p + "\n\n")
	}
	if l.Action.URL != "" {
		b.WriteString(l.Action.Text + ":\n" + l.Action.URL + "\n\n")
	}
	for _, n := range l.Notes {
		b.WriteString(n + "\n\n")
	}
	b.WriteString("-- \n")
	for _, f := range l.Foot {
		b.WriteString(strings.TrimSpace(f.Text))
		if f.Link.URL != "" {
			b.WriteString(" " + f.Link.Text + ": " + f.Link.URL)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// HTML is the letter as HTML, which needs no style sheet and loads nothing.
// Everything in it is escaped.
func (l Letter) HTML() string {
	var b strings.Builder
	put := func(before, text, after string) { b.WriteString(before + html.EscapeString(text) + after) }
	put(`<!DOCTYPE html><html lang="`, l.Language, `"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>`+"\n")
	b.WriteString(`<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:36em">` + "\n")
	for _, p := range l.Paragraphs {
		put("<p>", p, "</p>\n")
	}
	if l.Action.URL != "" {
		put(`<p><a style="display:inline-block;padding:.6em 1.2em;background:#0060a8;color:#fff;border-radius:6px" href="`, l.Action.URL, `">`)
		put("", l.Action.Text, "</a></p>\n")
		put(`<p style="font-size:13px;word-break:break-all">`, l.Action.URL, "</p>\n")
	}
	for _, n := range l.Notes {
		put("<p>", n, "</p>\n")
	}
	b.WriteString("<hr>\n")
	for _, f := range l.Foot {
		put(`<p style="font-size:13px">`, f.Text, "")
		if f.Link.URL != "" {
			put(` <a href="`, f.Link.URL, `">`)
			put("", f.Link.Text, "</a>")
		}
		b.WriteString("</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}
