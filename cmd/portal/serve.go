package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/config"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/web"
)

// drainTime is how long running requests and jobs may take to finish after a
// signal to stop.
const drainTime = 20 * time.Second

type serveCommand struct {
	NoJobs bool `help:"Leave the jobs to 'portal work'."`
}

// Run serves until a signal to stop.
func (c serveCommand) Run(e *environment) error {
	p, err := open(e, "serve")
	if err != nil {
		return err
	}
	defer p.Close()
	listener, err := net.Listen("tcp", string(p.config.Addr))
	if err != nil {
		return fmt.Errorf("PORTAL_ADDR takes an address that is free to listen on: %w", err)
	}
	if p.config.PublicURL == "" {
		p.config.PublicURL = config.Origin("http://" + listener.Addr().String())
	}
	public := string(p.config.PublicURL)
	if p.config.Demo() {
		if err := p.seedDemo(e); err != nil { // its documents carry the address
			return errors.Join(fmt.Errorf("demo data: %w", err), listener.Close())
		}
		stop, err := p.startSandbox(listener.Addr().String())
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer stop()
	}
	// Now that both addresses are known.
	if p.app, err = p.newApp(e.ctx, p.db, p.now); err != nil {
		return errors.Join(err, listener.Close())
	}
	handler, err := web.New(web.Config{
		App: p.app, Log: p.log, PublicURL: public, Demo: p.config.Demo(), BotName: string(p.config.TelegramBotName),
		TrustedProxies: p.config.Proxies, Version: version, Now: p.now,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if p.config.Demo() {
		go p.followDemoClock(e.ctx)
	}
	if !c.NoJobs {
		stop, err := p.startJobs(e.ctx)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer stop()
	}
	stopMetrics, err := p.startMetrics()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopMetrics()
	server := web.Server(listener.Addr().String(), handler)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(e.stdout, "portal: ready at %s\n", public); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-e.ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), drainTime)
	defer cancel()
	return server.Shutdown(ctx)
}

// seedDemo fills an empty demo database. The history needs a clock of its own.
func (p *portal) seedDemo(e *environment) error {
	clock := app.NewClock(p.now())
	p.seeding = true
	defer func() { p.seeding = false }()
	seeder, err := p.newApp(e.ctx, p.db.OnClock(clock.Now), clock.Now)
	if err != nil {
		return err
	}
	return seeder.SeedDemo(e.ctx, clock)
}

// followDemoClock keeps this process's clock with one that another process moved.
func (p *portal) followDemoClock(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := p.app.SyncDemoClock(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("read the demo clock", "error", err)
			}
		}
	}
}

// startJobs starts the workers and returns what stops them.
func (p *portal) startJobs(ctx context.Context) (func(), error) {
	worker, err := jobs.NewWorker(p.db.Pool(), p.app, p.log)
	if err != nil {
		return nil, err
	}
	// The workers outlive the signal: running jobs are given time to finish.
	if err := worker.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if err := worker.Stop(ctx); err != nil {
			p.log.Error("stop the job workers", "error", err)
		}
	}, nil
}

// startMetrics serves Prometheus metrics and pprof where they are asked for.
func (p *portal) startMetrics() (func(), error) {
	if p.config.MetricsAddr == "" {
		return func() {}, nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), charging{p})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	listener, err := net.Listen("tcp", string(p.config.MetricsAddr))
	if err != nil {
		return nil, fmt.Errorf("PORTAL_METRICS_ADDR takes an address that is free to listen on: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("metrics", "error", err)
		}
	}()
	return func() { _ = server.Close() }, nil
}

type workCommand struct{}

// Run works jobs until a signal to stop.
func (workCommand) Run(e *environment) error {
	p, err := open(e, "work")
	if err != nil {
		return err
	}
	defer p.Close()
	if p.config.Demo() {
		go p.followDemoClock(e.ctx)
	}
	stop, err := p.startJobs(e.ctx)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := fmt.Fprintln(e.stdout, "portal: working"); err != nil {
		return err
	}
	<-e.ctx.Done()
	return nil
}
