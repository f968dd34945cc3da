package app_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// allDocuments is a recipient of everything.
func allDocuments(email string) app.RecipientInput {
	return app.RecipientInput{Email: email, Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true}
}

// linkTo is the first link with a query in the newest mail to an address.
func (p *post) linkTo(email string) (path string, values url.Values) {
	p.t.Helper()
	received := p.mail.Received()
	for i := len(received) - 1; i >= 0; i-- {
		if received[i].To != email {
			continue
		}
		parts, err := received[i].Parts()
		p.must(err)
		for line := range strings.Lines(string(parts[0].Bytes)) {
			u, err := url.Parse(strings.TrimSpace(line))
			if err == nil && u.Host == "portal.example" && u.RawQuery != "" {
				return u.Path, u.Query()
			}
		}
	}
	p.t.Fatalf("no link was mailed to %s", email)
	return "", nil
}

// recipientOf adds an address whose reader says yes.
func (p *post) recipientOf(in app.RecipientInput) {
	p.t.Helper()
	p.must(p.AddRecipient(p.ctx(), p.ona, p.of, in))
	p.must(p.DeliverMails(p.ctx()))
	_, values := p.linkTo(in.Email)
	p.must(p.ConfirmRecipient(p.ctx(), app.RecipientLink{Recipient: values.Get("r"), Seal: values.Get("s")}))
}

// paper has one document of each kind issued to Ona.
func (p *post) paper() {
	p.t.Helper()
	o := p.order(p.ona, softphone(1, false, 6))
	p.pay(o)
	p.importFile(p.camt(banktest.Version08, p.transfer(p.reference(p.ona, p.of), 50_00)))
	p.must(p.IssueReceipts(p.ctx()))
	o, err := p.Order(p.ctx(), p.ona, o.Number)
	p.must(err)
	offer, err := p.WithdrawalOffer(p.ctx(), p.ona, o.SubscriptionID)
	p.must(err)
	_, err = p.Withdraw(p.ctx(), p.ona, o.SubscriptionID, offer.Token)
	p.must(err)
}

// Each document is mailed in the transaction that issues it; without its trigger
// the test misses it.
func TestDocumentsAreMailed(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.recipientOf(allDocuments("all@office.example"))
	some := allDocuments("some@office.example")
	some.Invoices, some.XML, some.BankInvoices = false, false, false
	p.recipientOf(some)
	before := len(p.mail.Received())
	p.paper()
	p.must(p.DeliverMails(p.ctx()))
	got := map[string][]string{}
	for _, m := range p.mail.Received()[before:] {
		parts, err := m.Parts()
		p.must(err)
		if len(parts) < 3 || parts[0].Type != "text/plain" || parts[1].Type != "text/html" || m.Header.Get("List-Unsubscribe") == "" {
			t.Errorf("to %s: %d parts", m.To, len(parts))
		}
		for _, file := range parts[2:] {
			got[m.To] = append(got[m.To], file.Name)
			if len(file.Bytes) == 0 {
				t.Errorf("%s is empty", file.Name)
			}
		}
	}
	for to, want := range map[string][]string{
		"all@office.example":  {"R-2026-000001.pdf", "SIP-2026-000001.pdf", "SIP-2026-000001.xml", "SIPC-2026-000001.pdf", "SIPC-2026-000001.xml", "bank-invoice-O-2026-000001.pdf"},
		"some@office.example": {"R-2026-000001.pdf", "SIPC-2026-000001.pdf"},
	} {
		slices.Sort(got[to])
		if !slices.Equal(got[to], want) {
			t.Errorf("%s got %q, want %q", to, got[to], want)
		}
	}
	for _, table := range []string{"invoice", "receipt", "bank_invoice"} {
		p.exec(`DROP TRIGGER ` + table + `_is_mailed ON ` + table)
	}
	rows := p.count(`SELECT count(*) FROM mail`)
	p.paper()
	if n := p.count(`SELECT count(*) FROM mail`); n != rows {
		t.Errorf("%d mails without the triggers: the test would not miss them", n-rows)
	}
}

// What the mail server says decides: later, never, or unknown. The owner sees it
// and can have it sent again.
func TestMailsThatDoNotArrive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		verb, answer, state string
		received            int // after the server works again
	}{
		"greylisted":        {"RCPT", "451 4.7.1 come back", "pending", 1},
		"no such address":   {"RCPT", "550 5.1.1 no such user", "failed", 0},
		"hangs up":          {"DATA", "drop", "pending", 1},
		"taken, and silent": {".", "drop", "pending", 2}, // the same mail again
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			p.recipientOf(allDocuments("all@office.example"))
			before := len(p.mail.Received())
			p.mail.Set(func(verb string) string {
				if verb == tt.verb {
					return tt.answer
				}
				return ""
			})
			p.importFile(p.camt(banktest.Version08, p.transfer(p.reference(p.ona, p.of), 50_00)))
			p.must(p.IssueReceipts(p.ctx()))
			p.must(p.DeliverMails(p.ctx()))
			shown := func() store.SentDocument {
				list, err := p.Recipients(p.ctx(), p.ona, p.of)
				p.must(err)
				return list.Sent[len(list.Sent)-1]
			}
			if d := shown(); d.State != tt.state || d.LastError == "" {
				t.Errorf("shown: %+v", d)
			}
			p.mail.Set(nil)
			p.clock.Set(p.clock.Now().Add(2 * time.Minute))
			p.must(p.DeliverMails(p.ctx()))
			p.must(p.DeliverMails(p.ctx()))
			arrived := p.mail.Received()[before:]
			if len(arrived) != tt.received {
				t.Fatalf("%d mails arrived", len(arrived))
			}
			for _, m := range arrived {
				if m.Header.Get("Message-Id") != arrived[0].Header.Get("Message-Id") {
					t.Error("the second is another message")
				}
			}
			if tt.state == "failed" {
				_, err := p.SendDocumentAgain(p.ctx(), p.ona, shown().ID)
				p.must(err)
				p.must(p.DeliverMails(p.ctx()))
				if n := len(p.mail.Received()) - before; n != 1 {
					t.Errorf("sent again: %d", n)
				}
			}
		})
	}
}

// Two workers send each mail once.
func TestTwoWorkersMailOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for _, to := range []string{"a@office.example", "b@office.example", "c@office.example", "d@office.example"} {
		p.recipientOf(allDocuments(to))
	}
	before := len(p.mail.Received())
	p.importFile(p.camt(banktest.Version08, p.transfer(p.reference(p.ona, p.of), 50_00)))
	p.must(p.IssueReceipts(p.ctx()))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := p.DeliverMails(p.ctx()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(p.mail.Received()) - before; n != 4 {
		t.Errorf("%d mails", n)
	}
}

// An address that has agreed to nothing is written to a few times a day, whoever
// asks for it.
func TestNobodyIsFloodedWithMail(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	max, of := p.customer(7_900_000_000_801, "Max")
	const victim = "victim@office.example"
	p.must(p.InviteAccountant(p.ctx(), p.ona, p.of, victim))
	p.must(p.AddRecipient(p.ctx(), p.ona, p.of, allDocuments(victim)))
	p.must(p.AddRecipient(p.ctx(), max, of, allDocuments(victim)))
	list, err := p.Recipients(p.ctx(), max, of)
	p.must(err)
	// Max's billing address is one of them, added at the same instant.
	asked := list.List[slices.IndexFunc(list.List, func(r store.Recipient) bool { return r.Email == victim })].ID
	var refused int
	for range 6 {
		if _, err := p.AskRecipientAgain(p.ctx(), max, asked); fault.Is(err, fault.Conflict) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := p.InviteAccountant(p.ctx(), max, of, victim); !fault.Is(err, fault.Invalid) {
		t.Errorf("the sixth of the day: %v", err)
	}
	p.must(p.DeliverMails(p.ctx()))
	n := 0
	for _, m := range p.mail.Received() {
		if m.To == victim {
			n++
		}
	}
	if n != 5 || refused != 4 {
		t.Errorf("%d mails, %d refused", n, refused)
	}
}

// A token opens one session, however many browsers' tabs and servers use it at
// once; without the guard of the database the statement still does.
func TestASignInLinkIsUsedOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.must(p.InviteAccountant(p.ctx(), p.ona, p.of, "books@office.example"))
	for round := range 10 {
		browser, err := p.AskSignInLink(p.ctx(), "books@office.example", "", "")
		p.must(err)
		p.must(p.DeliverMails(p.ctx()))
		_, values := p.linkTo("books@office.example")
		var (
			wg   sync.WaitGroup
			in   atomic.Int32
			over atomic.Int32
		)
		for i := range 12 {
			wg.Go(func() {
				use := app.EmailReturn{Token: values.Get("token"), Browser: browser, Language: "en"}
				if i%4 == 3 {
					use.Browser = "another"
				}
				_, err := p.SignInByLink(p.ctx(), use)
				switch {
				case err == nil && use.Browser == browser:
					in.Add(1)
				case errors.Is(err, app.ErrLinkOver), errors.Is(err, app.ErrLinkOtherBrowser):
					over.Add(1)
				default:
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 || over.Load() != 11 {
			t.Fatalf("round %d: %d sessions, %d refused", round, in.Load(), over.Load())
		}
		p.clock.Set(p.clock.Now().Add(15 * time.Minute)) // a few links an hour
	}
	if n := p.count(`SELECT count(*) FROM session WHERE account_id IN (SELECT id FROM account WHERE email IS NOT NULL)`); n != 10 {
		t.Errorf("%d sessions", n)
	}
	if n := p.count(`SELECT count(*) FROM member WHERE role = 'accountant'`); n != 1 {
		t.Errorf("%d accountants", n)
	}
}

// Links, views and what is in the log end in their time and not before.
func TestWhatSignInLeavesIsPurged(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.must(discard(p.AskSignInLink(p.ctx(), "books@office.example", "", "")))
	p.exec(`INSERT INTO document_view (payer_id, account_id, kind, number, format, at)
		SELECT payer_id, account_id, 'invoice', 'x', 'pdf', now() - n * interval '100 days' FROM member, generate_series(1, 5) n`)
	left := func() [3]int {
		return [3]int{p.count(`SELECT count(*) FROM sign_in_link`), p.count(`SELECT count(*) FROM mail WHERE kind = 'sign_in'`), p.count(`SELECT count(*) FROM document_view`)}
	}
	p.must(p.CloseOverdue(p.ctx()))
	if got := left(); got != [3]int{1, 1, 3} {
		t.Errorf("left: %v", got)
	}
	p.clock.Set(p.clock.Now().Add(61 * time.Minute))
	p.must(p.CloseOverdue(p.ctx()))
	if got := left(); got != [3]int{0, 0, 3} {
		t.Errorf("an hour later: %v", got)
	}
}

// One person has so many strangers written to in a day, for all their payers
// together, whatever they take back meanwhile and however much at once.
func TestNobodyHasEverybodyWrittenTo(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	second, err := p.SavePayer(p.ctx(), p.ona, "", lithuanian("Second"))
	p.must(err)
	asked := func() int { return p.count(`SELECT count(*) FROM mail WHERE kind IN ('invitation', 'confirmation')`) }
	address := func(n int) string { return fmt.Sprintf("stranger%d@office.example", n) }
	n := 0
	for ; asked() < 40; n++ {
		payer := []account.PayerID{p.of, second}[n%2]
		if n%4 < 2 {
			p.must(p.InviteAccountant(p.ctx(), p.ona, payer, address(n)))
			people, err := p.People(p.ctx(), p.ona, payer)
			p.must(err)
			p.must(p.RevokeInvitation(p.ctx(), p.ona, payer, people.Invitations[0].ID))
			continue
		}
		p.must(p.AddRecipient(p.ctx(), p.ona, payer, allDocuments(address(n))))
		list, err := p.Recipients(p.ctx(), p.ona, payer)
		p.must(err)
		_, err = p.RemoveRecipient(p.ctx(), p.ona, list.List[len(list.List)-1].ID)
		p.must(err)
	}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			err := p.InviteAccountant(p.ctx(), p.ona, []account.PayerID{p.of, second}[i%2], address(1000+i))
			if err != nil && !strings.Contains(err.Error(), "error.mail.too_many_sent") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := asked(); n != 50 {
		t.Errorf("%d mails in a day", n)
	}
	if err := p.AddRecipient(p.ctx(), p.ona, second, allDocuments(address(n))); !fault.Is(err, fault.Invalid) {
		t.Errorf("another recipient: %v", err)
	}
	list, err := p.Recipients(p.ctx(), p.ona, p.of)
	p.must(err)
	if _, err := p.AskRecipientAgain(p.ctx(), p.ona, list.List[0].ID); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "error.mail.too_many_sent") {
		t.Errorf("asked again: %v", err)
	}
	details := lithuanian("Ona")
	details.Email = address(n)
	p.must(discard(p.SavePayer(p.ctx(), p.ona, p.of, details))) // saved, and nobody is asked
	if n := asked(); n != 50 {
		t.Errorf("%d mails after the limit", n)
	}
	max, of := p.customer(7_900_000_000_802, "Max")
	p.must(p.InviteAccountant(p.ctx(), max, of, address(n)))
	p.clock.Set(p.clock.Now().Add(24 * time.Hour))
	p.must(p.InviteAccountant(p.ctx(), p.ona, p.of, address(n)))
}

// Saving billing details adds no more recipients than adding them does.
func TestBillingAddressesAreAskedWithinTheLimit(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for i := range 25 {
		details := lithuanian("Ona")
		details.Email = fmt.Sprintf("stranger%d@office.example", i)
		p.must(discard(p.SavePayer(p.ctx(), p.ona, p.of, details)))
	}
	list, err := p.Recipients(p.ctx(), p.ona, p.of)
	p.must(err)
	if n := p.count(`SELECT count(*) FROM audit WHERE action = 'recipient.added'`); len(list.List) != 20 || n != 20 {
		t.Errorf("%d recipients, %d of them in the log", len(list.List), n)
	}
}

// Names that people chose are no place for a message, and what many others wait
// for does not hold up who signs in.
func TestMailsToStrangersSayLittle(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	details := lithuanian("Win a prize at evil.example " + strings.Repeat("now ", 40))
	details.Email = "prize@office.example"
	p.must(discard(p.SavePayer(p.ctx(), p.ona, p.of, details)))
	p.exec(`UPDATE account SET first_name = repeat('Free money ', 5), last_name = repeat('Free money ', 5)`)
	p.must(p.InviteAccountant(p.ctx(), p.ona, p.of, "books@office.example"))
	p.clock.Set(p.clock.Now().Add(time.Second))
	before := len(p.mail.Received())
	p.must(discard(p.AskSignInLink(p.ctx(), "books@office.example", "", "")))
	p.must(p.DeliverMails(p.ctx()))
	received := p.mail.Received()[before:]
	if len(received) < 3 || !strings.Contains(received[0].Raw, "/login/link") {
		t.Fatalf("%d mails, and the link to sign in is not the first", len(received))
	}
	for _, m := range received[1:] {
		parts, err := m.Parts()
		p.must(err)
		for _, part := range parts[:2] {
			if n := strings.Count(string(part.Bytes), "now "); n > 8 {
				t.Errorf("to %s: the name is there to its word %d", m.To, n)
			}
			if n := strings.Count(string(part.Bytes), "Free money"); n > 6 {
				t.Errorf("to %s: the person's name is there to its word %d", m.To, n)
			}
		}
	}
}

// A document goes to a recipient a few times in a day, however often and by how
// many people at once it is asked for; each time is in the log.
func TestDocumentsAreSentAgainWithinLimits(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	const reader = "all@office.example"
	p.recipientOf(allDocuments(reader))
	p.importFile(p.camt(banktest.Version08, p.transfer(p.reference(p.ona, p.of), 50_00)))
	p.must(p.IssueReceipts(p.ctx()))
	p.must(p.DeliverMails(p.ctx()))
	list, err := p.Recipients(p.ctx(), p.ona, p.of)
	p.must(err)
	again := func() error { return discard(p.SendDocumentAgain(p.ctx(), p.ona, list.Sent[0].ID)) }
	documents := func() int { return p.count(`SELECT count(*) FROM mail WHERE kind = 'document'`) }
	var (
		wg   sync.WaitGroup
		sent atomic.Int32
	)
	for range 6 {
		wg.Go(func() {
			err := again()
			if err == nil {
				sent.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := documents(); n != 2 || sent.Load() != 1 {
		t.Errorf("at once: %d mails, %d sent again", n, sent.Load())
	}
	if err := again(); err == nil || !strings.Contains(err.Error(), "error.mail.waiting") {
		t.Errorf("while one is on its way: %v", err)
	}
	p.must(p.DeliverMails(p.ctx()))
	p.must(again())
	p.must(p.DeliverMails(p.ctx()))
	if err := again(); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "error.mail.too_many_today") {
		t.Errorf("the fourth of the day: %v", err)
	}
	if n, noted := documents(), p.count(`SELECT count(*) FROM audit WHERE action = 'recipient.sent_again' AND detail->>'number' = $1`, list.Sent[0].Number); n != 3 || noted != 2 {
		t.Errorf("%d mails, %d in the log", n, noted)
	}
	p.clock.Set(p.clock.Now().Add(24 * time.Hour))
	p.must(again())
}
