//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// variable says what happens where: name:n:action[,...]. The n-th hit in this
// process carries out the action; n = 0 is each hit. The actions: kill (the
// default; SIGKILL to itself), freeze (SIGSTOP to itself), sleep=250ms.
//
// "@file" has the same in a file, which is read at each hit; "kill" and "freeze"
// remove it first, so that of several processes one does it, once. What was hit
// is appended to "file.hits", a line each: the name, and the action if one was
// carried out.
const variable = "PORTAL_FAILPOINTS"

var points = struct {
	mu   sync.Mutex
	spec string         // that the counts are for
	hits map[string]int // in this process
}{}

// Here is a place at which the program may be made to fail.
func Here(name string) {
	file, inFile := strings.CutPrefix(os.Getenv(variable), "@")
	spec := os.Getenv(variable)
	if inFile {
		content, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			panic(err)
		}
		spec = string(content)
	}
	action := due(name, spec)
	once := action == "kill" || action == "freeze"
	if once && inFile && os.Remove(file) != nil {
		action = "" // another process was quicker
	}
	if inFile {
		record(file+".hits", strings.TrimSpace(name+" "+action))
	}
	act(action)
}

// due counts a hit and returns what it calls for; "" for nothing.
func due(name, spec string) string {
	points.mu.Lock()
	defer points.mu.Unlock()
	if points.spec != spec || points.hits == nil {
		points.spec, points.hits = spec, map[string]int{}
	}
	points.hits[name]++
	for one := range strings.SplitSeq(strings.TrimSpace(spec), ",") {
		parts := strings.SplitN(one, ":", 3)
		if parts[0] != name {
			continue
		}
		n := 1
		if len(parts) > 1 {
			var err error
			if n, err = strconv.Atoi(parts[1]); err != nil {
				panic(fmt.Sprintf("failpoint: %s: %q", variable, one))
			}
		}
		if n != 0 && n != points.hits[name] {
			continue
		}
		if len(parts) > 2 {
			return parts[2]
		}
		return "kill"
	}
	return ""
}

func act(action string) {
	if d, ok := strings.CutPrefix(action, "sleep="); ok {
		pause, err := time.ParseDuration(d)
		if err != nil {
			panic(fmt.Sprintf("failpoint: %s: %v", variable, err))
		}
		time.Sleep(pause)
		return
	}
	var signal syscall.Signal
	switch action {
	case "":
		return
	case "kill":
		signal = syscall.SIGKILL
	case "freeze":
		signal = syscall.SIGSTOP
	default:
		panic(fmt.Sprintf("failpoint: %s: no action %q", variable, action))
	}
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		panic(err)
	}
	if signal == syscall.SIGKILL {
		select {} // it comes at once; nothing may happen until then
	}
}

// record appends a line; one write to a file opened so is whole.
func record(file, line string) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}
