package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// VATRegister is asked about VAT numbers. What is no answer is a
// *vat.SilenceError.
type VATRegister interface {
	Check(ctx context.Context, q vat.Inquiry) (vat.Answer, error)
}

// VATProof is an answer about a VAT number, for packages that may not see the
// store.
type VATProof = store.VATProof

// InvoiceProof is an answer that an invoice's VAT stands on, for the same.
type InvoiceProof = store.InvoiceProof

// sourceVIES names the register in what is kept of its answers.
const sourceVIES = "vies"

// byVATCheck is who asks the register by itself.
var byVATCheck = audit.ByJob("check_vat_numbers")

const (
	askAlone    = 30 * time.Second // in which nobody else asks about a number while somebody does
	askedJust   = time.Minute      // after which a person's order asks again
	checksHour  = 20               // of numbers that one person may have asked about at once (security.md 2.6); the others wait for the job
	numbersRun  = 60               // so many numbers are asked about by one run of the job
	numbersOnce = 4                // so many of them at a time
	dayBefore   = 24 * time.Hour   // before a charge its payer's number is asked about
)

// freshCheck reports whether the answer that a decision stands on needs no other
// one.
func freshCheck(t store.PayerTax, now time.Time) bool {
	return t.CheckID != 0 && vat.Fresh(t.VATCheck == "valid", now.Sub(t.CheckedAt))
}

// VATState is what a payer is told about its VAT number.
type VATState struct {
	State  vat.State
	Number string
	Proof  VATProof // of "valid" and "invalid"; zero without one
	// Of a number that the register owes an answer about.
	AskedAt time.Time // last; zero: not yet
	NextAt  time.Time // zero: when there is a reason
	Matters bool      // VAT depends on the answer: the payer is in another member state
}

// VATState returns the state of the VAT number of one of the actor's payers.
func (a *App) VATState(ctx context.Context, actor account.Actor, id account.PayerID) (VATState, error) {
	var state VATState
	err := a.db.View(ctx, func(tx *store.Tx) error {
		payer, err := tx.PayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		state, err = a.vatState(ctx, tx, payer.Payer)
		return err
	})
	return state, err
}

func (a *App) vatState(ctx context.Context, tx *store.Tx, p account.Payer) (VATState, error) {
	s := VATState{Number: p.VATNumber}
	if p.Kind != account.KindCompany || p.VATNumber == "" {
		return VATState{}, nil
	}
	proof, err := tx.LastVATProof(ctx, p)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return s, err
	default:
		s.Proof = proof
	}
	s.State = vat.StateOf(p.VATNumber, statusOf(proof.Result))
	if s.State == vat.StateFormat {
		s.Proof = VATProof{}
		return s, nil
	}
	s.Matters = a.vatMatters(p)
	inquiry, err := tx.VATInquiry(ctx, p.ID)
	if fault.Is(err, fault.NotFound) || err == nil && inquiry.VATNumber != p.VATNumber {
		return s, nil
	}
	if inquiry.AskedAt != nil {
		s.AskedAt = inquiry.AskedAt.UTC()
	}
	if inquiry.NextTryAt != nil {
		s.NextAt = inquiry.NextTryAt.UTC()
	}
	return s, err
}

// vatMatters reports whether a payer's VAT depends on what the register says: the
// payer is in another member state than the seller.
func (a *App) vatMatters(p account.Payer) bool {
	state := vat.Territory(p.Country, p.Postcode).State
	return state != "" && state != vat.Territory(a.seller.VAT.Country, "").State
}

// ConfirmVATNumber records an operator's look-up of a VAT number in its tax
// register: whether it is valid, and the proof. It stands for 30 days, or until
// the register answers by itself.
func (a *App) ConfirmVATNumber(ctx context.Context, number string, valid bool, source, reference string, by audit.Actor) error {
	id, err := vat.ParseID(number)
	if err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		waiting, err := tx.Inquiring(ctx, id.String())
		if err != nil {
			return err
		}
		var payers []account.Payer
		for _, p := range waiting { // locked in the order of their ids
			payer, err := tx.LockPayer(ctx, p)
			if err != nil {
				return err
			}
			payers = append(payers, payer)
		}
		check, err := tx.ConfirmVATNumber(ctx, id.String(), valid, source, reference)
		if err != nil {
			return err
		}
		if err := auditVAT(ctx, tx, by, "", id.String(), valid, source, reference); err != nil {
			return err
		}
		for _, p := range payers {
			if p.VATNumber == id.String() {
				if err := a.heard(ctx, tx, p, check, valid, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func auditVAT(ctx context.Context, tx *store.Tx, by audit.Actor, payer account.PayerID, number string, valid bool, source, reference string) error {
	result := "invalid"
	if valid {
		result = "valid"
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "vat_number." + result, ObjectKind: "vat_number", ObjectID: number, PayerID: payer,
		Detail: map[string]any{"source": source, "reference": reference},
	})
}

// inquire has the register asked about a payer's number, in the transaction that
// gives a reason to, unless there is nothing to ask. It reports whether there is:
// whoever it tells so may ask at once, and is alone with it for a while. The
// payer is locked.
func (a *App) inquire(ctx context.Context, tx *store.Tx, p account.Payer) (bool, error) {
	if p.Kind != account.KindCompany || vat.StateOf(p.VATNumber, vat.StatusUnknown) != vat.StateWaiting {
		tx.EndVATInquiry(p.ID)
		return false, nil
	}
	known, err := taxOf(ctx, tx, p)
	if err != nil {
		return false, err
	}
	if freshCheck(known, tx.Now()) {
		tx.EndVATInquiry(p.ID)
		return false, nil
	}
	tx.BeginVATInquiry(p.ID, p.VATNumber, tx.Now().Add(askAlone))
	return tx.ClaimVATInquiry(ctx, p.ID, tx.Now().Add(askAlone), tx.Now().Add(-askedJust))
}

// askFirst asks the register, if there is reason to, before something is done
// that depends on a payer's VAT. It never fails: what comes next goes by what is
// known, and the job asks on (vat.md 3.5).
func (a *App) askFirst(ctx context.Context, actor account.Actor, of func(*store.Tx) (account.PayerID, error)) {
	if a.register == nil {
		return
	}
	var id account.PayerID
	ask := false
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		ask = false
		if id, err = of(tx); err != nil {
			return err
		}
		payer, err := tx.PayerOf(ctx, actor.AccountID, id)
		if err != nil || !payer.Role.MayBuy() || payer.Kind != account.KindCompany || payer.VATNumber == "" {
			return err
		}
		if payer, err = tx.LockPayerOf(ctx, actor.AccountID, id); err != nil {
			return err
		}
		ask, err = a.inquire(ctx, tx, payer.Payer)
		return err
	})
	if err == nil && ask {
		a.askNow(ctx, actor, id)
	}
}

// askNow asks the register while a person waits, who may have that done so many
// times an hour.
func (a *App) askNow(ctx context.Context, actor account.Actor, id account.PayerID) {
	if a.register == nil || !a.asked.allow(actor.AccountID, a.now()) {
		return
	}
	if err := a.ask(ctx, id, audit.ByAccount(actor.AccountID), true); err != nil {
		a.log.Error("ask about a VAT number", "payer", id, "error", err)
	}
}

// ask asks the register about a payer's number and keeps what it says, or when it
// is to be asked again.
func (a *App) ask(ctx context.Context, id account.PayerID, by audit.Actor, urgent bool) error {
	var payer account.Payer
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		payer, err = tx.Payer(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	number, err := vat.ParseID(payer.VATNumber)
	if err != nil || !number.InVIES() || payer.Kind != account.KindCompany {
		return a.db.Update(ctx, func(tx *store.Tx) error {
			tx.EndVATInquiry(id)
			return nil
		})
	}
	answer, err := a.register.Check(ctx, vat.Inquiry{
		Number: number, Name: payer.Name, Street: payer.Street, Postcode: payer.Postcode, City: payer.City, Urgent: urgent,
	})
	// What came of it is kept, whether or not somebody still waits for it.
	ctx = context.WithoutCancel(ctx)
	if silence, silent := errors.AsType[*vat.SilenceError](err); silent {
		return a.silent(ctx, payer, silence)
	}
	if err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.LockPayer(ctx, id)
		if err != nil || now.VATNumber != payer.VATNumber || now.Name != payer.Name || now.Kind != payer.Kind {
			return err // an answer to a question of before
		}
		check, err := tx.InsertVATAnswer(ctx, payer, sourceVIES, answer)
		if err != nil {
			return err
		}
		if err := auditVAT(ctx, tx, by, id, payer.VATNumber, answer.Valid, sourceVIES, answer.Consultation); err != nil {
			return err
		}
		return a.heard(ctx, tx, payer, check, answer.Valid, !urgent)
	})
}

// silent notes that the register gave no answer.
func (a *App) silent(ctx context.Context, p account.Payer, silence *vat.SilenceError) error {
	level := a.log.Info
	if silence.Final || silence.Code == "IP_BLOCKED" || silence.Code == "INVALID_REQUESTER_INFO" {
		level = a.log.Warn // a person has to look
	}
	level("no answer about a VAT number", "payer", p.ID, "code", silence.Code)
	return a.db.Update(ctx, func(tx *store.Tx) error {
		inquiry, err := tx.VATInquiry(ctx, p.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		next := tx.Now().Add(vat.AskAgain(inquiry.Silent + 1))
		if silence.Final || next.Sub(inquiry.BeganAt) > vat.Patience {
			next = time.Time{}
		}
		return tx.PutOffVATInquiry(ctx, p.ID, p.VATNumber, *silence, next)
	})
}

// heard draws the conclusions of an answer about a payer's number: what waited
// for it, and what the payer's people are told, who do not see it themselves if
// unasked. The payer is locked.
func (a *App) heard(ctx context.Context, tx *store.Tx, p account.Payer, check int64, valid, unasked bool) error {
	waited, err := tx.VATInquiry(ctx, p.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	tx.EndVATInquiry(p.ID)
	wrong, err := tx.AnswerSettlements(ctx, p, check, valid)
	if err != nil {
		return err
	}
	before, err := tx.VATProofBefore(ctx, p, check)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	// That a number is still what it was is no news, nor that it is valid where
	// nobody had reason to doubt it.
	news := unasked && before.Valid() != valid && (before.ID != 0 || waited.Silent > 0) || unasked && !valid && before.ID == 0
	if len(wrong) == 0 && (!news || !a.vatMatters(p)) {
		return nil
	}
	kind := notice.VATNumberInvalid
	if valid {
		kind = notice.VATNumberValid
	}
	n := notice.Notice{
		Key: string(kind) + " " + string(p.ID) + " " + strconv.FormatInt(check, 10), Kind: kind, PayerID: p.ID,
		Facts: notice.Facts{Number: p.VATNumber, On: a.inZone(tx.Now())},
	}
	if len(wrong) > 0 {
		n.OrderNumber, n.Facts.Document = wrong[0].OrderNumber, wrong[0].InvoiceNumber
	}
	return a.notify(ctx, tx, n)
}

// InquireForRenewals has the register asked about the numbers of payers whose
// subscriptions renew soon: in the day before and while they are charged twice a
// day, from when the renewal is prepared once a week, else before 30 days are
// over. So the answer that a renewal stands on is of its day (vat.md 3.4).
func (a *App) InquireForRenewals(ctx context.Context) error {
	if a.register == nil {
		return nil
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		now, day := tx.Now(), 24*time.Hour
		_, err := tx.InquireForRenewals(ctx, store.RenewalWindows{
			Charge: now.Add(time.Duration(a.seller.FirstChargeDays)*day + dayBefore), ChargeBefore: now.Add(-vat.FreshValid / 2),
			Prepare: now.Add(time.Duration(a.seller.LeadDays)*day + dayBefore), PrepareBefore: now.Add(-7 * day),
			ElseBefore: now.Add(-vat.ProofLife + 5*day),
		}, vat.Prefixes())
		return err
	})
}

// CheckVATNumbers asks the register about the numbers for which it is time, so
// many of them, and returns how many it asked about.
func (a *App) CheckVATNumbers(ctx context.Context) (int, error) {
	if a.register == nil {
		return 0, nil
	}
	var due []account.PayerID
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		due, err = tx.ClaimDueVATInquiries(ctx, numbersRun, tx.Now().Add(10*time.Minute))
		return err
	})
	if err != nil {
		return 0, err
	}
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		failed []error
		queue  = make(chan account.PayerID)
	)
	for range min(numbersOnce, len(due)) {
		all.Go(func() {
			for id := range queue {
				if err := a.ask(ctx, id, byVATCheck, false); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, id := range due {
		queue <- id
	}
	close(queue)
	all.Wait()
	return len(due), errors.Join(failed...)
}

// checkRenewing is what InquireForRenewals and the jobs after it do, at once.
func (a *App) checkRenewing(ctx context.Context) error {
	if err := a.InquireForRenewals(ctx); err != nil {
		return err
	}
	for range 100 { // what is silent is put off, so this ends
		if n, err := a.CheckVATNumbers(ctx); n < numbersRun || err != nil {
			return err
		}
	}
	return nil
}

// InvoiceProofs returns the answers about the buyer's VAT number that an invoice
// of one of the actor's payers stands on: none where its VAT does not depend on
// one.
func (a *App) InvoiceProofs(ctx context.Context, actor account.Actor, number string) ([]InvoiceProof, error) {
	var proofs []InvoiceProof
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		proofs, err = tx.InvoiceProofs(ctx, actor.AccountID, number)
		return err
	})
	return proofs, err
}

// StaffVAT is what the back office sees of VAT numbers.
type StaffVAT struct {
	Cases  []store.VATCase
	Proofs []store.SeenProof // that were searched for
}

// StaffVAT returns what waits, and the answers about a VAT number or those that
// an invoice stands on; typed is either, or empty. Whose were shown is written to
// the audit log.
//
// Errors: NotFound for who is not staff; Invalid (field "q") for what is neither.
func (a *App) StaffVAT(ctx context.Context, actor account.Actor, typed string) (StaffVAT, error) {
	typed = clip(CleanText(typed), 100)
	var out StaffVAT
	var refused error
	number, invoice := "", ""
	if id, err := vat.ParseID(typed); typed != "" && err == nil {
		number = id.String()
	} else if typed != "" {
		invoice = typed
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out, refused = StaffVAT{}, nil
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		var err error
		if out.Cases, err = tx.VATCases(ctx); err != nil {
			return err
		}
		if typed != "" {
			if out.Proofs, err = tx.FindVATProofs(ctx, number, invoice); err != nil {
				return err
			}
			if len(out.Proofs) == 0 && number == "" {
				if _, err := tx.InvoiceContent(ctx, invoice); fault.Is(err, fault.NotFound) {
					refused = fault.Fields{{Name: "q", Key: "error.staff.vat"}}.Err()
				} else if err != nil {
					return err
				}
			}
		}
		var shown []string
		for _, c := range out.Cases {
			shown = append(shown, c.PayerID)
		}
		for _, p := range out.Proofs {
			if p.PayerID != "" {
				shown = append(shown, p.PayerID)
			}
		}
		slices.Sort(shown)
		return looked(ctx, tx, actor, "page", "vat", "", map[string]any{"payers": slices.Compact(shown)})
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// hourly counts what people do within an hour of the clock.
type hourly struct {
	mu   sync.Mutex
	hour int64
	of   map[account.ID]int
}

func (h *hourly) allow(who account.ID, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if hour := now.Unix() / 3600; h.of == nil || hour != h.hour {
		h.hour, h.of = hour, map[account.ID]int{}
	}
	h.of[who]++
	return h.of[who] <= checksHour
}
