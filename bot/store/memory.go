package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sparktune/sparktune/bot"
)

// Recall implements [bot.Memory].
func (s *Store) Recall(ctx context.Context, repo int64) ([]bot.Record, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT record FROM records WHERE repo = $1", repo)
	if err != nil {
		return nil, fmt.Errorf("recall repository %d: %w", repo, err)
	}
	defer rows.Close()
	var out []bot.Record
	for rows.Next() {
		var text []byte
		var r bot.Record
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("recall repository %d: %w", repo, err)
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("recall repository %d: %w", repo, err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b bot.Record) int { return cmp.Compare(a.Scope, b.Scope) })
	return out, rows.Err()
}

// Remember implements [bot.Memory].
func (s *Store) Remember(ctx context.Context, r bot.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("remember %s: %w", r.Scope, err)
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO records (repo, scope, record) VALUES ($1, $2, $3)
		ON CONFLICT (repo, scope) DO UPDATE SET record = excluded.record`,
		r.Repo, []byte(r.Scope), string(text))
	if err != nil {
		return fmt.Errorf("remember %s: %w", r.Scope, err)
	}
	return nil
}

// Begin implements [bot.Memory].
func (s *Store) Begin(ctx context.Context, repo int64, key string, now time.Time) (e bot.Entry, begun bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO effects (repo, name, begun) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			repo, []byte(key), now.UnixMicro())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		begun = n == 1
		e, err = readEntry(ctx, tx, repo, key)
		return err
	})
	if err != nil {
		return bot.Entry{}, false, fmt.Errorf("begin %q: %w", key, err)
	}
	return e, begun, nil
}

func readEntry(ctx context.Context, tx *sql.Tx, repo int64, key string) (bot.Entry, error) {
	var at int64
	var receipt []byte
	err := tx.QueryRowContext(ctx, "SELECT begun, receipt FROM effects WHERE repo = $1 AND name = $2", repo, []byte(key)).Scan(&at, &receipt)
	e := bot.Entry{At: time.UnixMicro(at).UTC()}
	if err != nil || receipt == nil {
		return e, err
	}
	return e, json.Unmarshal(receipt, &e.Receipt)
}

// End implements [bot.Memory].
func (s *Store) End(ctx context.Context, repo int64, key string, r *bot.Receipt) error {
	if err := s.end(ctx, repo, key, r); err != nil {
		return fmt.Errorf("end %q: %w", key, err)
	}
	return nil
}

func (s *Store) end(ctx context.Context, repo int64, key string, r *bot.Receipt) error {
	if r == nil {
		_, err := s.db.ExecContext(ctx, "DELETE FROM effects WHERE repo = $1 AND name = $2", repo, []byte(key))
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO effects (repo, name, begun, receipt) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repo, name) DO UPDATE SET receipt = excluded.receipt`,
		repo, []byte(key), s.now(), string(text))
	return err
}
