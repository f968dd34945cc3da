package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an Error is.
type Kind int

// The kinds, with the HTTP status that web/errors.go gives them.
const (
	Internal        Kind = iota // 500
	Invalid                     // 422
	Unauthenticated             // 303 to the sign-in page, or 401
	Forbidden                   // 403
	NotFound                    // 404
	Conflict                    // 409
	Unavailable                 // 503
)

// String names the kind for the log.
func (k Kind) String() string {
	return [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not found", "conflict", "unavailable"}[k]
}

// Args are the values that a translated message names.
type Args map[string]any

// Field is one mistake in one field of a form.
type Field struct {
	Name string // the form field
	Key  string // translation key
	Args Args
}

// Error is a failure of a known kind.
type Error struct {
	Kind   Kind
	Key    string // translation key of the message; empty: the kind's general message
	Args   Args
	Fields []Field // for Invalid: every mistake in the form
	Err    error   // the cause, for the log only
}

// Error describes the failure for the log.
func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Key != "" {
		s += " (" + e.Key + ")"
	}
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s: %s]", f.Name, f.Key)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an Error of a kind with a message key.
func New(kind Kind, key string) *Error { return &Error{Kind: kind, Key: key} }

// Missing is what a person gets for a thing that is not there or not theirs.
func Missing(what string) *Error {
	return &Error{Kind: NotFound, Err: errors.New(what)}
}

// Wrap returns an Error of a kind around a cause for the log.
func Wrap(kind Kind, key string, err error) *Error { return &Error{Kind: kind, Key: key, Err: err} }

// Fields collects mistakes of a form and becomes an Error when there are any.
type Fields []Field

// Add notes a mistake in field name.
func (f *Fields) Add(name, key string, args Args) {
	*f = append(*f, Field{Name: name, Key: key, Args: args})
}

// Err returns nil without mistakes, else an Invalid Error that carries them.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Key: "error.form", Fields: f}
}

// KindOf returns the kind of err: Internal for an error that is no *Error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is an Error of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
