package bank_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

var ours = bank.EPCData{
	Name: "MB Pavyzdys", IBAN: "LT121000011101001000",
	Amount: money.Of(152460, money.EUR), Reference: "RF18539007547034",
}

func TestEPCVectors(t *testing.T) {
	t.Parallel()
	// The example of EPC069-12 is of version 001 and writes 12.3; the guideline
	// takes 12.30 as well, and version 002 is the same with an optional BIC.
	example := strings.NewReplacer("001,1", "002,1", "EUR12.3", "EUR12.30").Replace(
		"BCD,001,1,SCT,BHBLDEHHXXX,Franz Mustermänn,DE71110220330123456789,EUR12.3,GDDS,RF18539007547034")
	for _, tt := range []struct {
		name string
		data bank.EPCData
		want string
		size int
	}{
		{"example of the guideline", bank.EPCData{
			BIC: "BHBLDEHHXXX", Name: "Franz Mustermänn", IBAN: "DE71110220330123456789",
			Amount: money.Of(1230, money.EUR), Purpose: "GDDS", Reference: "RF18539007547034",
		}, example, 97},
		{"ours", ours, "BCD,002,1,SCT,,MB Pavyzdys,LT121000011101001000,EUR1524.60,,RF18539007547034", 76},
	} {
		got, err := bank.EPC(tt.data)
		if want := strings.ReplaceAll(tt.want, ",", "\n"); err != nil || got != want || len(got) != tt.size {
			t.Errorf("%s: %q of %d bytes, %v; want %q of %d", tt.name, got, len(got), err, want, tt.size)
		}
	}
}

func TestEPCEndsAfterTheLastFilledLine(t *testing.T) {
	t.Parallel()
	d := ours
	d.Reference = ""
	if got, _ := bank.EPC(d); !strings.HasSuffix(got, "\nEUR1524.60") {
		t.Errorf("%q", got)
	}
	d.Note = "thank you"
	if got, _ := bank.EPC(d); !strings.HasSuffix(got, "\nEUR1524.60\n\n\n\nthank you") {
		t.Errorf("%q", got)
	}
	d.Note, d.Text = "", "order O-2026-000101"
	if got, _ := bank.EPC(d); !strings.HasSuffix(got, "\nEUR1524.60\n\n\norder O-2026-000101") {
		t.Errorf("%q", got)
	}
}

func TestEPCRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*bank.EPCData){
		"dollars":               func(d *bank.EPCData) { d.Amount.Currency = "USD" },
		"nothing":               func(d *bank.EPCData) { d.Amount.Amount = 0 },
		"less than nothing":     func(d *bank.EPCData) { d.Amount.Amount = -1 },
		"a milliard":            func(d *bank.EPCData) { d.Amount.Amount = 1_000_000_000_00 },
		"no name":               func(d *bank.EPCData) { d.Name = " \n" },
		"71 characters of name": func(d *bank.EPCData) { d.Name = strings.Repeat("ä", 71) },
		"wrong account":         func(d *bank.EPCData) { d.IBAN = "LT611000011101001000" },
		"account outside SEPA":  func(d *bank.EPCData) { d.IBAN = "TR330006100519786457841326" },
		"no BIC outside EEA":    func(d *bank.EPCData) { d.IBAN = "GB82WEST12345698765432" },
		"wrong BIC":             func(d *bank.EPCData) { d.BIC = "X" },
		"wrong reference":       func(d *bank.EPCData) { d.Reference = "RF17539007547034" },
		"reference and text":    func(d *bank.EPCData) { d.Text = "x" },
		"long purpose":          func(d *bank.EPCData) { d.Purpose = "GDDSX" },
		"long text":             func(d *bank.EPCData) { d.Reference, d.Text = "", strings.Repeat("x", 141) },
		"long note":             func(d *bank.EPCData) { d.Note = strings.Repeat("x", 71) },
		"not UTF-8":             func(d *bank.EPCData) { d.Name = "\xff" },
		"too many bytes":        func(d *bank.EPCData) { d.Reference, d.Text = "", strings.Repeat("ж", 140) },
	} {
		d := ours
		spoil(&d)
		got, err := bank.EPC(d)
		if got != "" {
			t.Errorf("%s: %q", name, got)
		}
		isKey(t, err, "error.bank.epc")
	}
	d := ours
	d.Name = strings.Repeat("ä", 70)
	if _, err := bank.EPC(d); err != nil {
		t.Error(err)
	}
	d.IBAN, d.BIC = "GB82WEST12345698765432", "WESTGB2L"
	if _, err := bank.EPC(d); err != nil {
		t.Error(err)
	}
}

// Whatever stands in the texts, account and amount stay in their lines.
func TestEPCKeepsItsLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := ours
		hostile := rapid.StringOfN(rapid.RuneFrom([]rune("aä \n\r\t\x00\u0085\u2028\u2029\u200b\u202e")), 1, 30, -1)
		d.Name = "N" + hostile.Draw(t, "name")
		d.Note = hostile.Draw(t, "note")
		got, err := bank.EPC(d)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(got, "\n")
		if len(lines) > 12 || lines[6] != string(d.IBAN) || lines[7] != "EUR1524.60" || lines[9] != string(d.Reference) {
			t.Fatalf("%q", lines)
		}
		if strings.ContainsAny(got, "\r\t\x00\u0085\u2028\u2029\u200b\u202e") || strings.HasSuffix(got, "\n") {
			t.Fatalf("%q", got)
		}
	})
}
