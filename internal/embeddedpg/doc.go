// Package embeddedpg runs PostgreSQL for a program that was given none: it finds
// the installed binaries, makes a cluster in the data directory and starts it.
//
// Owns: the cluster in <data dir>/postgres, its start, recovery and stop, and
// the only use of os/exec in the program.
//
// Does not own: the schema (store.Migrate), connections (store.Open).
//
// Invariants: the server listens on a socket in the cluster's own directory
// (mode 0700) and nowhere else; fsync stays on; it never runs as root;
// postmaster.pid is PostgreSQL's alone; no process is signalled that has not
// proved to serve this cluster. Programs on one data dir share one server, and
// the last of them to stop stops it.
package embeddedpg
