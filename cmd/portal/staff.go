package main

import (
	"fmt"
	"strconv"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
)

type staffAddCommand struct {
	TelegramID string `arg:"" name:"telegram-id" help:"The numeric id of the Telegram user, who need not have signed in yet."`
	Role       string `required:"" enum:"support,finance,admin" help:"support, finance or admin."`
}

// Run grants a role.
func (c staffAddCommand) Run(e *environment) error {
	id, err := parseTelegramID(c.TelegramID)
	if err != nil {
		return err
	}
	p, err := open(e, "staff add")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.app.AddStaff(e.ctx, id, account.StaffRole(c.Role), audit.ByCommand("staff_add")); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "portal: %s may work in the back office as %s\n", id, c.Role)
	return err
}

type staffListCommand struct{}

// Run prints who has a role, the longest-serving first.
func (staffListCommand) Run(e *environment) error {
	p, err := open(e, "staff list")
	if err != nil {
		return err
	}
	defer p.Close()
	members, err := p.app.Staff(e.ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		name := m.Name
		if name == "" {
			name = "(has not signed in yet)"
		}
		if _, err := fmt.Fprintf(e.stdout, "%s %s %s %s\n", m.TelegramID, m.Role, m.AddedAt.UTC().Format("2006-01-02"), name); err != nil {
			return err
		}
	}
	return nil
}

type staffRemoveCommand struct {
	TelegramID string `arg:"" name:"telegram-id" help:"The numeric id of the Telegram user."`
}

// Run takes a role away.
func (c staffRemoveCommand) Run(e *environment) error {
	id, err := parseTelegramID(c.TelegramID)
	if err != nil {
		return err
	}
	p, err := open(e, "staff remove")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.app.RemoveStaff(e.ctx, id, audit.ByCommand("staff_remove")); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "portal: %s may not work in the back office any more\n", id)
	return err
}

func parseTelegramID(s string) (account.TelegramID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("a Telegram id is a number like 123456789, not %.20q", s)
	}
	return account.TelegramID(n), nil
}
