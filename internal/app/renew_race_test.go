package app_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// raceSQL has the database number what happens to a subscription, under the lock
// that each of these takes: in the order of the commits.
const raceSQL = `
CREATE TABLE race (n bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL);
CREATE FUNCTION race() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO race (what) VALUES (TG_ARGV[0]); RETURN NULL; END $$;
CREATE TRIGGER race AFTER INSERT ON charge FOR EACH ROW EXECUTE FUNCTION race('charge');
CREATE TRIGGER race_off AFTER INSERT ON subscription_event FOR EACH ROW WHEN (NEW.kind = 'auto_renew_off') EXECUTE FUNCTION race('off');
CREATE TRIGGER race_end AFTER INSERT ON payment_event FOR EACH ROW WHEN (NEW.to_state IN ('succeeded', 'failed')) EXECUTE FUNCTION race('end')`

// A person turns auto-renewal off while a card is about to be charged. By the
// order of the commits, off first means no charge (I7); and what the person reads
// is what happened: that a charge was on its way, or that nothing is charged any
// more.
func TestOffRacesTheCard(t *testing.T) {
	t.Parallel()
	people, rounds := 1, 40
	switch {
	case long():
		people, rounds = 20, 500
	case testing.Short():
		rounds = 20
	}
	for range people { // the history of one grows, and with it each round
		t.Run("", func(t *testing.T) {
			t.Parallel()
			offRacesTheCard(t, rounds)
		})
	}
}

func offRacesTheCard(t *testing.T, rounds int) {
	s := newTill(t)
	ona, id, method := s.subscriber(7_900_000_003_300, sandbox.CardOK)
	_, err := s.db.Pool().Exec(s.ctx(), raceSQL)
	s.must(err)
	seen := map[string]int{}
	charged := 0
	var lasts time.Duration // a charge
	for round := range rounds {
		// Cards do not last for thousands of years.
		token, err := s.SaveCard(sandbox.CardOK)
		s.must(err)
		_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment_method SET provider_ref = $1 WHERE id = $2`, token, method)
		s.must(err)
		_, err = s.db.Pool().Exec(s.ctx(), `TRUNCATE race`)
		s.must(err)
		// It is switched on so many times in a day and no more.
		s.clock.Set(maxTime(s.clock.Now().Add(75*time.Minute), s.end(id).Add(-2*day)))
		if round%3 > 0 { // else the decision to charge is in the race, too
			s.must(s.Renew(s.ctx(), id))
		}
		var charging bool
		ahead := rand.N(lasts + 1) // of the charge, which takes longer: both come first
		off := func() {
			time.Sleep(ahead)
			var err error
			if charging, err = s.TurnAutoRenewOff(s.ctx(), ona, id); err != nil {
				t.Error(err)
			}
		}
		charge := func() {
			began := time.Now()
			defer func() { lasts = time.Since(began) }()
			if err := s.Renew(s.ctx(), id); err != nil {
				t.Error(err)
			}
			if _, err := s.CheckPayments(s.ctx()); err != nil {
				t.Error(err)
			}
		}
		var wg sync.WaitGroup
		for i := range 2 {
			if (i+round)%2 == 0 {
				wg.Go(off)
			} else {
				wg.Go(charge)
			}
		}
		wg.Wait()
		rows, err := s.db.Pool().Query(s.ctx(), `SELECT what FROM race ORDER BY n`)
		s.must(err)
		order, err := pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
		var isOff, isCharged, hasEnded bool // before that
		for _, what := range order {
			switch what {
			case "off":
				isOff = true
				if want := isCharged && !hasEnded; charging != want {
					t.Fatalf("round %d: the person reads that a charge is on its way: %t; %v", round, charging, order)
				}
			case "charge":
				if isOff {
					t.Fatalf("round %d: charged after off: %v", round, order)
				}
				isCharged = true
				charged++
			case "end":
				hasEnded = true
			}
		}
		if !isOff {
			t.Fatalf("round %d: not turned off: %v", round, order)
		}
		switch {
		case !isCharged:
			seen["off first"]++
		case charging:
			seen["off while it was charged"]++
		default:
			seen["off after it was charged"]++
		}
		s.must(s.RunDue(s.ctx())) // what was not sent is taken back
		s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, s.consentTo(method)))
	}
	t.Logf("%d rounds: %v", rounds, seen)
	if long() && len(seen) < 3 { // not in so few rounds as otherwise
		t.Error("not every order was seen")
	}
	if _, times := s.captured(); times != 1+charged {
		t.Errorf("%d captures for %d charges and the first order", times, charged)
	}
	s.webhooks()
	s.agree()
}
