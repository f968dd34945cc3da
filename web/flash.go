package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/views"
)

// flashLife is how long a notice waits for the page that shows it.
const flashLife = time.Minute

// redirect ends a POST: the person goes on to path, where the notice flash (one
// of views' Flash codes, or "") is shown once. The cookie carries the code only,
// so nobody can make the portal say something of their own.
func (s *server) redirect(c echo.Context, path, flash string) error {
	if flash != "" {
		s.setCookie(c, flashCookie, flash, flashLife)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// takeFlash returns the waiting notice and takes it away.
func (s *server) takeFlash(c echo.Context) string {
	code := s.cookie(c.Request(), flashCookie)
	if code == "" || !slices.Contains(flashCodes, code) {
		return ""
	}
	s.setCookie(c, flashCookie, "", -time.Second)
	return code
}

var flashCodes = []string{
	views.FlashSignedIn, views.FlashSignedOut, views.FlashOrderPlaced, views.FlashOrderCanceled, views.FlashBillingSaved,
	views.FlashPayerAdded, views.FlashAutoRenewOff, views.FlashAutoRenewOffCharging, views.FlashAutoRenewOn, views.FlashProfileSaved, views.FlashSessionEnded,
	views.FlashSessionsEnded, views.FlashChanged, views.FlashOrderByCard, views.FlashOrderPaid, views.FlashCardRemoved, views.FlashKeyRevoked, views.FlashRefundAsked, views.FlashRequestWithdrawn, views.FlashRefundApproved, views.FlashRefundRejected,
	views.FlashInvited, views.FlashInvitationRevoked, views.FlashMemberRevoked,
	views.FlashRecipientAdded, views.FlashRecipientSaved, views.FlashRecipientRemoved, views.FlashSentAgain,
	views.FlashCorrected, views.FlashCorrectionAsked,
	views.FlashSuspenseDecided, views.FlashStatementAsked, views.FlashPayoutSent, views.FlashPayoutFailed,
}

// refusals are the reasons for a refused sign-in, by the code that travels.
var refusals = map[string]string{
	"login_state":  "error.login.state",
	"login_forged": "error.login.forged",
	"login_stale":  "error.login.stale",
	"login_used":   "error.login.used",
}

// refusalOf is the code of a refusal.
func refusalOf(err error) string {
	key := keyOf(err)
	for code, k := range refusals {
		if k == key {
			return code
		}
	}
	return "login_forged"
}

// takeRefusal returns why the sign-in before was refused, and forgets it.
func (s *server) takeRefusal(c echo.Context, t i18n.Translator) string {
	key, ok := refusals[s.cookie(c.Request(), flashCookie)]
	if !ok {
		return ""
	}
	s.setCookie(c, flashCookie, "", -time.Second)
	return t.T(key)
}
