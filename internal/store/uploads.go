package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
)

// UploadResult counts what became of the entries of an uploaded statement.
type UploadResult struct {
	Matched  int    `json:"matched"`
	Suspense int    `json:"suspense"`
	Ignored  int    `json:"ignored"`
	Known    int    `json:"known"`            // of them, those that were booked before
	Failed   string `json:"failed,omitempty"` // key of the message where the import stopped; empty for none
}

// StatementUpload is a statement that was uploaded in the back office.
type StatementUpload struct {
	ID         string
	Name       string // of the file
	Entries    int
	UploadedBy string // name of the person
	UploaderID account.ID
	UploadedAt time.Time
	NeedsTwo   bool   // somebody else than who uploaded it starts the import
	AskedBy    string // who had it imported; empty for nobody yet, and where it stopped
	AskedAt    time.Time
	DoneAt     time.Time // zero while it is not done
	Result     UploadResult
}

type statementUploadRow struct {
	ID         string
	Name       string
	Entries    int
	UploadedBy string
	UploaderID string
	UploadedAt time.Time
	NeedsTwo   bool
	AskedBy    string
	AskedAt    *time.Time
	DoneAt     *time.Time
	Result     []byte
}

func (r statementUploadRow) upload() (StatementUpload, error) {
	u := StatementUpload{
		ID: r.ID, Name: r.Name, Entries: r.Entries, UploadedBy: r.UploadedBy, UploaderID: account.ID(r.UploaderID), UploadedAt: r.UploadedAt.UTC(),
		NeedsTwo: r.NeedsTwo, AskedBy: r.AskedBy, AskedAt: moment(r.AskedAt), DoneAt: moment(r.DoneAt),
	}
	if len(r.Result) == 0 {
		return u, nil
	}
	return u, json.Unmarshal(r.Result, &u.Result)
}

const insertUploadSQL = `
INSERT INTO statement_upload (sha256, content, name, entries, needs_two, uploaded_by, uploaded_at)
VALUES (sha256(@content), @content, @name, @entries, @needs_two, @by, @now)
ON CONFLICT ON CONSTRAINT statement_upload_once DO NOTHING
RETURNING id`

const uploadBySHA256SQL = `SELECT id FROM statement_upload WHERE sha256 = sha256(@content)`

// SaveUpload keeps an uploaded file, or finds it where the same bytes were
// uploaded before, and returns its id and whether it is new.
func (tx *Tx) SaveUpload(ctx context.Context, content []byte, name string, entries int, needsTwo bool, by account.ID) (id string, isNew bool, err error) {
	id, err = value[string](ctx, tx, "upload", insertUploadSQL, pgx.NamedArgs{
		"content": content, "name": name, "entries": entries, "needs_two": needsTwo, "by": string(by), "now": tx.now,
	})
	if !fault.Is(err, fault.NotFound) {
		return id, true, err
	}
	id, err = value[string](ctx, tx, "upload", uploadBySHA256SQL, pgx.NamedArgs{"content": content})
	return id, false, err
}

const uploadColumnsSQL = `
SELECT u.id, u.name, u.entries, trim(a.first_name || ' ' || a.last_name) AS uploaded_by, u.uploaded_by::text AS uploader_id,
       u.uploaded_at, u.needs_two,
       COALESCE(trim(k.first_name || ' ' || k.last_name), '') AS asked_by, u.asked_at, u.done_at, u.result
FROM statement_upload u
JOIN account a ON a.id = u.uploaded_by
LEFT JOIN account k ON k.id = u.asked_by `

const uploadSQL = uploadColumnsSQL + `WHERE u.id = @id`

// Upload returns an uploaded statement, or NotFound.
func (tx *Tx) Upload(ctx context.Context, id string) (StatementUpload, error) {
	r, err := one[statementUploadRow](ctx, tx, "upload", uploadSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return StatementUpload{}, err
	}
	return r.upload()
}

const uploadsSQL = uploadColumnsSQL + `ORDER BY u.uploaded_at DESC, u.id LIMIT 30`

// Uploads returns the statements uploaded last, newest first.
func (tx *Tx) Uploads(ctx context.Context) ([]StatementUpload, error) {
	rows, err := list[statementUploadRow](ctx, tx, uploadsSQL, nil)
	if err != nil {
		return nil, err
	}
	out := make([]StatementUpload, len(rows))
	for i, r := range rows {
		if out[i], err = r.upload(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const uploadContentSQL = `SELECT content FROM statement_upload WHERE id = @id`

// UploadContent returns the bytes of an uploaded statement.
func (tx *Tx) UploadContent(ctx context.Context, id string) ([]byte, error) {
	return value[[]byte](ctx, tx, "upload", uploadContentSQL, pgx.NamedArgs{"id": id})
}

const askUploadSQL = `UPDATE statement_upload SET asked_by = @by, asked_at = @now, result = NULL WHERE id = @id AND asked_by IS NULL`

// AskUpload notes who has a statement imported, and returns whether nobody did
// before.
func (tx *Tx) AskUpload(ctx context.Context, id string, by account.ID) (bool, error) {
	n, err := exec(ctx, tx, askUploadSQL, pgx.NamedArgs{"id": id, "by": string(by), "now": tx.now})
	return n > 0, err
}

const askedBySQL = `SELECT asked_by FROM statement_upload WHERE id = @id AND asked_by IS NOT NULL AND done_at IS NULL FOR NO KEY UPDATE`

// LockAskedUpload locks an uploaded statement that is to be imported and returns
// who has it imported; one that is done, or that nobody asked for, is NotFound.
func (tx *Tx) LockAskedUpload(ctx context.Context, id string) (account.ID, error) {
	return value[account.ID](ctx, tx, "upload", askedBySQL, pgx.NamedArgs{"id": id})
}

const finishUploadSQL = `UPDATE statement_upload SET done_at = @now, result = @result WHERE id = @id AND done_at IS NULL`

// FinishUpload stores what became of an uploaded statement.
func (tx *Tx) FinishUpload(ctx context.Context, id string, result UploadResult) error {
	_, err := exec(ctx, tx, finishUploadSQL, pgx.NamedArgs{"id": id, "now": tx.now, "result": result})
	return err
}

const stopUploadSQL = `UPDATE statement_upload SET asked_by = NULL, asked_at = NULL, result = @result WHERE id = @id AND done_at IS NULL`

// StopUpload stores why the import of an uploaded statement stopped. It can be
// started again.
func (tx *Tx) StopUpload(ctx context.Context, id string, result UploadResult) error {
	_, err := exec(ctx, tx, stopUploadSQL, pgx.NamedArgs{"id": id, "result": result})
	return err
}

const bookedOfSQL = `SELECT count(*) FROM bank_entry WHERE key = ANY(@keys)`

// BookedOf returns how many entries with these keys are booked.
func (tx *Tx) BookedOf(ctx context.Context, keys []string) (int, error) {
	return value[int](ctx, tx, "bank entries", bookedOfSQL, pgx.NamedArgs{"keys": keys})
}
