package audit

import "github.com/siptg/portal/internal/account"

// Actor is who acted: "account:<id>", "command:<name>" or "job:<name>".
type Actor string

// ByAccount is a signed-in person.
func ByAccount(id account.ID) Actor { return Actor("account:" + string(id)) }

// ByCommand is an operator at the command line.
func ByCommand(name string) Actor { return Actor("command:" + name) }

// ByJob is the program by itself.
func ByJob(name string) Actor { return Actor("job:" + name) }

// Record is one line of the audit log.
type Record struct {
	Actor      Actor
	Action     string // "order.placed", "subscription.auto_renew_off" …
	ObjectKind string // "order", "subscription", "payer" …
	ObjectID   string
	PayerID    account.PayerID // empty where no payer is concerned
	Detail     map[string]any  // no personal data beyond what the object holds
}
