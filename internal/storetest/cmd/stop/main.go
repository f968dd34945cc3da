// Command stop ends the PostgreSQL server that tests left running, unless tests
// use it at this moment.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/storetest"
)

func main() {
	if err := embeddedpg.StopUnused(context.Background(), storetest.Options()); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		os.Exit(1)
	}
}
