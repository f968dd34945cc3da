package telegram

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// How fresh a sign-in must be: its date is that of the click.
const (
	MaxAge  = 5 * time.Minute
	MaxSkew = 30 * time.Second // into the future: our clock against Telegram's
)

// Why a sign-in is refused.
var (
	ErrForged   = errors.New("telegram: the login data is not signed by Telegram")
	ErrRepeated = fmt.Errorf("%w: a field comes twice", ErrForged)
	ErrUnclear  = fmt.Errorf("%w: a field can be read in two ways", ErrForged)
	ErrStale    = errors.New("telegram: the login data is too old")
	ErrFuture   = errors.New("telegram: the login data is dated in the future")
)

// Profile is who signed in.
type Profile struct {
	ID        int64
	FirstName string
	LastName  string
	Username  string
	AuthDate  time.Time
	Digest    [sha256.Size]byte // of the proof; a second use of it is a replay
}

const (
	maxID        = 1 << 52 // ids have at most 52 significant bits
	maxNameRunes = 64
)

// Verify checks what the Login Widget sent back (its legacy protocol, with a
// hash): an HMAC-SHA256 under SHA256(bot token) over all received fields except
// hash and ours, as key=value, sorted, joined by LF. It refuses a field that
// comes twice, one that would read as several in the signed text, and data older
// than MaxAge or newer than MaxSkew. Without a token nobody is believed.
func Verify(q url.Values, botToken string, ours []string, now time.Time) (Profile, error) {
	if botToken == "" { // anybody can sign with no secret
		return Profile{}, ErrForged
	}
	for key, values := range q {
		if len(values) != 1 { // a repeated parameter is never Telegram's
			return Profile{}, ErrRepeated
		}
		if !slices.Contains(ours, key) && !oneLine(key, values[0]) {
			return Profile{}, ErrUnclear
		}
	}
	claimed, err := hex.DecodeString(q.Get("hash"))
	if err != nil || !hmac.Equal(claimed, sign(q, botToken, ours)) {
		return Profile{}, ErrForged
	}
	seconds, err := strconv.ParseInt(q.Get("auth_date"), 10, 64)
	if err != nil {
		return Profile{}, ErrForged
	}
	id, err := strconv.ParseInt(q.Get("id"), 10, 64)
	if err != nil || id <= 0 || id >= maxID {
		return Profile{}, ErrForged
	}
	date := time.Unix(seconds, 0)
	switch {
	case now.Sub(date) > MaxAge:
		return Profile{}, ErrStale
	case date.Sub(now) > MaxSkew:
		return Profile{}, ErrFuture
	}
	return Profile{
		ID: id, FirstName: cleanName(q.Get("first_name")), LastName: cleanName(q.Get("last_name")),
		Username: cleanName(q.Get("username")), AuthDate: date, Digest: sha256.Sum256(claimed),
	}, nil
}

// Sign returns the widget's return for a profile, signed with a bot's token: for
// the demo and for tests.
func Sign(p Profile, botToken string) url.Values {
	q := url.Values{"id": {strconv.FormatInt(p.ID, 10)}, "auth_date": {strconv.FormatInt(p.AuthDate.Unix(), 10)}}
	for key, value := range map[string]string{"first_name": p.FirstName, "last_name": p.LastName, "username": p.Username} {
		if value != "" { // absent fields are simply not sent
			q.Set(key, value)
		}
	}
	q.Set("hash", hex.EncodeToString(sign(q, botToken, nil)))
	return q
}

// oneLine reports whether a field is one line of the signed text and no other
// field's. The signature covers the lines, not where a value ends: from a name
// of "A\nid=1" its owner could make a field id of 1 under the same signature.
func oneLine(key, value string) bool {
	return key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && !strings.Contains(value, "\n")
}

func sign(q url.Values, botToken string, ours []string) []byte {
	lines := make([]string, 0, len(q))
	for key := range q {
		// Ours are named and left out, rather than Telegram's listed: a field that
		// Telegram adds one day is signed too.
		if key != "hash" && !slices.Contains(ours, key) {
			lines = append(lines, key+"="+q.Get(key))
		}
	}
	slices.Sort(lines)
	secret := sha256.Sum256([]byte(botToken))
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte(strings.Join(lines, "\n")))
	return mac.Sum(nil)
}

// cleanName makes a name that its owner chose fit to be shown: without control
// characters and those that turn the direction of text, cut to a sane length.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > maxNameRunes {
		s = string(runes[:maxNameRunes])
	}
	return strings.TrimSpace(s)
}
