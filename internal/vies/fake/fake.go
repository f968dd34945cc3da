package fake

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siptg/portal/internal/vat"
)

// Kind is a way to misbehave: a code of VIES, which is answered in its shape, or
// one of the kinds below.
type Kind string

// The ways in which not even the shape is right.
const (
	Slow        Kind = "SLOW"         // the right answer, but late
	Hang        Kind = "HANG"         // none until the asker gives up
	Cut         Kind = "CUT"          // half an answer
	Malformed   Kind = "MALFORMED"    // no JSON, though it says so
	ErrorPage   Kind = "ERROR_PAGE"   // HTML with status 200
	PlainText   Kind = "PLAIN_TEXT"   // the right answer under the wrong content type
	NoVerdict   Kind = "NO_VERDICT"   // the answer without its boolean
	OtherNumber Kind = "OTHER_NUMBER" // the right answer to another question
	Redirect    Kind = "REDIRECT"     // to the right answer elsewhere
	Huge        Kind = "HUGE"         // the right answer and a megabyte of spaces
	Gateway     Kind = "GATEWAY"      // an error page with status 502
	Trailing    Kind = "TRAILING"     // two answers in one
	UserError   Kind = "USER_ERROR"   // "false" beside MS_UNAVAILABLE, as the other interface writes it
)

// codes are those of VIES, by the numbers that the test service answers with them.
var codes = map[string]Kind{
	"201": "INVALID_INPUT", "202": "INVALID_REQUESTER_INFO", "300": "SERVICE_UNAVAILABLE", "301": "MS_UNAVAILABLE", "302": "TIMEOUT",
	"400": "VAT_BLOCKED", "401": "IP_BLOCKED", "500": "GLOBAL_MAX_CONCURRENT_REQ", "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
	"600": "MS_MAX_CONCURRENT_REQ", "601": "MS_MAX_CONCURRENT_REQ_TIME",
}

// statuses are those of codes that do not come with 200.
var statuses = map[Kind]int{
	"INVALID_INPUT": http.StatusBadRequest, "INVALID_REQUESTER_INFO": http.StatusBadRequest,
	"VAT_BLOCKED": http.StatusForbidden, "IP_BLOCKED": http.StatusForbidden, "SERVICE_UNAVAILABLE": http.StatusServiceUnavailable,
}

// Kinds are all ways to misbehave.
func Kinds() []Kind {
	all := []Kind{Slow, Hang, Cut, Malformed, ErrorPage, PlainText, NoVerdict, OtherNumber, Redirect, Huge, Gateway, Trailing, UserError}
	for _, code := range codes {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

// Fault is misbehaviour to come.
type Fault struct {
	Kind  Kind   `json:"kind"`
	State string `json:"state"` // only about numbers with this prefix; empty: all
	Times int    `json:"times"` // so many times; 0: until it is healed
}

// Holder is what the register knows of a number.
type Holder struct {
	Valid   bool
	Name    string // empty: "---"
	Address string
	Fault   Kind // empty: none
}

// Demo are the numbers of demo mode, so that each state can be seen.
var Demo = map[string]Holder{
	"DE136695976":   {Valid: true}, // Germany hides names
	"FR23334175221": {Valid: false},
	"PL5261025421":  {Fault: "MS_UNAVAILABLE"},
}

// Options is what a Server is made of.
type Options struct {
	Now    func() time.Time
	Late   time.Duration     // how late a slow answer comes; 0 is 2 s
	Known  map[string]Holder // by number with its prefix
	Prefix string            // of the path under which it is served
}

// Server is the fake.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu     sync.Mutex
	known  map[string]Holder
	faults []Fault
	asked  []Question
}

// Question is a request as it came.
type Question struct {
	CountryCode     string `json:"countryCode"`
	VATNumber       string `json:"vatNumber"`
	RequesterState  string `json:"requesterMemberStateCode"`
	RequesterNumber string `json:"requesterNumber"`
	Name            string `json:"traderName"`
	Street          string `json:"traderStreet"`
	Postcode        string `json:"traderPostalCode"`
	City            string `json:"traderCity"`
	CompanyType     string `json:"traderCompanyType"`
}

// NewServer returns a register that knows no faults yet.
func NewServer(o Options) *Server {
	if o.Late == 0 {
		o.Late = 2 * time.Second
	}
	s := &Server{o: o, mux: http.NewServeMux(), known: map[string]Holder{}}
	for number, h := range o.Known {
		s.known[number] = h
	}
	s.mux.HandleFunc("POST "+o.Prefix+"/check-vat-number", s.checkNumber)
	s.mux.HandleFunc("POST "+o.Prefix+"/check-vat-test-service", s.testService)
	s.mux.HandleFunc("GET "+o.Prefix+"/check-status", s.status)
	s.mux.HandleFunc("POST "+o.Prefix+"/_ctl/faults", s.ctlInject)
	s.mux.HandleFunc("DELETE "+o.Prefix+"/_ctl/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.Heal()
		w.WriteHeader(http.StatusNoContent)
	})
	return s
}

// ServeHTTP serves the register.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Inject has it misbehave.
func (s *Server) Inject(f Fault) error {
	if !slices.Contains(Kinds(), f.Kind) || f.Times < 0 {
		return fmt.Errorf("fake: no fault %q, %d times", f.Kind, f.Times)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Register changes what is known of a number.
func (s *Server) Register(number string, h Holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[number] = h
}

// Asked are the questions so far.
func (s *Server) Asked() []Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) ctlInject(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<10)).Decode(&f); err != nil || s.Inject(f) != nil {
		http.Error(w, "no such fault", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// take returns what is known about a number and the fault that is due.
func (s *Server) take(q Question) (Holder, Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
	number := q.CountryCode + q.VATNumber
	h, known := s.known[number]
	if !known {
		id, err := vat.ParseID(number)
		h.Valid = err == nil && id.InVIES() && !id.Mistyped
		if h.Valid && q.CountryCode != "DE" && q.CountryCode != "ES" {
			h.Name, h.Address = "DEMO COMPANY "+q.VATNumber, "DEMO STREET 1\n10000 DEMO CITY"
		}
	}
	for i, f := range s.faults {
		if f.State != "" && f.State != q.CountryCode {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return h, f.Kind
	}
	return h, h.Fault
}

const jsonType = "application/json"

func (s *Server) checkNumber(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r)
	if !ok {
		return
	}
	h, fault := s.take(q)
	answer := s.answer(q, h, consultation(q, s.o.Now()))
	switch fault {
	case "":
	case Slow:
		if !pause(r, s.o.Late) {
			return
		}
	case Hang:
		pause(r, time.Hour)
		return
	case Cut:
		write(w, http.StatusOK, jsonType, answer[:len(answer)/2])
		return
	case Malformed:
		write(w, http.StatusOK, jsonType, []byte("valid: true"))
		return
	case ErrorPage:
		write(w, http.StatusOK, "text/html;charset=UTF-8", []byte("<!DOCTYPE html><title>VIES</title><p>valid</p>"))
		return
	case Gateway:
		write(w, http.StatusBadGateway, "text/html", []byte("<html><h1>502 Bad Gateway</h1></html>"))
		return
	case PlainText:
		write(w, http.StatusOK, "text/plain", answer)
		return
	case NoVerdict:
		write(w, http.StatusOK, jsonType, []byte(strings.NewReplacer(`"valid":true,`, "", `"valid":false,`, "").Replace(string(answer))))
		return
	case OtherNumber:
		q.VATNumber = "1" + q.VATNumber
		write(w, http.StatusOK, jsonType, s.answer(q, h, ""))
		return
	case Redirect:
		w.Header().Set("Location", s.o.Prefix+"/check-vat-number")
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	case Huge:
		write(w, http.StatusOK, jsonType, append(answer, strings.Repeat(" ", 1<<20)...))
		return
	case Trailing:
		write(w, http.StatusOK, jsonType, append(answer, `{"valid":true}`...))
		return
	case UserError:
		write(w, http.StatusOK, jsonType, []byte(`{"isValid":false,"valid":false,"userError":"MS_UNAVAILABLE"}`))
		return
	default:
		refuse(w, fault)
		return
	}
	write(w, http.StatusOK, jsonType, answer)
}

// testService picks its answer by the number alone, and gives no consultation
// number.
func (s *Server) testService(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r)
	if !ok {
		return
	}
	if code, known := codes[q.VATNumber]; known {
		refuse(w, code)
		return
	}
	write(w, http.StatusOK, jsonType, s.answer(q, Holder{Valid: q.VATNumber == "100", Name: "John Doe", Address: "123 Main St, Anytown, UK"}, ""))
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	type state struct {
		CountryCode  string `json:"countryCode"`
		Availability string `json:"availability"`
	}
	var out struct {
		VOW struct {
			Available bool `json:"available"`
		} `json:"vow"`
		Countries []state `json:"countries"`
	}
	out.VOW.Available = true
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, prefix := range []string{
		"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
		"RO", "SE", "SI", "SK", "XI",
	} {
		available := "Available"
		if slices.ContainsFunc(s.faults, func(f Fault) bool { return f.Kind == "MS_UNAVAILABLE" && (f.State == "" || f.State == prefix) }) {
			available = "Unavailable"
		}
		out.Countries = append(out.Countries, state{prefix, available})
	}
	body, _ := json.Marshal(out) //nolint:errchkjson // strings and booleans
	write(w, http.StatusOK, jsonType, body)
}

// answer is a verdict in the shape of vat.md 3.2.
func (s *Server) answer(q Question, h Holder, identifier string) []byte {
	match := func(sent, known string) string {
		switch {
		case sent == "" || known == "":
			return "NOT_PROCESSED"
		case strings.EqualFold(sent, known):
			return "VALID"
		}
		return "INVALID"
	}
	hidden := func(s string) string {
		if s == "" || !h.Valid {
			return "---"
		}
		return s
	}
	body, _ := json.Marshal(struct { //nolint:errchkjson // strings and booleans
		CountryCode   string `json:"countryCode"`
		VATNumber     string `json:"vatNumber"`
		RequestDate   string `json:"requestDate"`
		Valid         bool   `json:"valid"`
		Identifier    string `json:"requestIdentifier"`
		Name          string `json:"name"`
		Address       string `json:"address"`
		TraderName    string `json:"traderName"`
		Street        string `json:"traderStreet"`
		Postcode      string `json:"traderPostalCode"`
		City          string `json:"traderCity"`
		CompanyType   string `json:"traderCompanyType"`
		NameMatch     string `json:"traderNameMatch"`
		StreetMatch   string `json:"traderStreetMatch"`
		PostcodeMatch string `json:"traderPostalCodeMatch"`
		CityMatch     string `json:"traderCityMatch"`
		TypeMatch     string `json:"traderCompanyTypeMatch"`
	}{
		q.CountryCode, q.VATNumber, s.o.Now().UTC().Format("2006-01-02T15:04:05.000Z"), h.Valid, identifier, hidden(h.Name), hidden(h.Address),
		"---", "---", "---", "---", "---",
		match(q.Name, h.Name), match(q.Street, ""), match(q.Postcode, ""), match(q.City, ""), "NOT_PROCESSED",
	})
	return body
}

// consultation is the number that VIES gives to who says who asks.
func consultation(q Question, at time.Time) string {
	if q.RequesterState == "" || q.RequesterNumber == "" {
		return ""
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, q, at.UnixNano())
	return fmt.Sprintf("WAPIDEMO%08X", uint32(h.Sum64()))
}

func read(w http.ResponseWriter, r *http.Request) (Question, bool) {
	var q Question
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&q); err != nil || q.CountryCode == "" || q.VATNumber == "" {
		refuse(w, "INVALID_INPUT")
		return q, false
	}
	return q, true
}

// refuse answers with a code: with status 200, as was seen, unless VIES blocks.
func refuse(w http.ResponseWriter, code Kind) {
	status, other := statuses[code]
	if !other {
		status = http.StatusOK
	}
	write(w, status, jsonType, fmt.Appendf(nil, `{"actionSucceed":false,"errorWrappers":[{"error":%q}]}`, code))
}

func write(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// pause waits, and reports whether the asker is still there.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-timer.C:
		return true
	}
}
