// Pdfpeers draws the page of internal/pdf's benchmark with other libraries: one
// page A4, three lines, the VAT, a QR code, an embedded Unicode font. It is a module
// of its own, so that nothing of it comes near the program.
//
//	pdfpeers gopdf|maroto DOCUMENTS REGULAR.ttf BOLD.ttf
//
// prints the processor time of a document in nanoseconds and its size in bytes.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/johnfercher/maroto/v2"
	"github.com/johnfercher/maroto/v2/pkg/components/code"
	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/config"
	"github.com/johnfercher/maroto/v2/pkg/consts/align"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"
	"github.com/johnfercher/maroto/v2/pkg/props"
	"github.com/johnfercher/maroto/v2/pkg/repository"
	"github.com/signintech/gopdf"
	"rsc.io/qr"
)

const payload = "BCD\n002\n1\nSCT\n\nMB Pavyzdys\nLT121000011101001000\nEUR1089.00\n\nRF582026000101"

// words are the texts of the page; lines of the table are in four columns.
var (
	head  = []string{"SIP.TG", "VAT invoice", "PVM sąskaita faktūra", "Amount paid €1,089.00", "Paid by bank transfer on 23 November 2026"}
	facts = []string{
		"Number SIP-2026-000123", "Date of issue 23 November 2026", "Payment received 23 November 2026", "Order number O-2026-000123",
		"MB Pavyzdys", "Gedimino pr. 1-2, LT-01103 Vilnius, Lithuania", "Company code 119511515", "VAT number LT119511515",
		"Žygimantė Ąžuolaitė", "Хрещатик 22, Київ, Ukraine", "Telegram account Žygimantė (@zygimante)", "Service period 23 November 2026 – 22 November 2027",
	}
	table = [][4]string{
		{"Description", "Quantity", "Unit price", "Net"},
		{"Softphone, 5 SIP accounts, with call recording", "12 months", "€25.00", "€300.00"},
		{"Softphone, 5 SIP accounts, with call recording", "12 months", "€25.00", "€300.00"},
		{"Softphone, 5 SIP accounts, with call recording", "12 months", "€25.00", "€300.00"},
		{"VAT LT 21%", "", "€900.00", "€189.00"},
		{"Total", "", "", "€1,089.00"},
	}
	feet = []string{"Beneficiary MB Pavyzdys", "IBAN LT12 1000 0111 0100 1000", "BIC PAVZLT22XXX", "Reference RF58 2026 0001 01", "AB Pavyzdžio bankas", "Page 1 of 1"}
)

func main() {
	if len(os.Args) != 5 {
		fail("usage: pdfpeers gopdf|maroto DOCUMENTS REGULAR.ttf BOLD.ttf")
	}
	runtime.GOMAXPROCS(1)
	documents, err := strconv.Atoi(os.Args[2])
	check(err)
	regular, err := os.ReadFile(os.Args[3])
	check(err)
	bold, err := os.ReadFile(os.Args[4])
	check(err)
	draw := map[string]func(regular, bold []byte) []byte{"gopdf": byGopdf, "maroto": byMaroto}[os.Args[1]]
	if draw == nil {
		fail("unknown library " + os.Args[1])
	}
	size := len(draw(regular, bold))
	began := spent()
	for range documents {
		size = len(draw(bytes.Clone(regular), bytes.Clone(bold)))
	}
	fmt.Println((spent()-began)/int64(documents), size)
}

func byGopdf(regular, bold []byte) []byte {
	var p gopdf.GoPdf
	p.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	check(p.AddTTFFontData("regular", regular))
	check(p.AddTTFFontData("bold", bold))
	p.AddPage()
	y := 50.0
	put := func(font string, size, x float64, s string) {
		check(p.SetFont(font, "", size))
		p.SetXY(x, y)
		check(p.Cell(nil, s))
	}
	for _, s := range head {
		put("bold", 16, 56, s)
		y += 22
	}
	for _, s := range facts {
		put("regular", 9, 56, s)
		y += 13
	}
	for _, r := range table {
		y += 6
		for i, s := range r {
			put([]string{"bold", "regular", "regular", "regular"}[i], 9, []float64{56, 300, 390, 480}[i], s)
		}
		y += 14
		p.SetLineWidth(0.5)
		p.Line(56, y, 540, y)
	}
	y += 10
	for _, s := range feet {
		put("regular", 9, 56, s)
		y += 13
	}
	c, err := qr.Encode(payload, qr.M)
	check(err)
	p.SetFillColor(0, 0, 0)
	unit := 100.0 / float64(c.Size)
	for row := range c.Size {
		for col := 0; col < c.Size; col++ {
			first := col
			for col < c.Size && c.Black(col, row) {
				col++
			}
			if col > first {
				p.RectFromUpperLeftWithStyle(400+float64(first)*unit, 640+float64(row)*unit, float64(col-first)*unit, unit, "F")
			}
		}
	}
	return p.GetBytesPdf()
}

func byMaroto(regular, bold []byte) []byte {
	fonts, err := repository.New().AddUTF8FontFromBytes("inter", fontstyle.Normal, regular).AddUTF8FontFromBytes("inter", fontstyle.Bold, bold).Load()
	check(err)
	m := maroto.New(config.NewBuilder().WithCustomFonts(fonts).WithDefaultFont(&props.Font{Family: "inter"}).Build())
	for _, s := range head {
		m.AddRows(text.NewRow(8, s, props.Text{Size: 16, Style: fontstyle.Bold}))
	}
	for _, s := range append(append([]string{}, facts...), feet...) {
		m.AddRows(text.NewRow(5, s, props.Text{Size: 9}))
	}
	for _, r := range table {
		m.AddRows(row.New(7).Add(
			text.NewCol(6, r[0], props.Text{Size: 9, Style: fontstyle.Bold}), text.NewCol(2, r[1], props.Text{Size: 9, Align: align.Right}),
			text.NewCol(2, r[2], props.Text{Size: 9, Align: align.Right}), text.NewCol(2, r[3], props.Text{Size: 9, Align: align.Right})))
	}
	m.AddRows(code.NewQrRow(35, payload))
	d, err := m.Generate()
	check(err)
	return d.GetBytes()
}

// spent is the processor time of this process.
func spent() int64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "pdfpeers: "+why)
	os.Exit(1)
}
