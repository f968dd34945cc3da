package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siptg/portal/internal/storetest"
)

// The baseline is a fair one only while it serves the same pages.
func TestTheBaselineServesTheSamePages(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t)
	pool := connect(t, dsn)
	fill(t, pool, smallest)
	portal, bare := serve(t, newPortal(t, dsn, seller(t))), serve(t, newBare(t, dsn))
	for _, test := range []struct{ name, path, token string }{
		{"subscriptions", "/subscriptions", tokenOf(1)},
		{"subscriptions with an open order", "/subscriptions", tokenOf(10)},
		{"invoices", "/invoices", tokenOf(3)},
		{"invoices of the great payer", "/invoices", greatToken},
		{"older invoices of the great payer", deepPage(t, pool), greatToken},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours, err := fetch(t.Context(), portal, test.path, test.token)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := fetch(t.Context(), bare, test.path, test.token)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(theirs, ours); d != "" {
				t.Error(d)
			}
		})
	}
}
