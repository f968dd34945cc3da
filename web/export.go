package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// Limits of exports. They come from stored files, so a process can afford more of
// them than of what is drawn (security.md 2.6, 15.1.3).
const (
	exportPath    = "/invoices/export"
	exportTime    = 10 * time.Minute // the longest
	exportStall   = 30 * time.Second // without a byte taken, and before the rate counts
	exportRate    = 32 << 10         // bytes a second that a reader takes, on the whole
	exportsAtOnce = 3                // in a process, one of each person
	exportWait    = 5 * time.Second  // for those before
	drawTime      = 2 * time.Second  // of one look at the page of progress
)

func isExport(r *http.Request) bool { return r.URL.Path == exportPath }

// exportFile is GET /invoices/export: what the list shows under the same filter,
// as a file. While files of it are not drawn yet it is a page of progress that
// asks again by itself.
func (s *server) exportFile(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	filter, err := readInvoiceFilter(values)
	ctx, actor := c.Request().Context(), s.actor(c)
	var e *app.Export
	if err == nil {
		e, err = s.app.Export(ctx, actor, filter, app.ExportFormat(values.Get("format")))
	}
	if fault.Is(err, fault.Invalid) {
		return s.showInvoices(c, values, app.InvoiceFilter{}, err)
	} else if err != nil {
		return err
	}
	done, err := s.exports.enter(ctx, actor.AccountID)
	if err != nil {
		return tooMany(c)
	}
	defer done()
	if e.Undrawn > 0 && c.Request().Method != http.MethodHead {
		soon, cancel := context.WithTimeout(ctx, drawTime)
		err := e.Draw(soon)
		cancel()
		if err != nil {
			return err
		}
		if e.Undrawn > 0 {
			return s.showProgress(c, values, e)
		}
	}
	h := c.Response().Header()
	h.Set("Content-Type", e.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.Name}))
	h.Set("Content-Security-Policy", filePolicy)
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	return s.stream(c, e)
}

// stream sends an export. What fails in the middle breaks the connection off: a
// file that ends well is whole.
func (s *server) stream(c echo.Context, e *app.Export) error {
	control := http.NewResponseController(c.Response())
	out := bufio.NewWriterSize(&patient{w: c.Response(), control: control, now: systemTime}, 64<<10)
	err := e.WriteTo(c.Request().Context(), out, func() error { return errors.Join(out.Flush(), ignoreUnsupported(control.Flush())) })
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		s.log.Warn("an export broke off", "id", requestID(c.Request().Context()), "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// patient gives whoever reads slowly time for each part, instead of one time for
// the whole answer. Places are few, so nobody holds one by a trickle: what they
// had to be waited for counts, not what the making of the file took.
type patient struct {
	w       io.Writer
	control *http.ResponseController
	now     func() time.Time // of the clock that connections count by

	sent   int64
	waited time.Duration
}

// Write sends a part.
func (p *patient) Write(b []byte) (int, error) {
	begun := p.now()
	whole := max(exportStall, time.Duration(p.sent+int64(len(b)))*time.Second/exportRate)
	until := begun.Add(min(exportStall, whole-p.waited))
	if err := ignoreUnsupported(p.control.SetWriteDeadline(until)); err != nil {
		return 0, err
	}
	n, err := p.w.Write(b)
	p.sent += int64(n)
	p.waited += p.now().Sub(begun)
	return n, err
}

// systemTime is the time of the machine, which deadlines of connections are of,
// whatever clock the portal runs by.
func systemTime() time.Time {
	now, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	t, _ := now.Deadline()
	return t
}

func ignoreUnsupported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// showProgress says how many files are there. Browsers ask again by the header
// Refresh, without any script; programs by Retry-After.
func (s *server) showProgress(c echo.Context, values url.Values, e *app.Export) error {
	again := exportURL(values)
	c.Response().Header().Set("Refresh", "1; url="+again)
	c.Response().Header().Set("Retry-After", "1")
	p := s.page(c)
	done := e.Of - e.Undrawn
	list := keptFilter(values)
	return s.render(c, http.StatusAccepted, views.ExportProgress(views.ExportPage{
		Page: p, URL: again, ListURL: invoicesURL(list), Done: done, Of: e.Of, DoneText: p.T.Number(int64(done)), OfText: p.T.Number(int64(e.Of)),
	}))
}

// turnstile lets a few in at once, and of each person one.
type turnstile struct {
	places chan struct{}
	mu     sync.Mutex
	inside map[account.ID]chan struct{} // closed when they leave
}

func newTurnstile(places int) *turnstile {
	return &turnstile{places: make(chan struct{}, places), inside: map[account.ID]chan struct{}{}}
}

// enter waits for a place, for a while; the caller leaves by what it returns.
func (t *turnstile) enter(ctx context.Context, who account.ID) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, exportWait)
	defer cancel()
	gone := make(chan struct{})
	for {
		t.mu.Lock()
		before := t.inside[who]
		if before == nil {
			t.inside[who] = gone
		}
		t.mu.Unlock()
		if before == nil {
			break
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	out := func() {
		t.mu.Lock()
		delete(t.inside, who)
		t.mu.Unlock()
		close(gone)
	}
	select {
	case t.places <- struct{}{}:
		return func() { <-t.places; out() }, nil
	case <-ctx.Done():
		out()
		return nil, ctx.Err()
	}
}
