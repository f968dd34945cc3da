package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/siptg/portal/internal/config"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// callTime is how long a provider may take to answer.
const callTime = 15 * time.Second

// sandbox is demo mode's payment provider, as the portal sees it.
func (p *portal) sandbox() *sandbox.Adapter {
	base := string(p.config.SandboxURL)
	if base == "" {
		base = "http://" + string(p.config.SandboxAddr)
	}
	return sandbox.New(sandbox.Config{
		BaseURL: base, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret,
		Client: &http.Client{Timeout: callTime},
	})
}

// startSandbox starts the server of demo mode's payment provider, on an address
// of its own as a real one is, unless one runs already. It returns what stops it.
func (p *portal) startSandbox(portalAddr string) (stop func(), err error) {
	if p.config.SandboxURL != "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", string(p.config.SandboxAddr))
	if err != nil {
		return nil, fmt.Errorf("PORTAL_SANDBOX_ADDR takes an address that is free to listen on: %w", err)
	}
	p.config.SandboxAddr = config.Address(listener.Addr().String())
	handler, err := sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount,
		WebhookURL: "http://" + portalAddr + "/webhooks/" + sandbox.Name, PublicURL: "http://" + listener.Addr().String(),
		Book: filepath.Join(p.config.DataDir, "sandbox.jsonl"), Client: &http.Client{Timeout: callTime}, Now: p.now, Log: p.log,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { handler.Run(ctx) })
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	running.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("sandbox", "error", err)
		}
	})
	return func() {
		cancel()
		if err := errors.Join(server.Close(), handler.Close()); err != nil {
			p.log.Error("stop the sandbox", "error", err)
		}
		running.Wait()
	}, nil
}
