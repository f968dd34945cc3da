package embeddedpg

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// DumpSchema returns the schema of a database as SQL, by the pg_dump that is
// installed. What differs between versions of pg_dump and not between schemas
// (comments, session settings, its \restrict key) is left out.
func DumpSchema(ctx context.Context, dsn string) (string, error) {
	b, err := findBinaries(ctx, searchDirs(), 0)
	if err != nil {
		return "", err
	}
	//nolint:gosec // G204: the program is the installed pg_dump, the address the operator's
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(b.postgres), "pg_dump"),
		"--schema-only", "--no-owner", "--no-privileges", "--no-tablespaces", "--dbname="+dsn)
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("embeddedpg: pg_dump: %w: %s", err, strings.TrimSpace(failure.String()))
	}
	return normaliseDump(out.String()), nil
}

func normaliseDump(dump string) string {
	var kept []string
	inBody := false // of a function, where every line is the author's
	for line := range strings.Lines(dump) {
		line = strings.TrimRight(line, "\r\n")
		if !inBody {
			switch {
			case strings.HasPrefix(line, "--"), strings.HasPrefix(line, `\restrict `), strings.HasPrefix(line, `\unrestrict `),
				strings.HasPrefix(line, "SET "), strings.HasPrefix(line, "SELECT pg_catalog.set_config("):
				continue
			case line == "" && (len(kept) == 0 || kept[len(kept)-1] == ""):
				continue
			}
		}
		if strings.Count(line, "$$")%2 == 1 || strings.Count(line, "$_$")%2 == 1 {
			inBody = !inBody
		}
		kept = append(kept, line)
	}
	return strings.TrimSpace(strings.Join(kept, "\n")) + "\n"
}
