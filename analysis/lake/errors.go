package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

var (
	errNoLake = errors.New("is not a lake")
	errNewer  = errors.New("was written by a newer sparktune")
)

// explain says of an error of the lake in dir what a person can do about it.
func explain(dir string, err error) error {
	catalog := filepath.Join(dir, catalogFile)
	switch {
	case errors.Is(err, errNewer):
		return fmt.Errorf("lake %s %w: upgrade sparktune, or name another lake with --lake DIR", dir, err)
	case errors.Is(err, errNoLake):
		return fmt.Errorf("%s %w: name a new or empty folder with --lake DIR", dir, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("open lake %s: a file is in the way (%w): name another folder with --lake DIR", dir, err)
	case notWritable(err):
		return fmt.Errorf("open lake %s: not writable (%w): fix its permissions, or name another folder with --lake DIR", dir, err)
	case isSQLite(err, sqlite3.ErrNotADB, sqlite3.ErrCorrupt):
		return fmt.Errorf("open lake %s: the catalog %s is damaged (%w): restore it from a backup, or start a new lake with --lake DIR and ingest the logs again", dir, catalog, err)
	case isSQLite(err, sqlite3.ErrBusy, sqlite3.ErrLocked):
		return fmt.Errorf("lake %s: the catalog %s stays locked by another process (%w): end it, or try again later", dir, catalog, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open lake %s: a file of the table is gone (%w): Iceberg keeps absolute paths, so move the lake back where it was made, or start a new one with --lake DIR", dir, err)
	}
	return fmt.Errorf("lake %s: %w", dir, err)
}

func notWritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) ||
		isSQLite(err, sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen)
}

func isSQLite(err error, codes ...sqlite3.ErrNo) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	return slices.Contains(codes, e.Code)
}

// again marks an error that a second attempt may not meet.
func again(err error) error {
	if isSQLite(err, sqlite3.ErrBusy, sqlite3.ErrLocked) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}
