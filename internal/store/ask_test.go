package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
)

// open opens the store and a connection beside it.
func open(t *testing.T) (*store.DB, *pgxpool.Pool) {
	t.Helper()
	dsn := storetest.Database(t)
	db, err := store.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	beside, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(beside.Close)
	return db, beside
}

// A page must not show an invoice of a payer that the same page does not know:
// all answers are of one moment, whatever is committed between the statements.
func TestAnswersAreOfOneMoment(t *testing.T) {
	t.Parallel()
	db, beside := open(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := beside.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	const person = "00000000-0000-4000-8000-000000000001"
	exec(`INSERT INTO account (id, telegram_id, first_name, last_name, username, created_at, signed_in_at) VALUES ($1, 1, 'Ona', '', '', now(), now())`, person)
	exec(`INSERT INTO payer (id, kind, name, created_at) VALUES ($1, 'person', 'Ona', now())`, person)

	// The person comes to the payer and goes while pages are asked for.
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			_, _ = beside.Exec(ctx, `INSERT INTO member (payer_id, account_id, role, added_at) VALUES ($1, $1, 'owner', now())`, person)
			_, _ = beside.Exec(ctx, `DELETE FROM member`)
		}
	})
	defer writer.Wait()
	defer stop()
	seen := map[int]bool{}
	for asked := 0; asked < 200 || len(seen) < 2; asked++ {
		answers := make([][]store.PayerOf, 20)
		err := db.Ask(t.Context(), func(q *store.Questions) {
			for i := range answers {
				q.PayersOf(person, &answers[i])
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if len(a) != len(answers[0]) {
				t.Fatalf("%d payers at first, %d later in the same answer", len(answers[0]), len(a))
			}
		}
		seen[len(answers[0])] = true
	}
}

func TestAskingNothing(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	if err := db.Ask(t.Context(), func(*store.Questions) {}); err != nil {
		t.Error(err)
	}
}

// One question that fails fails all; the connection is fit for the next page.
func TestAFailedQuestion(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	for range 20 { // more often than there are connections
		var payers []store.PayerOf
		if err := db.Ask(t.Context(), func(q *store.Questions) {
			q.PayersOf("no uuid", &payers)
			q.PayersOf("00000000-0000-4000-8000-000000000001", &payers)
		}); err == nil {
			t.Fatal("a broken question was answered")
		}
		if err := db.Ask(t.Context(), func(q *store.Questions) {
			q.PayersOf("00000000-0000-4000-8000-000000000001", &payers)
		}); err != nil {
			t.Fatal(err)
		}
	}
}
