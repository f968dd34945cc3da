package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// named is pgx.NamedArgs that reads a statement once and not at every call.
type named pgx.NamedArgs

// numbered is a statement with $1, $2... and the names of those.
type numbered struct {
	sql   string
	names []string
}

// statements holds what has been read, by the text of the constant: there are
// as many as there are ...SQL constants.
var statements sync.Map

// RewriteQuery implements pgx.QueryRewriter.
func (args named) RewriteQuery(ctx context.Context, conn *pgx.Conn, sql string, rest []any) (string, []any, error) {
	known, ok := statements.Load(sql)
	if !ok {
		// Every name stands for itself, so what comes back is the order of the names.
		names := make(pgx.NamedArgs, len(args))
		for name := range args {
			names[name] = name
		}
		text, order, err := names.RewriteQuery(ctx, conn, sql, rest)
		if err != nil {
			return "", nil, err
		}
		read := numbered{sql: text, names: make([]string, len(order))}
		for i, name := range order {
			read.names[i], _ = name.(string) // a name that nobody gave a value is found below
		}
		known, _ = statements.LoadOrStore(sql, read)
	}
	s := known.(numbered)
	values := make([]any, len(s.names))
	for i, name := range s.names {
		if values[i], ok = args[name]; !ok {
			return "", nil, fmt.Errorf("store: no value for $%d (%s) of %s", i+1, name, s.sql)
		}
	}
	return s.sql, values, nil
}
