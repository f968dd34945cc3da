package sim

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/siptg/portal/internal/payment"
)

// mutant is a portal with a wall less and the bug that the wall is against, or
// with a bug that no wall can stop. The simulator has to find it.
type mutant struct {
	name  string
	sql   string                                   // what is done to the database
	hears func(payment.RawWebhook) []payment.Event // in place of a webhook that is not signed rightly
	finds []string                                 // one of these invariants is seen to be broken
	quick bool                                     // tried in each test run
}

// planted is a trigger that does something wrong. It does so for what the portal
// writes, and not for what another trigger does.
func planted(name, when, body string) string {
	return `CREATE FUNCTION ` + name + `() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + body + ` END $$;
		CREATE TRIGGER ` + name + ` ` + when + ` EXECUTE FUNCTION ` + name + `();`
}

const (
	atTheTop = ` FOR EACH ROW WHEN (pg_trigger_depth() = 0)`
	copyOf   = `INSERT INTO payment (payer_id, payable_kind, payable_id, provider, provider_account, initiator, currency, amount_minor, state, order_id, created_at)
		VALUES (NEW.payer_id, NEW.payable_kind, NEW.payable_id, NEW.provider, NEW.provider_account, NEW.initiator, NEW.currency, NEW.amount_minor, 'created', NEW.order_id, NEW.created_at); RETURN NULL;`
)

var mutants = []mutant{
	{name: "nothing keeps the balances", sql: `DROP TRIGGER ledger_keep_balance ON ledger_posting;`, finds: []string{"I3"}, quick: true},
	{name: "a capture is booked twice", quick: true, finds: []string{"I5"},
		sql: `DROP INDEX ledger_entry_payment_once;` + planted("twice", "AFTER INSERT ON ledger_posting"+atTheTop, `
			IF NEW.line = 2 AND EXISTS (SELECT FROM ledger_entry WHERE id = NEW.entry_id AND kind = 'captured') THEN
				WITH e AS (INSERT INTO ledger_entry (kind, at, payment_id, hash) SELECT kind, at, payment_id, hash FROM ledger_entry WHERE id = NEW.entry_id RETURNING id)
				INSERT INTO ledger_posting SELECT e.id, p.line, p.account_id, p.currency, p.amount_minor FROM e, ledger_posting p WHERE p.entry_id = NEW.entry_id;
			END IF; RETURN NULL;`)},
	{name: "auto-renewal stays on", quick: true, finds: []string{"I7"},
		sql: planted("stays_on", "BEFORE UPDATE ON subscription"+atTheTop, `NEW.auto_renew := OLD.auto_renew OR NEW.auto_renew; RETURN NEW;`)},
	{name: "two live payments of one thing", finds: []string{"I6"},
		sql: `DROP INDEX payment_one_live;` + planted("twice", "AFTER INSERT ON payment"+atTheTop, copyOf)},
	{name: "one period twice", finds: []string{"I6", "I20"},
		sql: `DROP INDEX subscription_period_number_once; ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_no_overlap;` +
			planted("twice", "AFTER INSERT ON subscription_period"+atTheTop, `
			INSERT INTO subscription_period (subscription_id, number, during, price_book, monthly_minor, worth, rate, change)
			VALUES (NEW.subscription_id, NEW.number, NEW.during, NEW.price_book, NEW.monthly_minor, NEW.worth, NEW.rate, 9); RETURN NULL;`)},
	{name: "a statement imported again is new", finds: []string{"I25", "I29"},
		sql: `ALTER TABLE bank_entry DROP CONSTRAINT bank_entry_once; ALTER TABLE bank_entry ADD CONSTRAINT bank_entry_once UNIQUE (id);` +
			planted("forgets", "BEFORE INSERT ON bank_entry"+atTheTop, `NEW.key := NEW.key || ' ' || NEW.imported_at || nextval('sim_id'); RETURN NEW;`)},
	{name: "an hour more with each payment", finds: []string{"I18", "I20"},
		sql: planted("an_hour", "BEFORE UPDATE OF paid_until ON subscription"+atTheTop,
			`IF NEW.paid_until > OLD.paid_until THEN NEW.paid_until := NEW.paid_until + interval '1 hour'; END IF; RETURN NEW;`)},
	{name: "a change gives a day", finds: []string{"I18", "I19"},
		sql: `ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_no_overlap;` + planted("a_day", "BEFORE INSERT ON subscription_period"+atTheTop, `
			IF NEW.change > 0 THEN NEW.during := tstzrange(lower(NEW.during), upper(NEW.during) + interval '1 day'); END IF; RETURN NEW;`) +
			planted("a_day_too", "BEFORE UPDATE OF paid_until, anchor_day ON subscription"+atTheTop, `
			SELECT GREATEST(NEW.paid_until, max(upper(during))) INTO NEW.paid_until FROM subscription_period WHERE subscription_id = NEW.id AND superseded_at IS NULL; RETURN NEW;`)},
	{name: "a change takes the value", finds: []string{"I18"},
		sql: planted("takes", "BEFORE INSERT ON subscription_period"+atTheTop, `IF NEW.change > 0 THEN NEW.worth := '1/1'; END IF; RETURN NEW;`)},
	{name: "what has ended moves again", finds: []string{"I5", "I23", "I29"},
		sql: `DROP TRIGGER payment_keeps_its_word ON payment;` +
			planted("moves", "AFTER INSERT ON webhook_inbox"+atTheTop, `UPDATE payment SET state = 'failed' WHERE state IN ('succeeded', 'expired'); RETURN NULL;`)},
	{name: "numbers are left out", finds: []string{"I12"},
		sql: `DROP TRIGGER series_steps_by_one ON series; DROP TRIGGER series_number_is_used ON series; DROP TRIGGER invoice_takes_its_number ON invoice;` +
			planted("skips", "BEFORE UPDATE ON series"+atTheTop, `NEW.next := NEW.next + 1; RETURN NEW;`)},
	{name: "an issued invoice changes", finds: []string{"I13"},
		sql: `DROP TRIGGER invoice_is_immutable ON invoice;` +
			planted("rewrites", "AFTER INSERT ON orders"+atTheTop, `UPDATE invoice SET content = content || ' ', content_sha256 = sha256(content || ' '), number = number || 'A'; RETURN NULL;`)},
	{name: "a canceled order is open again", finds: []string{"I6"},
		sql: `DROP TRIGGER orders_keep_price ON orders;` +
			planted("reopens", "AFTER INSERT ON orders"+atTheTop, `UPDATE orders SET state = 'awaiting_payment', closed_at = NULL WHERE state = 'canceled'; RETURN NULL;`)},
	{name: "captures leave no trace", finds: []string{"I31"},
		sql: planted("silent", "BEFORE INSERT ON audit"+atTheTop, `IF NEW.action = 'payment.captured' THEN RETURN NULL; END IF; RETURN NEW;`)},
	{name: "ended while it is paid for", finds: []string{"I8"},
		sql: planted("ends", "AFTER INSERT ON orders"+atTheTop, `UPDATE subscription SET state = 'ended' WHERE payer_id = NEW.payer_id; RETURN NULL;`)},
	{name: "it comes back by itself", finds: []string{"I8"},
		sql: `DROP INDEX subscription_one_live;` +
			planted("revives", "AFTER INSERT ON orders"+atTheTop, `UPDATE subscription SET state = 'active' WHERE payer_id = NEW.payer_id; RETURN NULL;`)},
	{name: "money in suspense is ignored", finds: []string{"I25", "I26"},
		sql: `ALTER TABLE bank_entry DROP CONSTRAINT bank_entry_means_while_in_suspense;` +
			planted("ignores", "BEFORE INSERT ON bank_entry"+atTheTop, `IF NEW.outcome = 'suspense' THEN NEW.outcome := 'ignored'; END IF; RETURN NEW;`)},
	{name: "a settlement that says less", finds: []string{"I6"},
		sql: planted("less", "BEFORE INSERT ON settlement"+atTheTop, `NEW.vat_minor := GREATEST(0, NEW.vat_minor - 1); RETURN NEW;`)},
	{name: "nobody looks at what is unknown", finds: []string{"stuck", "I29"},
		sql: planted("blind", "BEFORE INSERT OR UPDATE ON payment FOR EACH ROW", `NEW.next_check_at := NULL; RETURN NEW;`)},
	{name: "webhooks are believed unsigned", finds: []string{"I24"}, hears: func(payment.RawWebhook) []payment.Event {
		return []payment.Event{{Key: "forged", Ref: "nobody"}}
	}},
}

// believer is a provider whose signatures nobody checks.
type believer struct {
	counter
	hears func(payment.RawWebhook) []payment.Event
}

// ParseWebhook believes what is not signed.
func (b believer) ParseWebhook(ctx context.Context, raw payment.RawWebhook) ([]payment.Event, error) {
	events, err := b.counter.ParseWebhook(ctx, raw)
	if errors.Is(err, payment.ErrBadSignature) {
		return b.hears(raw), nil
	}
	return events, err
}

const (
	mutantSeeds = 25 // in so many seeds a mutant has to be found
	mutantSteps = 120
)

// The simulator sees what it is there for: each planted bug is found. Without
// PORTAL_LONG a few are tried.
func TestTheSimulatorSees(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if !m.quick && os.Getenv("PORTAL_LONG") != "1" {
				t.Skip("PORTAL_LONG is not set")
			}
			for seed := range uint64(mutantSeeds) {
				p := newPlan(seed+1, mutantSteps, true)
				var r result
				t.Run("seed", func(t *testing.T) { r = run(t, p, m) })
				if !r.failed() {
					continue
				}
				if !slices.Contains(m.finds, r.breaches[0].ID) {
					t.Fatalf("found, but as %v, not as %v", r.breaches, m.finds)
				}
				t.Logf("found with seed %d: %s", seed+1, r.breaches[0])
				return
			}
			t.Errorf("not found in %d seeds of %d steps", mutantSeeds, mutantSteps)
		})
	}
}
