package vies

import (
	"context"
	"strings"
	"sync"
	"time"
)

// perState is how many requests about numbers of one member state run at a time
// (vat.md 3.3).
const perState = 2

// lanes let so many in at a time.
type lanes struct {
	mu   sync.Mutex
	open map[string]chan struct{}
}

// enter waits for a place, and returns what gives it back.
func (l *lanes) enter(ctx context.Context, state string) (leave func(), err error) {
	l.mu.Lock()
	if l.open == nil {
		l.open = map[string]chan struct{}{}
	}
	lane, known := l.open[state]
	if !known {
		lane = make(chan struct{}, perState)
		l.open[state] = lane
	}
	l.mu.Unlock()
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const (
	silences  = 5                // in a row, after which a circuit opens
	leastRest = time.Minute      // for which it then stays open; twice as long each time
	mostRest  = 15 * time.Minute // at the most
	blockRest = time.Hour        // after VIES said that it blocks us
)

// everywhere is the circuit of the register as a whole.
const everywhere = ""

// circuits leave a register alone that was silent too often: one circuit for each
// member state, because often one of them is down and the others work, and one
// for all.
type circuits struct {
	now func() time.Time

	mu sync.Mutex
	of map[string]*circuit
}

type circuit struct {
	silent int       // in a row
	until  time.Time // no request before; then one, which shows whether it is over
	rest   time.Duration
}

func (c *circuits) circuit(state string) *circuit {
	if c.of == nil {
		c.of = map[string]*circuit{}
	}
	if c.of[state] == nil {
		c.of[state] = &circuit{}
	}
	return c.of[state]
}

// allow reports whether a request may be made now. After a rest it lets one
// through and keeps the others until that one is noted, or too long on its way.
func (c *circuits) allow(state string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	both := []*circuit{c.circuit(everywhere), c.circuit(state)}
	for _, x := range both {
		if now.Before(x.until) {
			return false
		}
	}
	for _, x := range both {
		if x.silent >= silences {
			x.until = now.Add(2 * requestTime)
		}
	}
	return true
}

// note counts how a request ended: with an answer for "", or in silence.
func (c *circuits) note(state, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, own := c.circuit(everywhere), c.circuit(state)
	switch {
	case code == "" || code == CodeInvalidInput || code == CodeVATBlocked || code == CodeInvalidRequester: // it speaks
		*all, *own = circuit{}, circuit{}
	case code == CodeIPBlocked:
		all.silent, all.rest, all.until = silences, blockRest, c.now().Add(blockRest)
	case code == CodeTimeout || strings.HasPrefix(code, "MS_"): // the register speaks, its member state does not
		*all = circuit{}
		own.failed(c.now())
	default:
		all.failed(c.now())
	}
}

func (x *circuit) failed(now time.Time) {
	x.silent++
	if x.silent < silences {
		return
	}
	x.rest = min(max(2*x.rest, leastRest), mostRest)
	x.until = now.Add(x.rest)
}
