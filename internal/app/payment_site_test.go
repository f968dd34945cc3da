package app_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// till is a site that takes cards at a sandbox. The sandbox's book is the judge.
type till struct {
	*site
	*sandbox.Server
	api      *httptest.Server
	adapter  *sandbox.Adapter
	statuses []int // what the portal answered to webhooks
	holding  bool  // webhooks are confirmed and put by
	held     []payment.RawWebhook
}

const providerHold = 300 * time.Millisecond // shorter than the client waits

func newTill(t *testing.T) *till {
	t.Helper()
	s := &till{site: newSite(t)}
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		raw := payment.RawWebhook{Body: body, Header: r.Header}
		if s.holding {
			s.held = append(s.held, raw)
			return
		}
		status := s.receive(raw)
		w.WriteHeader(status)
	}))
	t.Cleanup(portal.Close)
	s.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	t.Cleanup(s.api.Close)
	var err error
	s.Server, err = sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount, WebhookURL: portal.URL, PublicURL: s.api.URL,
		Client: portal.Client(), Now: s.clock.Now, Log: slog.New(slog.DiscardHandler), Hold: 5 * time.Second, Slow: time.Millisecond,
	})
	s.must(err)
	s.adapter = sandbox.New(sandbox.Config{
		BaseURL: s.api.URL, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret,
		Client: &http.Client{Timeout: providerHold},
	})
	s.App, err = app.New(t.Context(), s.config())
	s.must(err)
	return s
}

// config is what the portal is made of.
func (s *till) config() app.Config {
	return app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: seller(s.t), BotToken: botToken, Demo: true,
		Log: slog.New(slog.DiscardHandler), Providers: []app.PaymentProvider{s.adapter}, PublicURL: "https://portal.example",
	}
}

// receive is the portal's route for webhooks.
func (s *till) receive(raw payment.RawWebhook) int {
	status, err := s.ReceiveWebhook(s.ctx(), sandbox.Name, raw)
	switch {
	case errors.Is(err, payment.ErrBadSignature):
		status = http.StatusBadRequest
	case err != nil:
		s.t.Error(err)
		status = http.StatusInternalServerError
	}
	s.statuses = append(s.statuses, status)
	return status
}

// work does what the jobs would: webhooks that are pending.
func (s *till) work() {
	s.t.Helper()
	for _, id := range s.pending() {
		s.must(s.ProcessWebhook(s.ctx(), id, false))
	}
}

// returned is what the return page does.
func (s *till) returned(actor account.Actor, number string) error {
	_, err := s.PaymentReturned(s.ctx(), actor, number)
	return err
}

// pending are the webhooks that wait.
func (s *till) pending() (ids []int64) {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT id FROM webhook_inbox WHERE state = 'pending' ORDER BY id`)
	s.must(err)
	for rows.Next() {
		var id int64
		s.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	s.must(rows.Err())
	return ids
}

// webhooks has the sandbox send what it has to say, and works it off.
func (s *till) webhooks() {
	s.t.Helper()
	s.Deliver(s.ctx())
	s.work()
}

// keep is the input of a payer who lets the card be kept.
func keep() app.StartPaymentInput {
	return app.StartPaymentInput{Keep: true, ConsentID: "consent.text", ConsentText: "You may charge it.", IP: "192.0.2.1", UserAgent: "test", Language: "en"}
}

// open starts the payment of an order and returns the id of its checkout at the
// sandbox.
func (s *till) open(actor account.Actor, number string, in app.StartPaymentInput) string {
	s.t.Helper()
	address, err := s.StartPayment(s.ctx(), actor, number, in)
	s.must(err)
	id, ok := strings.CutPrefix(address, s.api.URL+"/v1/checkouts/")
	if !ok {
		s.t.Fatalf("payer's page: %q", address)
	}
	return id
}

// state is where the newest payment of an order stands.
func (s *till) state(actor account.Actor, number string) payment.State {
	s.t.Helper()
	p, err := s.OrderPayment(s.ctx(), actor, number)
	s.must(err)
	return p.State
}

// captured is how much the sandbox took in all, and how often.
func (s *till) captured() (total money.Amount, times int) {
	for _, e := range s.Book() {
		total += e.Captured()
		times += len(e.Captures)
	}
	return total, times
}

// agree fails unless the portal's ledger says what the sandbox's book says, and
// every invariant holds.
func (s *till) agree() {
	s.t.Helper()
	var refunded, disputed money.Amount
	for _, e := range s.Book() {
		refunded += e.Refunded()
		disputed += e.Disputed()
	}
	total, _ := s.captured()
	if booked := money.Amount(s.count(`SELECT COALESCE(sum(p.amount_minor), 0)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
		WHERE a.kind = 'provider'`)); booked != total-refunded-disputed {
		s.t.Errorf("the ledger has %s at the provider, its book %s", booked.Decimal(), (total - refunded - disputed).Decimal())
	}
	s.clean()
}
