// Package static serves the style sheet, the script and the images.
//
// Owns: the files, their addresses with a hash of the content in them,
// compression at start. Does not own: the favicon's route, security headers.
//
// Invariants: an address never changes its bytes, so it may be cached for ever;
// everything is in memory and nothing is read from a disk while serving.
package static
