package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
)

// world is a site with people who have to do with each other: owner pays for
// customer and for herself, accountant reads her documents, stranger has
// nothing to do with them.
type world struct {
	*site
	owner, customer, accountant, stranger *browser
	seat                                  *browser // reads her documents, too, and signs in by e-mail
	support, finance, admin               *browser // work in the back office, and have payers of their own
	payer, strangersPayer                 account.PayerID
	paid, open                            app.OrderDetail
	begun                                 app.OrderDetail // its payment by card waits for the payer
	subscription                          string
	card                                  string // that the owner keeps
	withdrawn                             string // id of a receipt, once there is one
	strays                                int    // transfers that name nothing
	wronglyTaxed                          string // number of an invoice with VAT that was not due, once there is one
	payouts                               int64  // people who have withdrawn from what they paid by transfer
}

func newWorld(t testing.TB, changes ...func(*Config)) *world {
	t.Helper()
	w := &world{site: newSite(t, changes...)}
	w.owner, w.payer = w.customerOf(1, "Ona")
	w.stranger, w.strangersPayer = w.customerOf(2, "Petras")
	w.customer = w.person(7_900_000_001_003, "Jonas")
	w.accountant = w.person(7_900_000_001_004, "Rasa")
	w.link(w.payer, w.customer.actor().AccountID)
	w.member(w.payer, w.accountant.actor().AccountID, account.RoleAccountant)
	w.seat = w.site.seat(w.payer, "books@example.lt")
	w.paid = w.order(w.owner, w.payer, w.customer, softphone(5, true, 12))
	w.pay(w.paid)
	paid, err := w.app.Order(w.ctx(), w.owner.actor(), w.paid.Number)
	w.must(err)
	w.paid, w.subscription = paid, paid.SubscriptionID
	w.open = w.order(w.owner, w.payer, nil, softphone(1, false, 6))
	w.begun = w.order(w.owner, w.payer, nil, softphone(1, false, 12))
	_, err = w.app.StartPayment(w.ctx(), w.owner.actor(), w.begun.Number, app.StartPaymentInput{Language: "en"})
	w.must(err)
	_, err = w.app.TopUpByCard(w.ctx(), w.owner.actor(), w.payer, 50_00, "en")
	w.must(err)
	w.must(w.db.Update(w.ctx(), func(tx *store.Tx) error {
		w.card, err = tx.KeepMethod(w.ctx(), payment.Method{
			PayerID: w.payer, Provider: sandbox.Name, Account: sandbox.DemoAccount, SavedMethod: payment.SavedMethod{Ref: "card of " + string(w.payer), Label: "Visa •••• 4242"},
		})
		return err
	}))
	w.support = w.colleague(7_900_000_001_005, "Saulė", account.StaffSupport)
	w.finance = w.colleague(7_900_000_001_006, "Faustas", account.StaffFinance)
	w.admin = w.colleague(7_900_000_001_007, "Adomas", account.StaffAdmin)
	return w
}

func (w *world) customerOf(n int64, name string) (*browser, account.PayerID) {
	return w.site.customer(7_900_000_001_000+n, name)
}

// refundRequest is the owner's newest request for a refund; she asks where none
// waits and something is unused.
func (w *world) refundRequest() string {
	w.t.Helper()
	id, err := w.app.AskRefund(w.ctx(), w.owner.actor(), w.subscription, "balance", "We moved.")
	if err == nil {
		return id
	}
	requests, err := w.app.RefundRequestsOf(w.ctx(), w.owner.actor())
	w.must(err)
	if len(requests) == 0 { // the subscription has ended otherwise
		return missingID
	}
	return requests[0].ID
}

// standing is the owner's invoice, as it was corrected last.
func (w *world) standing() string {
	w.t.Helper()
	o, err := w.app.Order(w.ctx(), w.owner.actor(), w.paid.Number)
	w.must(err)
	return o.InvoiceNumber
}

// vatCase is the number of an invoice with VAT to a company whose number was
// confirmed afterwards.
func (s *site) vatCase(id int64) (max *browser, number string) {
	s.t.Helper()
	max = s.person(id, "Max")
	max.submit("/billing", germanCompany())
	number = max.submit("/orders", max.get("/plans/softphone?accounts=1&period=6").filled(orderFormSelector)).mark("order-number").Text()
	o, err := s.app.Order(s.ctx(), max.actor(), number)
	s.must(err)
	s.pay(o)
	o, err = s.app.Order(s.ctx(), max.actor(), number)
	s.must(err)
	s.must(s.app.ConfirmVATNumber(s.ctx(), "DE136695976", true, "vies", "x", audit.ByCommand("test")))
	return max, o.InvoiceNumber
}

// correctionOf is the form that corrects an invoice, to a name in Vilnius.
func correctionOf(number, name string) url.Values {
	return url.Values{
		"invoice": {number}, "step": {"preview"}, "kind": {"person"}, "name": {name}, "street": {"Gedimino pr. 9"}, "city": {"Vilnius"},
		"postcode": {"01103"}, "country": {"LT"}, "email": {"payer@example.lt"},
	}
}

// correctionRequest is the owner's newest request for a corrected invoice; she
// asks where none waits.
func (w *world) correctionRequest() string {
	w.t.Helper()
	number := w.standing()
	fields := correctionOf(number, "Ona")
	fields.Set("country", "LV")
	requests, err := w.app.CorrectionRequestsOf(w.ctx(), w.owner.actor())
	w.must(err)
	in := app.CorrectionInput{PayerInput: readPayer(fields)}
	preview, err := w.app.PreviewCorrection(w.ctx(), w.owner.actor(), number, in)
	if len(requests) > 0 && (fault.Is(err, fault.Conflict) || w.document(number).Buyer.Country == "LV") {
		return requests[0].ID // it was approved, or the invoice was given back since
	}
	w.must(err)
	in.Token = preview.Token
	done, err := w.app.CorrectInvoice(w.ctx(), w.owner.actor(), number, in)
	w.must(err)
	return done.Request
}

func (w *world) document(number string) invoice.Document {
	w.t.Helper()
	d, err := w.app.Invoice(w.ctx(), w.owner.actor(), number)
	w.must(err)
	return d
}

// keyForm is the form that makes a key of the owner's payer.
func (w *world) keyForm() string {
	w.t.Helper()
	keys, err := w.app.APIKeys(w.ctx(), w.owner.actor(), w.payer)
	w.must(err)
	return keys.Form
}

// apiKey is the id of a key of the owner's payer.
func (w *world) apiKey() string {
	w.t.Helper()
	keys, err := w.app.APIKeys(w.ctx(), w.owner.actor(), w.payer)
	w.must(err)
	if len(keys.List) == 0 {
		_, err := w.app.MakeAPIKey(w.ctx(), w.owner.actor(), w.payer, "Accounts", keys.Form)
		w.must(err)
		return w.apiKey()
	}
	return keys.List[0].ID
}

// quoteOf is the token of a fresh price for a payer.
func (w *world) quoteOf(b *browser, payer account.PayerID) string {
	w.t.Helper()
	actor := b.actor()
	q, err := w.app.Quote(w.ctx(), &actor, app.QuoteRequest{Selection: softphone(2, false, 6), Payer: payer})
	w.must(err)
	return q.Token
}

// receipt is the number of a receipt of the payer's top-up.
func (w *world) receipt() string {
	w.t.Helper()
	number := func() string {
		return w.owner.get("/balance?payer="+string(w.payer)).doc().Find(`[data-testid="receipt"]`).AttrOr("data-number", "")
	}
	if n := number(); n != "" {
		return n
	}
	w.topUp(w.owner, w.payer, 50_00)
	return number()
}

// withdrawalToken is what the owner is shown of a withdrawal.
func (w *world) withdrawalToken(subscription string) string {
	w.t.Helper()
	offer, err := w.app.WithdrawalOffer(w.ctx(), w.owner.actor(), subscription)
	w.must(err)
	return offer.Token
}

// receiptOfWithdrawal is the owner's receipt of a withdrawal from something of
// her own.
func (w *world) receiptOfWithdrawal() string {
	w.t.Helper()
	if w.withdrawn == "" {
		o := w.order(w.owner, w.payer, nil, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
		w.pay(o)
		o, err := w.app.Order(w.ctx(), w.owner.actor(), o.Number)
		w.must(err)
		w.withdrawn, err = w.app.Withdraw(w.ctx(), w.owner.actor(), o.SubscriptionID, w.withdrawalToken(o.SubscriptionID))
		w.must(err)
	}
	return w.withdrawn
}

// payout is a payout that is to be sent: of somebody new, who has withdrawn.
func (w *world) payout() string {
	w.t.Helper()
	w.payouts++
	b, path := subscribed(w.site, 7_900_000_001_500+w.payouts, "Vytas")
	id := path[len("/subscriptions/"):]
	_, err := w.app.Withdraw(w.ctx(), b.actor(), id, b.get(path+"/withdraw").doc().Find(`[data-testid="withdraw"] input[name="token"]`).AttrOr("value", ""))
	w.must(err)
	var payout string
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT r.id::text FROM refund r JOIN payment p ON p.id = r.payment_id JOIN orders o ON o.id = p.order_id
		WHERE r.provider = 'bank' AND o.subscription_id = $1`, id).Scan(&payout))
	return payout
}

// call is a request to a route.
type call struct {
	path string
	form url.Values
}

const (
	toSignIn  = -http.StatusSeeOther // a redirect to the sign-in page
	elsewhere = http.StatusSeeOther
	found     = http.StatusOK
	forbidden = http.StatusForbidden
	notFound  = http.StatusNotFound
	conflict  = http.StatusConflict
	gone      = http.StatusGone
	noFile    = http.StatusUnsupportedMediaType

	unauthorized = http.StatusUnauthorized
)

// access is what a request to a route gives each role: nobody, the customer who
// does not pay, the accountant, a stranger, the owner. They come in this order,
// so that what the owner changes is seen by nobody else.
type access struct {
	call func(w *world) call
	want [5]int
}

var roles = [9]string{"anonymous", "customer", "accountant", "stranger", "owner", "staff support", "staff finance", "staff admin", "accountant by e-mail"}

// seatMatrix is where the accountant who comes by e-mail gets something else than
// wantOf says.
var seatMatrix = map[string]int{
	"home":         elsewhere,                                                     // to the documents
	"account-save": elsewhere, "sessions-end": elsewhere, "session-end": notFound, // what is their own
}

// backOffice is what a request to a route of the back office gives its people:
// support, finance, admin. To everybody else such a page does not exist. On all
// other routes people of the back office are strangers (security.md 2.7).
type backOffice struct {
	call func(w *world) call
	want [3]int
}

// staffMatrix is the matrix of the back office.
var staffMatrix = map[string]backOffice{
	"staff":          {same("/staff"), everyColleague},
	"staff-payments": {same("/staff/payments?q=72.60"), everyColleague},
	"staff-payment": {func(w *world) call { return call{path: "/staff/payments/" + w.bankEntry(w.paid)} },
		everyColleague},
	"staff-vat": {same("/staff/vat?q=DE136695976"), everyColleague},
	"staff-vat-correct": {func(w *world) call {
		if w.wronglyTaxed == "" {
			_, w.wronglyTaxed = w.vatCase(7_900_000_001_020)
		}
		return call{"/staff/vat/correct", url.Values{"invoice": {w.wronglyTaxed}}}
	}, [3]int{elsewhere, elsewhere, elsewhere}},
	"staff-suspense":       {same("/staff/suspense"), everyColleague},
	"staff-suspense-entry": {func(w *world) call { return call{path: "/staff/suspense/" + w.stray(5_00)} }, everyColleague},
	"staff-suspense-decide": {func(w *world) call {
		return call{"/staff/suspense/" + w.stray(5_00) + "/decide", url.Values{"choice": {"return"}, "reason": {"x"}}}
	}, [3]int{forbidden, elsewhere, elsewhere}},
	"staff-suspense-approve": {func(w *world) call { return call{"/staff/suspense/" + w.proposed(200_00) + "/approve", url.Values{}} },
		[3]int{forbidden, forbidden, elsewhere}}, // finance has proposed it
	"staff-suspense-refuse": {func(w *world) call {
		return call{"/staff/suspense/" + w.proposed(200_00) + "/refuse", url.Values{"refusal": {"x"}}}
	}, [3]int{forbidden, elsewhere, elsewhere}},
	"staff-suspense-sent":    {func(w *world) call { return call{"/staff/suspense/" + w.proposed(5_00) + "/sent", url.Values{}} }, [3]int{forbidden, elsewhere, elsewhere}},
	"staff-statements":       {same("/staff/statements"), everyColleague},
	"staff-statement-upload": {func(w *world) call { return call{"/staff/statements", url.Values{}} }, [3]int{forbidden, noFile, noFile}}, // with one: TestUploadStatement
	"staff-statement":        {func(w *world) call { return call{path: "/staff/statements/" + w.uploaded()} }, everyColleague},
	"staff-statement-import": {func(w *world) call { return call{"/staff/statements/" + w.uploaded() + "/import", url.Values{}} }, [3]int{forbidden, elsewhere, elsewhere}},

	"staff-payouts":     {same("/staff/payouts"), everyColleague},
	"staff-payout":      {func(w *world) call { return call{path: "/staff/payouts/" + w.payout()} }, everyColleague},
	"staff-payout-sent": {func(w *world) call { return call{"/staff/payouts/" + w.payout() + "/sent", url.Values{}} }, [3]int{forbidden, elsewhere, elsewhere}},
	"staff-payout-failed": {func(w *world) call {
		return call{"/staff/payouts/" + w.payout() + "/failed", url.Values{"reason": {"The account is closed."}}}
	}, [3]int{forbidden, elsewhere, elsewhere}},

	"staff-refunds": {same("/staff/refunds"), everyColleague},
	"staff-refund":  {func(w *world) call { return call{path: "/staff/refunds/" + w.refundRequest()} }, everyColleague},
	"staff-refund-approve": {func(w *world) call { return call{"/staff/refunds/" + w.refundRequest() + "/approve", url.Values{}} },
		[3]int{forbidden, elsewhere, elsewhere}}, // the first and the second of two
	"staff-corrections": {same("/staff/corrections"), everyColleague},
	"staff-correction":  {func(w *world) call { return call{path: "/staff/corrections/" + w.correctionRequest()} }, everyColleague},
	"staff-correction-approve": {func(w *world) call {
		return call{"/staff/corrections/" + w.correctionRequest() + "/approve", url.Values{}}
	},
		[3]int{forbidden, elsewhere, conflict}}, // decided by then
	"staff-correction-reject": {func(w *world) call {
		return call{"/staff/corrections/" + w.correctionRequest() + "/reject", url.Values{"reason": {"No."}}}
	},
		[3]int{forbidden, elsewhere, elsewhere}},
	"staff-reports": {same("/staff/reports"), [3]int{forbidden, found, found}},
	"staff-report":  {same("/staff/reports/isaf.xml?month=2026-11"), [3]int{forbidden, found, found}},
	"staff-refund-reject": {func(w *world) call {
		return call{"/staff/refunds/" + w.refundRequest() + "/reject", url.Values{"reason": {"No."}}}
	},
		[3]int{forbidden, elsewhere, elsewhere}},
}

var everyColleague = [3]int{found, found, found}

// wantOf is what a route gives each of the roles. The accountant who comes by
// e-mail reads what any accountant reads. Whatever they send to a page of
// signed-in people is refused before anybody looks what it is about.
func wantOf(r route) (request func(*world) call, want [9]int, ok bool) {
	if line, ok := staffMatrix[r.Name]; ok {
		return line.call, [9]int{notFound, notFound, notFound, notFound, notFound, line.want[0], line.want[1], line.want[2], notFound}, true
	}
	line, ok := matrix[r.Name]
	stranger, seat := line.want[3], line.want[2]
	if r.Guard == signedIn && r.Method != http.MethodGet {
		seat = forbidden
	}
	if differs, ok := seatMatrix[r.Name]; ok {
		seat = differs
	}
	return line.call, [9]int{line.want[0], line.want[1], line.want[2], line.want[3], line.want[4], stranger, stranger, stranger, seat}, ok
}

func same(path string) func(*world) call { return func(*world) call { return call{path: path} } }

var (
	everybody = [5]int{found, found, found, found, found}
	ownersOwn = [5]int{toSignIn, notFound, forbidden, notFound, found}
	people    = [5]int{toSignIn, found, found, found, found}
)

// matrix says who may do what (security.md 2.7), by the name of the route.
var matrix = map[string]access{
	"home":       {same("/"), everybody},
	"plans":      {same("/plans"), everybody},
	"calculator": {same("/plans/softphone"), everybody},
	"help":       {same("/help"), everybody},
	"seller":     {same("/seller"), everybody},
	"verify":     {same("/verify?number=SIP-2026-000001"), everybody},
	"verify-check": {func(w *world) call {
		return call{"/verify", url.Values{"number": {w.paid.InvoiceNumber}, "date": {w.app.Today().String()}, "total": {"1"}}}
	}, everybody},
	"privacy":       {same("/privacy"), everybody},
	"accessibility": {same("/accessibility"), everybody},
	"healthz":       {same("/healthz"), everybody},
	"readyz":        {same("/readyz"), everybody},
	"api":           {same(apiDescriptor), everybody},
	"api-invoices":  {same(apiInvoices), [5]int{unauthorized, unauthorized, unauthorized, unauthorized, unauthorized}}, // by key, whoever's session comes along
	"api-invoice":   {same(apiInvoices + "/" + missingID), [5]int{unauthorized, unauthorized, unauthorized, unauthorized, unauthorized}},
	"webhook":       {func(*world) call { return call{"/webhooks/nobody", url.Values{"event": {"x"}}} }, [5]int{notFound, notFound, notFound, notFound, notFound}},
	"favicon":       {same("/favicon.ico"), everybody},
	"static":        {same("/static/none.css"), [5]int{notFound, notFound, notFound, notFound, notFound}},

	"login":          {same("/login"), [5]int{found, elsewhere, elsewhere, elsewhere, elsewhere}},
	"login-telegram": {same("/login/telegram"), [5]int{toSignIn, toSignIn, toSignIn, toSignIn, toSignIn}},
	"login-demo": {func(*world) call { return call{"/login/demo", url.Values{"person": {"ona"}}} },
		[5]int{notFound, notFound, notFound, notFound, notFound}}, // not in demo mode
	"demo-clock": {func(*world) call { return call{"/demo/clock", url.Values{"by": {"1d"}}} },
		[5]int{notFound, notFound, notFound, notFound, notFound}}, // not in demo mode
	"logout": {func(*world) call { return call{"/logout", url.Values{}} }, [5]int{elsewhere, elsewhere, elsewhere, elsewhere, elsewhere}},

	"subscriptions": {same("/subscriptions"), people},
	"invoices":      {same("/invoices"), people},
	// Everybody exports what they may see: nothing, where that is nothing.
	"invoices-export": {same("/invoices/export?format=csv"), people},
	"billing":         {same("/billing"), people},
	"account":         {same("/account"), people},
	"notices":         {same("/notices"), people},

	"order": {func(w *world) call { return call{path: "/orders/" + w.open.Number} },
		[5]int{toSignIn, notFound, notFound, notFound, found}},
	"bank-invoice": {func(w *world) call { return call{path: "/orders/" + w.open.Number + "/bank-invoice.pdf"} },
		[5]int{toSignIn, notFound, notFound, notFound, found}},
	"order-cancel": {func(w *world) call { return call{"/orders/" + w.open.Number + "/cancel", url.Values{}} },
		[5]int{toSignIn, notFound, notFound, notFound, elsewhere}},
	"order-place": {func(w *world) call {
		return call{"/orders", url.Values{
			"plan": {"softphone"}, "accounts": {"2"}, "period": {"6"}, "payer": {string(w.payer)}, "method": {"bank"},
			"quote": {w.quoteOf(w.owner, w.payer)},
		}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},

	"order-method": {func(w *world) call {
		return call{"/orders/" + w.open.Number + "/method", url.Values{"method": {"card"}}}
	},
		[5]int{toSignIn, notFound, notFound, notFound, elsewhere}},
	"order-pay": {func(w *world) call { return call{"/orders/" + w.open.Number + "/pay", url.Values{}} },
		[5]int{toSignIn, notFound, notFound, notFound, elsewhere}},
	"order-pay-from-balance": {func(w *world) call { return call{"/orders/" + w.open.Number + "/pay-from-balance", url.Values{}} },
		[5]int{toSignIn, notFound, notFound, notFound, conflict}}, // the balance is empty
	"order-payment": {func(w *world) call { return call{path: "/orders/" + w.begun.Number + "/payment"} },
		[5]int{toSignIn, notFound, notFound, notFound, found}},
	"cards": {func(w *world) call { return call{path: "/billing/methods?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, forbidden, notFound, found}},
	"card-revoke": {func(w *world) call {
		return call{"/billing/methods/" + w.card + "/revoke", url.Values{"payer": {string(w.payer)}}}
	},
		[5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"keys": {func(w *world) call { return call{path: "/billing/keys?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, forbidden, notFound, found}},
	"key-make": {func(w *world) call {
		return call{"/billing/keys", url.Values{"payer": {string(w.payer)}, "name": {"Accounts"}, "form": {w.keyForm()}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, found}}, // the key is in the answer
	"key-revoke": {func(w *world) call {
		return call{"/billing/keys/" + w.apiKey() + "/revoke", url.Values{"payer": {string(w.payer)}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"top-up-payment": {func(w *world) call { return call{path: "/balance/payment?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, forbidden, notFound, found}},

	"subscription": {func(w *world) call { return call{path: "/subscriptions/" + w.subscription} },
		[5]int{toSignIn, found, notFound, notFound, found}},
	"auto-renew-off": {func(w *world) call { return call{"/subscriptions/" + w.subscription + "/auto-renew/off", url.Values{}} },
		[5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},
	"auto-renew-on": {func(w *world) call { return call{"/subscriptions/" + w.subscription + "/auto-renew/on", url.Values{}} },
		[5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},

	"subscription-renew": {func(w *world) call {
		return call{"/subscriptions/" + w.subscription + "/renew", url.Values{"period": {"6"}}}
	}, [5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},

	"subscription-change": {func(w *world) call { return call{path: "/subscriptions/" + w.subscription + "/change?accounts=9"} },
		[5]int{toSignIn, forbidden, notFound, notFound, found}},
	"subscription-change-make": {func(w *world) call {
		p, err := w.app.PreviewChange(w.ctx(), w.owner.actor(), w.subscription, pricing.Options{Accounts: 9})
		w.must(err)
		return call{"/subscriptions/" + w.subscription + "/change", url.Values{"accounts": {"9"}, "token": {p.Token}}}
	}, [5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},
	"withdrawal": {func(w *world) call { return call{path: "/subscriptions/" + w.subscription + "/withdraw"} },
		[5]int{toSignIn, forbidden, notFound, notFound, found}},
	"withdraw": {func(w *world) call {
		return call{"/subscriptions/" + w.subscription + "/withdraw", url.Values{"token": {w.withdrawalToken(w.subscription)}}}
	}, [5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},
	"withdrawn": {func(w *world) call { return call{path: "/withdrawals/" + w.receiptOfWithdrawal()} },
		[5]int{toSignIn, notFound, notFound, notFound, found}},

	"invoice": {func(w *world) call { return call{path: "/invoices/" + w.paid.InvoiceNumber} },
		[5]int{toSignIn, notFound, found, notFound, found}},

	"balance": {func(w *world) call { return call{path: "/balance?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, found, notFound, found}},
	"receipt": {func(w *world) call { return call{path: receiptURL(w.receipt())} },
		[5]int{toSignIn, notFound, found, notFound, found}},
	"top-up": {func(w *world) call {
		return call{"/balance/top-up", url.Values{"payer": {string(w.payer)}, "amount": {"50,00"}}} // of the balance
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"statement": {func(w *world) call { return call{path: "/statement?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, found, notFound, found}},
	"statement-file": {func(w *world) call { return call{path: "/statement.pdf?payer=" + string(w.payer)} },
		[5]int{toSignIn, notFound, found, notFound, found}},

	"requests": {same("/requests"), people},
	"correction": {func(w *world) call { return call{path: "/requests/new/correction?invoice=" + w.standing()} },
		[5]int{toSignIn, notFound, forbidden, notFound, found}},
	"correction-make": {func(w *world) call {
		fields := correctionOf(w.standing(), "Changed")
		// Without a preview, of an invoice that was given back meanwhile, it is refused.
		preview, err := w.app.PreviewCorrection(w.ctx(), w.owner.actor(), w.standing(), app.CorrectionInput{PayerInput: readPayer(fields)})
		if err != nil && !fault.Is(err, fault.Conflict) {
			w.must(err)
		}
		fields.Set("step", "confirm")
		fields.Set("token", preview.Token)
		return call{"/requests/new/correction", fields}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"refund": {func(w *world) call { return call{path: "/requests/new/refund?subscription=" + w.subscription} },
		[5]int{toSignIn, forbidden, notFound, notFound, found}},
	"refund-ask": {func(w *world) call {
		return call{"/requests/new/refund", url.Values{"subscription": {w.subscription}, "target": {"balance"}, "reason": {"We moved."}}}
	}, [5]int{toSignIn, forbidden, notFound, notFound, elsewhere}},
	"request-withdraw": {func(w *world) call { return call{"/requests/" + w.refundRequest() + "/withdraw", url.Values{}} },
		[5]int{toSignIn, notFound, notFound, notFound, elsewhere}},

	"billing-save": {func(w *world) call {
		return call{"/billing", url.Values{
			"payer": {string(w.payer)}, "kind": {"person"}, "name": {"Changed"}, "street": {"Gedimino pr. 9"}, "city": {"Vilnius"},
			"postcode": {"01103"}, "country": {"LT"}, "email": {"payer@example.lt"}, "language": {"en"}, "currency": {"EUR"},
		}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},

	"login-email": {same("/login/email"), [5]int{found, elsewhere, elsewhere, elsewhere, elsewhere}},
	"login-email-ask": {func(*world) call { return call{"/login/email", url.Values{"email": {"books@example.lt"}}} },
		[5]int{elsewhere, elsewhere, elsewhere, elsewhere, elsewhere}},
	"login-email-sent": {same("/login/email/sent"), everybody},
	"login-link":       {same("/login/link?token=x"), [5]int{gone, gone, gone, gone, gone}},
	"login-link-use": {func(*world) call { return call{"/login/link", url.Values{"token": {"x"}}} },
		[5]int{gone, gone, gone, gone, gone}},

	"people":   {func(w *world) call { return call{path: "/billing/members?payer=" + string(w.payer)} }, ownersOwn},
	"view-log": {func(w *world) call { return call{path: "/billing/views?payer=" + string(w.payer)} }, ownersOwn},
	"people-invite": {func(w *world) call {
		return call{"/billing/members", url.Values{"payer": {string(w.payer)}, "email": {"other@example.lt"}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"people-revoke": {func(w *world) call {
		return call{"/billing/members/" + string(w.accountant.actor().AccountID) + "/revoke", url.Values{"payer": {string(w.payer)}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"invitation-again": {func(w *world) call {
		return call{"/billing/members/invitations/" + w.invitation() + "/again", url.Values{"payer": {string(w.payer)}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"invitation-revoke": {func(w *world) call {
		return call{"/billing/members/invitations/" + w.invitation() + "/revoke", url.Values{"payer": {string(w.payer)}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},

	"recipients": {func(w *world) call { return call{path: "/billing/recipients?payer=" + string(w.payer)} }, ownersOwn},
	"recipient-add": {func(w *world) call {
		return call{"/billing/recipients", url.Values{"payer": {string(w.payer)}, "email": {"other@example.lt"}, "pdf": {"on"}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"recipient-save": {func(w *world) call {
		return call{"/billing/recipients/" + w.recipient(), url.Values{"pdf": {"on"}}}
	}, [5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"recipient-again": {func(w *world) call { return call{"/billing/recipients/" + w.recipient() + "/again", url.Values{}} },
		[5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"recipient-remove": {func(w *world) call { return call{"/billing/recipients/" + w.recipient() + "/remove", url.Values{}} },
		[5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"sent-again": {func(w *world) call { return call{"/billing/sent/" + w.sentMail() + "/again", url.Values{}} },
		[5]int{toSignIn, notFound, forbidden, notFound, elsewhere}},
	"recipient-confirm": {func(w *world) call { return call{path: w.confirmLink()} }, everybody},
	"recipient-confirm-yes": {func(w *world) call { return formOf(w.confirmLink()) },
		[5]int{elsewhere, elsewhere, elsewhere, elsewhere, elsewhere}},
	"recipient-stop": {func(w *world) call { return call{path: w.stopLink()} }, everybody},
	"recipient-stop-yes": {func(w *world) call { return formOf(w.stopLink()) },
		[5]int{elsewhere, elsewhere, elsewhere, elsewhere, elsewhere}},

	"account-save": {func(*world) call { return call{"/account", url.Values{"language": {"en"}, "time_zone": {""}}} },
		[5]int{toSignIn, elsewhere, elsewhere, elsewhere, elsewhere}},
	"session-end": {func(w *world) call {
		sessions, err := w.app.Sessions(w.ctx(), w.owner.actor(), "")
		w.must(err)
		return call{"/account/sessions/end", url.Values{"session": {sessions[0].ID}}}
	}, [5]int{toSignIn, notFound, notFound, notFound, elsewhere}},
	"sessions-end": {func(*world) call { return call{"/account/sessions/end-others", url.Values{}} },
		[5]int{toSignIn, elsewhere, elsewhere, elsewhere, elsewhere}},
}

func TestRoutesAndRoles(t *testing.T) {
	t.Parallel()
	table := routesOnly().routes()
	reading := newWorld(t, func(c *Config) { c.Limits.Requests, c.Limits.SignIn = -1, -1 }) // every route for everybody is more than a minute's due
	for name := range staffMatrix {
		if _, twice := matrix[name]; twice || !slices.ContainsFunc(table, func(r route) bool { return r.Name == name && r.Guard == staffOnly }) {
			t.Errorf("the matrix of the back office has %q, which is no route of it", name)
		}
	}
	for name := range matrix {
		if !slices.ContainsFunc(table, func(r route) bool { return r.Name == name }) {
			t.Errorf("the matrix has %q, which is no route", name)
		}
	}
	for _, r := range table {
		request, want, ok := wantOf(r)
		if !ok {
			t.Errorf("%s %s (%s) is missing from the matrix", r.Method, r.Path, r.Name)
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			w := reading
			if r.Method != http.MethodGet { // changes something
				t.Parallel()
				w = newWorld(t)
			}
			browsers := [9]*browser{w.browser(), w.customer, w.accountant, w.stranger, w.owner, w.support, w.finance, w.admin, w.seat}
			// The owner last: what she changes is seen by nobody else.
			for _, i := range []int{0, 1, 2, 3, 5, 6, 7, 8, 4} {
				b, c := browsers[i], request(w)
				var a *answer
				if r.Method == http.MethodGet {
					a = b.get(c.path)
					if head := b.send(b.request(http.MethodHead, c.path, nil)); head.status != a.status {
						t.Errorf("HEAD as %s: %d, GET %d", roles[i], head.status, a.status)
					}
				} else {
					a = b.post(c.path, c.form)
				}
				got := a.status
				if got == http.StatusSeeOther && a.location() == "/login" {
					got = toSignIn
				}
				if got != want[i] {
					t.Errorf("%s as %s: %d %q, want %d\n%s", c.path, roles[i], got, a.location(), want[i], clip(a.body, 300))
				}
				if b != w.owner && r.Guard != staffOnly && (strings.Contains(a.body, "payer@example.lt") || strings.Contains(a.body, "Gedimino pr. 9")) &&
					r.Name != "invoice" && r.Name != "billing" && r.Name != "calculator" {
					t.Errorf("%s shows %s the payer's details", c.path, roles[i])
				}
			}
		})
	}
}

// What is somebody else's has the same bytes as what does not exist, and so have
// ids that are none.
func TestForeignIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const noID = "00000000-0000-0000-0000-000000000000"
	for name, tt := range map[string]struct{ foreign, missing []string }{
		"order":        {[]string{"/orders/" + w.open.Number, "/orders/" + w.paid.Number}, []string{"/orders/O-2026-999999", "/orders/x", "/orders/%00", "/orders/%ff", "/orders/" + strings.Repeat("9", 500)}},
		"bank invoice": {[]string{"/orders/" + w.open.Number + "/bank-invoice.pdf"}, []string{"/orders/O-2026-999999/bank-invoice.pdf", "/orders/%0a/bank-invoice.pdf"}},
		"subscription": {[]string{"/subscriptions/" + w.subscription}, []string{"/subscriptions/" + noID, "/subscriptions/x", "/subscriptions/%00", "/subscriptions/" + strings.ToUpper(noID)}},
		"change":       {[]string{"/subscriptions/" + w.subscription + "/change", "/subscriptions/" + w.subscription + "/change?accounts=9"}, []string{"/subscriptions/" + noID + "/change", "/subscriptions/x/change?accounts=x"}},
		"invoice":      {[]string{"/invoices/" + w.paid.InvoiceNumber}, []string{"/invoices/SIP-2026-999999", "/invoices/%27", "/invoices/%e2%80%ae", "/invoices/.pdf", "/invoices/.xml", "/invoices/.ubl.xml"}},
		"invoice file": {[]string{"/invoices/" + w.paid.InvoiceNumber + ".pdf"}, []string{"/invoices/SIP-2026-999999.pdf", "/invoices/..%2f..%2fetc.pdf"}},
		"e-invoice":    {[]string{"/invoices/" + w.paid.InvoiceNumber + ".xml", "/invoices/" + w.paid.InvoiceNumber + ".ubl.xml", "/invoices/" + w.paid.InvoiceNumber + ".xml?download=1"}, []string{"/invoices/SIP-2026-999999.xml", "/invoices/SIP-2026-999999.ubl.xml", "/invoices/" + w.open.Number + ".xml", "/invoices/%00.xml", "/invoices/..%2f..%2fetc.ubl.xml"}},
		"balance":      {[]string{"/balance?payer=" + string(w.payer), "/balance?amount=50&payer=" + string(w.payer)}, []string{"/balance?payer=" + noID, "/balance?payer=x"}},
		"receipt":      {[]string{receiptURL(w.receipt())}, []string{"/balance/receipts/R-2026-999999.pdf", "/balance/receipts/R-2026-000001", "/balance/receipts/.pdf", "/balance/receipts/%27.pdf"}},
		"people":       {[]string{"/billing/members?payer=" + string(w.payer), "/billing/views?payer=" + string(w.payer), "/billing/recipients?payer=" + string(w.payer)}, []string{"/billing/members?payer=" + noID, "/billing/views?payer=x", "/billing/recipients?payer=%27"}},
		"answer":       {nil, []string{"/recipients/confirm", "/recipients/confirm?r=" + w.recipient() + "&s=x", "/recipients/stop?r=" + noID + "&s=", "/recipients/stop?r=" + w.recipient()}},
		"statement":    {[]string{"/statement?payer=" + string(w.payer)}, []string{"/statement?payer=" + noID, "/statement?payer=x", "/statement?payer=new", "/statement?from=x&payer=" + string(w.payer)}},
		"its file":     {[]string{"/statement.pdf?payer=" + string(w.payer)}, []string{"/statement.pdf?payer=" + noID, "/statement.pdf?payer=x", "/statement.pdf?payer=new", "/statement.pdf?from=x&payer=" + string(w.payer)}},
		"payment":      {[]string{"/orders/" + w.begun.Number + "/payment", "/orders/" + w.open.Number + "/payment"}, []string{"/orders/O-2026-999999/payment", "/orders/%00/payment"}},
		"top-up":       {[]string{"/balance/payment?payer=" + string(w.payer)}, []string{"/balance/payment?payer=" + noID, "/balance/payment?payer=x", "/balance/payment"}},
		"cards":        {[]string{"/billing/methods?payer=" + string(w.payer)}, []string{"/billing/methods?payer=" + noID, "/billing/methods?payer=x", "/billing/methods?payer=%27"}},
		"withdrawal":   {[]string{"/subscriptions/" + w.subscription + "/withdraw"}, []string{"/subscriptions/" + noID + "/withdraw", "/subscriptions/x/withdraw"}},
		"withdrawn":    {[]string{"/withdrawals/" + w.receiptOfWithdrawal()}, []string{"/withdrawals/" + noID, "/withdrawals/x", "/withdrawals/%00"}},
		"refund":       {[]string{"/requests/new/refund?subscription=" + w.subscription}, []string{"/requests/new/refund?subscription=" + noID, "/requests/new/refund?subscription=x", "/requests/new/nothing"}},
		"keys":         {[]string{"/billing/keys?payer=" + string(w.payer)}, []string{"/billing/keys?payer=" + noID, "/billing/keys?payer=x"}},
		"correction":   {[]string{"/requests/new/correction?invoice=" + w.paid.InvoiceNumber}, []string{"/requests/new/correction?invoice=SIP-2026-999999", "/requests/new/correction?invoice=%27"}},
		"back office": {[]string{"/staff", "/staff/corrections", "/staff/corrections/" + w.correctionRequest(), "/staff/payments", "/staff/payments?q=1", "/staff/payments?q=1&q=2", "/staff/payments/" + w.bankEntry(w.paid), "/staff/payouts", "/staff/payouts/" + w.payout(), "/staff/refunds", "/staff/refunds/" + w.refundRequest(), "/staff/reports", "/staff/reports/isaf.xml?month=2026-11", "/staff/reports/oss.csv?quarter=2026Q4", "/staff/vat", "/staff/vat?q=DE136695976"},
			[]string{"/staff/payments/" + noID, "/staff/payments/x", "/staff/nothing"}},
		"page": {nil, []string{"/nowhere", "/plans/nothing", "/plans/free", "/orders", "/.env", "/index.php", "/account/", "//account"}},
	} {
		want := w.stranger.get("/nowhere")
		for _, path := range append(tt.foreign, tt.missing...) {
			a := w.stranger.get(path)
			if path == "/orders" { // exists for POST alone
				if a.status != http.StatusMethodNotAllowed {
					t.Errorf("%s: %d", path, a.status)
				}
				continue
			}
			if a.status != http.StatusNotFound || a.body != want.body {
				t.Errorf("%s %s: %d\n%s", name, path, a.status, clip(a.body, 500))
			}
		}
	}
	for _, path := range []string{"/requests/%s/withdraw", "/staff/payouts/%s/sent", "/staff/payouts/%s/failed", "/staff/refunds/%s/approve", "/staff/refunds/%s/reject", "/staff/corrections/%s/approve", "/staff/corrections/%s/reject", "/orders/%s/cancel", "/subscriptions/%s/auto-renew/off", "/subscriptions/%s/auto-renew/on", "/subscriptions/%s/renew", "/subscriptions/%s/change", "/subscriptions/%s/withdraw",
		"/billing/keys/%s/revoke", "/orders/%s/method", "/orders/%s/pay", "/orders/%s/pay-from-balance", "/billing/methods/%s/revoke",
		"/billing/recipients/%s", "/billing/recipients/%s/again", "/billing/recipients/%s/remove", "/billing/sent/%s/again", "/billing/members/%s/revoke"} {
		want := w.stranger.post(strings.Replace(path, "%s", noID, 1), nil)
		for _, id := range []string{w.open.Number, w.subscription, w.card, w.refundRequest(), w.payout(), w.correctionRequest(), w.recipient(), w.sentMail(), w.apiKey(), "x", "%00", "%c3%28"} {
			if a := w.stranger.post(strings.Replace(path, "%s", id, 1), nil); a.status != http.StatusNotFound || a.body != want.body {
				t.Errorf("%s with %s: %d", path, id, a.status)
			}
		}
	}
}
