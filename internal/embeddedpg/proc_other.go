//go:build !linux

package embeddedpg

// servesHere cannot be told from the outside here; a connection tells.
func (layout) servesHere(int) (serves, known bool) { return false, false }
