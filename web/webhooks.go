package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/payment"
)

// maxWebhook is the largest webhook that is read.
const maxWebhook = 256 << 10

// isWebhook reports whether a request comes from a payment provider: it has
// limits of its own.
func isWebhook(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/webhooks/") }

// webhook takes a provider's webhook, byte by byte as it was signed. There is no
// session and no form: the signature says who sends it.
func (s *server) webhook(c echo.Context) error {
	r := c.Request()
	if !s.webhooks.count(s.ip(r), 1, s.now()) {
		return tooMany(c)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxWebhook))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return c.NoContent(http.StatusRequestEntityTooLarge)
	} else if err != nil {
		return c.NoContent(http.StatusBadRequest)
	}
	status, err := s.app.ReceiveWebhook(r.Context(), c.Param("provider"), payment.RawWebhook{Body: body, Header: r.Header})
	if errors.Is(err, payment.ErrBadSignature) {
		return c.NoContent(http.StatusBadRequest) // without a word about what is wrong
	} else if err != nil {
		return err
	}
	return c.NoContent(status)
}
