package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Two files coordinate the programs on one data directory. The kernel releases
// both locks when a program dies, however it dies.
//
// postgres.lock is held exclusively while a program starts, adopts or stops the
// server, so that two never do it at once.
//
// postgres.users is held shared by every program that uses the server. Who can
// take it exclusively is the last one, and stops the server.

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
}

// tryLock reports false when another program holds a lock that conflicts.
func tryLock(f *os.File, how int) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("embeddedpg: lock %s: %w", f.Name(), err)
		}
	}
}

// holdLock waits for the exclusive lock on path and returns how to release it.
func holdLock(ctx context.Context, path string) (release func(), err error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	for {
		ok, err := tryLock(f, syscall.LOCK_EX)
		if err != nil {
			f.Close()
			return nil, err
		}
		if ok {
			return func() { f.Close() }, nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			f.Close()
			return nil, fmt.Errorf("embeddedpg: another program is starting or stopping the server (%s): %w", path, err)
		}
	}
}

// pause waits for d or for the end of ctx, whose error it then returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
