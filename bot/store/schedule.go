package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sparktune/sparktune/bot"
)

// EventDue is the event of a delivery that the schedule makes; its body is the
// repository as JSON. No forge sends it.
const EventDue = "sparktune.due"

// Schedule makes a repository due at first, unless it is scheduled already; then
// only what it is called is kept up to date.
func (s *Store) Schedule(ctx context.Context, r bot.Repo, first time.Time) error {
	what, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", r, err)
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO schedules (repo, what, next) VALUES ($1, $2, $3)
		ON CONFLICT (repo) DO UPDATE SET what = excluded.what`,
		r.ID, string(what), first.UnixMicro())
	if err != nil {
		return fmt.Errorf("schedule %s: %w", r, err)
	}
	return nil
}

// Unschedule forgets when a repository is due.
func (s *Store) Unschedule(ctx context.Context, repo int64) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM schedules WHERE repo = $1", repo); err != nil {
		return fmt.Errorf("unschedule repository %d: %w", repo, err)
	}
	return nil
}

// Scheduled are all repositories with a schedule, and when each is due.
func (s *Store) Scheduled(ctx context.Context) (map[bot.Repo]time.Time, error) {
	plans, err := s.plans(ctx, "SELECT what, next FROM schedules")
	if err != nil {
		return nil, err
	}
	out := make(map[bot.Repo]time.Time)
	for _, p := range plans {
		out[p.repo] = time.UnixMicro(p.next).UTC()
	}
	return out, nil
}

// Due turns every repository whose time has come into a delivery, and says with
// next when it is due again; both or neither. Times that were missed come once.
func (s *Store) Due(ctx context.Context, next func(bot.Repo) time.Time) error {
	plans, err := s.plans(ctx, "SELECT what, next FROM schedules WHERE next <= $1 ORDER BY next", s.now())
	if err != nil {
		return err
	}
	for _, p := range plans {
		if err := s.inTx(ctx, func(tx *sql.Tx) error { return s.due(ctx, tx, p, next(p.repo)) }); err != nil {
			return fmt.Errorf("schedule %s: %w", p.repo, err)
		}
	}
	return nil
}

// A plan is a row of schedules.
type plan struct {
	repo bot.Repo
	what []byte
	next int64
}

func (s *Store) plans(ctx context.Context, query string, args ...any) ([]plan, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the schedules: %w", err)
	}
	defer rows.Close()
	var out []plan
	for rows.Next() {
		var p plan
		if err := rows.Scan(&p.what, &p.next); err != nil {
			return nil, fmt.Errorf("read the schedules: %w", err)
		}
		if err := json.Unmarshal(p.what, &p.repo); err != nil {
			return nil, fmt.Errorf("read the schedules: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func (s *Store) due(ctx context.Context, tx *sql.Tx, p plan, next time.Time) error {
	res, err := tx.ExecContext(ctx, "UPDATE schedules SET next = $1 WHERE repo = $2 AND next = $3", next.UnixMicro(), p.repo.ID, p.next)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return err // another process was first
	}
	return s.accept(ctx, tx, Delivery{
		GUID:    fmt.Sprintf("due %d %d", p.repo.ID, p.next),
		Event:   EventDue,
		Body:    p.what,
		Subject: fmt.Sprintf("repository %d", p.repo.ID),
		Newest:  true,
	})
}
