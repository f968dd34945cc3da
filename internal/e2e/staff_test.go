package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Roles are given and taken at the command line, beside the running server.
func TestStaffAtTheCommandLine(t *testing.T) {
	t.Parallel()
	p := demoPlace(t)
	c := newClient(t, p.serve().url)
	c.signIn("nora")
	if a := c.send("/staff", nil); a.status != http.StatusNotFound {
		t.Fatalf("before: %d", a.status)
	}
	const nora, nobody = "7900000000006", "123456789"
	for _, id := range []string{nora, nobody} {
		if r := p.run("staff", "add", id, "--role", "support"); r.code != 0 || !strings.Contains(r.stdout, id) {
			t.Fatalf("staff add ended with %d:\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
	if text := c.get("/staff").find("h1").Text(); text != "Back office" {
		t.Errorf("the page is %q", text)
	}
	list := p.run("staff", "list")
	for _, want := range []string{nora + " support ", "Nora Nieminen", nobody + " support ", "has not signed in yet", "Rasa Jankauskaitė", " finance "} {
		if !strings.Contains(list.stdout, want) {
			t.Errorf("no %q in the list:\n%s%s", want, list.stdout, list.stderr)
		}
	}
	if r := p.run("staff", "remove", nora); r.code != 0 {
		t.Fatalf("staff remove ended with %d:\n%s", r.code, r.stderr)
	}
	if a := c.send("/staff", nil); a.status != http.StatusNotFound {
		t.Errorf("after: %d", a.status)
	}
	for want, args := range map[string][]string{
		"Nobody with this Telegram id": {"staff", "remove", nora},
		"a number like 123456789":      {"staff", "add", "@nora", "--role", "support"},
		"not the id":                   {"staff", "add", "0", "--role", "support"},
		"role":                         {"staff", "add", nora, "--role", "owner"},
		"--role":                       {"staff", "add", nora},
	} {
		if r := p.run(args...); r.code == 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("%v ended with %d: %s", args, r.code, r.stderr)
		}
	}
}
