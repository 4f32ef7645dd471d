package lake

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// errAgain marks an attempt that lost against another process and wrote
// nothing: it is planned again on the new state.
var errAgain = errors.New("another process was faster")

const (
	attempts  = 100
	firstWait = 10 * time.Millisecond
	maxWait   = 500 * time.Millisecond
)

// patience is how long a locked catalog is waited for. A variable for the
// tests.
var patience = 30 * time.Second

// retry calls do until it ends with anything but errAgain, or too often.
func retry(ctx context.Context, do func() error) error {
	waited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wait := firstWait
	for range attempts - 1 {
		err := do()
		if !errors.Is(err, errAgain) || isBusy(err) && waited.Err() != nil {
			return err
		}
		// Jitter: without it, writers that collided once collide for ever.
		if err := sleep(ctx, rand.N(wait)); err != nil {
			return err
		}
		wait = min(2*wait, maxWait)
	}
	return do()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
