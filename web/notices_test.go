package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// told writes a notice to a payer, as use cases do in their transactions.
func (w *world) told(payer account.PayerID, key string, kind notice.Kind) string {
	w.t.Helper()
	var id string
	w.must(w.db.Update(w.ctx(), func(tx *store.Tx) error {
		tx.InsertNotice(notice.Notice{
			Key: key, Kind: kind, PayerID: payer, SubscriptionID: w.subscription, OrderNumber: w.paid.Number,
			Facts: notice.Facts{
				Plan: "softphone", Amount: 1815, Currency: "EUR", On: civil.MustParse("2027-05-20"), Until: w.clock.Now(),
				Method: "Visa •••• 4242", Document: w.paid.InvoiceNumber,
			},
		}, "", app.Job{Kind: "deliver_notice", Queue: "notices", MaxAttempts: 8})
		return nil
	}))
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT id::text FROM notice WHERE key = $1`, key).Scan(&id))
	return id
}

const noticeMark = `[data-testid="notice"]`

func TestNoticesPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.owner.open("/notices"); a.mark("notice").Length() != 1 || a.mark("notice").AttrOr("data-kind", "") != "order_paid" {
		t.Errorf("her order was paid: %s", clip(a.body, 2000))
	}
	if a := w.stranger.open("/notices"); a.doc().Find(noticeMark).Length() != 0 || !strings.Contains(a.body, "No notices yet") {
		t.Errorf("an empty list: %s", clip(a.body, 2000))
	}
	w.told(w.payer, "renewed 1", notice.Renewed)
	w.told(w.strangersPayer, "renewed of a stranger", notice.Renewed)
	w.clock.Set(w.clock.Now().Add(10 * time.Minute))
	id := w.told(w.payer, "<b>charge_declined</b>", notice.ChargeDeclined)
	w.must(w.db.Update(w.ctx(), func(tx *store.Tx) error {
		d, _, err := tx.ClaimDelivery(w.ctx(), id)
		if err != nil {
			return err
		}
		return tx.SaveDelivery(w.ctx(), d.Done(w.clock.Now()))
	}))
	a := w.owner.open("/notices")
	rows := a.mark("notice")
	if rows.Length() != 3 || rows.First().AttrOr("data-key", "") != "<b>charge_declined</b>" || rows.Filter(`[data-kind="renewed"]`).Length() != 1 {
		t.Fatalf("%d notices\n%s", rows.Length(), clip(a.body, 3000))
	}
	first := rows.First()
	for _, want := range []string{"Softphone: the payment was refused", "from Visa •••• 4242, and it was refused", "€18.15, VAT included", "20 May 2027", "Telegram: sent", "E-mail: on its way"} {
		if !strings.Contains(first.Text(), want) {
			t.Errorf("no %q in %s", want, first.Text())
		}
	}
	if at := first.Find("time").AttrOr("datetime", ""); at != "2026-11-23T09:40:00Z" {
		t.Errorf("at %s", at)
	}
	for _, link := range []string{"/orders/" + w.paid.Number, subscriptionURL(w.subscription)} {
		if first.Find(`a[href="`+link+`"]`).Length() != 1 {
			t.Errorf("no link to %s", link)
		}
	}
	// Every link leads to a page.
	a.doc().Find(noticeMark + " a").Each(func(_ int, s *goquery.Selection) {
		if got := w.owner.get(s.AttrOr("href", "")).status; got != http.StatusOK {
			t.Errorf("%s: %d", s.AttrOr("href", ""), got)
		}
	})
	if w.owner.open("/account").doc().Find(`a[href="/notices"]`).Length() != 1 {
		t.Error("no way from the account")
	}
	// Nobody else reads them: not who keeps the books, not who is paid for.
	for name, b := range map[string]*browser{"accountant": w.accountant, "customer": w.customer} {
		if a := b.open("/notices"); a.doc().Find(noticeMark).Length() != 0 || strings.Contains(a.body, "18.15") {
			t.Errorf("the %s reads notices", name)
		}
	}
	if a := w.stranger.open("/notices"); a.mark("notice").Length() != 1 || strings.Contains(a.body, "charge_declined") {
		t.Error("the stranger reads what is not hers, or not what is")
	}
}

func TestNoticesArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 61 {
		w.told(w.payer, fmt.Sprintf("k %d", i), notice.Renewed)
	}
	seen, path := map[string]bool{}, "/notices"
	for range 3 {
		a := w.owner.open(path)
		a.mark("notice").Each(func(_ int, s *goquery.Selection) { seen[s.AttrOr("data-key", "")] = true })
		if first := a.doc().Find(`.pages a[href="/notices"]`).Length(); (first == 1) != (path != "/notices") {
			t.Errorf("%s: %d ways to the newest", path, first)
		}
		path = a.doc().Find(`a[rel="next"]`).AttrOr("href", "")
	}
	// With that of her paid order.
	if len(seen) != 62 || path != "" {
		t.Errorf("%d notices, then %q", len(seen), path)
	}
	for _, bad := range []string{"/notices?after=x", "/notices?after=1~2", "/notices?after=1~" + strings.Repeat("a", 36)} {
		if got := w.owner.get(bad).status; got != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, got)
		}
	}
}
