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
	"github.com/siptg/portal/internal/vies/fake"
)

// callTime is how long a provider may take to answer.
const callTime = 15 * time.Second

// sandboxURL is where demo mode's stand-ins of other services are.
func (p *portal) sandboxURL() string {
	if p.config.SandboxURL != "" {
		return string(p.config.SandboxURL)
	}
	return "http://" + string(p.config.SandboxAddr)
}

// viesPath is where demo mode's stand-in of VIES is, beside the sandbox.
const viesPath = "/vies"

// sandbox is demo mode's payment provider, as the portal sees it.
func (p *portal) sandbox() *sandbox.Adapter {
	return sandbox.New(sandbox.Config{
		BaseURL: p.sandboxURL(), Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret,
		Client: &http.Client{Timeout: callTime},
	})
}

// startSandbox starts the server of demo mode's payment provider and of its VIES,
// on an address of its own as a real one is, unless one runs already. It returns what stops it.
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
	services := http.NewServeMux()
	services.Handle("/", handler)
	services.Handle(viesPath+"/", fake.NewServer(fake.Options{Now: p.now, Known: fake.Demo, Prefix: viesPath}))
	server := &http.Server{Handler: services, ReadHeaderTimeout: 5 * time.Second}
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
