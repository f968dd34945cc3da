//go:build !failpoint

package failpoint

// Here does nothing: this is not a build for fault runs.
func Here(string) {}
