package notice

import "time"

// Channel is a way to reach people.
type Channel string

// The channels.
const (
	Telegram Channel = "telegram"
	Email    Channel = "email"
)

// DeliveryState is where a delivery stands. Only a pending one moves.
type DeliveryState string

// The states of a delivery.
const (
	Pending DeliveryState = "pending"
	Sent    DeliveryState = "sent"
	Failed  DeliveryState = "failed"  // tried to the end, or refused for good
	Skipped DeliveryState = "skipped" // not sent on purpose; Delivery.Why says which
)

// Why a delivery is skipped.
const (
	SkipDemo        = "demo"        // nothing leaves the machine in demo mode
	SkipOff         = "off"         // the operator has not set the channel up
	SkipUnreachable = "unreachable" // the person has blocked the bot, or never started it
	SkipNoMember    = "no_member"   // the person does not manage the payer's money any more
)

// Delivery is a notice on its way to one recipient.
type Delivery struct {
	ID        string // the same each time it is sent
	Channel   Channel
	Recipient string // a Telegram id, or an e-mail address
	State     DeliveryState
	Attempts  int       // with the running one
	Why       string    // of the last failure, for the log; or a Skip constant
	NextTry   time.Time // of a pending one
	SentAt    time.Time
}

// DeliveryLease is how long an attempt may take. After that it counts as
// crashed, and somebody else sends the same message again.
const DeliveryLease = 5 * time.Minute

// retryAfter are the waits after each failed attempt: two days in all, as mail
// servers do it.
var retryAfter = []time.Duration{
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// Done is a delivery that was sent.
func (d Delivery) Done(now time.Time) Delivery {
	d.State, d.SentAt, d.NextTry, d.Why = Sent, now, time.Time{}, ""
	return d
}

// Skip is a delivery that is not sent, and why.
func (d Delivery) Skip(why string) Delivery {
	d.State, d.NextTry, d.Why = Skipped, time.Time{}, why
	return d
}

// Fail is a delivery whose attempt failed: it is tried again, until the end.
func (d Delivery) Fail(why string, now time.Time) Delivery {
	if d.Attempts > len(retryAfter) {
		return d.GiveUp(why)
	}
	d.Why, d.NextTry = why, now.Add(retryAfter[max(d.Attempts, 1)-1])
	return d
}

// GiveUp is a delivery that was refused for good.
func (d Delivery) GiveUp(why string) Delivery {
	d.State, d.NextTry, d.Why = Failed, time.Time{}, why
	return d
}

// Postpone is a delivery that the channel had no room for: the attempt does not
// count.
func (d Delivery) Postpone(by time.Duration, now time.Time) Delivery {
	d.Attempts, d.NextTry = max(d.Attempts-1, 0), now.Add(by)
	return d
}
