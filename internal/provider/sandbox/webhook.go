package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// stir wakes Run.
func (s *Server) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends webhooks until ctx ends. Without it, Deliver sends them.
func (s *Server) Run(ctx context.Context) {
	const look = time.Second // for those that are due again
	for ctx.Err() == nil {
		s.Deliver(ctx)
		timer := time.NewTimer(look)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// retries is when an unconfirmed webhook is sent again; then it is given up, as
// real providers do after three days.
var retries = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, 24 * time.Hour, 48 * time.Hour}

// shipment is a webhook as it goes out.
type shipment struct {
	id     string // of the event; empty for one that is sent beside the book
	body   []byte
	signed string
}

// Deliver sends the webhooks that are due, once each unless a fault says
// otherwise, and returns how many were confirmed.
func (s *Server) Deliver(ctx context.Context) (confirmed int) {
	if s.o.WebhookURL == "" {
		return 0
	}
	for _, out := range s.due() {
		ok := s.send(ctx, out)
		if ok {
			confirmed++
		}
		if out.id != "" {
			s.settle(out.id, ok)
		}
	}
	return confirmed
}

// due takes the webhooks that are due off the outbox, as the faults would have
// them.
func (s *Server) due() (out []shipment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	var ready []*delivery
	for _, d := range s.book.outbox {
		if !d.next.After(s.book.last) || !d.next.After(now) {
			ready = append(ready, d)
		}
	}
	if s.faults.next(onWebhook) == WebhookReversed {
		if len(ready) < 2 {
			return nil
		}
		s.faults.take(onWebhook)
		slices.Reverse(ready)
	}
	for _, d := range ready {
		// Nobody else sends it meanwhile.
		d.next = s.book.last.Add(retries[min(d.attempts, len(retries)-1)])
		d.attempts++
		kind := FaultKind("")
		if s.faults.next(onWebhook) != WebhookReversed {
			kind = s.faults.take(onWebhook)
		}
		out = append(out, s.ship(d.event, kind, now)...)
	}
	return out
}

// ship packs a webhook.
func (s *Server) ship(e event, kind FaultKind, now time.Time) []shipment {
	pack := func(id string, e event, secret string, at time.Time) shipment {
		body, _ := json.Marshal(e) // plain structs: it cannot fail
		return shipment{id: id, body: body, signed: Sign(secret, body, at)}
	}
	right := pack(e.ID, e, s.o.Secret, now)
	switch kind {
	case WebhookDuplicate:
		return []shipment{right, {body: right.body, signed: right.signed}}
	case WebhookLost:
		return []shipment{{id: e.ID}}
	case WebhookWrongSignature:
		return []shipment{pack(e.ID, e, s.o.Secret+"x", now)}
	case WebhookOld:
		return []shipment{pack(e.ID, e, s.o.Secret, now.Add(-2*maxSkew))}
	case WebhookOtherAccount:
		other := e
		other.ID, other.Account, other.Payment.Account = "evt_"+token(), "acct_other", "acct_other"
		return []shipment{pack("", other, s.o.Secret, now), right}
	case WebhookWrongAmount:
		e.Payment.falsify()
		return []shipment{pack(e.ID, e, s.o.Secret, now)}
	default:
		return []shipment{right}
	}
}

// send reports whether the portal confirmed a webhook.
func (s *Server) send(ctx context.Context, out shipment) bool {
	if out.body == nil {
		return true // lost, as a fault would have it
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.WebhookURL, bytes.NewReader(out.body))
	if err != nil {
		s.o.Log.Error("sandbox: the webhook's address", "error", err)
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(SignatureHeader, out.signed)
	resp, err := s.o.Client.Do(req)
	if err != nil {
		s.o.Log.Info("sandbox: webhook not delivered", "event", out.id, "error", err)
		return false
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		s.o.Log.Info("sandbox: webhook refused", "event", out.id, "status", resp.StatusCode)
		return false
	}
	return true
}

// settle forgets a webhook that was confirmed, or sent often enough.
func (s *Server) settle(id string, confirmed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.book.outbox {
		if d.event.ID == id && (confirmed || d.attempts > len(retries)) {
			if err := s.book.write(line{Delivered: id}); err != nil {
				s.failed(err)
			}
			return
		}
	}
}
