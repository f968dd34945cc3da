package e2e

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// The program that people run has nothing of the fault runs in it; the one that is
// built for them has, or this test would see nothing.
func TestNoFailpointsInTheProgram(t *testing.T) {
	t.Parallel()
	built, err := faultBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{binary: false, built: true} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var marks []string
		for _, mark := range append(failpoints(t), "PORTAL_FAILPOINTS", "internal/failpoint.due", "internal/failpoint.act") {
			if bytes.Contains(content, []byte(mark)) {
				marks = append(marks, mark)
			}
		}
		if found := len(marks) > 0; found != want {
			t.Errorf("%s: failpoints %v, want %v", name, marks, want)
		}
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tagged := slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-tags" && strings.Contains(s.Value, "failpoint") })
		if tagged != want {
			t.Errorf("%s: built with the tag: %v", name, tagged)
		}
	}
}
