package app

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/telegram"
)

// DemoPerson is somebody that demo mode offers at sign-in.
type DemoPerson struct {
	Key   string // form value of POST /login/demo
	Name  string
	About string // translation key

	telegramID account.TelegramID
	first      string
	last       string
	username   string
}

func demoPerson(key string, id account.TelegramID, first, last, username string) DemoPerson {
	return DemoPerson{
		Key: key, Name: account.Account{FirstName: first, LastName: last}.Name(), About: "demo." + key,
		telegramID: id, first: first, last: last, username: username,
	}
}

// demoPeople are the people of the demo. Their ids are outside what Telegram has
// given to anybody.
var demoPeople = []DemoPerson{
	demoPerson("ona", 7_900_000_000_001, "Ona", "Kazlauskaitė", "ona_k"),
	demoPerson("max", 7_900_000_000_002, "Max", "Brenner", "max_brenner"),
	demoPerson("olena", 7_900_000_000_003, "Олена", "Шевченко", "olena_sh"),
	demoPerson("lena", 7_900_000_000_004, "Lena", "Vogt", "lena_vogt"),
	demoPerson("tomas", 7_900_000_000_005, "Tomas", "Petrauskas", ""),
	demoPerson("nora", 7_900_000_000_006, "Nora", "Nieminen", "nora"),
	demoPerson("rasa", 7_900_000_000_007, "Rasa", "Jankauskaitė", "rasa_finance"),
	demoPerson("jonas", 7_900_000_000_008, "Jonas", "Mikalauskas", "jonas_finance"),
}

// DemoPeople returns who can sign in in demo mode; nobody outside it.
func (a *App) DemoPeople() []DemoPerson {
	if !a.demo {
		return nil
	}
	return slices.Clone(demoPeople)
}

// DemoReturn returns the widget's return of a demo person, signed with the demo
// bot's token, so that it is verified like any other. Outside demo mode there
// are no such people: NotFound.
func (a *App) DemoReturn(person, state string) (url.Values, error) {
	for _, p := range a.DemoPeople() {
		if p.Key == person {
			q := telegram.Sign(telegram.Profile{
				ID: int64(p.telegramID), FirstName: p.first, LastName: p.last, Username: p.username, AuthDate: a.now(),
			}, a.botToken)
			q.Set(stateParameter, state)
			return q, nil
		}
	}
	return nil, fault.Missing("demo person " + strconv.Quote(clip(person, 20)))
}
