package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/taxreport"
)

// ReportKind is a file of the seller's reports.
type ReportKind string

// The reports.
const (
	ReportISAF           ReportKind = "isaf"            // of a month, XML
	ReportOSS            ReportKind = "oss"             // of a quarter, CSV: sales
	ReportOSSCorrections ReportKind = "oss-corrections" // of a quarter, CSV: what earlier returns change by
)

// ReportPeriods are what the page of reports offers: those that are over, the
// newest first.
type ReportPeriods struct {
	Months   []civil.Date // first days
	Quarters []taxreport.Quarter
}

// Numbers of periods to choose from.
const (
	reportMonths   = 12
	reportQuarters = 8
)

// Reports returns the periods to report. Support sees no reports: Forbidden; for
// who is not staff NotFound.
func (a *App) Reports(ctx context.Context, actor account.Actor) (ReportPeriods, error) {
	var p ReportPeriods
	err := a.db.View(ctx, func(tx *store.Tx) error { return reportsNow(ctx, tx, actor) })
	if err != nil {
		return p, err
	}
	today := a.Today()
	month := civil.Date{Year: today.Year, Month: today.Month, Day: 1}
	for i := range reportMonths {
		p.Months = append(p.Months, month.AddMonths(-1-i, 1))
	}
	first := taxreport.QuarterOf(today).From()
	for i := range reportQuarters {
		p.Quarters = append(p.Quarters, taxreport.QuarterOf(first.AddMonths(-3*(i+1), 1)))
	}
	return p, nil
}

// reportsNow fails unless the actor decides about money in the back office at this
// moment.
func reportsNow(ctx context.Context, tx *store.Tx, actor account.Actor) error {
	if err := staffNow(ctx, tx, actor); err != nil {
		return err
	}
	role, err := tx.StaffRole(ctx, actor.AccountID)
	if err == nil && !role.MayDecideMoney() {
		err = fault.New(fault.Forbidden, "error.staff.finance")
	}
	return err
}

// Report returns a report of the seller's for a period: "2026-11" of i.SAF,
// "2026Q4" of the others. That it was made is written to the audit log.
//
// Errors: as Reports; Invalid for a period that is none; Conflict for a document
// that the report has no rule for.
func (a *App) Report(ctx context.Context, actor account.Actor, kind ReportKind, period string) (File, error) {
	name, contentType := "i.SAF_"+period+".xml", "application/xml"
	var from, to civil.Date
	var quarter taxreport.Quarter
	if kind == ReportISAF {
		month, err := time.Parse("2006-01", period)
		if err != nil || month.Year() < 2016 || month.Year() > 2100 {
			return File{}, fault.Fields{{Name: "month", Key: "error.report.month"}}.Err()
		}
		from = civil.DateOf(month, time.UTC)
		to = from.AddMonths(1, 1).AddDays(-1)
	} else {
		var err error
		if quarter, err = taxreport.ParseQuarter(period); err != nil {
			return File{}, fault.Fields{{Name: "quarter", Key: "error.report.quarter"}}.Err()
		}
		name, contentType = "OSS_"+period+".csv", "text/csv; charset=utf-8"
		if kind == ReportOSSCorrections {
			name = "OSS_" + period + "_corrections.csv"
		}
		from, to = quarter.From(), quarter.To()
	}
	var b bytes.Buffer
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		b.Reset()
		if err := reportsNow(ctx, tx, actor); err != nil {
			return err
		}
		if err := looked(ctx, tx, actor, "report", string(kind), "", map[string]any{"period": period}); err != nil {
			return err
		}
		if kind == ReportISAF {
			return a.isaf(ctx, tx, &b, from, to)
		}
		return a.oss(ctx, tx, &b, quarter, kind == ReportOSSCorrections)
	})
	if unfit, ok := errors.AsType[*taxreport.Unfit](err); ok {
		return File{}, &fault.Error{Kind: fault.Conflict, Key: "error.report.unfit", Args: fault.Args{"Number": unfit.Number}, Err: unfit}
	}
	if err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(b.Bytes())
	return File{Name: name, ContentType: contentType, SHA256: hex.EncodeToString(sum[:]), Bytes: b.Bytes()}, nil
}

func (a *App) isaf(ctx context.Context, tx *store.Tx, to io.Writer, first, last civil.Date) error {
	register := taxreport.Register{Seller: a.seller.Party, From: first, To: last, Created: tx.Now(), Version: "1"}
	return taxreport.ISAF(to, register, func(use func(invoice.Document) error) error {
		day, number := first, ""
		for {
			documents, err := tx.Issued(ctx, first, last, day, number)
			if err != nil || len(documents) == 0 {
				return err
			}
			for _, d := range documents {
				document, err := invoice.Unmarshal(d.Content)
				if err != nil {
					return err
				}
				if err := use(document); err != nil {
					return err
				}
				day, number = document.IssueDate, document.Number
			}
		}
	})
}

func (a *App) oss(ctx context.Context, tx *store.Tx, to io.Writer, quarter taxreport.Quarter, corrections bool) error {
	rows, err := tx.SoldByOSS(ctx, quarter.From(), quarter.To())
	if err != nil {
		return err
	}
	sold := make([]taxreport.Sold, len(rows))
	for i, r := range rows {
		if money.Currency(r.Currency) != money.EUR {
			// The return takes the rate of the last day of the quarter (art. 369h),
			// which nothing here knows.
			return &taxreport.Unfit{Number: r.Country + " " + r.Currency, Why: "not in EUR"}
		}
		sold[i] = taxreport.Sold{
			Period: taxreport.QuarterOf(civil.DateOf(r.TaxPoint, time.UTC)), Country: r.Country, Rate: money.BasisPoints(r.RateBPS),
			Base: money.Amount(r.BaseMinor), VAT: money.Amount(r.VATMinor), Credited: r.Credited, Replaces: r.Replaces,
		}
	}
	report, err := taxreport.NewOSS(quarter, a.seller.VAT.Country, sold)
	if err != nil {
		return fmt.Errorf("app: return of %s: %w", quarter, err)
	}
	if corrections {
		return report.WriteCorrections(to)
	}
	return report.WriteLines(to)
}
