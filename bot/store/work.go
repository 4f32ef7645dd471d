package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofrs/flock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/sparktune/sparktune/bot"
)

// A Handler works a delivery. It may be called again for one that it worked
// already: when the process ended before that was noted, or when it failed. A
// panic is an error, and a [bot.RetryError] may say when to try again.
//
// When the attempts are used up it is called with a Delivery that is GivenUp,
// for it to tell whoever waits for the delivery.
type Handler func(ctx context.Context, d Delivery) error

const (
	busy      = time.Second         // before a delivery looks again whether its subject is free
	retention = 30 * 24 * time.Hour // of ended deliveries: a redelivery is possible for a week
	maxError  = 2000                // bytes of an error's text that are kept
	lastTries = 4                   // to tell that a delivery is given up
	lastGrace = 10 * time.Second    // that cancelled attempts get to note how they ended
)

// Work hands deliveries to h until ctx ends, then waits for those under way for
// the Grace, and cancels them. Nothing is lost: what did not end is worked by
// the next one. Of a SQLite file, one process works at a time; others wait here.
func (s *Store) Work(ctx context.Context, h Handler) error {
	if !s.postgres {
		unlock, err := s.lockFile(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		// We are the only one: whoever else held something is dead.
		if err := s.reclaim(ctx, true); err != nil {
			return err
		}
	}
	w := &worker{s: s, handle: h}
	client, err := w.client()
	if err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	// Not ctx: its end would cancel what is under way at once.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	s.housekeep(ctx)
	return s.stop(context.WithoutCancel(ctx), client)
}

func (s *Store) stop(ctx context.Context, client *river.Client[*sql.Tx]) error {
	soft, cancel := context.WithTimeout(ctx, s.o.Grace)
	defer cancel()
	if err := client.Stop(soft); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(ctx, lastGrace)
	defer cancel()
	if err := client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop the workers: %w", err)
	}
	return nil
}

// lockFile waits until no other process works the file. The lock ends with the
// process, however that ends.
func (s *Store) lockFile(ctx context.Context) (unlock func(), err error) {
	lock := flock.New(s.path + ".lock")
	locked, err := lock.TryLock()
	if err == nil && !locked {
		s.o.Log.InfoContext(ctx, "another process works this database; waiting for it to end", "path", s.path)
		_, err = lock.TryLockContext(ctx, busy)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", s.path, err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// housekeep takes up what dead workers left, and forgets what ended long ago,
// until ctx ends.
func (s *Store) housekeep(ctx context.Context) {
	tick := time.NewTicker(s.o.Lease / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(s.reclaim(ctx, false), s.forget(ctx)); err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "housekeeping of the inbox", "error", err)
		}
	}
}

func (s *Store) forget(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM deliveries WHERE state IN ($1, $2, $3) AND ended < $4",
		done, superseded, failed, s.o.Now().Add(-retention).UnixMicro())
	return err
}

// An orphan is an unfinished delivery without a live lease.
type orphan struct{ id, run int64 }

// reclaim gives deliveries a new job whose job cannot work them any more: its
// process died. With all, nobody else is alive.
func (s *Store) reclaim(ctx context.Context, all bool) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if all {
			if _, err := tx.ExecContext(ctx, "DELETE FROM leases"); err != nil {
				return err
			}
		}
		orphans, err := s.orphans(ctx, tx)
		if err != nil {
			return err
		}
		for _, o := range orphans {
			dead, err := s.dead(ctx, tx, o.run, all)
			if err == nil && dead {
				err = s.enqueue(ctx, tx, o.id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) orphans(ctx context.Context, tx *sql.Tx) ([]orphan, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, run FROM deliveries d WHERE state IN ($1, $2)
		AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.run = d.run AND l.until >= $3) ORDER BY id`,
		waiting, working, s.now())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []orphan
	for rows.Next() {
		var o orphan
		if err := rows.Scan(&o.id, &o.run); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// dead says whether a job without a lease will never take one: River believes
// that it runs, and its process had the time to, or is known to be dead.
func (s *Store) dead(ctx context.Context, tx *sql.Tx, run int64, all bool) (bool, error) {
	job, err := s.insert.JobGetTx(ctx, tx, run)
	if errors.Is(err, rivertype.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch job.State {
	case rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled:
		return false, nil
	case rivertype.JobStateRunning:
		return all || job.AttemptedAt != nil && job.AttemptedAt.Before(s.o.Now().Add(-s.o.Lease)), nil
	case rivertype.JobStateCancelled, rivertype.JobStateCompleted, rivertype.JobStateDiscarded:
	}
	return true, nil
}

// A worker is what River runs.
type worker struct {
	river.WorkerDefaults[jobArgs]
	s      *Store
	handle Handler
}

func (w *worker) client() (*river.Client[*sql.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	return river.NewClient(w.s.driver, &river.Config{
		Logger:            w.s.o.Log,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: w.s.o.Workers}},
		Workers:           workers,
		FetchPollInterval: w.s.o.Poll,
		FetchCooldown:     min(w.s.o.Poll, 100*time.Millisecond),
		JobTimeout:        w.s.o.Timeout,
	})
}

// Work claims the job's delivery, has it handled, and notes how that ended.
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	c, err := w.s.claim(ctx, job.Args.Delivery, job.ID)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	switch c.verdict {
	case nothing:
		return nil
	case occupied:
		return river.JobSnooze(busy)
	case claimed:
	}
	held, release := w.s.hold(ctx, job.ID)
	err = w.call(held, c.delivery)
	release()
	e := w.judge(ctx, c.delivery, err)
	// Whatever happened to ctx, how it ended is noted.
	if noteErr := w.s.note(context.WithoutCancel(ctx), c, e, err); noteErr != nil {
		return errors.Join(err, fmt.Errorf("note the end: %w", noteErr))
	}
	if e.state == waiting {
		return river.JobSnooze(e.after)
	}
	return nil
}

var errPanic = errors.New("panic")

// call turns a panic into an error, so that it is a failed attempt and not the
// end of the process.
func (w *worker) call(ctx context.Context, d Delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.s.o.Log.ErrorContext(ctx, "panic while working a delivery", "guid", d.GUID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return w.handle(ctx, d)
}

// An end is how an attempt ended.
type end struct {
	state    string // of the delivery
	attempts int    // that are used up
	after    time.Duration
}

// judge says in which state a delivery is after an attempt. River is never told
// of an error: it forgets attempts that end in a snooze, and those of a job
// whose process died.
func (w *worker) judge(ctx context.Context, d Delivery, err error) end {
	retry, ok := errors.AsType[*bot.RetryError](err)
	limit := w.s.o.Attempts
	switch {
	case err == nil && d.GivenUp:
		return end{state: failed, attempts: d.Attempt}
	case err == nil:
		return end{state: done, attempts: d.Attempt}
	case errors.Is(ctx.Err(), context.Canceled): // shutdown: not an attempt
		return end{state: waiting, attempts: d.Attempt - 1}
	case ok && retry.After > 0 && !retry.Unsure: // a limit of the forge: nor that
		return end{state: waiting, attempts: d.Attempt - 1, after: retry.After}
	case d.GivenUp && d.Attempt >= limit+lastTries:
		return end{state: failed, attempts: d.Attempt}
	case d.GivenUp:
		return end{waiting, d.Attempt, w.s.o.Backoff(d.Attempt - limit)}
	}
	e := end{waiting, d.Attempt, w.s.o.Backoff(d.Attempt)}
	if hopeless(ctx, err) {
		e.attempts++
	}
	if e.attempts >= limit { // given up, and that is told at once
		e.attempts, e.after = limit, 0
	}
	if ok {
		e.after = max(e.after, retry.After)
	}
	return e
}

// hopeless says whether an error will most likely be the same the next time. It
// counts for two: it may still have been one of the moment.
func hopeless(ctx context.Context, err error) bool {
	return errors.Is(err, bot.ErrDenied) || errors.Is(err, errPanic) || errors.Is(ctx.Err(), context.DeadlineExceeded)
}

type verdict int

const (
	nothing  verdict = iota // the job has nothing to do
	occupied                // another delivery of the subject is being worked
	claimed
)

// A claim is a job's right to work a delivery.
type claim struct {
	verdict  verdict
	id, run  int64
	subject  string // of the lease
	delivery Delivery
}

// claim takes the lease on the delivery's subject.
func (s *Store) claim(ctx context.Context, id, run int64) (claim, error) {
	c := claim{id: id, run: run}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		ours, err := s.read(ctx, tx, &c)
		if err != nil || !ours {
			return err
		}
		free, err := s.lease(ctx, tx, c)
		if err != nil {
			return err
		}
		if !free {
			c.verdict = occupied
			return nil
		}
		moot, err := s.moot(ctx, tx, c)
		if err != nil {
			return err
		}
		if moot {
			return s.conclude(ctx, tx, c, end{state: superseded, attempts: c.delivery.Attempt}, "")
		}
		if c.delivery.Attempt >= s.o.Attempts+lastTries {
			return s.conclude(ctx, tx, c, end{state: failed, attempts: c.delivery.Attempt}, "the process ended in every attempt")
		}
		c.verdict = claimed
		// Counted before it is worked: it may be the end of this one.
		c.delivery.GivenUp = c.delivery.Attempt >= s.o.Attempts
		c.delivery.Attempt++
		_, err = tx.ExecContext(ctx, "UPDATE deliveries SET state = $1, attempts = $2 WHERE id = $3", working, c.delivery.Attempt, id)
		return err
	})
	return c, err
}

// read fills in the delivery. It is not ours when it has ended or another job
// has it.
func (s *Store) read(ctx context.Context, tx *sql.Tx, c *claim) (ours bool, err error) {
	var happened sql.NullString
	var accepted int64
	d := &c.delivery
	err = tx.QueryRowContext(ctx, `
		SELECT guid, happened, event, body, subject, newest, attempts, accepted FROM deliveries
		WHERE id = $1 AND run = $2 AND state IN ($3, $4)`, c.id, c.run, waiting, working).
		Scan(&d.GUID, &happened, &d.Event, &d.Body, &d.Subject, &d.Newest, &d.Attempt, &accepted)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	d.Happened, d.Accepted = happened.String, time.UnixMicro(accepted).UTC()
	if c.subject = d.Subject; c.subject == "" {
		c.subject = fmt.Sprintf("delivery %d", c.id)
	}
	return true, err
}

func (s *Store) lease(ctx context.Context, tx *sql.Tx, c claim) (free bool, err error) {
	now := s.o.Now()
	res, err := tx.ExecContext(ctx, `
		INSERT INTO leases (subject, run, until) VALUES ($1, $2, $3)
		ON CONFLICT (subject) DO UPDATE SET run = excluded.run, until = excluded.until WHERE leases.until < $4`,
		c.subject, c.run, now.Add(s.o.Lease).UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// moot says whether a later delivery looks at the same subject after us.
func (s *Store) moot(ctx context.Context, tx *sql.Tx, c claim) (bool, error) {
	if !c.delivery.Newest || c.delivery.Subject == "" {
		return false, nil
	}
	var later bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deliveries WHERE subject = $1 AND id > $2 AND newest)", c.subject, c.id).Scan(&later)
	return later, err
}

// note writes down how an attempt ended, and gives the subject free.
func (s *Store) note(ctx context.Context, c claim, e end, cause error) error {
	text := ""
	if cause != nil {
		text = storable(cause.Error())
		text = storable(text[:min(len(text), maxError)])
		s.o.Log.WarnContext(ctx, "a delivery was not worked", slog.String("guid", c.delivery.GUID), slog.String("state", e.state), slog.String("error", text))
	}
	if e.state == failed {
		s.o.Log.ErrorContext(ctx, "a delivery is given up", slog.String("guid", c.delivery.GUID), slog.String("event", c.delivery.Event))
	}
	return s.inTx(ctx, func(tx *sql.Tx) error { return s.conclude(ctx, tx, c, e, text) })
}

// conclude stores an end. Of what is given up, the error that led to it stays.
func (s *Store) conclude(ctx context.Context, tx *sql.Tx, c claim, e end, text string) error {
	var ended int64
	if e.state != waiting {
		ended = s.now()
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE deliveries SET state = $1, attempts = $2, error = CASE WHEN $3 THEN error ELSE $4 END, ended = $5,
		body = CASE WHEN $6 THEN $7 ELSE body END WHERE id = $8 AND run = $9`,
		e.state, e.attempts, c.delivery.GivenUp, text, ended, e.state == done || e.state == superseded, []byte{}, c.id, c.run)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM leases WHERE subject = $1 AND run = $2", c.subject, c.run)
	return err
}

// hold renews the lease of a job until it is released. The context ends when
// the lease is lost: somebody else may work the delivery then.
func (s *Store) hold(ctx context.Context, run int64) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(s.o.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
			}
			if lost := s.renew(held, run); lost {
				cancel(errLeaseLost)
				return
			}
		}
	}()
	return held, func() {
		cancel(nil)
		<-stopped
	}
}

var errLeaseLost = errors.New("another worker took the delivery over")

// renew prolongs a lease. An error of the database is no loss: the next one may
// succeed, and nobody else can take what he cannot reach.
func (s *Store) renew(ctx context.Context, run int64) (lost bool) {
	res, err := s.db.ExecContext(ctx, "UPDATE leases SET until = $1 WHERE run = $2", s.o.Now().Add(s.o.Lease).UnixMicro(), run)
	if err != nil {
		return false
	}
	n, err := res.RowsAffected()
	return n == 0 && err == nil
}
