package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/apache/iceberg-go/catalog/hive"
	"github.com/mattn/go-sqlite3"
)

var (
	errNoLake  = errors.New("is not a lake")
	errNotOurs = errors.New("was not made by sparktune")
	errNewer   = errors.New("was written by a newer sparktune")
	// errUnanswered marks a commit whose outcome is unknown. It is not tried
	// again at once: the first one may still be under way.
	errUnanswered = errors.New("the catalog did not say whether it made a commit")
)

// explain says of an error what a person can do about it.
func (l *Lake) explain(err error) error {
	switch {
	case errors.Is(err, errNewer):
		return fmt.Errorf("%s %w: upgrade sparktune, or name another lake with --lake DIR", l.where, err)
	case errors.Is(err, errNotOurs):
		return fmt.Errorf("%s: %w: to read it, map its columns in metrics.columns (metrics: {columns: {}} where they have our names); to write, name another table", l.where, err)
	case l.dir == "" && isBusy(err):
		return fmt.Errorf("%s, table %s: stays locked by another process (%w): end it, or try again later; Hive itself ends the lock of a process that died, by default after five minutes", l.where, l.runs.name(), err)
	case l.dir == "":
		return fmt.Errorf("%s, table %s: %w", l.where, l.runs.name(), err)
	}
	return explainFolder(l.where, filepath.Join(l.dir, catalogFile), err)
}

// explainFolder is explain for the embedded lake.
func explainFolder(where, catalog string, err error) error {
	switch {
	case errors.Is(err, errNoLake):
		return fmt.Errorf("%s %w: name a new or empty folder with --lake DIR", where, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: a file is in the way (%w): name another folder with --lake DIR", where, err)
	case notWritable(err):
		return fmt.Errorf("%s: not writable (%w): fix its permissions, or name another folder with --lake DIR", where, err)
	case isSQLite(err, sqlite3.ErrNotADB, sqlite3.ErrCorrupt):
		return fmt.Errorf("%s: the catalog %s is damaged (%w): restore it from a backup, or start a new lake with --lake DIR and ingest the logs again", where, catalog, err)
	case isBusy(err):
		return fmt.Errorf("%s: the catalog %s stays locked by another process (%w): end it, or try again later", where, catalog, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: a file of the table is gone (%w): Iceberg keeps absolute paths, so move the lake back where it was made, or start a new one with --lake DIR", where, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

func notWritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) ||
		isSQLite(err, sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen)
}

// isBusy says whether a catalog is locked by another process.
func isBusy(err error) bool {
	return isSQLite(err, sqlite3.ErrBusy, sqlite3.ErrLocked) || errors.Is(err, hive.ErrLockAcquisitionFailed)
}

func isSQLite(err error, codes ...sqlite3.ErrNo) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// again marks an error that a second attempt may not meet.
func again(err error) error { return againIf(isBusy(err), err) }

func againIf(yes bool, err error) error {
	if yes {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}
