package einvoice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The official validators are not part of the repository: XML schemas and the
// Schematron of EN 16931, of Factur-X and of Peppol, behind one command in the
// folder that PORTAL_VALIDATION names (by default ../shared/validation beside the
// repository). Where they are missing tests say so and pass; "make conformance"
// fails.
func validator(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PORTAL_VALIDATION")
	if dir == "" {
		dir = "../../../shared/validation"
	}
	command, err := filepath.Abs(filepath.Join(dir, "en16931"))
	if err == nil {
		_, err = os.Stat(command)
	}
	if err != nil {
		notTested(t, err)
	}
	return command
}

// everything reports whether this is "make conformance".
func everything() bool { return os.Getenv("PORTAL_CONFORMANCE") == "1" }

func notTested(t *testing.T, why any) {
	t.Helper()
	if everything() {
		t.Fatalf("the official validators cannot tell: %v", why)
	}
	t.Skipf("SKIPPED, NOT TESTED: the official validators of e-invoices: %v", why)
}

// verdict is what the validators say of one file.
type verdict struct {
	valid    bool
	rules    []string // that failed, with warnings
	findings string
}

var (
	finding = regexp.MustCompile(`^(.*?\.xml): \S+ \[([^\]]+)\] `)
	result  = regexp.MustCompile(`^(.*?\.xml): (valid|INVALID)$`)
)

// validate asks for files by name; options are the command's.
func validate(t *testing.T, files map[string][]byte, options ...string) map[string]*verdict {
	t.Helper()
	command := validator(t)
	dir := t.TempDir()
	args := options
	for name, content := range files {
		path := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	slices.Sort(args[len(options):])
	limit := 5 * time.Minute
	if everything() {
		limit = 20 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stderr bytes.Buffer
	run := exec.CommandContext(ctx, command, args...)
	run.WaitDelay = time.Second // for the programs that it started
	run.Stderr = &stderr
	out, err := run.Output()
	told := bytes.Contains(out, []byte("\nVERDICT PASS ")) || bytes.Contains(out, []byte("\nVERDICT FAIL "))
	var exit *exec.ExitError
	if !told || ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		notTested(t, strings.Join(strings.Fields(fmt.Sprintf("%v %s %s", err, out, stderr.String())), " "))
	}
	verdicts := map[string]*verdict{}
	of := func(path string) *verdict {
		name := strings.TrimSuffix(filepath.Base(path), ".xml")
		if verdicts[name] == nil {
			verdicts[name] = &verdict{}
		}
		return verdicts[name]
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if m := finding.FindStringSubmatch(line); m != nil {
			v := of(m[1])
			v.rules, v.findings = append(v.rules, m[2]), v.findings+line[len(m[1]):]+"\n"
		} else if m := result.FindStringSubmatch(line); m != nil {
			of(m[1]).valid = m[2] == "valid"
		}
	}
	if len(verdicts) != len(files) {
		t.Fatalf("%d verdicts on %d files:\n%s", len(verdicts), len(files), out)
	}
	return verdicts
}

// usual are the documents that the normal tests have validated.
var usual = []string{"R1", "R2", "R3-none", "R4", "R9-business", "R9-kosovo", "discount-12", "due-in-part", "usd", "odd-characters", "credit-part-standard", "credit-whole-reverse",
	"corrected-rest", "replaces-rest", "replaces-taxed-otherwise"}

// Every document that the portal can issue is valid, without a warning.
func TestOfficialValidators(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the validators take their time")
	}
	validator(t)
	sets := map[string]map[string][]byte{"--facturx": {}, "--peppol": {}, "": {}}
	documents := 0
	for _, x := range everyDocument(t) {
		if !everything() && !slices.Contains(usual, x.name) {
			continue
		}
		documents++
		sets["--facturx"][x.name] = write(t, syntaxes[0], x.d)
		file, set := write(t, syntaxes[1], x.d), ""
		if bytes.Contains(file, []byte("urn:fdc:peppol.eu")) {
			set = "--peppol"
		}
		sets[set][x.name] = file
	}
	for _, set := range []struct{ option, what string }{{"--facturx", "CII, EN 16931 and Factur-X"}, {"--peppol", "UBL, EN 16931 and Peppol BIS Billing 3"}, {"", "UBL, EN 16931"}} {
		options := []string{"--warnings"}
		if set.option != "" {
			options = append(options, set.option)
		}
		failed := 0
		for name, v := range validate(t, sets[set.option], options...) {
			if !v.valid || len(v.rules) > 0 {
				failed++
				t.Errorf("%s, %s:\n%s", name, set.what, v.findings)
			}
		}
		t.Logf("%s: %d files, %d failures", set.what, len(sets[set.option]), failed)
	}
	t.Logf("%d documents in two syntaxes", documents)
}

// brokenFiles are mistakes that a validator must name, or else what it says of
// good files is worth nothing. Each is a replacement of the first match.
var brokenFiles = []struct {
	name, of, syntax string
	from, to         string // from is a regular expression
	rule             string
}{
	{"amount due", "due-in-part", "cii", `(<ram:DuePayableAmount>)50\.00`, "${1}50.01", "BR-CO-16"},
	{"sum of lines", "R1", "cii", `(<ram:LineTotalAmount>)1050\.00(</ram:LineTotalAmount>\s*<ram:TaxBasis)`, "${1}1050.01${2}", "BR-CO-10"},
	{"total", "R1", "cii", `(<ram:GrandTotalAmount>)\d+`, "${1}9", "BR-CO-15"},
	{"no currency of the VAT", "R1", "cii", ` currencyID="EUR"`, "", "BR-CO-15"},
	{"sum of discounts", "discount-12", "cii", `(<ram:AllowanceTotalAmount>)\d+`, "${1}1", "BR-CO-11"},
	{"net", "discount-12", "cii", `(<ram:TaxBasisTotalAmount>)\d+`, "${1}1", "BR-CO-13"},
	{"three decimals", "R1", "cii", `(<ram:GrandTotalAmount>\d+\.\d\d)`, "${1}0", "BR-DEC-14"},
	{"transfer without an account", "due-in-part", "cii", `<ram:IBANID>.*</ram:IBANID>`, "", "BR-61"},
	{"VAT number without a country", "R1", "cii", `LT100009999914`, "100009999914", "BR-CO-09"},
	{"category that does not exist", "R1", "cii", `(<ram:CategoryCode>)S`, "${1}Q", "BR-CL-18"},
	{"VAT with a reason for none", "R1", "cii", `(<ram:TypeCode>VAT</ram:TypeCode>\s*)(<ram:BasisAmount>)`, "${1}<ram:ExemptionReason>x</ram:ExemptionReason>${2}", "BR-S-10"},
	{"rate outside the scope", "R9-business", "cii", `(<ram:CategoryCode>O</ram:CategoryCode>)`, "${1}<ram:RateApplicablePercent>0</ram:RateApplicablePercent>", "BR-O-05"},
	{"VAT number outside the scope", "R9-business", "cii", `schemeID="FC"`, `schemeID="VA"`, "BR-O-02"},
	{"reverse charge without a reason", "R4", "cii", `<ram:ExemptionReason>.*</ram:ExemptionReason>(?s:(.*?))<ram:ExemptionReasonCode>.*</ram:ExemptionReasonCode>`, "${1}", "BR-AE-10"},
	{"reverse charge with a rate", "R4", "cii", `(<ram:RateApplicablePercent>)0`, "${1}21", "BR-AE-05"},
	{"exempt without a tax number", "R3-none", "cii", `<ram:ID schemeID="FC">.*</ram:ID>`, "", "BR-E-02"},
	{"negative price", "R1", "cii", `(<ram:ChargeAmount>)`, "${1}-", "BR-27"},
	{"currency that does not exist", "R1", "cii", `(<ram:InvoiceCurrencyCode>)EUR`, "${1}EUX", "BR-CL-04"},
	{"type that does not exist", "R1", "cii", `(<ram:TypeCode>)380`, "${1}999", "BR-CL-01"},
	{"element that does not exist", "R1", "cii", `ram:GrandTotalAmount`, "ram:GrandTotal", "NOT-XML"},
	{"elements in the wrong order", "R1", "cii", `(<ram:PostcodeCode>.*</ram:PostcodeCode>)(\s*)(<ram:LineOne>.*</ram:LineOne>)`, "${3}${2}${1}", "XSD"},
	{"no name of the buyer", "R1", "ubl", `(<cac:AccountingCustomerParty>(?s:.*?))<cbc:RegistrationName>.*</cbc:RegistrationName>`, "${1}", "BR-07"},
	{"no order", "R4", "ubl", `<cac:OrderReference>(?s:.*?)</cac:OrderReference>`, "", "PEPPOL-EN16931-R003"},
	{"no address of the buyer", "R1", "ubl", `(<cac:AccountingCustomerParty>(?s:.*?))<cbc:EndpointID.*</cbc:EndpointID>`, "${1}", "PEPPOL-EN16931-R010"},
	{"price times quantity", "R1", "ubl", `(<cbc:PriceAmount currencyID="EUR">)25\.00`, "${1}25.10", "PEPPOL-EN16931-R120"},
	{"two notes", "R1", "ubl", `(<cbc:Note>.*</cbc:Note>)`, "${1}${1}", "PEPPOL-EN16931-R002"},
	{"empty element", "R1", "ubl", `(<cbc:Description>).*(</cbc:Description>)`, "${1}${2}", "PEPPOL-EN16931-R008"},
	{"percentage of the discount", "discount-12", "ubl", `(<cbc:MultiplierFactorNumeric>)10`, "${1}20", "PEPPOL-EN16931-R040"},
	{"code of another category", "R4", "ubl", `VATEX-EU-AE`, "VATEX-EU-O", "PEPPOL-EN16931-P0105"},
	{"unit that does not exist", "R1", "ubl", `unitCode="MON"`, `unitCode="FORTNIGHT"`, "BR-CL-23"},
	{"country that does not exist", "R1", "ubl", `(<cbc:IdentificationCode>)LT`, "${1}QQ", "BR-CL-14"},
	{"due day of a credit note", "credit-part-standard", "ubl", `(<cbc:IssueDate>.*</cbc:IssueDate>)`, "${1}<cbc:DueDate>2026-12-31</cbc:DueDate>", "XSD"},
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	documents := map[string]named{}
	for _, x := range everyDocument(t) {
		documents[x.name] = x
	}
	sets := map[string]map[string][]byte{"cii": {}, "ubl": {}}
	rules := map[string]string{}
	for _, tt := range brokenFiles {
		s := syntaxes[0]
		if tt.syntax == "ubl" {
			s = syntaxes[1]
		}
		good := string(write(t, s, documents[tt.of].d))
		at := regexp.MustCompile(tt.from).FindStringSubmatchIndex(good)
		if at == nil {
			t.Fatalf("%s: nothing to break in\n%s", tt.name, good)
		}
		to := string(regexp.MustCompile(tt.from).ExpandString(nil, tt.to, good, at))
		name := strings.ReplaceAll(tt.name, " ", "-")
		sets[tt.syntax][name], rules[name] = []byte(good[:at[0]]+to+good[at[1]:]), tt.rule
	}
	if !everything() {
		t.Skip("make conformance shows these to the validators")
	}
	for syntax, option := range map[string]string{"cii": "--facturx", "ubl": "--peppol"} {
		caught := 0
		for name, v := range validate(t, sets[syntax], option) {
			if v.valid || !slices.Contains(v.rules, rules[name]) {
				t.Errorf("%s, %s: valid %t, want %s:\n%s", name, syntax, v.valid, rules[name], v.findings)
				continue
			}
			caught++
		}
		t.Logf("%s: %d of %d broken files caught, each by the rule that it breaks", syntax, caught, len(sets[syntax]))
	}
}
