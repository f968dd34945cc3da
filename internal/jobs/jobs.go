package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/siptg/portal/internal/app"
)

// issueInvoice issues the invoice of a settled order.
type issueInvoice struct {
	OrderID string `json:"order_id"`
}

// Kind names the job in River's table.
func (issueInvoice) Kind() string { return "issue_invoice" }

// runDue does what falls due by itself: renewals, what ran out, invoices that
// were left waiting.
type runDue struct{}

// Kind names the job in River's table.
func (runDue) Kind() string { return "run_due" }

// Queue enqueues jobs; it is an app.Queue.
type Queue struct{ client *river.Client[pgx.Tx] }

// NewQueue returns a queue that enqueues and works nothing itself.
func NewQueue(pool *pgxpool.Pool, log *slog.Logger) (*Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{client}, nil
}

// IssueInvoice enqueues the invoice of an order in the transaction that settles it.
func (q *Queue) IssueInvoice(ctx context.Context, tx *app.Tx, orderID string) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), issueInvoice{OrderID: orderID}, nil)
	return err
}

// Worker works jobs.
type Worker struct{ client *river.Client[pgx.Tx] }

// dueEvery is how often what falls due is looked for.
const dueEvery = 15 * time.Minute

// NewWorker returns the workers of all kinds of job.
func NewWorker(pool *pgxpool.Pool, a *app.App, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[issueInvoice]) error {
		return a.IssueInvoice(ctx, job.Args.OrderID)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[runDue]) error {
		return a.RunDue(ctx)
	}))
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:  log,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		Workers: workers,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(
			river.PeriodicInterval(dueEvery),
			func() (river.JobArgs, *river.InsertOpts) { return runDue{}, nil },
			&river.PeriodicJobOpts{RunOnStart: true},
		)},
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Worker{client}, nil
}

// Start begins to work jobs; Stop ends it.
func (w *Worker) Start(ctx context.Context) error { return w.client.Start(ctx) }

// Stop lets running jobs finish until ctx ends.
func (w *Worker) Stop(ctx context.Context) error { return w.client.Stop(ctx) }
