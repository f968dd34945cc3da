package telegram_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/telegram"
)

const secretToken = "7000000001:AACanaryOfTheTest_0123456789abcdef"

// botAPI is a Bot API that answers what the test wants.
func botAPI(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body map[string]any)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, %v, %v", r.Method, r.Header, err)
		}
		answer(w, r, body)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestBotSendsPlainText(t *testing.T) {
	t.Parallel()
	var seen map[string]any
	var path string
	api := botAPI(t, func(w http.ResponseWriter, r *http.Request, body map[string]any) {
		seen, path = body, r.URL.Path
		_, _ = w.Write([]byte(`{"ok":true,"result":{"message_id":1}}`))
	})
	bot := telegram.NewBot(api.URL, secretToken, time.Second)
	if err := bot.SendMessage(t.Context(), 7_900_000_000_001, "*no* <b>markup</b> & https://x.example"); err != nil {
		t.Fatal(err)
	}
	if path != "/bot"+secretToken+"/sendMessage" || seen["chat_id"] != 7_900_000_000_001.0 || seen["text"] != "*no* <b>markup</b> & https://x.example" || seen["parse_mode"] != nil {
		t.Errorf("%s %v", path, seen)
	}
	if err := bot.SendMessage(t.Context(), 1, strings.Repeat("ž", 5000)); err != nil || len([]rune(seen["text"].(string))) != 4096 {
		t.Errorf("a long text: %v", err)
	}
}

func TestBotRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		status      int
		body        string
		unreachable bool
		busy        time.Duration
	}{
		{"blocked", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, true, 0},
		{"never started", 400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, true, 0},
		{"too many", 429, `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":7}}`, false, 7 * time.Second},
		{"too many, no time", 429, `{"ok":false}`, false, 5 * time.Second},
		{"too many, an odd time", 429, `{"ok":false,"parameters":{"retry_after":99999999999}}`, false, time.Hour},
		{"broken", 500, `<html>`, false, 0},
		{"fine but not ok", 200, `{"ok":false}`, false, 0},
		{"no answer", 200, ``, false, 0},
		{"a bad token", 401, `{"ok":false,"description":"Unauthorized"}`, false, 0},
		{"a redirect", 302, ``, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := botAPI(t, func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			err := telegram.NewBot(api.URL, secretToken, time.Second).SendMessage(t.Context(), 1, "x")
			busy, isBusy := errors.AsType[*telegram.BusyError](err)
			if err == nil || errors.Is(err, telegram.ErrUnreachable) != tt.unreachable || isBusy != (tt.busy > 0) || isBusy && busy.After != tt.busy {
				t.Errorf("%v", err)
			}
		})
	}
}

// Whatever goes wrong, the token is not in the error: it would be in the log.
func TestBotErrorsHoldNoToken(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	api := botAPI(t, func(_ http.ResponseWriter, r *http.Request, _ map[string]any) {
		select {
		case <-slow:
		case <-r.Context().Done():
		}
	})
	defer close(slow)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"timeout":     telegram.NewBot(api.URL, secretToken, 50*time.Millisecond).SendMessage(t.Context(), 1, "x"),
		"nobody":      telegram.NewBot("http://127.0.0.1:1", secretToken, time.Second).SendMessage(t.Context(), 1, "x"),
		"bad address": telegram.NewBot("http://127.0.0.1:x", secretToken, time.Second).SendMessage(t.Context(), 1, "x"),
		"canceled":    telegram.NewBot(api.URL, secretToken, time.Second).SendMessage(canceled, 1, "x"),
	} {
		if err == nil || strings.Contains(err.Error(), "Canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After a 429 nothing is sent until the time is over, and messages keep their
// distance: 25 a second.
func TestBotKeepsItsPace(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	api := botAPI(t, func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
		if requests.Add(1) == 6 {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"ok":false,"parameters":{"retry_after":1}}`))
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
	bot := telegram.NewBot(api.URL, secretToken, time.Second)
	begun := time.Now()
	for range 5 {
		if err := bot.SendMessage(t.Context(), 1, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took < 4*40*time.Millisecond {
		t.Errorf("five messages in %s", took)
	}
	for i := range 3 {
		if busy, ok := errors.AsType[*telegram.BusyError](bot.SendMessage(t.Context(), 1, "x")); !ok || busy.After != time.Second {
			t.Errorf("message %d while Telegram wants to be left alone", i)
		}
	}
	if n := requests.Load(); n != 6 {
		t.Errorf("%d requests, want 6: the pause was not kept", n)
	}
	deadline := time.Now().Add(10 * time.Second)
	for bot.SendMessage(t.Context(), 1, "x") != nil {
		if time.Now().After(deadline) {
			t.Fatal("the pause never ends")
		}
	}
	if took := time.Since(begun); took < time.Second {
		t.Errorf("sent again after %s", took)
	}
}
