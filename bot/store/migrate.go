package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/riverqueue/river/rivermigrate"
)

// Migrations are named NNN_what.sql, are never edited after a release, and only
// go forward.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the key of Postgres' advisory lock: any number of its own.
const migrationLock = 0x7370_6b74

// migrate brings the tables to what this program needs. Several processes may
// start at once: one does it, the others wait.
func (s *Store) migrate(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.postgres {
		return s.migratePostgres(ctx, conn)
	}
	// SQLite's immediate transaction is the lock, and the pool's only connection.
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := s.migrateOwn(ctx, tx); err != nil {
		return err
	}
	m, err := rivermigrate.New(s.driver, &rivermigrate.Config{Logger: s.o.Log})
	if err != nil {
		return err
	}
	if _, err := m.MigrateTx(ctx, tx, rivermigrate.DirectionUp, nil); err != nil { //nolint:staticcheck // deprecated for what Postgres cannot do in one transaction; SQLite can
		return err
	}
	return tx.Commit()
}

// migratePostgres lets River use transactions of its own: Postgres does not
// take a new value of an enum in the transaction that makes it.
func (s *Store) migratePostgres(ctx context.Context, conn *sql.Conn) (err error) {
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return err
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		if err == nil {
			err = unlockErr
		}
	}()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := s.migrateOwn(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	m, err := rivermigrate.New(s.driver, &rivermigrate.Config{Logger: s.o.Log})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (s *Store) migrateOwn(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS sparktune_migrations (name TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if err := s.refuseNewer(ctx, tx, names[len(names)-1]); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.migrateOne(ctx, tx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// refuseNewer keeps an older program off tables that it does not know.
func (s *Store) refuseNewer(ctx context.Context, tx *sql.Tx, newest string) error {
	var found sql.NullString
	if err := tx.QueryRowContext(ctx, "SELECT MAX(name) FROM sparktune_migrations").Scan(&found); err != nil {
		return err
	}
	if found.String > newest {
		return fmt.Errorf("the tables are of a newer sparktune (%s; this one knows %s)", found.String, newest)
	}
	return nil
}

func (s *Store) migrateOne(ctx context.Context, tx *sql.Tx, name string) error {
	res, err := tx.ExecContext(ctx, "INSERT INTO sparktune_migrations (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return err
	}
	src, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	serial := "INTEGER PRIMARY KEY AUTOINCREMENT"
	if s.postgres {
		serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	}
	_, err = tx.ExecContext(ctx, strings.Replace(string(src), " SERIAL,", " "+serial+",", 1))
	return err
}
