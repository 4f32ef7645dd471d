// Package store keeps what must not be lost: the inbox of deliveries, what was
// proposed, which effects were begun, and when each repository is due.
//
// It is a file of SQLite, or Postgres. All tables are our own and small, and are
// written in one transaction with the job that works them; River executes the
// jobs (workers, retries, leader election) and is seen nowhere outside. The
// package refuses to know what a delivery means.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // Postgres
	_ "github.com/mattn/go-sqlite3"    // the only SQLite driver of the program
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/sparktune/sparktune/bot"
)

var _ bot.Memory = (*Store)(nil)

// Options are what a Store needs of its surroundings. Now and Log are required.
type Options struct {
	Now      func() time.Time
	Log      *slog.Logger
	Workers  int                             // deliveries that are worked at a time; 0 means 4
	Attempts int                             // before a delivery is given up; 0 means 8
	Backoff  func(attempt int) time.Duration // before the next one; nil means attempt^4 seconds
	Lease    time.Duration                   // how long a silent worker is believed alive; 0 means a minute
	Timeout  time.Duration                   // of one attempt; 0 means 15 minutes
	Grace    time.Duration                   // that running attempts get at shutdown; 0 means 20 seconds
	Poll     time.Duration                   // between looks for work; 0 means 250 ms

	sqlite string // name of the SQLite driver: tests have one that dies at a given step
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&o.Lease, time.Minute)
	set(&o.Timeout, 15*time.Minute)
	set(&o.Grace, 20*time.Second)
	set(&o.Poll, 250*time.Millisecond)
	if o.sqlite == "" {
		o.sqlite = "sqlite3"
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Attempts == 0 {
		o.Attempts = 8
	}
	if o.Backoff == nil {
		o.Backoff = func(n int) time.Duration { return time.Duration(n*n*n*n) * time.Second }
	}
	return o
}

// A Store is safe for concurrent use, and so is its database.
type Store struct {
	db       *sql.DB
	postgres bool
	path     string // of SQLite's file
	driver   riverdriver.Driver[*sql.Tx]
	insert   *river.Client[*sql.Tx] // only inserts
	o        Options
}

// Open opens the database at location, a postgres:// URL or the path of a file,
// and makes or migrates what is missing.
func Open(ctx context.Context, location string, o Options) (*Store, error) {
	s := &Store{o: o.withDefaults(), postgres: IsPostgres(location)}
	open := s.openSQLite
	if s.postgres {
		open = s.openPostgres
	}
	if err := open(location); err != nil {
		return nil, err
	}
	var err error
	if s.insert, err = river.NewClient(s.driver, &river.Config{Logger: s.o.Log}); err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", Redacted(location), errors.Join(err, s.db.Close()))
	}
	return s, nil
}

// IsPostgres says whether a location is a URL of Postgres.
func IsPostgres(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}

// Redacted is a location without its password.
func Redacted(location string) string {
	if !IsPostgres(location) {
		return location
	}
	u, err := url.Parse(location)
	if err != nil {
		return "the database"
	}
	u.RawQuery = "" // may hold a password too
	return u.Redacted()
}

// openSQLite opens a file. Every commit is synced to the disk before it returns
// (synchronous=FULL), so that an accepted delivery survives a loss of power.
// There is one connection: SQLite has one writer, and a queue in the pool is
// fairer than its locks.
func (s *Store) openSQLite(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	q := url.Values{
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_txlock":       {"immediate"},
		"_busy_timeout": {"30000"},
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	if s.db, err = sql.Open(s.o.sqlite, u.String()); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	s.path, s.driver = abs, riversqlite.New(s.db)
	return nil
}

func (s *Store) openPostgres(location string) (err error) {
	if s.db, err = sql.Open("pgx", location); err != nil {
		return fmt.Errorf("open %s: not a valid URL of Postgres", Redacted(location)) // its text may hold the password
	}
	s.db.SetMaxOpenConns(s.o.Workers + 8)
	s.driver = riverdatabasesql.New(s.db)
	return nil
}

// Close closes the database. Work must have returned.
func (s *Store) Close() error { return s.db.Close() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// inTx runs f in a transaction that is rolled back when f fails.
func (s *Store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// rollback undoes what was not committed. What it cannot undo, the database
// undoes when the connection ends.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }

func (s *Store) now() int64 { return s.o.Now().UnixMicro() }

// storable drops what Postgres does not take in a text.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
}
