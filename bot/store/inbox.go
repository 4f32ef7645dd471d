package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Delivery is something that happened and must be worked once.
type Delivery struct {
	GUID string // unique; a redelivery has the same
	// Happened identifies the event itself, where it can: the same event may
	// arrive under two GUIDs. "" when it cannot.
	Happened string
	Event    string // what the handler tells deliveries apart by
	Body     []byte
	// Subject is what the delivery is about: of one Subject, one delivery is
	// worked at a time. "" for none.
	Subject string
	// Newest means that the handler looks at the present state of the Subject:
	// a later Newest delivery of the Subject makes a waiting one moot.
	Newest bool

	// The rest is set for the handler.
	Accepted time.Time
	Attempt  int // from 1; what hardly helps to try again counts for two
	// GivenUp means that the attempts are used up: it is not to be worked any
	// more, but whoever waits for it is to be told.
	GivenUp bool
}

// The states of a delivery. They are stored.
const (
	waiting    = "waiting"
	working    = "working"
	done       = "done"
	superseded = "superseded"
	failed     = "failed"
)

// jobArgs are the arguments of a River job.
type jobArgs struct {
	Delivery int64 `json:"delivery"`
}

// Kind is River's name of the job. It is stored.
func (jobArgs) Kind() string { return "delivery" }

// Accept stores a delivery, with the job that works it; when it returns nil, the
// delivery is on the disk. One that was accepted before is worked again only
// when it failed.
func (s *Store) Accept(ctx context.Context, d Delivery) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error { return s.accept(ctx, tx, d) })
	if err != nil {
		return fmt.Errorf("accept delivery %s: %w", d.GUID, err)
	}
	return nil
}

func (s *Store) accept(ctx context.Context, tx *sql.Tx, d Delivery) error {
	// Insert first: a check before would let two of a kind pass.
	var id int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO deliveries (guid, happened, event, body, subject, newest, state, run, attempts, error, accepted, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, '', $8, 0)
		ON CONFLICT DO NOTHING RETURNING id`,
		storable(d.GUID), sql.NullString{String: storable(d.Happened), Valid: d.Happened != ""}, storable(d.Event),
		append([]byte{}, d.Body...), storable(d.Subject), d.Newest, waiting, s.now()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return s.acceptAgain(ctx, tx, d)
	}
	if err != nil {
		return err
	}
	return s.enqueue(ctx, tx, id)
}

// acceptAgain takes up a delivery that failed. Any other is done, or will be
// worked without more.
func (s *Store) acceptAgain(ctx context.Context, tx *sql.Tx, d Delivery) error {
	var id int64
	err := tx.QueryRowContext(ctx, `
		SELECT id FROM deliveries WHERE (guid = $1 OR happened = $2) AND state = $3 ORDER BY id DESC LIMIT 1`,
		storable(d.GUID), storable(d.Happened), failed).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE deliveries SET attempts = 0 WHERE id = $1", id); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, id)
}

// enqueue gives a delivery a new job. An earlier job of it becomes nobody's: it
// may still be somewhere in River, and will find that it has nothing to do.
func (s *Store) enqueue(ctx context.Context, tx *sql.Tx, id int64) error {
	job, err := s.insert.InsertTx(ctx, tx, jobArgs{Delivery: id}, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE deliveries SET run = $1, state = $2 WHERE id = $3", job.Job.ID, waiting, id)
	return err
}

// Counts are the numbers of deliveries by state, for an operator to see.
func (s *Store) Counts(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT state, COUNT(*) FROM deliveries GROUP BY state")
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	defer rows.Close()
	counts := map[string]int{waiting: 0, working: 0, done: 0, superseded: 0, failed: 0}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, rows.Err()
}
