package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/mail"
	"github.com/siptg/portal/internal/mail/mailtest"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/telegram"
)

// post is a site that sends: to a Bot API and a mail server of the test's own.
type post struct {
	*site
	api  *botAPI
	mail *mailtest.Server
	ona  account.Actor
	of   account.PayerID
}

// botAPI is a Bot API that keeps what it is sent and misbehaves on demand.
type botAPI struct {
	url    string
	mu     sync.Mutex
	sent   []string // "chat text"
	answer func(chat int64) (status int, body string)
	slow   chan struct{} // not nil: answers when it is closed
}

func newBotAPI(t testing.TB) *botAPI {
	t.Helper()
	b := &botAPI{}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *botAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ChatID int64  `json:"chat_id"`
		Text   string `json:"text"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	b.mu.Lock()
	answer, slow := b.answer, b.slow
	b.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-r.Context().Done():
			return
		}
	}
	if answer != nil {
		if status, text := answer(body.ChatID); status != http.StatusOK {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
			return
		}
	}
	b.mu.Lock()
	b.sent = append(b.sent, fmt.Sprintf("%d %s", body.ChatID, body.Text))
	b.mu.Unlock()
	_, _ = w.Write([]byte(`{"ok":true}`))
}

func (b *botAPI) set(answer func(chat int64) (int, string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *botAPI) messages() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

const onaTelegram = 7_900_000_000_800

func newPost(t testing.TB, changes ...func(*app.Config)) *post {
	t.Helper()
	p := &post{site: newSite(t), api: newBotAPI(t), mail: mailtest.Start(t)}
	sender, err := mail.NewSender("smtp://" + p.mail.Addr())
	p.must(err)
	config := app.Config{
		DB: p.db, Blobs: p.blobs, Queue: p.queue, Now: p.clock.Now, Seller: seller(t), BotToken: botToken, Log: slog.New(slog.DiscardHandler),
		PublicURL: "https://portal.example", Messenger: telegram.NewBot(p.api.url, botToken, time.Second), Mailer: sender,
	}
	for _, change := range changes {
		change(&config)
	}
	p.App, err = app.New(t.Context(), config)
	p.must(err)
	p.ona, p.of = p.customer(onaTelegram, "Ona")
	return p
}

func (p *post) notice(key string) notice.Notice {
	return notice.Notice{
		Key: key, Kind: notice.RenewalAhead, PayerID: p.of,
		Facts: notice.Facts{Plan: "softphone", Amount: 1815, Currency: "EUR", On: civil.MustParse("2027-05-20"), Method: "Visa •••• 4242"},
	}
}

// tell tells people something and returns the notice's id.
func (p *post) tell(key string) (id string) {
	p.t.Helper()
	p.must(p.Tell(p.ctx(), p.notice(key), nil))
	p.must(p.db.Pool().QueryRow(p.ctx(), `SELECT id::text FROM notice WHERE key = $1`, key).Scan(&id))
	return id
}

func (p *post) deliver(id string) time.Duration {
	p.t.Helper()
	again, err := p.DeliverNotice(p.ctx(), id)
	p.must(err)
	return again
}

// states are the deliveries of a notice: "telegram sent 1 reason".
func (p *post) states(id string) string {
	p.t.Helper()
	var out string
	p.must(p.db.Pool().QueryRow(p.ctx(), `
		SELECT COALESCE(string_agg(concat_ws(' ', channel, state, attempts, NULLIF(last_error, '')), ', ' ORDER BY channel DESC, recipient), '')
		FROM notice_delivery WHERE notice_id = $1`, id).Scan(&out))
	return out
}

func (p *post) wantStates(id, want string) {
	p.t.Helper()
	if got := p.states(id); got != want {
		p.t.Errorf("deliveries: %s\nwant: %s", got, want)
	}
}

func TestNoticeIsDelivered(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	billing := p.signIn(7_900_000_000_801, "Jonas")
	accountant := p.signIn(7_900_000_000_802, "Rasa")
	p.must(p.db.Update(p.ctx(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertMember(p.ctx(), p.of, billing.AccountID, account.RoleBilling),
			tx.InsertMember(p.ctx(), p.of, accountant.AccountID, account.RoleAccountant))
	}))
	id := p.tell("renewal_ahead 1")
	p.wantStates(id, "telegram pending 0, telegram pending 0, email pending 0")
	if n := p.count(`SELECT count(*) FROM river_job WHERE kind = 'deliver_notice' AND args->>'notice_id' = $1`, id); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if again := p.deliver(id); again != 0 {
		t.Errorf("comes again after %s", again)
	}
	p.wantStates(id, "telegram sent 1, telegram sent 1, email sent 1")
	text := "Softphone will be renewed\n\nOn 20 May 2027 we take €18.15, VAT included, for the next period from Visa •••• 4242. " +
		"You do not need to do anything. If you do not want it, turn auto-renewal off before that day: then nothing is taken."
	if got, want := p.api.messages(), []string{"7900000000800 " + text, "7900000000801 " + text}; !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	mails := p.mail.Received()
	if len(mails) != 1 || mails[0].To != "person@example.lt" || mails[0].From != "billing@example.lt" || mails[0].Header.Get("Subject") != "Softphone will be renewed" {
		t.Fatalf("%+v", mails)
	}
	for _, want := range []string{"https://portal.example/notices", "billing address of Ona at MB Pavyzdys", "18.15"} {
		if !strings.Contains(strings.ReplaceAll(mails[0].Raw, "=\r\n", ""), want) {
			t.Errorf("the mail lacks %q:\n%s", want, mails[0].Raw)
		}
	}
	// The same is told once, and what was sent is not sent again.
	p.must(p.Tell(p.ctx(), p.notice("renewal_ahead 1"), nil))
	p.deliver(id)
	if len(p.api.messages()) != 2 || len(p.mail.Received()) != 1 || p.count(`SELECT count(*) FROM notice_delivery`) != 3 || p.count(`SELECT count(*) FROM river_job WHERE kind = 'deliver_notice'`) != 1 {
		t.Error("told twice")
	}
}

// What was rolled back is not told (I32).
func TestRollbackTellsNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	thrown := errors.New("thrown away")
	if err := p.Tell(p.ctx(), p.notice("k"), func(*store.Tx) error { return thrown }); !errors.Is(err, thrown) {
		t.Fatal(err)
	}
	if n := p.count(`SELECT (SELECT count(*) FROM notice) + (SELECT count(*) FROM notice_delivery) + (SELECT count(*) FROM river_job WHERE kind = 'deliver_notice')`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestMisbehavingBotAPI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		first  string // the delivery after the first attempt
		again  time.Duration
		later  string // and after the next one, when the API is well again
	}{
		{"blocked", 403, `{"ok":false,"description":"Forbidden: bot was blocked by the user"}`, "telegram skipped 1 unreachable", 0, "telegram skipped 1 unreachable"},
		{"busy", 429, `{"ok":false,"parameters":{"retry_after":1}}`, "telegram pending 0", time.Second, "telegram sent 1"},
		{"broken", 500, `oops`, "telegram pending 1 telegram: status 500", time.Minute, "telegram sent 2"},
		{"bad gateway", 502, `<html>`, "telegram pending 1 telegram: status 502", time.Minute, "telegram sent 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t, func(c *app.Config) { c.Mailer = nil })
			p.api.set(func(int64) (int, string) { return tt.status, tt.body })
			id := p.tell("k")
			if again := p.deliver(id); again != tt.again {
				t.Errorf("again after %s, want %s", again, tt.again)
			}
			p.wantStates(id, tt.first+", email skipped 1 off")
			p.api.set(nil)
			if again := p.deliver(id); again != tt.again { // not yet due
				t.Errorf("before it is due: again after %s, want %s", again, tt.again)
			}
			p.wantStates(id, tt.first+", email skipped 1 off")
			p.clock.Set(p.clock.Now().Add(tt.again))
			p.untilSent(id, tt.later)
			p.wantStates(id, tt.later+", email skipped 1 off")
			if n := len(p.api.messages()); n != strings.Count(tt.later, "sent") {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// untilSent delivers again, because the bot's own pause is of real time.
func (p *post) untilSent(id, want string) {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		again := p.deliver(id)
		if strings.HasPrefix(p.states(id), want) || time.Now().After(deadline) {
			return
		}
		p.clock.Set(p.clock.Now().Add(again))
	}
}

// A Bot API that does not answer costs an attempt; one that answers late has
// sent the message, and it comes twice rather than never.
func TestSlowBotAPI(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.App = p.with(func(c *app.Config) { c.Messenger = telegram.NewBot(p.api.url, botToken, 50*time.Millisecond) })
	p.api.slow = make(chan struct{})
	id := p.tell("k")
	if again := p.deliver(id); again != time.Minute {
		t.Errorf("again after %s", again)
	}
	if got := p.states(id); !strings.HasPrefix(got, "telegram pending 1 telegram: ") || !strings.HasSuffix(got, "email sent 1") || strings.Contains(got, botToken) {
		t.Error(got)
	}
	p.api.mu.Lock()
	close(p.api.slow)
	p.api.slow = nil
	p.api.mu.Unlock()
	p.clock.Set(p.clock.Now().Add(time.Minute))
	p.deliver(id)
	p.wantStates(id, "telegram sent 2, email sent 1")
}

// with is the same site with another configuration.
func (p *post) with(change func(*app.Config)) *app.App {
	p.t.Helper()
	sender, err := mail.NewSender("smtp://" + p.mail.Addr())
	p.must(err)
	c := app.Config{
		DB: p.db, Blobs: p.blobs, Queue: p.queue, Now: p.clock.Now, Seller: seller(p.t), BotToken: botToken, Log: slog.New(slog.DiscardHandler),
		PublicURL: "https://portal.example", Messenger: telegram.NewBot(p.api.url, botToken, time.Second), Mailer: sender,
	}
	change(&c)
	a, err := app.New(p.ctx(), c)
	p.must(err)
	return a
}

// It is tried for two days, and then given up; a refusal for good ends it at
// once.
func TestDeliveryGivesUp(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *app.Config) { c.Messenger = nil })
	p.mail.Set(func(verb string) string {
		if verb == "RCPT" {
			return "451 later"
		}
		return ""
	})
	begun := p.clock.Now()
	id := p.tell("k")
	attempts := 0
	for again := time.Second; again > 0; attempts++ {
		again = p.deliver(id)
		p.clock.Set(p.clock.Now().Add(again))
	}
	if took := p.clock.Now().Sub(begun); attempts != 8 || took < 40*time.Hour || took > 72*time.Hour {
		t.Errorf("given up after %d attempts in %s", attempts, took)
	}
	if got := p.states(id); !strings.HasPrefix(got, "telegram skipped 1 off, email failed 8 mail: ") {
		t.Error(got)
	}
	p.mail.Set(func(verb string) string {
		if verb == "RCPT" {
			return "550 nobody here"
		}
		return ""
	})
	id = p.tell("another")
	if again := p.deliver(id); again != 0 {
		t.Errorf("again after %s", again)
	}
	if got := p.states(id); !strings.HasPrefix(got, "telegram skipped 1 off, email failed 1 ") {
		t.Error(got)
	}
}

// The program dies after the mail server took the message and before that was
// written down: the same message is sent again, and can be known by its
// Message-ID (I32).
func TestCrashAfterSending(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *app.Config) { c.Messenger = nil })
	id := p.tell("k")
	dying, die := context.WithCancel(p.ctx())
	killed := p.with(func(c *app.Config) {
		c.Messenger = nil
		c.Mailer = dyingMailer{c.Mailer, func() {
			die()
			panic("killed")
		}}
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = killed.DeliverNotice(dying, id)
	}()
	if got := p.mail.Received(); len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	p.wantStates(id, "telegram skipped 1 off, email pending 1")
	if again := p.deliver(id); again != notice.DeliveryLease {
		t.Errorf("again after %s: the attempt may still run", again)
	}
	p.clock.Set(p.clock.Now().Add(notice.DeliveryLease + leftBehind))
	p.must(p.DeliverLeftBehind(p.ctx())) // its job died too
	p.wantStates(id, "telegram skipped 1 off, email sent 2")
	got := p.mail.Received()
	if len(got) != 2 || got[0].Raw != got[1].Raw || got[0].Header.Get("Message-Id") == "" {
		t.Errorf("%+v", got)
	}
}

const leftBehind = 11 * time.Minute

type dyingMailer struct {
	app.Mailer
	die func()
}

func (m dyingMailer) Send(ctx context.Context, message mail.Message) error {
	if err := m.Mailer.Send(ctx, message); err != nil {
		return err
	}
	m.die()
	return nil
}

// A program that is being stopped writes down what it has sent.
func TestStopWhileSending(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	id := p.tell("k")
	stopping, stop := context.WithCancel(p.ctx())
	a := p.with(func(c *app.Config) { c.Messenger, c.Mailer = stoppingMessenger{c.Messenger, stop}, nil })
	if _, err := a.DeliverNotice(stopping, id); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	p.wantStates(id, "telegram sent 1, email pending 0")
	p.deliver(id)
	p.wantStates(id, "telegram sent 1, email sent 1")
}

type stoppingMessenger struct {
	app.Messenger
	stop func()
}

func (m stoppingMessenger) SendMessage(ctx context.Context, chat int64, text string) error {
	defer m.stop()
	return m.Messenger.SendMessage(ctx, chat, text)
}

// Two workers at a time, on the same notices: each message goes out once.
func TestTwoWorkersSendOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	var ids []string
	for i := range 10 {
		ids = append(ids, p.tell(fmt.Sprintf("k %d", i)))
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for _, id := range ids {
				if _, err := p.DeliverNotice(p.ctx(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n, m := len(p.api.messages()), len(p.mail.Received()); n != 10 || m != 10 {
		t.Errorf("%d messages, %d mails, want 10 each", n, m)
	}
	seen := map[string]bool{}
	for _, m := range p.mail.Received() {
		seen[m.Header.Get("Message-Id")] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d different Message-IDs", len(seen))
	}
	if n := p.count(`SELECT count(*) FROM notice_delivery WHERE state = 'sent' AND attempts = 1`); n != 20 {
		t.Errorf("%d sent at the first attempt", n)
	}
}

// The whole way: committed, picked up by the job workers, sent.
func TestJobsDeliverNotices(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	worker, err := jobs.NewWorker(p.db.Pool(), p.App, slog.New(slog.DiscardHandler))
	p.must(err)
	p.must(worker.Start(p.ctx()))
	defer func() { p.must(worker.Stop(context.WithoutCancel(p.ctx()))) }()
	id := p.tell("k")
	deadline := time.Now().Add(30 * time.Second)
	for p.states(id) != "telegram sent 1, email sent 1" {
		if time.Now().After(deadline) {
			t.Fatal(p.states(id))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// In demo mode nothing leaves the machine, whatever is configured.
func TestDemoSendsNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *app.Config) { c.Demo = true })
	id := p.tell("k")
	p.wantStates(id, "telegram skipped 0 demo, email skipped 0 demo")
	if n := p.count(`SELECT count(*) FROM river_job WHERE kind = 'deliver_notice'`); n != 0 {
		t.Errorf("%d jobs", n)
	}
	p.deliver(id)
	if len(p.api.messages())+len(p.mail.Received()) != 0 {
		t.Error("something was sent")
	}
	// Nor is what another mode left pending.
	p.App = p.with(func(*app.Config) {})
	id = p.tell("of production")
	p.App = p.with(func(c *app.Config) { c.Demo = true })
	p.deliver(id)
	p.wantStates(id, "telegram skipped 1 demo, email skipped 1 demo")
}

// Who has left the payer between the notice and its delivery is not told.
func TestFormerMemberIsNotTold(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	id := p.tell("k")
	_, err := p.db.Pool().Exec(p.ctx(), `UPDATE member SET role = 'accountant' WHERE payer_id = $1`, string(p.of))
	p.must(err)
	p.deliver(id)
	p.wantStates(id, "telegram skipped 1 no_member, email sent 1")
}

// Everybody reads their own language and clock. There is one language yet, so
// this looks at the clock.
func TestReaderTimeZone(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.must(p.SaveProfile(p.ctx(), p.ona, "en", "America/New_York"))
	n := p.notice("k")
	n.Facts.Until = time.Date(2027, 5, 23, 9, 30, 0, 0, time.UTC)
	p.must(p.Tell(p.ctx(), n, nil))
	var id string
	p.must(p.db.Pool().QueryRow(p.ctx(), `SELECT id::text FROM notice`).Scan(&id))
	p.deliver(id)
	if got := p.api.messages(); len(got) != 1 || !strings.Contains(got[0], "23 May 2027, 05:30 (America/New_York)") {
		t.Errorf("%q", got)
	}
	if got := p.mail.Received(); len(got) != 1 || !strings.Contains(strings.ReplaceAll(got[0].Raw, "=\r\n", ""), "23 May 2027, 12:30 (Europe/Vilnius)") {
		t.Errorf("%+v", got)
	}
}

func TestNoticesOfAnActor(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	rasa, jonas := p.signIn(7_900_000_000_811, "Rasa"), p.signIn(7_900_000_000_812, "Jonas")
	p.must(p.db.Update(p.ctx(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertMember(p.ctx(), p.of, rasa.AccountID, account.RoleAccountant), tx.InsertPayerCustomer(p.ctx(), p.of, jonas.AccountID))
	}))
	var keys []string
	for i := range 65 { // several at one instant
		if i%2 == 0 {
			p.clock.Set(p.clock.Now().Add(time.Minute))
		}
		key := fmt.Sprintf("k %d", i)
		p.tell(key)
		keys = append(keys, key)
	}
	var seen []string
	pages, after := 0, ""
	for {
		page, err := p.Notices(p.ctx(), p.ona, after)
		p.must(err)
		for i, n := range page.Items {
			seen = append(seen, n.Key)
			if i > 0 && n.At.After(page.Items[i-1].At) {
				t.Errorf("%s is not older than the one before", n.Key)
			}
			if len(n.Deliveries) != 2 {
				t.Errorf("deliveries %+v", n.Deliveries)
			}
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	slices.Sort(seen)
	slices.Sort(keys)
	if pages != 3 || !slices.Equal(seen, keys) {
		t.Errorf("%d pages, %d notices: %v", pages, len(seen), seen)
	}
	for name, actor := range map[string]account.Actor{"accountant": rasa, "customer": jonas, "stranger": p.signIn(7_900_000_000_813, "Petras")} {
		if page, err := p.Notices(p.ctx(), actor, ""); err != nil || len(page.Items) != 0 {
			t.Errorf("the %s sees %d notices, %v", name, len(page.Items), err)
		}
	}
	for _, after := range []string{"x", "1", "1~", "~" + string(p.of), "99999999999999999999~" + string(p.of), "-1~" + string(p.of), "9223372036854775807~" + string(p.of)} {
		if _, err := p.Notices(p.ctx(), p.ona, after); err == nil {
			t.Errorf("cursor %q is taken", after)
		}
	}
}

// BenchmarkNotify is the cost of telling one thing in a transaction that is open
// anyway: renewals do it a hundred thousand times in a row.
func BenchmarkNotify(b *testing.B) {
	for name, demo := range map[string]bool{"stored": true, "sent": false} {
		b.Run(name, func(b *testing.B) {
			p := newPost(b, func(c *app.Config) { c.Demo = demo })
			n := 0
			for b.Loop() {
				p.must(p.Tell(p.ctx(), p.notice(fmt.Sprintf("k %d", n)), func(tx *store.Tx) error {
					for i := range 99 {
						if err := p.TellIn(p.ctx(), tx, p.notice(fmt.Sprintf("k %d %d", n, i))); err != nil {
							return err
						}
					}
					return nil
				}))
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*100), "µs/notice")
		})
	}
}

// An attempt that outlives its lease finds that another one has ended the
// delivery, and leaves it so.
func TestLateAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	id := p.tell("k")
	late := p.with(func(c *app.Config) {
		c.Mailer = nil
		c.Messenger = lateMessenger{c.Messenger, func() {
			p.clock.Set(p.clock.Now().Add(notice.DeliveryLease))
			p.deliver(id)
		}}
	})
	if _, err := late.DeliverNotice(p.ctx(), id); err != nil {
		t.Error(err)
	}
	p.wantStates(id, "telegram sent 2, email sent 1")
}

type lateMessenger struct {
	app.Messenger
	meanwhile func()
}

func (m lateMessenger) SendMessage(ctx context.Context, chat int64, text string) error {
	m.meanwhile()
	return errors.Join(m.Messenger.SendMessage(ctx, chat, text), telegram.ErrUnreachable)
}
