package ghapp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-github/v62/github"
)

// Redeliver asks GitHub to send again what it tried to deliver since then and
// never could, and says how much that was. GitHub does not try again by itself,
// and forgets deliveries after three days. A delivery keeps its GUID.
func (a *App) Redeliver(ctx context.Context, since time.Time) (int, error) {
	missed, err := a.missed(ctx, since)
	if err != nil {
		return 0, fmt.Errorf("list the deliveries: %w", a.fail(err, false))
	}
	for n, id := range missed {
		_, _, err := a.app().rest.Apps.RedeliverHookDelivery(ctx, id)
		var accepted *github.AcceptedError
		if err != nil && !errors.As(err, &accepted) {
			return n, fmt.Errorf("redeliver %d: %w", id, a.fail(err, true))
		}
	}
	return len(missed), nil
}

// missed are the newest attempts of the deliveries of which none went well. The
// filter of GitHub's list would leave out those that timed out.
func (a *App) missed(ctx context.Context, since time.Time) ([]int64, error) {
	var newest []*github.HookDelivery
	seen, well := map[string]bool{}, map[string]bool{}
	o := &github.ListCursorOptions{PerPage: 100}
	for {
		list, resp, err := a.app().rest.Apps.ListHookDeliveries(ctx, o)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if d.GetDeliveredAt().Before(since) {
				resp.Cursor = ""
				break
			}
			if !seen[d.GetGUID()] {
				newest = append(newest, d)
			}
			seen[d.GetGUID()] = true
			well[d.GetGUID()] = well[d.GetGUID()] || d.GetStatus() == "OK"
		}
		if resp.Cursor == "" {
			break
		}
		o.Cursor = resp.Cursor
	}
	var out []int64
	for _, d := range newest {
		if !well[d.GetGUID()] {
			out = append(out, d.GetID())
		}
	}
	return out, nil
}
