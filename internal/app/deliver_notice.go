package app

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/mail"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/telegram"
)

// Messenger writes to people on Telegram; telegram.Bot is one. Its errors are
// those of telegram.Bot.SendMessage.
type Messenger interface {
	SendMessage(ctx context.Context, chat int64, text string) error
}

// Mailer sends e-mails; mail.Sender is one. Its errors are those of
// mail.Sender.Send.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

const (
	sendTime   = time.Minute      // for one message
	saveTime   = 5 * time.Second  // to write down that it was sent, also while the program stops
	leftBehind = 10 * time.Minute // a delivery that is due for so long has lost its job
)

// DeliverNotice sends what is due of a notice's deliveries. Each is sent outside
// of any transaction and marked then: after a crash in between the same message
// is sent again (I32). again is when the rest is due; 0 when nothing is left.
func (a *App) DeliverNotice(ctx context.Context, id string) (again time.Duration, err error) {
	var (
		n  notice.Notice
		at time.Time
	)
	err = a.db.View(ctx, func(tx *store.Tx) error {
		n, at, err = tx.Notice(ctx, id)
		return err
	})
	for err == nil {
		var more bool
		if more, err = a.deliverNext(ctx, id, n, at); !more {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		next, err := tx.NextDelivery(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		again = max(next.Sub(tx.Now()), time.Second)
		return err
	})
	return again, err
}

// deliverNext sends one delivery of a notice; more is false where none is due.
func (a *App) deliverNext(ctx context.Context, id string, n notice.Notice, at time.Time) (more bool, err error) {
	var (
		d  notice.Delivery
		to store.NoticeReader
	)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		d, to, err = tx.ClaimDelivery(ctx, id)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	ended := a.deliver(ctx, d, to, n, at)
	// A program that is being stopped still writes down what it has sent.
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	err = a.db.Update(saving, func(tx *store.Tx) error { return tx.SaveDelivery(saving, ended) })
	return ctx.Err() == nil, errors.Join(err, ctx.Err())
}

// deliver sends a delivery and returns how it ended.
func (a *App) deliver(ctx context.Context, d notice.Delivery, to store.NoticeReader, n notice.Notice, at time.Time) notice.Delivery {
	switch {
	case a.demo:
		return d.Skip(notice.SkipDemo)
	case !to.MayRead:
		return d.Skip(notice.SkipNoMember)
	case d.Channel == notice.Telegram && a.messenger == nil, d.Channel == notice.Email && a.mailer == nil:
		return d.Skip(notice.SkipOff)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	err := a.send(ctx, d, to, n, at)
	now := a.now()
	busy, isBusy := errors.AsType[*telegram.BusyError](err)
	switch {
	case err == nil:
		return d.Done(now)
	case isBusy:
		return d.Postpone(busy.After, now)
	case errors.Is(err, telegram.ErrUnreachable):
		return d.Skip(notice.SkipUnreachable)
	case errors.Is(err, mail.ErrRefused):
		d = d.GiveUp(clip(err.Error(), maxReason))
	default:
		d = d.Fail(clip(err.Error(), maxReason), now)
	}
	a.log.Warn("a notice was not delivered", "delivery", d.ID, "channel", d.Channel, "attempts", d.Attempts, "state", d.State, "error", err)
	return d
}

// maxReason bounds what is kept of an error.
const maxReason = 300

func (a *App) send(ctx context.Context, d notice.Delivery, to store.NoticeReader, n notice.Notice, at time.Time) error {
	t := i18n.New(to.Language)
	zone, err := time.LoadLocation(to.TimeZone)
	if to.TimeZone == "" || err != nil {
		zone = a.seller.Zone
	}
	text := NoticeIn(t, n, zone)
	body := text.Plain(a.publicURL)
	if d.Channel == notice.Telegram {
		chat, err := strconv.ParseInt(d.Recipient, 10, 64)
		if err != nil {
			return telegram.ErrUnreachable
		}
		return a.messenger.SendMessage(ctx, chat, text.Subject+"\n\n"+body)
	}
	body += "\n\n-- \n" + t.T("notice.mail.why", "Payer", CleanText(to.PayerName), "Seller", a.seller.Party.Name) + "\n" +
		t.T("notice.mail.log", "URL", a.publicURL+"/notices") + "\n"
	return a.mailer.Send(ctx, mail.Message{
		ID: d.ID, FromName: a.seller.Party.Name, From: a.seller.Party.Email, To: d.Recipient, Date: at, Subject: text.Subject, Body: body,
	})
}

// DeliverLeftBehind sends notices whose jobs were lost.
func (a *App) DeliverLeftBehind(ctx context.Context) error {
	var ids []string
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		ids, err = tx.Undelivered(ctx, tx.Now().Add(-leftBehind))
		return err
	})
	for _, id := range ids {
		if err != nil {
			break
		}
		_, err = a.DeliverNotice(ctx, id)
	}
	return err
}
