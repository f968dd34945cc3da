// Package blob keeps files that are written once: drawn documents, and later
// uploads.
//
// Owns: a store at a gocloud.dev/blob URL (a directory by default, S3 by URL).
//
// Does not own: which file belongs to what; the database says so, with a SHA-256.
package blob
