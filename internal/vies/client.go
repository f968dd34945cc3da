package vies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/siptg/portal/internal/vat"
)

// Codes of VIES, as it writes them.
const (
	CodeInvalidInput     = "INVALID_INPUT"
	CodeInvalidRequester = "INVALID_REQUESTER_INFO"
	CodeVATBlocked       = "VAT_BLOCKED"
	CodeIPBlocked        = "IP_BLOCKED"
	CodeService          = "SERVICE_UNAVAILABLE"
	CodeState            = "MS_UNAVAILABLE"
	CodeTimeout          = "TIMEOUT"
	CodeGlobalBusy       = "GLOBAL_MAX_CONCURRENT_REQ"
	CodeGlobalBusyTime   = "GLOBAL_MAX_CONCURRENT_REQ_TIME"
	CodeStateBusy        = "MS_MAX_CONCURRENT_REQ"
	CodeStateBusyTime    = "MS_MAX_CONCURRENT_REQ_TIME"
)

// Codes of ours, for answers that are none.
const (
	CodeUnreachable = "UNREACHABLE" // no connection, or it broke
	CodeNoTime      = "NO_TIME"     // no answer in time
	CodeNotJSON     = "NOT_JSON"    // an error page, or half an answer
	CodeTooLong     = "TOO_LONG"
	CodeOtherNumber = "OTHER_NUMBER" // the answer is about another number
	CodeNoVerdict   = "NO_VERDICT"   // neither true nor false, or both
	CodeRefused     = "REFUSED"      // a code that we do not know
	CodeHTTP        = "HTTP_"        // with the status
	CodeResting     = "RESTING"      // not asked: it was silent too often just now
)

const (
	requestTime = 5 * time.Second // for one request, and for all of them while a person waits
	maxAnswer   = 64 << 10        // bytes
	maxText     = 1000            // characters kept of a name or an address
)

// waits are between the requests made while a person waits.
var waits = []time.Duration{time.Second, 3 * time.Second}

// Config is what a Client is made of.
type Config struct {
	BaseURL   string // without a slash at its end
	Requester vat.ID // the seller's number, without which there is no consultation number; zero for none
	Program   string // name and version, kept with each answer
	Now       func() time.Time

	// Wait waits between two requests; nil is the real thing.
	Wait func(context.Context, time.Duration) error
}

// Client asks VIES. It is safe for concurrent use.
type Client struct {
	c        Config
	http     *http.Client
	circuits circuits
	lanes    lanes
}

// New returns a client of the register at the configured address.
func New(c Config) (*Client, error) {
	transport, err := only(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Client{
		c: c,
		http: &http.Client{
			Transport: transport,
			Timeout:   requestTime,
			// An answer from elsewhere is none.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		circuits: circuits{now: c.Now},
	}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Check asks about a number. While a person waits it asks up to three times, for
// five seconds in all. Whatever is not an answer is a *vat.SilenceError.
func (c *Client) Check(ctx context.Context, q vat.Inquiry) (vat.Answer, error) {
	if !q.Number.InVIES() {
		return vat.Answer{}, &vat.SilenceError{Code: CodeInvalidInput, Final: true}
	}
	var again []time.Duration
	if q.Urgent {
		again = waits
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTime)
		defer cancel()
	}
	for {
		answer, err := c.once(ctx, q)
		silence, silent := errors.AsType[*vat.SilenceError](err)
		if !silent || silence.Final || silence.NotAsked || len(again) == 0 {
			return answer, err
		}
		if c.c.Wait(ctx, again[0]) != nil {
			return answer, err
		}
		again = again[1:]
	}
}

// once asks once, in its lane, unless a circuit is open.
func (c *Client) once(ctx context.Context, q vat.Inquiry) (vat.Answer, error) {
	leave, err := c.lanes.enter(ctx, q.Number.Prefix)
	if err != nil {
		return vat.Answer{}, &vat.SilenceError{Code: CodeNoTime}
	}
	defer leave()
	if !c.circuits.allow(q.Number.Prefix) {
		return vat.Answer{}, &vat.SilenceError{Code: CodeResting, NotAsked: true}
	}
	answer, err := c.request(ctx, q)
	code := ""
	if silence, ok := errors.AsType[*vat.SilenceError](err); ok {
		code = silence.Code
	}
	c.circuits.note(q.Number.Prefix, code)
	return answer, err
}

// question is the body of a request.
type question struct {
	CountryCode     string `json:"countryCode"`
	VATNumber       string `json:"vatNumber"`
	RequesterState  string `json:"requesterMemberStateCode,omitzero"`
	RequesterNumber string `json:"requesterNumber,omitzero"`
	Name            string `json:"traderName,omitzero"`
	Street          string `json:"traderStreet,omitzero"`
	Postcode        string `json:"traderPostalCode,omitzero"`
	City            string `json:"traderCity,omitzero"`
}

// reply is the body of an answer, of either kind.
type reply struct {
	CountryCode string  `json:"countryCode"`
	VATNumber   string  `json:"vatNumber"`
	RequestDate string  `json:"requestDate"`
	Valid       *bool   `json:"valid"`
	Identifier  string  `json:"requestIdentifier"`
	Name        string  `json:"name"`
	Address     string  `json:"address"`
	UserError   string  `json:"userError"` // of the other interface; it was seen beside a "false" that was none
	Succeed     *bool   `json:"actionSucceed"`
	Errors      []fault `json:"errorWrappers"`
}

type fault struct {
	Error string `json:"error"`
}

// request sends one request and judges what comes back.
func (c *Client) request(ctx context.Context, q vat.Inquiry) (vat.Answer, error) {
	body, err := json.Marshal(question{
		CountryCode: q.Number.Prefix, VATNumber: q.Number.Number, RequesterState: c.c.Requester.Prefix, RequesterNumber: c.c.Requester.Number,
		Name: clip(q.Name), Street: clip(q.Street), Postcode: clip(q.Postcode), City: clip(q.City),
	})
	if err != nil {
		return vat.Answer{}, fmt.Errorf("vies: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.c.BaseURL+"/check-vat-number", bytes.NewReader(body))
	if err != nil {
		return vat.Answer{}, fmt.Errorf("vies: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.c.Program)
	w, err := c.http.Do(r)
	if err != nil {
		return vat.Answer{}, unreached(err)
	}
	defer func() { _ = w.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer+1))
	switch {
	case err != nil:
		return vat.Answer{}, unreached(err)
	case len(raw) > maxAnswer:
		return vat.Answer{}, &vat.SilenceError{Code: CodeTooLong}
	}
	kind, _, _ := mime.ParseMediaType(w.Header.Get("Content-Type"))
	answer, err := judge(q.Number, w.StatusCode, kind, raw)
	answer.Raw, answer.Program = raw, c.c.Program
	if c.c.Requester != (vat.ID{}) {
		answer.Requester = c.c.Requester.String()
	}
	return answer, err
}

func unreached(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || isTimeout(err) {
		return &vat.SilenceError{Code: CodeNoTime}
	}
	return &vat.SilenceError{Code: CodeUnreachable}
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// judge says what came back about a number. It is an answer only if everything
// fits: status, kind, the number asked for, and one clear verdict.
func judge(asked vat.ID, status int, kind string, raw []byte) (vat.Answer, error) {
	silent := func(code string) (vat.Answer, error) { return vat.Answer{}, &vat.SilenceError{Code: code} }
	var r reply
	decoder := json.NewDecoder(bytes.NewReader(raw))
	readable := kind == "application/json" && decoder.Decode(&r) == nil
	if readable {
		_, err := decoder.Token()
		readable = errors.Is(err, io.EOF)
	}
	switch {
	case readable && (len(r.Errors) > 0 || r.Succeed != nil && !*r.Succeed):
		return vat.Answer{}, refusal(r.Errors)
	case status != http.StatusOK:
		return silent(fmt.Sprintf("%s%d", CodeHTTP, status))
	case !readable:
		return silent(CodeNotJSON)
	case r.Valid == nil:
		return silent(CodeNoVerdict)
	case r.UserError != "" && r.UserError != map[bool]string{true: "VALID", false: "INVALID"}[*r.Valid]:
		return vat.Answer{}, refusal([]fault{{r.UserError}})
	case r.CountryCode != "" && r.CountryCode != asked.Prefix, r.VATNumber != "" && r.VATNumber != asked.Number:
		return silent(CodeOtherNumber)
	}
	return vat.Answer{
		Valid: *r.Valid, Consultation: shown(r.Identifier), Dated: shown(r.RequestDate), Name: shown(r.Name), Address: shown(r.Address),
	}, nil
}

// refusal is the silence that error codes mean. VIES gives one; of several the
// first that we know counts.
func refusal(errs []fault) error {
	for _, e := range errs {
		switch e.Error {
		case CodeInvalidInput, CodeVATBlocked:
			return &vat.SilenceError{Code: e.Error, Final: true}
		case CodeInvalidRequester, CodeIPBlocked, CodeService, CodeState, CodeTimeout, CodeGlobalBusy, CodeGlobalBusyTime, CodeStateBusy, CodeStateBusyTime:
			return &vat.SilenceError{Code: e.Error}
		}
	}
	return &vat.SilenceError{Code: CodeRefused}
}

// shown is a text of the register; member states write "---" for what they hide.
func shown(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if strings.Trim(s, "-") == "" {
		return ""
	}
	return clip(s)
}

func clip(s string) string {
	if runes := []rune(s); len(runes) > maxText {
		return string(runes[:maxText])
	}
	return s
}
