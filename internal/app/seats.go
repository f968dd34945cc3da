package app

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// Limits of invitations and of questions to addresses that have agreed to
// nothing yet: nobody is written to without end, whoever asks for it.
const (
	invitationLife = 7 * 24 * time.Hour
	maxInvitations = 20 // open ones of a payer
	maxUninvited   = 5  // mails a day to one address, of all payers
	maxStrangers   = 50 // mails a day that one person has sent, for all payers
	maxMailedName  = 60 // letters of a name in a mail to somebody who does not know it
)

// People are those who have to do with a payer.
type People struct {
	Payer       store.PayerOf
	Payers      []store.PayerOf // those that the actor owns
	Members     []store.Member
	Invitations []store.Invitation // open ones, also those out of time
	Now         time.Time
	MailOff     bool // the operator has set up no mail: invitations are only written down
}

// People returns who has a role on one of the actor's payers, and who is invited;
// for no payer asked, of the first that the actor owns. Forbidden for members who
// are no owner; a payer of others is NotFound.
func (a *App) People(ctx context.Context, actor account.Actor, id account.PayerID) (People, error) {
	p := People{MailOff: !a.Mails()}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		owns := func(r account.Role) bool { return r == account.RoleOwner }
		if p.Payer, p.Payers, err = payerFor(ctx, tx, actor, id, owns, "error.payer.owner"); err != nil {
			return err
		}
		p.Now = tx.Now()
		if p.Members, err = tx.MembersOf(ctx, p.Payer.ID); err != nil {
			return err
		}
		p.Invitations, err = tx.InvitationsOf(ctx, p.Payer.ID)
		return err
	})
	return p, err
}

// payerFor returns the payer asked for and all those on which the actor has a
// fitting role; the first of them when none is asked for. A payer with another
// role is Forbidden with the key, one of others NotFound.
func payerFor(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID, fits func(account.Role) bool, key string) (store.PayerOf, []store.PayerOf, error) {
	all, err := tx.PayersOf(ctx, actor.AccountID)
	if err != nil {
		return store.PayerOf{}, nil, err
	}
	var (
		found  store.PayerOf
		fit    []store.PayerOf
		member bool
	)
	for _, p := range all {
		member = member || p.ID == id || id == ""
		if !fits(p.Role) {
			continue
		}
		fit = append(fit, p)
		if found.ID == "" && (id == "" || p.ID == id) {
			found = p
		}
	}
	switch {
	case found.ID != "":
		return found, fit, nil
	case member && len(all) > 0:
		return store.PayerOf{}, nil, fault.New(fault.Forbidden, key)
	}
	return store.PayerOf{}, nil, fault.Missing("payer")
}

// lockOwned returns and locks a payer that the actor owns.
func lockOwned(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID) (store.PayerOf, error) {
	if !isUUID(string(id)) {
		return store.PayerOf{}, fault.Missing("payer")
	}
	payer, err := tx.LockPayerOf(ctx, actor.AccountID, id)
	if err == nil && payer.Role != account.RoleOwner {
		err = fault.New(fault.Forbidden, "error.payer.owner")
	}
	return payer, err
}

// InviteAccountant invites an e-mail address to read the documents of a payer and
// sends the invitation. Nothing tells whether the address is known to the portal.
//
// Errors: Invalid for what is no address, for one that is invited or reads
// already, and for too many.
func (a *App) InviteAccountant(ctx context.Context, actor account.Actor, id account.PayerID, typed string) error {
	email, fields := mailAddress(typed)
	if err := fields.Err(); err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := lockOwned(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		members, err := tx.MembersOf(ctx, payer.ID)
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Email == email {
				return mistakeAt("email", "error.invite.member", nil)
			}
		}
		open, err := tx.InvitationsOf(ctx, payer.ID)
		if err != nil {
			return err
		}
		for _, i := range open {
			if i.Email == email {
				return mistakeAt("email", "error.invite.open", nil)
			}
		}
		if len(open) >= maxInvitations {
			return mistakeAt("email", "error.invite.too_many", fault.Args{"Count": maxInvitations})
		}
		if err := a.mayWrite(ctx, tx, actor, email); err != nil {
			return err
		}
		invitation, err := tx.InsertInvitation(ctx, payer.ID, email, actor.AccountID, tx.Now().Add(invitationLife))
		if err != nil {
			return err
		}
		if err := a.sendInvitation(ctx, tx, payer.ID, invitation, email); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "member.invited", ObjectKind: "invitation", ObjectID: invitation, PayerID: payer.ID,
			Detail: map[string]any{"role": account.RoleAccountant},
		})
	})
}

// mistakeAt is Invalid with its message at a field.
func mistakeAt(field, key string, args fault.Args) error {
	var fields fault.Fields
	fields.Add(field, key, args)
	return fields.Err()
}

// mayWrite refuses to write to an address that was written to too often without
// having agreed to it, and for who has had too many such mails sent. It holds
// both, the person first, until the transaction ends.
func (a *App) mayWrite(ctx context.Context, tx *store.Tx, actor account.Actor, email string) error {
	since := tx.Now().Add(-24 * time.Hour)
	if err := tx.LockSender(ctx, actor.AccountID); err != nil {
		return err
	}
	n, err := tx.MailsBy(ctx, actor.AccountID, since)
	if err != nil {
		return err
	}
	if n >= maxStrangers {
		return mistakeAt("email", "error.mail.too_many_sent", fault.Args{"Count": maxStrangers})
	}
	if err := tx.LockAddress(ctx, email); err != nil {
		return err
	}
	n, err = tx.MailsTo(ctx, email, since)
	if err == nil && n >= maxUninvited {
		return mistakeAt("email", "error.mail.too_many", fault.Args{"Count": maxUninvited})
	}
	return err
}

func (a *App) sendInvitation(ctx context.Context, tx *store.Tx, payer account.PayerID, id, email string) error {
	if err := tx.InsertMail(ctx, store.Mail{Kind: store.MailInvitation, Delivery: to(email), PayerID: payer, InvitationID: id}); err != nil {
		return err
	}
	return a.queue.DeliverMails(ctx, tx)
}

// InviteAgain sends an open invitation again and gives it another week.
func (a *App) InviteAgain(ctx context.Context, actor account.Actor, id account.PayerID, invitation string) error {
	if !isUUID(invitation) {
		return fault.Missing("invitation")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := lockOwned(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		email, err := tx.ExtendInvitation(ctx, payer.ID, invitation, tx.Now().Add(invitationLife))
		if err != nil {
			return err
		}
		if err := a.mayWrite(ctx, tx, actor, email); err != nil {
			return err
		}
		if err := a.sendInvitation(ctx, tx, payer.ID, invitation, email); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "member.invited_again", ObjectKind: "invitation", ObjectID: invitation, PayerID: payer.ID,
		})
	})
}

// RevokeInvitation takes an open invitation back.
func (a *App) RevokeInvitation(ctx context.Context, actor account.Actor, id account.PayerID, invitation string) error {
	if !isUUID(invitation) {
		return fault.Missing("invitation")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := lockOwned(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		was, err := tx.RevokeInvitation(ctx, payer.ID, invitation, "")
		if err == nil && !was {
			return fault.Missing("invitation")
		} else if err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "member.invitation_revoked", ObjectKind: "invitation", ObjectID: invitation, PayerID: payer.ID,
		})
	})
}

// RevokeMember takes the role of a member who is no owner away. From the next
// request on the payer does not exist for them; who signs in by e-mail and reads
// for nobody else is signed out everywhere.
func (a *App) RevokeMember(ctx context.Context, actor account.Actor, id account.PayerID, member account.ID) error {
	if !isUUID(string(member)) {
		return fault.Missing("member")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := lockOwned(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		was, err := tx.DeleteMember(ctx, payer.ID, member)
		if err == nil && !was {
			return fault.Missing("member")
		} else if err != nil {
			return err
		}
		person, err := tx.Account(ctx, member)
		if err != nil {
			return err
		}
		if person.Email != "" {
			// An open invitation of the same address would let them in again.
			if _, err := tx.RevokeInvitation(ctx, payer.ID, "", person.Email); err != nil {
				return err
			}
			rest, err := tx.PayersOf(ctx, member)
			if err != nil {
				return err
			}
			if len(rest) == 0 {
				if err := tx.DeleteSessions(ctx, member); err != nil {
					return err
				}
			}
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "member.revoked", ObjectKind: "account", ObjectID: string(member), PayerID: payer.ID,
		})
	})
}

// mailAddress reads an address to be written to: plain ASCII, in lower case, so
// that one mailbox is one address and no letter can pass for another.
func mailAddress(typed string) (string, fault.Fields) {
	var fields fault.Fields
	email := strings.ToLower(strings.TrimSpace(typed))
	switch {
	case email == "":
		fields.Add("email", "error.required", nil)
	case !validEmail(email) || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r > '~' }):
		fields.Add("email", "error.email", nil)
	}
	return email, fields
}

// signInPath is the page where an accountant asks for a link.
const signInPath = "/login/email"

// linkURL is an address of the portal's with a query.
func (a *App) linkURL(path string, q url.Values) string { return a.publicURL + path + "?" + q.Encode() }
