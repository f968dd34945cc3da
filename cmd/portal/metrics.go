package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// charging is what the audit of the money invariants has to say to those who
// watch, read from the database at each scrape: any process may have run it.
type charging struct{ p *portal }

var (
	chargingHalted = prometheus.NewDesc("portal_charging_halted", "1 while nothing is taken from anybody.", nil, nil)
	auditViolated  = prometheus.NewDesc("portal_audit_violated", "Money invariants that did not hold at the last audit.", nil, nil)
	auditAt        = prometheus.NewDesc("portal_audit_timestamp_seconds", "When the last audit ran.", nil, nil)
)

// Describe implements prometheus.Collector.
func (charging) Describe(to chan<- *prometheus.Desc) {
	to <- chargingHalted
	to <- auditViolated
	to <- auditAt
}

// Collect implements prometheus.Collector. Without an answer of the database the
// figures are missing, which is an alarm of its own.
func (c charging) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := c.p.app.ChargingStatus(ctx)
	if err != nil {
		c.p.log.Warn("metrics: read the state of charging", "error", err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(chargingHalted, float64(min(1, len(s.Halts))))
	if !s.AuditedAt.IsZero() {
		gauge(auditViolated, float64(s.Violated))
		gauge(auditAt, float64(s.AuditedAt.Unix()))
	}
}
