package store

import (
	"context"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/siptg/portal/internal/fault"
)

// constraintKeys says what a broken constraint means to a person. Constraints
// are known by name, never by the text of the error.
var constraintKeys = map[string]string{
	"subscription_one_live":         "error.order.already_subscribed",
	"orders_closed_stays_closed":    "error.order.closed",
	"ledger_balance_within_limit":   "error.balance.too_low",
	"payer_currency_is_fixed":       "error.payer.currency_fixed",
	"refund_request_one_open":       "error.refund.one_open",
	"invitation_one_open":           "error.invite.open",
	"recipient_once":                "error.recipient.there",
	"recipient_gets_a_file":         "error.recipient.no_file",
	"correction_request_one_open":   "error.correction.one_open",
	"invoice_replaced_once":         "error.correction.meanwhile",
	"api_key_form_once":             "error.api_key.made",
	"suspense_decision_once":        "error.suspense.decided",
	"suspense_decision_undoes_once": "error.suspense.undone",
}

// mapError turns a constraint that has a meaning for people into a Conflict and
// a database that does not answer into Unavailable. Other errors pass.
func mapError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if key, ok := constraintKeys[pg.ConstraintName]; ok {
			return fault.Wrap(fault.Conflict, key, err)
		}
		switch pg.Code {
		case "57P01", "57P02", "57P03", "53300", "55P03", "57014": // shutting down, too many clients, lock or statement timeout
			return fault.Wrap(fault.Unavailable, "", err)
		}
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Unavailable, "", err)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fault.Wrap(fault.Unavailable, "", err)
	}
	return err
}

// IsConstraint reports whether err is a violation of the named constraint.
func IsConstraint(err error, name string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.ConstraintName == name
}
