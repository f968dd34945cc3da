package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// ErrUnreachable is for a person who has blocked the bot, has never started it,
// or is no longer on Telegram. Sending again does not help.
var ErrUnreachable = errors.New("telegram: the bot may not write to this person")

// BusyError is Telegram's wish to be left alone for a while.
type BusyError struct{ After time.Duration }

// Error says for how long.
func (e *BusyError) Error() string {
	return fmt.Sprintf("telegram: too many messages, wait %s", e.After)
}

// Limits of Bot API: about 30 messages a second to different people.
const (
	sendGap     = time.Second / 25
	defaultWait = 5 * time.Second // where a 429 names no time
	maxWait     = time.Hour
	maxMessage  = 4096
	maxAnswer   = 64 << 10
)

// Bot writes messages as a bot, at most 25 a second.
type Bot struct {
	url    string // of sendMessage: it holds the token, so it is never printed
	client *http.Client
	slot   chan struct{} // holds the right to send the next message
	pause  atomic.Int64  // that Telegram asked for and that is not over; 0 for none
}

// NewBot returns the bot with a token at a Bot API. timeout bounds one request.
func NewBot(apiURL, token string, timeout time.Duration) *Bot {
	b := &Bot{
		url: apiURL + "/bot" + token + "/sendMessage",
		client: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes nowhere else
		},
		slot: make(chan struct{}, 1),
	}
	b.slot <- struct{}{}
	return b
}

// SendMessage writes a plain text to a person. It waits for its turn. After a 429
// nothing is sent for as long as Telegram asked for.
//
// Errors: *BusyError where the message was not sent and may be sent later;
// ErrUnreachable; anything else may or may not have been sent.
func (b *Bot) SendMessage(ctx context.Context, chat int64, text string) error {
	select {
	case <-b.slot:
	case <-ctx.Done():
		return &BusyError{defaultWait}
	}
	defer func() { time.AfterFunc(sendGap, func() { b.slot <- struct{}{} }) }()
	if pause := b.pause.Load(); pause > 0 {
		return &BusyError{time.Duration(pause)}
	}
	err := b.send(ctx, chat, text)
	if busy, ok := errors.AsType[*BusyError](err); ok {
		b.pause.Store(int64(busy.After))
		time.AfterFunc(busy.After, func() { b.pause.Store(0) })
	}
	return err
}

// answer is what Bot API says.
type answer struct {
	OK          bool   `json:"ok"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter int `json:"retry_after"` // seconds
	} `json:"parameters"`
}

func (b *Bot) send(ctx context.Context, chat int64, text string) error {
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(runes[:maxMessage])
	}
	body, err := json.Marshal(map[string]any{ // no parse_mode: plain text
		"chat_id": chat, "text": text, "link_preview_options": map[string]bool{"is_disabled": true},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("telegram: the address of the Bot API cannot be read")
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.client.Do(request)
	if err != nil {
		return fmt.Errorf("telegram: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("telegram: %w", withoutURL(err))
	}
	var a answer
	if err := json.Unmarshal(content, &a); err == nil && a.OK && response.StatusCode == http.StatusOK {
		return nil
	}
	return refused(response.StatusCode, a)
}

func refused(status int, a answer) error {
	switch {
	case status == http.StatusTooManyRequests && a.Parameters.RetryAfter > 0:
		return &BusyError{min(time.Duration(min(a.Parameters.RetryAfter, 1<<20))*time.Second, maxWait)}
	case status == http.StatusTooManyRequests:
		return &BusyError{defaultWait}
	case status == http.StatusForbidden,
		status == http.StatusBadRequest && strings.Contains(a.Description, "chat not found"): // the bot was never started
		return ErrUnreachable
	}
	return fmt.Errorf("telegram: status %d", status)
}

// withoutURL drops the address from an error: it holds the token.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
