package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"

	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// wire is the network between the portal and the sandbox, without a socket: a
// request is a call of the handler.
type wire struct {
	mu     sync.Mutex
	far    http.Handler
	down   int  // so many requests find nobody
	cut    cut  // of the step at hand
	cutHit bool // it was used
	kill   context.CancelFunc
}

var (
	errNobody  = errors.New("sim: connection refused")
	errSilence = errors.New("sim: no answer in time")
)

// RoundTrip carries a request to the sandbox.
func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	down, cutHere := x.down > 0, x.cut
	if down {
		x.down--
	}
	if cutHere != cutNever {
		x.cut, x.cutHit = cutNever, true
	}
	kill := x.kill
	x.mu.Unlock()
	if cutHere == cutBefore {
		kill()
		return nil, r.Context().Err()
	}
	if down {
		return nil, errNobody // before a connection: surely not sent
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	rec := httptest.NewRecorder()
	x.far.ServeHTTP(rec, r)
	if cutHere == cutAfter {
		kill()
		return nil, r.Context().Err()
	}
	if rec.Header().Get("Content-Type") == "" {
		return nil, errSilence // the handler gave up without a word
	}
	resp := rec.Result()
	body := rec.Body.Bytes()
	if declared, err := strconv.Atoi(rec.Header().Get("Content-Length")); err == nil && declared > len(body) {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{}))
	}
	return resp, nil
}

// broken is a connection that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// back is the way of webhooks to the portal.
type back struct{ w *world }

// RoundTrip hands a webhook to the portal as its route does.
func (b back) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if b.w.loses() {
		return (&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}), nil
	}
	rec := httptest.NewRecorder()
	rec.WriteHeader(b.w.receive(payment.RawWebhook{Body: body, Header: r.Header}))
	return rec.Result(), nil
}

// loses has a webhook get lost for good: it is confirmed, and nobody reads it.
func (w *world) loses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.losing == 0 {
		return false
	}
	w.losing--
	return true
}

// maxHeard is how many webhooks are kept to be sent again.
const maxHeard = 30

// receive is the portal's route for webhooks.
func (w *world) receive(raw payment.RawWebhook) int {
	status, err := w.app.ReceiveWebhook(w.ctx, sandbox.Name, raw)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case errors.Is(err, payment.ErrBadSignature):
		return http.StatusBadRequest
	case err != nil:
		w.unanswered("webhook", err)
		return http.StatusInternalServerError
	}
	if w.heard = append(w.heard, raw); len(w.heard) > maxHeard {
		w.heard = slices.Delete(w.heard, 0, 1)
	}
	return status
}

// counter is the adapter as the portal knows it; what passes is written down.
type counter struct {
	*sandbox.Adapter
	w *world
}

// ChargeSaved is the moment at which a card is charged while its owner is away.
func (c counter) ChargeSaved(ctx context.Context, r payment.ChargeRequest) payment.Result {
	payer := c.w.charged(r)
	result := c.Adapter.ChargeSaved(ctx, r)
	if result.Outcome != payment.OutcomeNotSent { // the provider may have heard it
		c.w.bounded(r, payer)
	}
	return result
}
