package vat

import (
	"fmt"
	"time"
)

// Inquiry asks a register about a buyer's number. What is known of the buyer goes
// along, because where a member state hides the name of a number's holder, the
// register still says whether it is that of the buyer.
type Inquiry struct {
	Number   ID
	Name     string
	Street   string
	Postcode string
	City     string
	Urgent   bool // a person waits: the register is asked again at once where it stumbles, and for five seconds in all
}

// Answer is what a register said about a number, and the proof of it.
type Answer struct {
	Valid        bool
	Consultation string // number of the consultation; empty where the register gave none
	Requester    string // who asked, as the register was told; empty for nobody
	Dated        string // as the register dates its answer
	Name         string // of the holder; empty where the member state hides it
	Address      string
	Raw          []byte // the answer, byte for byte
	Program      string // that asked, with its version
}

// SilenceError is a register that gave no answer: neither yes nor no.
type SilenceError struct {
	Code     string // of the register, such as MS_UNAVAILABLE, or ours: see package vies
	Final    bool   // asking again in the same way does not help
	NotAsked bool   // it was left alone, because it was silent too often just now
}

// Error names the code.
func (e *SilenceError) Error() string { return fmt.Sprintf("vat: no answer: %s", e.Code) }

// How long an answer is relied on (vat.md 3.4, 3.5).
const (
	// FreshValid is how long "valid" stands without asking again: numbers lapse
	// between charges, so each invoice needs an answer of its day.
	FreshValid = 24 * time.Hour
	// FreshInvalid is the same for "invalid": new registrations appear late.
	FreshInvalid = time.Hour
	// ProofLife is how long "valid" still carries reverse charge for the same buyer
	// while the register is silent. It is asked all the while.
	ProofLife = 30 * 24 * time.Hour
)

// Fresh reports whether an answer of that age need not be asked for again.
func Fresh(valid bool, age time.Duration) bool {
	if valid {
		return age >= 0 && age <= FreshValid
	}
	return age >= 0 && age <= FreshInvalid
}

// Patience is how long a silent register is asked before it is left alone until
// there is another reason to ask.
const Patience = 72 * time.Hour

// AskAgain is how long to wait before a register that was silent so many times is
// asked again: a minute, then twice as long each time, up to two hours.
func AskAgain(silent int) time.Duration {
	const least, most = time.Minute, 2 * time.Hour
	if silent > 7 {
		return most
	}
	return min(least<<max(silent-1, 0), most)
}

// State is what is known about a payer's number, in the four states that the
// payer is shown.
type State string

// The states.
const (
	StateNone    State = ""        // no number
	StateValid   State = "valid"   // the register said so, at most ProofLife ago
	StateInvalid State = "invalid" // it said the opposite
	StateWaiting State = "waiting" // it has not answered
	StateFormat  State = "format"  // no register can be asked: form and check digit are all that is known
)

// StateOf is the state of a number of which a register's last answer is status:
// StatusValid, StatusInvalid, or anything else for none that is young enough.
func StateOf(number string, status Status) State {
	if number == "" {
		return StateNone
	}
	if id, err := ParseID(number); err != nil || !id.InVIES() {
		return StateFormat
	}
	switch status {
	case StatusValid:
		return StateValid
	case StatusInvalid:
		return StateInvalid
	case StatusNone, StatusUnknown:
	}
	return StateWaiting
}

// Hangs reports whether another answer of the register would tax the sale
// differently: reverse charge, or a consumer in another member state who has a
// number that a register knows.
func (t Treatment) Hangs(number string) bool {
	id, err := ParseID(number)
	if err != nil || !id.InVIES() {
		return false
	}
	switch t.Row {
	case "R4", "R7", "R7c", "R8a", "R8b":
		return true
	}
	return false
}
