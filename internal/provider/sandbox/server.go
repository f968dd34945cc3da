package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Options is what a Server is made of.
type Options struct {
	Key        string       // of the API
	Secret     string       // of webhooks
	Account    string       // whose book this is
	WebhookURL string       // empty: no webhooks are sent
	PublicURL  string       // where browsers find the checkout page, without a slash at the end
	Book       string       // file that survives; empty: in memory
	Client     *http.Client // for webhooks; with a timeout
	Now        func() time.Time
	Log        *slog.Logger

	CardMonths int // how long a new card is valid; 0 is 36 months

	Hold time.Duration // how long a fault keeps a request without an answer; 0 is 30 s
	Slow time.Duration // how late a slow answer comes; 0 is 2 s
}

// Server is the sandbox. It is a handler, and Run sends its webhooks.
type Server struct {
	o    Options
	mux  *http.ServeMux
	wake chan struct{}

	mu     sync.Mutex
	book   *book
	faults faults
}

// NewServer opens the book.
func NewServer(o Options) (*Server, error) {
	if o.Hold == 0 {
		o.Hold = 30 * time.Second
	}
	if o.Slow == 0 {
		o.Slow = 2 * time.Second
	}
	if o.CardMonths == 0 {
		o.CardMonths = 36
	}
	b, err := openBook(o.Book, o.Now)
	if err != nil {
		return nil, err
	}
	b.cardMonths = o.CardMonths
	s := &Server{o: o, book: b, mux: http.NewServeMux(), wake: make(chan struct{}, 1)}
	s.mux.HandleFunc("POST /v1/checkouts", s.operation("checkout", s.checkout))
	s.mux.HandleFunc("POST /v1/charges", s.operation("charge", s.charge))
	s.mux.HandleFunc("POST /v1/refunds", s.operation("refund", s.refund))
	s.mux.HandleFunc("POST /v1/cancel", s.operation("cancel", s.cancel))
	s.mux.HandleFunc("GET /v1/payments", s.operation("lookup", s.lookup))
	s.mux.HandleFunc("GET /v1/changes", s.operation("list", s.changes))
	s.mux.HandleFunc("GET /v1/book", s.keyed(s.showBook))
	s.mux.HandleFunc("GET /v1/checkouts/{id}", s.showPage)
	s.mux.HandleFunc("POST /v1/checkouts/{id}", s.usePage)
	s.mux.HandleFunc("GET /page.css", style)
	s.mux.HandleFunc("POST /_ctl/faults", s.keyed(control(func(f Fault) (any, error) { return nil, s.Inject(f) })))
	s.mux.HandleFunc("DELETE /_ctl/faults", s.keyed(control(func(struct{}) (any, error) { s.Heal(); return nil, nil })))
	s.mux.HandleFunc("POST /_ctl/methods", s.keyed(control(func(r struct{ Card Card }) (any, error) { return s.SaveCard(r.Card) })))
	s.mux.HandleFunc("POST /_ctl/settle", s.keyed(control(func(r struct {
		Reference string
		Succeed   bool
	}) (any, error) {
		return nil, s.Settle(r.Reference, r.Succeed)
	})))
	s.mux.HandleFunc("POST /_ctl/chargebacks", s.keyed(control(func(r struct {
		Reference   string
		AmountMinor money.Amount         `json:"amount_minor"`
		State       payment.DisputeState `json:"state"`
	}) (any, error) {
		return nil, s.Chargeback(r.Reference, r.AmountMinor, r.State)
	})))
	return s, nil
}

// Close closes the book's file.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book.file == nil {
		return nil
	}
	return s.book.file.Close()
}

// ServeHTTP serves the API and the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// keyed lets in who knows the key.
func (s *Server) keyed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.o.Key)) != 1 {
			s.write(w, http.StatusUnauthorized, encode(answer{Error: &refusal{Code: "unauthorized"}}))
			return
		}
		next(w, r)
	}
}

const codeAbsent = "no_such_payment"

// maxRequest is far above the longest request.
const maxRequest = 64 << 10

// operation is a call of the API: faults, the memory for keys, and one lock
// around what it does.
func (s *Server) operation(name string, do func(r *http.Request, body []byte) (int, answer, error)) http.HandlerFunc {
	return s.keyed(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			return
		}
		s.mu.Lock()
		fault := s.faults.take(name)
		s.mu.Unlock()
		switch fault {
		case TimeoutBefore:
			pause(r.Context(), s.o.Hold)
			return
		case ErrorBefore:
			s.write(w, http.StatusInternalServerError, []byte("Internal Server Error"))
			return
		case RateLimit:
			s.write(w, http.StatusTooManyRequests, encode(answer{Error: &refusal{Code: "rate_limit", Retryable: true}}))
			return
		default:
		}
		status, data := s.once(r, body, do)
		if fault == WebhookFirst {
			s.Deliver(r.Context())
		} else {
			s.stir()
		}
		switch fault {
		case TimeoutAfter:
			pause(r.Context(), s.o.Hold)
			return
		case Slow:
			pause(r.Context(), s.o.Slow)
		case ErrorAfter:
			status, data = http.StatusInternalServerError, []byte("Internal Server Error")
		case WrongBody:
			status, data = http.StatusOK, []byte("<!doctype html><title>Sign in to the network</title>")
		case WrongAmount:
			data = altered(data, func(v *view) { v.falsify() })
		case WrongCurrency:
			data = altered(data, func(v *view) { v.Currency = "XTS" })
		case Truncated:
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			data = data[:len(data)/2]
		default:
		}
		s.write(w, status, data)
	})
}

// falsify makes the amounts of a view wrong.
func (v *view) falsify() {
	v.AmountMinor++
	if v.ReceivedMinor > 0 {
		v.ReceivedMinor++
	}
}

func altered(data []byte, change func(*view)) []byte {
	var a answer
	if json.Unmarshal(data, &a) != nil || a.Payment == nil && len(a.Payments) == 0 {
		return data
	}
	if a.Payment != nil {
		change(a.Payment)
	}
	for _, v := range a.Payments {
		change(v)
	}
	return encode(a)
}

// pause waits for a while, or until the client is gone.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// once does what a request asks for, or answers as the same key was answered.
func (s *Server) once(r *http.Request, body []byte, do func(*http.Request, []byte) (int, answer, error)) (int, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.book.expire(s.o.Account); err != nil {
		return s.failed(err)
	}
	key := r.Header.Get(keyHeader)
	if r.Method == http.MethodPost && key == "" {
		return http.StatusBadRequest, encode(answer{Error: &refusal{Code: "no_idempotency_key"}})
	}
	sum := sha256.Sum256(slices.Concat([]byte(r.URL.Path+"\n"), body))
	if known, found := s.book.answers[key]; found && key != "" {
		if !known.same(sum[:]) {
			return http.StatusConflict, encode(answer{Error: &refusal{Code: "idempotency_key_reused"}})
		}
		return known.Status, known.Body
	}
	status, a, err := do(r, body)
	if err != nil {
		return s.failed(err)
	}
	a.AsOf = s.book.tick()
	data := encode(a)
	// A request that was refused as such did nothing and is not remembered.
	if key != "" && (status < http.StatusBadRequest || status == http.StatusPaymentRequired) {
		err := s.book.write(line{Answer: &remembered{Key: key, SHA256: sum[:], Status: status, Body: data, Created: s.o.Now().UTC()}})
		if err != nil {
			return s.failed(err)
		}
	}
	return status, data
}

func (s *Server) failed(err error) (int, []byte) {
	s.o.Log.Error("sandbox: the book cannot be written", "error", err)
	return http.StatusInternalServerError, []byte("Internal Server Error")
}

func encode(a answer) []byte {
	data, _ := json.Marshal(a) // plain structs: it cannot fail
	return data
}

func (s *Server) write(w http.ResponseWriter, status int, data []byte) {
	kind := "application/json"
	if !json.Valid(data) {
		kind = "text/plain; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		s.o.Log.Debug("sandbox: the client is gone", "error", err)
	}
}

// decode reads a request's body, and nothing that is not expected in it.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func refused(code, message string) (int, answer, error) {
	return http.StatusBadRequest, answer{Error: &refusal{Code: code, Message: message}}, nil
}

func payable(reference string, amount money.Amount, currency money.Currency) bool {
	return reference != "" && amount > 0 && amount <= money.Max && currency.Valid()
}

func (s *Server) show(reference string) *view {
	v, ok := s.book.view(reference, s.o.Account)
	if !ok {
		return nil
	}
	if e := s.book.entries[v.ID]; e.State == payment.AwaitingPayer || e.State == payment.ActionRequired {
		v.URL = s.o.PublicURL + "/v1/checkouts/" + e.ID
	}
	return &v
}

func (s *Server) checkout(_ *http.Request, body []byte) (int, answer, error) {
	var r checkoutRequest
	if err := decode(body, &r); err != nil || !payable(r.Reference, r.AmountMinor, r.Currency) || !webAddress(r.ReturnURL) {
		return refused("invalid_request", "reference, amount, currency and return_url are needed")
	}
	e := Entry{
		ID: "pay_" + token(), Reference: r.Reference, State: payment.AwaitingPayer, AmountMinor: r.AmountMinor, Currency: r.Currency,
		Description: r.Description, ReturnURL: r.ReturnURL, Checkout: true, KeepOffered: r.KeepMethod, ExpiresAt: r.ExpiresAt,
	}
	if err := s.book.save(e, s.o.Account, "payment.created"); err != nil {
		return 0, answer{}, err
	}
	return http.StatusCreated, answer{Payment: s.show(r.Reference)}, nil
}

// webAddress reports whether a link to an address is safe on the page.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (s *Server) charge(_ *http.Request, body []byte) (int, answer, error) {
	var r chargeRequest
	if err := decode(body, &r); err != nil || !payable(r.Reference, r.AmountMinor, r.Currency) || r.ReturnURL != "" && !webAddress(r.ReturnURL) {
		return refused("invalid_request", "reference, amount and currency are needed")
	}
	m, known := s.book.methods[r.Method]
	if !known {
		return refused("no_such_method", "this card is not saved here")
	}
	e := Entry{
		ID: "pay_" + token(), Reference: r.Reference, AmountMinor: r.AmountMinor, Currency: r.Currency, Description: r.Description,
		ReturnURL: r.ReturnURL,
	}
	no := s.book.pay(&e, m, true)
	if no != nil {
		e.State, e.Note = payment.Failed, no.Message
	}
	if err := s.book.save(e, s.o.Account, "payment."+string(e.State)); err != nil {
		return 0, answer{}, err
	}
	status := http.StatusOK
	switch {
	case no != nil:
		status = http.StatusPaymentRequired
	case e.State != payment.Succeeded:
		status = http.StatusAccepted
	}
	return status, answer{Payment: s.show(r.Reference), Error: no}, nil
}

func (s *Server) refund(_ *http.Request, body []byte) (int, answer, error) {
	var r refundRequest
	if err := decode(body, &r); err != nil || !payable(r.Reference, r.AmountMinor, r.Currency) || r.Refund == "" {
		return refused("invalid_request", "reference, refund, amount and currency are needed")
	}
	for _, paid := range s.book.of(r.Reference) {
		e := *paid
		if e.Captured()-e.Refunded()-e.Disputed() < r.AmountMinor || e.Currency != r.Currency {
			continue
		}
		made := refund{ID: "ref_" + token(), Refund: r.Refund, AmountMinor: r.AmountMinor, State: payment.RefundSucceeded}
		e.Refunds = append(slices.Clone(e.Refunds), made)
		if err := s.book.save(e, s.o.Account, "payment.refunded"); err != nil {
			return 0, answer{}, err
		}
		return http.StatusOK, answer{Payment: s.show(r.Reference), Refund: &made}, nil
	}
	return http.StatusPaymentRequired, answer{
		Payment: s.show(r.Reference), Error: &refusal{Code: "refund_exceeds_payment", Message: "there is not so much left of the payment"},
	}, nil
}

func (s *Server) cancel(_ *http.Request, body []byte) (int, answer, error) {
	var r cancelRequest
	if err := decode(body, &r); err != nil {
		return refused("invalid_request", "id is needed")
	}
	found := s.book.entries[r.ID]
	if found == nil {
		return http.StatusNotFound, answer{Error: &refusal{Code: codeAbsent}}, nil
	}
	e := *found
	switch e.State {
	case payment.AwaitingPayer, payment.ActionRequired:
		e.State = payment.Canceled
		if err := s.book.save(e, s.o.Account, "payment.canceled"); err != nil {
			return 0, answer{}, err
		}
	case payment.Canceled:
	default:
		return http.StatusPaymentRequired, answer{Payment: s.show(e.Reference), Error: &refusal{Code: "not_cancelable"}}, nil
	}
	return http.StatusOK, answer{Payment: s.show(e.Reference)}, nil
}

func (s *Server) lookup(r *http.Request, _ []byte) (int, answer, error) {
	reference := r.URL.Query().Get("reference")
	if e := s.book.entries[r.URL.Query().Get("id")]; e != nil {
		reference = e.Reference
	}
	v := s.show(reference)
	if v == nil {
		return http.StatusNotFound, answer{Error: &refusal{Code: codeAbsent}}, nil
	}
	return http.StatusOK, answer{Payment: v}, nil
}

// listAtOnce bounds a page of the list.
const listAtOnce = 100

// changes lists payments that changed after an instant, and up to which change
// these are all.
func (s *Server) changes(r *http.Request, _ []byte) (int, answer, error) {
	after, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("after"))
	if err != nil {
		return refused("invalid_request", "after is an instant")
	}
	a := answer{ListedTo: after}
	references := s.book.changes(after)
	for _, reference := range references[:min(len(references), listAtOnce)] {
		a.Payments = append(a.Payments, s.show(reference))
		a.ListedTo = s.book.changed[reference]
	}
	return http.StatusOK, a, nil
}

// Book returns everything that happened: the judge's view.
func (s *Server) Book() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.all()
}

func (s *Server) showBook(w http.ResponseWriter, _ *http.Request) {
	data, err := json.Marshal(map[string]any{"entries": s.Book()})
	if err != nil {
		s.o.Log.Error("sandbox: the book cannot be shown", "error", err)
	}
	s.write(w, http.StatusOK, data)
}

// control is a call of the control API.
func control[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request T
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request)
		var result any
		if err == nil || errors.Is(err, io.EOF) {
			result, err = do(request)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"result": result}) // the client is gone
	}
}

// Inject makes something go wrong.
func (s *Server) Inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Heal forgets the faults that have not happened yet.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// SaveCard keeps a card and returns its token.
func (s *Server) SaveCard(card Card) (string, error) {
	if card.label() == "" {
		return "", errors.New("sandbox: no such card")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.book.keep(card)
	return m.Token, err
}

var errNoPayment = errors.New("sandbox: no such payment, or not one of that kind")

// change alters the entry of a payment that fits, and tells the portal.
func (s *Server) change(reference, eventType string, fits func(Entry) bool, alter func(*Entry)) error {
	defer s.stir()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range s.book.of(reference) {
		if e := *found; fits(e) {
			alter(&e)
			return s.book.save(e, s.o.Account, eventType)
		}
	}
	return errNoPayment
}

// Settle ends a payment that is processed.
func (s *Server) Settle(reference string, succeed bool) error {
	processed := func(e Entry) bool { return e.State == payment.Processing }
	if !succeed {
		return s.change(reference, "payment.failed", processed, func(e *Entry) { e.State = payment.Failed })
	}
	return s.change(reference, "payment.succeeded", processed, s.book.capture)
}

// ReturnRefund has the last refund of a payment come back after all: the card was
// closed.
func (s *Server) ReturnRefund(reference string) error {
	refunded := func(e Entry) bool {
		return len(e.Refunds) > 0 && e.Refunds[len(e.Refunds)-1].State == payment.RefundSucceeded
	}
	return s.change(reference, "payment.refund_failed", refunded, func(e *Entry) {
		e.Refunds = slices.Clone(e.Refunds)
		e.Refunds[len(e.Refunds)-1].State = payment.RefundFailed
	})
}

// Chargeback has the payer's bank take money back (0: all that is left), or
// decide about it, once: won gives it back to us, lost does not.
func (s *Server) Chargeback(reference string, amount money.Amount, state payment.DisputeState) error {
	if state == "" {
		state = payment.DisputeOpen
	}
	return s.change(reference, "payment.disputed", func(e Entry) bool {
		left := e.Captured() - e.Refunded() - e.Disputed()
		if len(e.Disputes) > 0 {
			return e.Disputes[0].State == payment.DisputeOpen
		}
		return left > 0 && amount <= left
	}, func(e *Entry) {
		e.Disputes = slices.Clone(e.Disputes)
		if len(e.Disputes) > 0 {
			e.Disputes[0].State = state
			return
		}
		if amount == 0 {
			amount = e.Captured() - e.Refunded()
		}
		e.Disputes = append(e.Disputes, dispute{ID: "dp_" + token(), AmountMinor: amount, Reason: "fraudulent", State: state})
	})
}
