package embeddedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// servesHere tells from the outside whether process pid serves the cluster: a
// postmaster works in its data directory from before it writes its id there.
// known is false where the system does not tell.
func (l layout) servesHere(pid int) (serves, known bool) {
	cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return false, true // gone, or dead and not yet waited for
	}
	if err != nil {
		return false, false
	}
	data, err := os.Stat(l.data)
	if err != nil {
		return false, false
	}
	return os.SameFile(cwd, data), true
}
