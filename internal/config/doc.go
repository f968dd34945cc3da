// Package config reads what the operator decides: the environment and the
// seller file.
//
// Owns: the names of the variables and of the file's keys, what each takes, and
// Secret, which nothing prints.
//
// Does not own: what the values are used for; package cmd hands them out.
//
// Invariants: a program that starts has a configuration that was checked whole;
// a mistake is one line that names the variable, for the seller file also the
// key, and what it takes; no message repeats the value of a variable, because a
// secret may stand in the wrong one.
package config
