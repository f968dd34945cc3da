package store

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// collect returns all rows as structs whose fields are named like the columns.
// It is pgx.RowToStructByName for lists: that looks every field up again for
// every row, which made a third of the cost of reading a page of 50 rows.
func collect[T any](rows pgx.Rows) ([]T, error) {
	return collectAs(rows, func(row T) T { return row })
}

// collectAs is collect for rows that become something else.
func collectAs[R, T any](rows pgx.Rows, as func(R) T) ([]T, error) {
	defer rows.Close()
	var (
		row     R
		targets []any
		all     []T
	)
	for rows.Next() {
		if targets == nil {
			var err error
			if targets, err = fieldsFor(&row, rows); err != nil {
				return nil, err
			}
		} else {
			row = *new(R) // nothing of the row before stays
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		all = append(all, as(row))
	}
	return all, rows.Err()
}

// fieldsFor returns the addresses of row's fields in the order of the columns.
func fieldsFor[R any](row *R, rows pgx.Rows) ([]any, error) {
	into, columns := reflect.ValueOf(row).Elem(), rows.FieldDescriptions()
	fields := columnsOf(into.Type())
	if len(columns) != len(fields) {
		return nil, fmt.Errorf("store: %d columns for the %d fields of %T", len(columns), len(fields), *row)
	}
	targets := make([]any, len(columns))
	for i, c := range columns {
		field, ok := fields[c.Name]
		if !ok {
			return nil, fmt.Errorf("store: %T has no field for the column %s", *row, c.Name)
		}
		targets[i] = into.FieldByIndex(field).Addr().Interface()
	}
	return targets, nil
}

// columnNames holds what columnsOf found out.
var columnNames sync.Map

// columnsOf returns the fields of a struct, those of embedded structs included,
// by the names of their columns: the tag "db", or the field's own name with an
// underscore before each word.
func columnsOf(t reflect.Type) map[string][]int {
	if known, ok := columnNames.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue // its fields come by themselves
		}
		name, tagged := f.Tag.Lookup("db")
		if !tagged {
			name = underscored(f.Name)
		}
		fields[name] = f.Index
	}
	columnNames.Store(t, fields)
	return fields
}

// underscored writes PaidUntil as paid_until and PayerID as payer_id.
func underscored(name string) string {
	var b strings.Builder
	capital := true
	for _, r := range name {
		if unicode.IsUpper(r) && !capital {
			b.WriteByte('_')
		}
		capital = unicode.IsUpper(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
