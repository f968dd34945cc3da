package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/payment"
)

// issueInvoice issues the invoice of a settled order.
type issueInvoice struct {
	OrderID string `json:"order_id"`
}

// Kind names the job in River's table.
func (issueInvoice) Kind() string { return "issue_invoice" }

// issueReceipts issues the receipts of top-ups that have none.
type issueReceipts struct{}

// Kind names the job in River's table.
func (issueReceipts) Kind() string { return "issue_receipts" }

// runDue does what falls due by itself: it enqueues renewals, closes what ran
// out, issues invoices that were left waiting.
type runDue struct{}

// Kind names the job in River's table.
func (runDue) Kind() string { return "run_due" }

// sendPayment sends a payment to its provider.
type sendPayment struct {
	PaymentID payment.ID `json:"payment_id"`
}

// Kind names the job in River's table.
func (sendPayment) Kind() string { return "send_payment" }

// InsertOpts are those of all such jobs. A decline is no failure of the job.
func (sendPayment) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queuePayments, MaxAttempts: 8}
}

// renew takes the renewal of a subscription one step further.
type renew struct {
	SubscriptionID string `json:"subscription_id" river:"unique"`
}

// Kind names the job in River's table.
func (renew) Kind() string { return "renew" }

// InsertOpts are those of all such jobs: one at a time for a subscription. The
// next scan enqueues what failed again, so there is no need to insist.
func (renew) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queuePayments, MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// processWebhook looks at the payment that a webhook names.
type processWebhook struct {
	InboxID int64 `json:"inbox_id"`
}

// Kind names the job in River's table.
func (processWebhook) Kind() string { return "process_webhook" }

// InsertOpts are those of all such jobs. Only a webhook tells of a dispute of a
// payment that has ended, so it is tried for three weeks before a person is called.
func (processWebhook) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueInbox, MaxAttempts: 25}
}

// sendRefund sends a refund to its provider.
type sendRefund struct {
	RefundID string `json:"refund_id"`
}

// Kind names the job in River's table.
func (sendRefund) Kind() string { return "send_refund" }

// InsertOpts are those of all such jobs. A decline is no failure of the job.
func (sendRefund) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queuePayments, MaxAttempts: 8}
}

// drawDocument draws the file of an issued document.
type drawDocument struct {
	Number string `json:"number"`
}

// Kind names the job in River's table.
func (drawDocument) Kind() string { return "draw_document" }

// importStatement imports a statement that was uploaded.
type importStatement struct {
	UploadID string `json:"upload_id"`
}

// Kind names the job in River's table.
func (importStatement) Kind() string { return "import_statement" }

// checkPayments does what is due for payments that wait.
type checkPayments struct{}

// Kind names the job in River's table.
func (checkPayments) Kind() string { return "check_payments" }

// InsertOpts are those of all such jobs. Who comes late finds what was left.
func (checkPayments) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queuePayments, MaxAttempts: 1}
}

// compareBooks holds the providers' books against our payments.
type compareBooks struct{}

// Kind is the job's name in the queue's table.
func (compareBooks) Kind() string { return "compare_books" }

// InsertOpts bounds the attempts: the next one comes by itself.
func (compareBooks) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// auditBooks audits the books and halts charging where they are wrong.
type auditBooks struct{}

// Kind names the job in River's table.
func (auditBooks) Kind() string { return "audit" }

// InsertOpts are those of all such jobs. The next hour's is as good.
func (auditBooks) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// deliverNotice sends a notice to its people.
type deliverNotice struct {
	NoticeID string `json:"notice_id"`
}

// Kind names the job in River's table.
func (deliverNotice) Kind() string { return "deliver_notice" }

// InsertOpts are those of all such jobs. How often a message is tried is kept
// with its delivery; the job only comes back for it.
func (deliverNotice) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueNotices, MaxAttempts: 8}
}

// deliverLeftBehind sends notices whose jobs were lost.
type deliverLeftBehind struct{}

// Kind names the job in River's table.
func (deliverLeftBehind) Kind() string { return "deliver_left_behind" }

// InsertOpts are those of all such jobs. Who comes late finds what was left.
func (deliverLeftBehind) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueNotices, MaxAttempts: 1}
}

// deliverMails sends the mails of the outbox that are due.
type deliverMails struct{}

// Kind names the job in River's table.
func (deliverMails) Kind() string { return "deliver_mails" }

// InsertOpts are those of all such jobs. Who comes late finds what was left. They
// have a queue of their own, so that no slow mail server holds notices up.
func (deliverMails) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueMails, MaxAttempts: 1}
}

// checkVATNumbers asks the register about VAT numbers for which it is time.
type checkVATNumbers struct{}

// Kind names the job in River's table.
func (checkVATNumbers) Kind() string { return "check_vat_numbers" }

// InsertOpts are those of all such jobs. Who comes late finds what was left, and
// when to ask again is kept with what is asked.
func (checkVATNumbers) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueRegister, MaxAttempts: 1}
}

// The queues besides the default one. A register that is slow keeps nobody from
// paying.
const (
	queuePayments = "payments"
	queueInbox    = "inbox"
	queueNotices  = "notices"
	queueMails    = "mails"
	queueRegister = "register"
)

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
func (q *Queue) IssueInvoice(_ context.Context, tx *app.Tx, orderID string) error {
	tx.Enqueue(app.Job{Kind: issueInvoice{}.Kind(), Queue: river.QueueDefault, MaxAttempts: river.MaxAttemptsDefault}, issueInvoice{OrderID: orderID})
	return nil
}

// IssueReceipts enqueues the receipts of top-ups in the transaction that books one.
func (q *Queue) IssueReceipts(ctx context.Context, tx *app.Tx) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), issueReceipts{}, nil)
	return err
}

// SendPayment enqueues the sending of a payment in the transaction that makes it.
func (q *Queue) SendPayment(ctx context.Context, tx *app.Tx, id payment.ID) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), sendPayment{PaymentID: id}, nil)
	return err
}

// ProcessWebhook enqueues a webhook in the transaction that keeps it.
func (q *Queue) ProcessWebhook(ctx context.Context, tx *app.Tx, inboxID int64) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), processWebhook{InboxID: inboxID}, nil)
	return err
}

// NoticeJob is the job that sends a notice. Its argument is notice_id.
func (q *Queue) NoticeJob() app.Job {
	opts := deliverNotice{}.InsertOpts()
	return app.Job{Kind: deliverNotice{}.Kind(), Queue: opts.Queue, MaxAttempts: opts.MaxAttempts}
}

// Renew enqueues the renewals of subscriptions that have none enqueued.
func (q *Queue) Renew(ctx context.Context, tx *app.Tx, subscriptionIDs []string) error {
	jobs := make([]river.InsertManyParams, len(subscriptionIDs))
	for i, id := range subscriptionIDs {
		jobs[i] = river.InsertManyParams{Args: renew{SubscriptionID: id}}
	}
	_, err := q.client.InsertManyTx(ctx, tx.PGX(), jobs)
	return err
}

// SendRefund enqueues the sending of a refund in the transaction that decides it.
func (q *Queue) SendRefund(ctx context.Context, tx *app.Tx, refundID string) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), sendRefund{RefundID: refundID}, nil)
	return err
}

// DrawDocument enqueues the drawing of a document in the transaction that issues it.
func (q *Queue) DrawDocument(ctx context.Context, tx *app.Tx, number string) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), drawDocument{Number: number}, nil)
	return err
}

// DeliverMails enqueues the sending of mails in the transaction that writes one
// which somebody waits for.
func (q *Queue) DeliverMails(ctx context.Context, tx *app.Tx) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), deliverMails{}, nil)
	return err
}

// ImportStatement enqueues the import of an uploaded statement in the transaction
// in which somebody asks for it.
func (q *Queue) ImportStatement(ctx context.Context, tx *app.Tx, uploadID string) error {
	_, err := q.client.InsertTx(ctx, tx.PGX(), importStatement{UploadID: uploadID}, nil)
	return err
}

// Worker works jobs.
type Worker struct{ client *river.Client[pgx.Tx] }

const (
	dueEvery    = 15 * time.Minute // how often what falls due is looked for
	checkEvery  = 30 * time.Second // how often payments that wait are
	paymentTime = 90 * time.Second // for one payment: longer than its requests
	importTime  = 10 * time.Minute // for a statement of 50,000 entries
	checkTime   = 10 * time.Minute // for everything that is due
	auditEvery  = time.Hour
	// compareEvery is how often providers' books are compared; each start does it, too.
	compareEvery = 24 * time.Hour
	// rescueAfter is when a job whose program died is worked again; one with a
	// longer timeout keeps it. A renewal is not enqueued beside a job that seems to
	// be running.
	rescueAfter = 2 * time.Minute
)

// timed is a worker function with a timeout of its own.
type timed[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	timeout time.Duration
	work    func(context.Context, *river.Job[T]) error
}

// Timeout is how long one run may take.
func (w timed[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// Work runs the function.
func (w timed[T]) Work(ctx context.Context, job *river.Job[T]) error { return w.work(ctx, job) }

// NewWorker returns the workers of all kinds of job.
func NewWorker(pool *pgxpool.Pool, a *app.App, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[issueInvoice]) error {
		return a.IssueInvoice(ctx, job.Args.OrderID)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[issueReceipts]) error {
		return a.IssueReceipts(ctx)
	}))
	river.AddWorker(workers, timed[runDue]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[runDue]) error {
		return a.ScanDue(ctx)
	}})
	river.AddWorker(workers, timed[renew]{timeout: paymentTime, work: func(ctx context.Context, job *river.Job[renew]) error {
		return a.Renew(ctx, job.Args.SubscriptionID)
	}})
	river.AddWorker(workers, timed[sendPayment]{timeout: paymentTime, work: func(ctx context.Context, job *river.Job[sendPayment]) error {
		return a.SendPayment(ctx, job.Args.PaymentID)
	}})
	river.AddWorker(workers, timed[sendRefund]{timeout: paymentTime, work: func(ctx context.Context, job *river.Job[sendRefund]) error {
		return a.SendRefund(ctx, job.Args.RefundID)
	}})
	river.AddWorker(workers, timed[importStatement]{timeout: importTime, work: func(ctx context.Context, job *river.Job[importStatement]) error {
		return a.ImportUploaded(ctx, job.Args.UploadID)
	}})
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[drawDocument]) error {
		return a.DrawDocument(ctx, job.Args.Number)
	}))
	river.AddWorker(workers, timed[processWebhook]{timeout: paymentTime, work: func(ctx context.Context, job *river.Job[processWebhook]) error {
		return a.ProcessWebhook(ctx, job.Args.InboxID, job.Attempt >= job.MaxAttempts)
	}})
	river.AddWorker(workers, timed[checkPayments]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[checkPayments]) error {
		_, payments := a.CheckPayments(ctx)
		_, refunds := a.CheckRefunds(ctx)
		return errors.Join(payments, refunds)
	}})
	river.AddWorker(workers, timed[auditBooks]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[auditBooks]) error {
		_, err := a.RunAudit(ctx)
		return err
	}})
	river.AddWorker(workers, timed[compareBooks]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[compareBooks]) error {
		return a.CompareBooks(ctx)
	}})
	river.AddWorker(workers, timed[deliverNotice]{timeout: checkTime, work: func(ctx context.Context, job *river.Job[deliverNotice]) error {
		again, err := a.DeliverNotice(ctx, job.Args.NoticeID)
		if err == nil && again > 0 {
			return river.JobSnooze(again)
		}
		return err
	}})
	river.AddWorker(workers, timed[deliverLeftBehind]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[deliverLeftBehind]) error {
		return a.DeliverLeftBehind(ctx)
	}})
	river.AddWorker(workers, timed[deliverMails]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[deliverMails]) error {
		return a.DeliverMails(ctx)
	}})
	river.AddWorker(workers, timed[checkVATNumbers]{timeout: checkTime, work: func(ctx context.Context, _ *river.Job[checkVATNumbers]) error {
		_, err := a.CheckVATNumbers(ctx)
		return err
	}})
	periodically := func(every time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{RunOnStart: true})
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger: log,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 4}, queuePayments: {MaxWorkers: 4}, queueInbox: {MaxWorkers: 8},
			queueNotices: {MaxWorkers: 4}, queueMails: {MaxWorkers: 2}, queueRegister: {MaxWorkers: 1},
		},
		Workers:              workers,
		RescueStuckJobsAfter: rescueAfter,
		PeriodicJobs: []*river.PeriodicJob{
			periodically(dueEvery, runDue{}), periodically(checkEvery, checkPayments{}), periodically(auditEvery, auditBooks{}),
			periodically(dueEvery, deliverLeftBehind{}), periodically(compareEvery, compareBooks{}), periodically(checkEvery, deliverMails{}),
			periodically(checkEvery, checkVATNumbers{}),
		},
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
