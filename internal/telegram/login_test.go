package telegram_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/telegram"
)

type vectors struct {
	BotToken string `json:"bot_token"`
	Vectors  []struct {
		Name   string
		Fields map[string]string
		Hash   string
	}
}

func load(t testing.TB) vectors {
	content, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(content, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func query(fields map[string]string, hash string) url.Values {
	q := url.Values{"hash": {hash}}
	for k, v := range fields {
		q.Set(k, v)
	}
	return q
}

var clicked = time.Unix(1795305661, 0)

func TestVectors(t *testing.T) {
	t.Parallel()
	all := load(t)
	for _, v := range all.Vectors {
		p, err := telegram.Verify(query(v.Fields, v.Hash), all.BotToken, nil, clicked)
		if err != nil || p.FirstName != v.Fields["first_name"] || p.LastName != v.Fields["last_name"] {
			t.Errorf("%s: %+v, %v", v.Name, p, err)
		}
	}
	if len(all.Vectors) != 3 {
		t.Errorf("%d vectors", len(all.Vectors))
	}
}

func TestMustPass(t *testing.T) {
	t.Parallel()
	all := load(t)
	v := all.Vectors[1]
	upper := query(v.Fields, strings.ToUpper(v.Hash))
	ours := query(v.Fields, v.Hash)
	ours.Set("st", "our own state")
	for name, q := range map[string]url.Values{"upper-case hash": upper, "our own parameter beside": ours} {
		if p, err := telegram.Verify(q, all.BotToken, []string{"st"}, clicked); err != nil || p.ID != 5000000123456 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestMustFail(t *testing.T) {
	t.Parallel()
	all := load(t)
	v := all.Vectors[0]
	for name, tt := range map[string]struct {
		change func(url.Values)
		now    time.Time
		want   error
	}{
		"id changed by one":    {func(q url.Values) { q.Set("id", "424243") }, clicked, telegram.ErrForged},
		"a second id":          {func(q url.Values) { q.Add("id", "424242") }, clicked, telegram.ErrRepeated},
		"a second state":       {func(q url.Values) { q["st"] = []string{"a", "b"} }, clicked, telegram.ErrRepeated},
		"an added field":       {func(q url.Values) { q.Set("role", "admin") }, clicked, telegram.ErrForged},
		"a field left out":     {func(q url.Values) { q.Del("first_name") }, clicked, telegram.ErrForged},
		"no hash":              {func(q url.Values) { q.Del("hash") }, clicked, telegram.ErrForged},
		"hash of 63 digits":    {func(q url.Values) { q.Set("hash", v.Hash[:63]) }, clicked, telegram.ErrForged},
		"hash of 62 digits":    {func(q url.Values) { q.Set("hash", v.Hash[:62]) }, clicked, telegram.ErrForged},
		"hash of no digits":    {func(q url.Values) { q.Set("hash", strings.Repeat("z", 64)) }, clicked, telegram.ErrForged},
		"empty hash":           {func(q url.Values) { q.Set("hash", "") }, clicked, telegram.ErrForged},
		"an hour old":          {func(url.Values) {}, clicked.Add(time.Hour), telegram.ErrStale},
		"five minutes and one": {func(url.Values) {}, time.Unix(1795305600, 0).Add(5*time.Minute + time.Second), telegram.ErrStale},
		"31 seconds ahead":     {func(url.Values) {}, time.Unix(1795305600, 0).Add(-31 * time.Second), telegram.ErrFuture},
	} {
		q := query(v.Fields, v.Hash)
		tt.change(q)
		if p, err := telegram.Verify(q, all.BotToken, []string{"st"}, tt.now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v; want %v", name, p, err, tt.want)
		}
	}
	if _, err := telegram.Verify(query(v.Fields, v.Hash), all.BotToken+"x", nil, clicked); !errors.Is(err, telegram.ErrForged) {
		t.Errorf("another bot's token: %v", err)
	}
}

func TestFreshnessLimits(t *testing.T) {
	t.Parallel()
	all := load(t)
	v := all.Vectors[0]
	at := time.Unix(1795305600, 0)
	for _, now := range []time.Time{at.Add(telegram.MaxAge), at.Add(-telegram.MaxSkew)} {
		if _, err := telegram.Verify(query(v.Fields, v.Hash), all.BotToken, nil, now); err != nil {
			t.Errorf("at %s: %v", now.Sub(at), err)
		}
	}
}

func TestSignedProfilesVerify(t *testing.T) {
	t.Parallel()
	const token = "1:secret"
	want := telegram.Profile{ID: 7, FirstName: "Олена", LastName: "Ш & С", AuthDate: clicked}
	got, err := telegram.Verify(telegram.Sign(want, token), token, nil, clicked)
	if err != nil || got.ID != want.ID || got.FirstName != want.FirstName || got.LastName != want.LastName || got.Username != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, id := range []int64{0, -5, 1 << 52} {
		if _, err := telegram.Verify(telegram.Sign(telegram.Profile{ID: id, AuthDate: clicked}, token), token, nil, clicked); !errors.Is(err, telegram.ErrForged) {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

func TestNamesAreCleaned(t *testing.T) {
	t.Parallel()
	const token = "1:secret"
	hostile := telegram.Profile{ID: 7, FirstName: "A\u202eda\x00\tB", LastName: strings.Repeat("ш", 10_000), AuthDate: clicked}
	got, err := telegram.Verify(telegram.Sign(hostile, token), token, nil, clicked)
	if err != nil || got.FirstName != "AdaB" || len([]rune(got.LastName)) != 64 {
		t.Fatalf("%q %d, %v", got.FirstName, len([]rune(got.LastName)), err)
	}
}

// The signed text of a person with line ends in the name is the same as that of
// another person's fields. Whoever could choose such a name would be anybody.
func TestFieldsCannotBeMadeOfOthers(t *testing.T) {
	t.Parallel()
	const token = "1:secret"
	for name, tt := range map[string]struct {
		signed  telegram.Profile
		present url.Values
	}{
		"an id out of the first name": {
			telegram.Profile{ID: 7, FirstName: "X\nid=1\nlast_name=Y", AuthDate: clicked},
			url.Values{"first_name": {"X"}, "id": {"1"}, "last_name": {"Y\nid=7"}},
		},
		"as it was signed": {
			telegram.Profile{ID: 7, FirstName: "X\nid=1", AuthDate: clicked},
			url.Values{"first_name": {"X\nid=1"}, "id": {"7"}},
		},
		"a key that goes on": {
			telegram.Profile{ID: 7, FirstName: "X=Y", AuthDate: clicked},
			url.Values{"first_name=X": {"Y"}, "id": {"7"}},
		},
	} {
		q := telegram.Sign(tt.signed, token)
		tt.present["hash"], tt.present["auth_date"] = q["hash"], q["auth_date"]
		if p, err := telegram.Verify(tt.present, token, nil, clicked); !errors.Is(err, telegram.ErrUnclear) || !errors.Is(err, telegram.ErrForged) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// A portal without a bot token has no secret: it must not take what anybody can
// sign.
func TestWithoutTokenNobodyIsBelieved(t *testing.T) {
	t.Parallel()
	q := telegram.Sign(telegram.Profile{ID: 7, FirstName: "Ada", AuthDate: clicked}, "")
	if p, err := telegram.Verify(q, "", nil, clicked); !errors.Is(err, telegram.ErrForged) {
		t.Errorf("%+v, %v", p, err)
	}
}

// Accept only what this token signed; the order of parameters does not matter,
// and no byte of the query may change.
func FuzzLegacyLogin(f *testing.F) {
	all := load(f)
	for _, v := range all.Vectors {
		f.Add(query(v.Fields, v.Hash).Encode())
	}
	f.Add("id=1&hash=00")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		p, err := telegram.Verify(q, all.BotToken, nil, clicked)
		if err != nil {
			return
		}
		for _, v := range all.Vectors {
			same := len(q) == len(v.Fields)+1
			for k, value := range v.Fields {
				same = same && q.Get(k) == value
			}
			if same {
				return
			}
		}
		t.Fatalf("accepted %q as %+v", raw, p)
	})
}
