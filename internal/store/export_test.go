package store

import "github.com/jackc/pgx/v5"

// Collect is collect, for a test that needs a database.
func Collect[T any](rows pgx.Rows) ([]T, error) { return collect[T](rows) }
