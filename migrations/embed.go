// Package migrations holds the database's history as SQL files that only go
// forward. Files are named NNNN_verb_object.sql; one that has been released is
// never edited, a later file corrects it.
package migrations

import "embed"

// FS holds every migration, at its root.
//
// The pattern starts with digits so that schema.sql, which is derived from the
// migrations, is not applied as one.
//
//go:embed [0-9]*.sql
var FS embed.FS
