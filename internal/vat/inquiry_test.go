package vat

import (
	"testing"
	"time"
)

// The figures of vat.md 3.3 and 3.4.
func TestHowLongAnAnswerStands(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		valid bool
		age   time.Duration
		fresh bool
	}{
		{true, 0, true}, {true, 24 * time.Hour, true}, {true, 24*time.Hour + 1, false}, {true, -1, false},
		{false, 0, true}, {false, time.Hour, true}, {false, time.Hour + 1, false}, {false, -1, false},
	} {
		if Fresh(x.valid, x.age) != x.fresh {
			t.Errorf("%t, %s: want %t", x.valid, x.age, x.fresh)
		}
	}
	for silent, want := range map[int]time.Duration{
		0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 7: 64 * time.Minute, 8: 2 * time.Hour, 100: 2 * time.Hour, 1 << 40: 2 * time.Hour,
	} {
		if got := AskAgain(silent); got != want {
			t.Errorf("silent %d times: %s, want %s", silent, got, want)
		}
	}
}

func TestTheFourStates(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		number string
		status Status
		want   State
	}{
		{"", StatusValid, StateNone},
		{"DE136695976", StatusValid, StateValid}, {"DE136695976", StatusInvalid, StateInvalid},
		{"DE136695976", StatusUnknown, StateWaiting}, {"DE136695976", StatusNone, StateWaiting}, {"DE136695976", "", StateWaiting},
		{"XI432525179", StatusUnknown, StateWaiting},
		// Nobody can be asked (vat.md 3.1).
		{"GB980780684", StatusValid, StateFormat}, {"CHE107787577IVA", StatusUnknown, StateFormat}, {"NO995525828MVA", "", StateFormat},
		{"3051407946", StatusUnknown, StateFormat},
	} {
		if got := StateOf(x.number, x.status); got != x.want {
			t.Errorf("%s, %q: %q, want %q", x.number, x.status, got, x.want)
		}
	}
}

func TestWhatHangsOnAnAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"R1", "R2", "R3", "R4", "R6b", "R7", "R7c", "R8a", "R8b", "R9", "R10", "R12"} {
		want := row == "R4" || row == "R7" || row == "R7c" || row == "R8a" || row == "R8b"
		if got := (Treatment{Row: row}).Hangs("DE136695976"); got != want {
			t.Errorf("%s: %t", row, got)
		}
		if (Treatment{Row: row}).Hangs("") || (Treatment{Row: row}).Hangs("GB980780684") {
			t.Errorf("%s hangs on nothing", row)
		}
	}
}
