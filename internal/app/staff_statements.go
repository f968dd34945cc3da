package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// previewed is how many entries of an upload are looked at before it is imported.
const previewed = 200

// UploadedStatement is a statement that was uploaded in the back office.
type UploadedStatement struct {
	StatementUpload

	Preview []ImportedEntry // before it is imported: what would become of the first entries
	More    int             // entries that are not in Preview
	Booked  int             // entries that are booked by now
	Gaps    []StatementGap
	Refused error // why it cannot be read any more; Invalid or nil
	MayBook bool
	WhyNot  NotDeciding // of who decides about money and may not start the import
}

// StatementGap is a statement that does not begin with the balance that the one
// before it ended with: a statement between them is missing, or one of them is not
// the bank's.
type StatementGap struct {
	IBAN    bank.IBAN
	From    civil.Date // of the statement
	Opening money.Money
	Before  civil.Date // last day of the one before
	Closing money.Money
}

// StaffStatements returns the statements that were uploaded last. For who is not
// staff: NotFound.
func (a *App) StaffStatements(ctx context.Context, actor account.Actor) ([]StatementUpload, error) {
	var out []StatementUpload
	err := a.db.View(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		var err error
		out, err = tx.Uploads(ctx)
		return err
	})
	return out, err
}

// UploadStatement keeps a camt.053 file that finance or an administrator uploads,
// and returns its id: that of the first time for a file that was uploaded before.
// Nothing is booked yet; by whom it may be started, BookStatement says.
//
// Failure is Invalid, for a file that ReadStatements or the import refuses.
func (a *App) UploadStatement(ctx context.Context, staff account.Actor, name string, r io.Reader) (id string, err error) {
	if err := a.db.View(ctx, func(tx *store.Tx) error { return a.mayDecide(ctx, tx, staff) }); err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(r, maxStatementBytes+1))
	if err != nil {
		return "", err
	}
	statements, err := a.readOwn(content)
	if err != nil {
		return "", err
	}
	entries := 0
	for _, s := range statements {
		entries += len(s.Entries)
	}
	needsTwo := a.creditsMuch(statements)
	name = clip(CleanText(path.Base(strings.ReplaceAll(name, `\`, "/"))), 120)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		var isNew bool
		if id, isNew, err = tx.SaveUpload(ctx, content, name, entries, needsTwo, staff.AccountID); err != nil || !isNew {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(staff.AccountID), Action: "statement.uploaded", ObjectKind: "statement_upload", ObjectID: id,
			Detail: map[string]any{"name": name, "entries": entries, "needs_two": needsTwo},
		})
	})
	return id, err
}

// creditsMuch reports whether statements bring in more than one person decides
// about.
func (a *App) creditsMuch(statements []bank.Statement) bool {
	var sum money.Amount
	for _, s := range statements {
		for _, e := range s.Entries {
			if !e.Credit {
				continue
			}
			var err error
			if sum, err = money.Sum(sum, e.Amount); err != nil || sum > a.seller.SecondEyes {
				return true
			}
		}
	}
	return false
}

// gaps finds the statements of a file that do not begin where the one before them
// ended, in the file or imported before.
func gaps(ctx context.Context, tx *store.Tx, statements []bank.Statement) ([]StatementGap, error) {
	var out []StatementGap
	for _, s := range statements {
		to, closing, err := tx.StatementBefore(ctx, s)
		found := err == nil
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		for _, p := range statements {
			if p.IBAN == s.IBAN && p.Currency == s.Currency && p.From.Before(s.From) && !p.To.After(s.From) && (!found || p.To.After(to)) {
				to, closing, found = p.To, p.Closing, true
			}
		}
		if found && closing != s.Opening {
			out = append(out, StatementGap{
				IBAN: s.IBAN, From: s.From, Opening: money.Of(s.Opening, s.Currency), Before: to, Closing: money.Of(closing, s.Currency),
			})
		}
	}
	return out, nil
}

// readOwn reads the statements of a file, which are of our accounts.
func (a *App) readOwn(content []byte) ([]bank.Statement, error) {
	statements, err := bank.ReadStatements(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for _, s := range statements {
		if !a.ownAccount(s.IBAN, s.Currency) {
			return nil, &fault.Error{Kind: fault.Invalid, Key: "error.bank.foreign_account", Args: fault.Args{"IBAN": string(s.IBAN)}}
		}
	}
	return statements, nil
}

// errPreviewed ends a transaction that was only to show what it would do.
var errPreviewed = errors.New("app: previewed")

// StaffStatement returns an uploaded statement, or NotFound: before it is
// imported with what would be booked, found out by booking it and rolling that
// back. That it was looked at is written to the audit log.
func (a *App) StaffStatement(ctx context.Context, actor account.Actor, id string) (UploadedStatement, error) {
	var out UploadedStatement
	if !isUUID(id) {
		return out, fault.Missing("upload")
	}
	var content []byte
	if err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		u, err := tx.Upload(ctx, id)
		if err != nil {
			return err
		}
		out = UploadedStatement{StatementUpload: u, MayBook: actor.Staff.MayDecideMoney() && u.AskedBy == ""}
		if out.MayBook && ownUpload(actor, u) {
			out.MayBook, out.WhyNot = false, NotDecidingSecond
		}
		if content, err = tx.UploadContent(ctx, id); err != nil {
			return err
		}
		return looked(ctx, tx, actor, "statement_upload", id, "", nil)
	}); err != nil {
		return out, err
	}
	statements, err := a.readOwn(content)
	if fault.Is(err, fault.Invalid) { // the seller file has changed since
		out.Refused, out.MayBook = err, false
		return out, nil
	} else if err != nil {
		return out, err
	}
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		out.Gaps, err = gaps(ctx, tx, statements)
		return err
	}); err != nil {
		return out, err
	}
	if out.AskedBy != "" {
		var keys []string
		for _, s := range statements {
			for _, e := range s.Entries {
				keys = append(keys, e.Key)
			}
		}
		return out, a.db.View(ctx, func(tx *store.Tx) error {
			out.Booked, err = tx.BookedOf(ctx, keys)
			return err
		})
	}
	out.Preview, err = a.preview(ctx, statements)
	out.More = out.Entries - len(out.Preview)
	return out, err
}

// preview says what would become of the first entries of statements.
func (a *App) preview(ctx context.Context, statements []bank.Statement) ([]ImportedEntry, error) {
	var out []ImportedEntry
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out = nil
		for _, s := range statements {
			id, err := tx.SaveStatement(ctx, s, make([]byte, 32), string(byRule))
			if err != nil {
				return err
			}
			shown := bank.Shows(s)
			for _, e := range s.Entries {
				if len(out) == previewed {
					return errPreviewed
				}
				done, err := a.importEntry(ctx, tx, id, s, shown, e, byRule)
				if err != nil {
					return err
				}
				out = append(out, done)
			}
		}
		return errPreviewed
	})
	if errors.Is(err, errPreviewed) {
		err = nil
	}
	return out, err
}

// ownUpload reports whether the import of a statement has to be started by
// somebody else: anybody can write such a file.
func ownUpload(staff account.Actor, u StatementUpload) bool {
	return u.NeedsTwo && u.UploaderID == staff.AccountID
}

// BookStatement has an uploaded statement imported by a job. Asking again changes
// nothing, but for one that stopped. Where it brings in more than one person
// decides about, who uploaded it is Forbidden.
func (a *App) BookStatement(ctx context.Context, staff account.Actor, id string) error {
	if !isUUID(id) {
		return fault.Missing("upload")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		u, err := tx.Upload(ctx, id)
		if err != nil {
			return err
		}
		if u.AskedBy == "" && ownUpload(staff, u) {
			return fault.New(fault.Forbidden, "error.statement.second_person")
		}
		isNew, err := tx.AskUpload(ctx, id, staff.AccountID)
		if err != nil || !isNew {
			return err
		}
		if err := tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(staff.AccountID), Action: "statement.asked", ObjectKind: "statement_upload", ObjectID: id,
		}); err != nil {
			return err
		}
		return a.queue.ImportStatement(ctx, tx, id)
	})
}

// ImportUploaded imports an uploaded statement in the name of who asked for it. A
// run that is cut off goes on where it stopped when it is run again; one that is
// done does nothing; one that the file itself stops waits for somebody to start it
// again.
func (a *App) ImportUploaded(ctx context.Context, id string) error {
	var (
		by      account.ID
		content []byte
	)
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if by, err = tx.LockAskedUpload(ctx, id); err != nil {
			return err
		}
		content, err = tx.UploadContent(ctx, id)
		return err
	})
	if fault.Is(err, fault.NotFound) { // done
		return nil
	} else if err != nil {
		return err
	}
	done, err := a.ImportStatement(ctx, bytes.NewReader(content), audit.ByAccount(by))
	var result store.UploadResult
	for _, e := range done {
		switch bank.Result(e.Outcome) {
		case bank.Matched:
			result.Matched++
		case bank.Suspense:
			result.Suspense++
		case bank.Ignored:
			result.Ignored++
		}
		if e.Known {
			result.Known++
		}
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Invalid { // the seller file has changed since
		result.Failed = f.Key
	} else if err != nil {
		return err
	}
	finish, action := (*store.Tx).FinishUpload, "statement.imported"
	if result.Failed != "" {
		finish, action = (*store.Tx).StopUpload, "statement.stopped"
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := finish(tx, ctx, id, result); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(by), Action: action, ObjectKind: "statement_upload", ObjectID: id,
			Detail: map[string]any{"matched": result.Matched, "suspense": result.Suspense, "ignored": result.Ignored, "known": result.Known},
		})
	})
}
