package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A payer by transfer reads where the money is at each step, and nobody can spend
// what is to be sent; the back office has what somebody needs to send it.
func TestPayouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.app.AskRefund(w.ctx(), w.owner.actor(), w.subscription, "method", "We moved.")
	w.must(err)
	request := "/staff/refunds/" + w.refundRequest()
	w.finance.submit(request+"/approve", nil)
	w.admin.submit(request+"/approve", nil)
	balance := func() string {
		return w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", "")
	}
	transfer := func(state, says string) {
		t.Helper()
		if got := w.owner.get("/requests").mark("transfer"); got.Length() != 1 || got.AttrOr("data-state", "") != state || !strings.Contains(got.Text(), says) {
			t.Errorf("the owner reads %q", got.Text())
		}
	}
	transfer("requested", "will be transferred to your account …3000")
	if got := balance(); got != "0" {
		t.Errorf("on the balance, to be sent: %s", got)
	}
	if a := w.admin.get(request); a.mark("transfer").AttrOr("data-state", "") != "requested" || a.doc().Find(`main a[href="/staff/payouts"]`).Length() == 0 {
		t.Errorf("the request: %s", clip(a.body, 3000))
	}
	if got := w.support.get("/staff").doc().Find(`[data-testid="waiting"][data-kind="payouts"]`).AttrOr("data-count", ""); got != "1" {
		t.Errorf("%s wait", got)
	}
	row := w.support.get("/staff/payouts").mark("payout")
	if row.Length() != 1 || row.AttrOr("data-minor", "") != "32580" || row.AttrOr("data-state", "") != "requested" {
		t.Fatalf("the list: %s", row.Text())
	}
	path := "/staff/payouts/" + row.AttrOr("data-id", "")
	seen := w.support.get(path)
	if !strings.Contains(seen.mark("iban").Text(), "DE89 3704 0044 0532 0130 00") || !strings.Contains(seen.mark("reference").Text(), "SIPC-2026-000001") ||
		seen.mark("why-not").AttrOr("data-reason", "") != "role" || seen.doc().Find(`form[action^="`+path+`"]`).Length() != 0 {
		t.Errorf("support sees %s", clip(seen.body, 3000))
	}

	// A mistake keeps what was typed.
	if a := w.finance.post(path+"/failed", url.Values{"reason": {" "}}); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "reason" ||
		a.doc().Find(`form[action="`+path+`/sent"]`).Length() != 1 {
		t.Errorf("without a reason: %d %s", a.status, clip(a.body, 3000))
	}
	sent := w.finance.submit(path+"/sent", nil)
	if sent.mark("state").AttrOr("data-state", "") != "succeeded" || !strings.Contains(sent.body, "Faustas") || sent.doc().Find(`form[action^="`+path+`"]`).Length() != 0 {
		t.Errorf("sent: %s", clip(sent.body, 3000))
	}
	for _, what := range []string{"/sent", "/failed"} {
		if a := w.admin.post(path+what, url.Values{"reason": {"No."}}); a.status != http.StatusConflict || a.mark("state").AttrOr("data-state", "") != "succeeded" {
			t.Errorf("%s afterwards: %d", what, a.status)
		}
	}
	transfer("succeeded", "was sent to your account …3000 on 23")
	if got := balance(); got != "0" {
		t.Errorf("on the balance, sent: %s", got)
	}
}

// What could not be sent is on the balance, and the receipt of the withdrawal says
// so.
func TestPayoutThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt := "/withdrawals/" + w.receiptOfWithdrawal()
	path := "/staff/payouts/" + w.finance.get("/staff/payouts").mark("payout").AttrOr("data-id", "")
	failed := w.finance.submit(path+"/failed", url.Values{"reason": {"It is <b>closed</b>."}})
	if failed.mark("state").AttrOr("data-state", "") != "failed" || !strings.Contains(failed.body, "It is &lt;b&gt;closed&lt;/b&gt;.") {
		t.Errorf("failed: %s", clip(failed.body, 3000))
	}
	got := w.owner.get(receipt).mark("transfer")
	if got.AttrOr("data-state", "") != "failed" || !strings.Contains(got.Text(), "is on your balance") || strings.Contains(got.Text(), "closed") {
		t.Errorf("the receipt says %q", got.Text())
	}
	if on := w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", ""); on != got.AttrOr("data-minor", "") {
		t.Errorf("on the balance: %s", on)
	}
}
