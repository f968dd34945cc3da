package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// client is somebody's browser without the browser: it keeps cookies, sends
// what browsers send and follows no redirect by itself.
type client struct {
	t      testing.TB
	base   string
	origin string // of the page that sends forms; base, unless a test makes it another
	http   *http.Client
}

func newClient(t testing.TB, base string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: base, origin: base, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	path   string
	status int
	header http.Header
	body   []byte
	parsed *goquery.Document
}

// try sends a request as a browser does from one of our pages. A nil form is a
// GET.
func (c *client) try(ctx context.Context, path string, form url.Values) (*answer, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", c.origin)
		if c.origin != c.base {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &answer{t: c.t, path: path, status: response.StatusCode, header: response.Header, body: content}, nil
}

func (c *client) send(path string, form url.Values) *answer {
	c.t.Helper()
	a, err := c.try(c.t.Context(), path, form)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// get requests a path, which must be there.
func (c *client) get(path string) *answer {
	c.t.Helper()
	a := c.send(path, nil)
	if a.status != http.StatusOK {
		c.t.Fatalf("GET %s: %d\n%s", path, a.status, a.body)
	}
	return a
}

// post sends a form and returns the path that the redirect leads to.
func (c *client) post(path string, form url.Values) string {
	c.t.Helper()
	a := c.send(path, form)
	if a.status != http.StatusSeeOther {
		c.t.Fatalf("POST %s %v: %d\n%s", path, form, a.status, a.body)
	}
	return a.header.Get("Location")
}

// signIn signs a demo person in.
func (c *client) signIn(person string) {
	c.t.Helper()
	c.get("/login")
	if to := c.post("/login/demo", url.Values{"person": {person}}); to != "/" {
		c.t.Fatalf("the sign-in led to %s", to)
	}
}

// find is the page's elements that a selector matches, at least one.
func (a *answer) find(selector string) *goquery.Selection {
	a.t.Helper()
	found := a.doc().Find(selector)
	if found.Length() == 0 {
		a.t.Fatalf("no %s on %s (%d)\n%s", selector, a.path, a.status, a.body)
	}
	return found
}

func (a *answer) doc() *goquery.Document {
	a.t.Helper()
	if a.parsed == nil {
		var err error
		if a.parsed, err = goquery.NewDocumentFromReader(bytes.NewReader(a.body)); err != nil {
			a.t.Fatal(err)
		}
	}
	return a.parsed
}

func mark(id string) string { return `[data-testid="` + id + `"]` }

// attr is an attribute of the element with a data-testid.
func (a *answer) attr(id, name string) string {
	a.t.Helper()
	value, ok := a.find(mark(id)).Attr(name)
	if !ok {
		a.t.Fatalf("%q on %s has no %s", id, a.path, name)
	}
	return value
}

// text is what people read in the element with a data-testid.
func (a *answer) text(id string) string {
	a.t.Helper()
	return strings.TrimSpace(a.find(mark(id)).First().Text())
}

// form is what the browser would send for the form with this action.
func (a *answer) form(action string) url.Values {
	a.t.Helper()
	out := url.Values{}
	a.find(`form[action="` + action + `"]`).Find("input[name], select[name]").Each(func(_ int, field *goquery.Selection) {
		name, _ := field.Attr("name")
		value, _ := field.Attr("value")
		switch kind, _ := field.Attr("type"); {
		case goquery.NodeName(field) == "select":
			chosen := field.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = field.Find("option").First()
			}
			value, _ = chosen.Attr("value")
		case kind == "checkbox" || kind == "radio":
			if _, checked := field.Attr("checked"); !checked {
				return
			}
		}
		out.Set(name, value)
	})
	return out
}

// order is what an order's page says to the person who pays.
type order struct {
	number, rf, iban string
	amount           money.Money
}

func readOrder(a *answer) order {
	a.t.Helper()
	return order{
		number: a.text("order-number"), rf: a.text("rf"), iban: a.text("iban"),
		amount: money.Of(amountOf(a.t, a.attr("amount", "data-minor")), money.Currency(a.attr("amount", "data-currency"))),
	}
}

func amountOf(t testing.TB, minor string) money.Amount {
	t.Helper()
	n, err := strconv.ParseInt(minor, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return money.Amount(n)
}

// vilnius is the seller's zone: that of business days.
var vilnius = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		panic(err)
	}
	return zone
}()

func today() civil.Date { return civil.DateOf(time.Now(), vilnius) }

// statement writes the bank's file of the day on which these orders were paid.
func statement(t testing.TB, payer string, orders ...order) (name string) {
	t.Helper()
	day := today()
	st := bank.Statement{ID: "S-" + orders[0].number, IBAN: compact(orders[0].iban), Currency: orders[0].amount.Currency, From: day, To: day}
	for _, o := range orders {
		st.Entries = append(st.Entries, bank.Entry{
			EntryRef: "E-" + o.number, ServicerRef: "B-" + o.number, Amount: o.amount.Amount, Currency: o.amount.Currency, Credit: true,
			Booked: day, Valued: day, Payer: payer, PayerIBAN: "LT601010012345678901", References: []string{string(compact(o.rf))},
		})
	}
	return statementFile(t, st)
}

// statementFile writes a statement as the bank's file.
func statementFile(t testing.TB, st bank.Statement) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "statement.xml")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(banktest.WriteCAMT053(f, banktest.Version08, banktest.Closed(st)), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// compact takes out the spaces that make a number readable.
func compact(s string) bank.IBAN { return bank.IBAN(strings.Join(strings.Fields(s), "")) }

// pdfText is the text of a PDF file as poppler reads it.
func pdfText(t testing.TB, file []byte) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		missing(t, "pdftotext")
	}
	c := exec.Command("pdftotext", "-layout", "-", "-")
	c.Stdin = bytes.NewReader(file)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return string(out)
}

// lines are the lines of a text that hold a word, with single spaces.
func lines(text, word string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); strings.Contains(line, word) {
			out = append(out, line)
		}
	}
	return out
}
