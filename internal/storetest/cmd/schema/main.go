// Command schema writes the schema that the migrations make to a file, so that a
// change of it can be read in a review.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/siptg/portal/internal/storetest"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: schema FILE")
	}
	text, err := storetest.Schema(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(text), 0o644) //nolint:gosec // G306, G703: a source file at the place the developer names
}
