package ghapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v62/github"
)

// Redeliver asks GitHub to send again what it tried to deliver since then, never
// could, and now may, and says how much that was. GitHub does not try again by
// itself, and forgets deliveries after three days. A delivery keeps its GUID.
//
// What was refused for its signature waits until another one was right: waiting
// is when the first of those was sent, zero when there are none.
func (a *App) Redeliver(ctx context.Context, since time.Time) (n int, waiting time.Time, err error) {
	missed, waiting, err := a.missed(ctx, since)
	if err != nil {
		return 0, waiting, fmt.Errorf("list the deliveries: %w", a.fail(err, false))
	}
	for n, id := range missed {
		_, _, err := a.app().rest.Apps.RedeliverHookDelivery(ctx, id)
		var accepted *github.AcceptedError
		if err != nil && !errors.As(err, &accepted) {
			return n, waiting, fmt.Errorf("redeliver %d: %w", id, a.fail(err, true))
		}
	}
	return len(missed), waiting, nil
}

// An attempted is a delivery, by its newest attempt.
type attempted struct {
	*github.HookDelivery
	well   bool // one of its attempts did
	signed bool // a later delivery went well: the secrets agree
}

// missed are the newest attempts of the deliveries of which none went well and
// the next one may. The filter of GitHub's list would leave out those that timed
// out.
func (a *App) missed(ctx context.Context, since time.Time) (ids []int64, waiting time.Time, err error) {
	list, err := a.attempted(ctx, since)
	for _, d := range list {
		switch {
		case d.well || refusedForGood[d.GetStatusCode()]:
		case d.GetStatusCode() != http.StatusUnauthorized || d.signed && !d.GetRedelivery():
			ids = append(ids, d.GetID())
		case !d.signed:
			waiting = d.GetDeliveredAt().Time // the list goes back in time
		}
	}
	return ids, waiting, err
}

// refusedForGood are the answers of a server that will not take what it was
// sent, whenever it is sent.
var refusedForGood = map[int]bool{
	http.StatusBadRequest: true, http.StatusMethodNotAllowed: true,
	http.StatusRequestEntityTooLarge: true, http.StatusUnsupportedMediaType: true,
}

// attempted are the deliveries since then, the newest first.
func (a *App) attempted(ctx context.Context, since time.Time) ([]*attempted, error) {
	var out []*attempted
	seen := map[string]*attempted{}
	signed := false
	o := &github.ListCursorOptions{PerPage: 100}
	for {
		list, resp, err := a.app().rest.Apps.ListHookDeliveries(ctx, o)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if d.GetDeliveredAt().Before(since) {
				return out, nil
			}
			one := seen[d.GetGUID()]
			if one == nil {
				one = &attempted{HookDelivery: d, signed: signed}
				seen[d.GetGUID()] = one
				out = append(out, one)
			}
			well := d.GetStatus() == "OK"
			one.well, signed = one.well || well, signed || well
		}
		if resp.Cursor == "" {
			return out, nil
		}
		o.Cursor = resp.Cursor
	}
}
