package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sparktune/sparktune/analysis/eventlog"
)

// A placedLog is an event log and where it is.
type placedLog struct {
	name  string // address and all, for messages and as its identity
	place string // argument that it was found by
	state logState
	read  func(context.Context, eventlog.Taker) error
}

// A logState tells a log that has grown from one that has not.
type logState struct {
	Bytes   int64     `json:"bytes,omitempty"`
	Written time.Time `json:"written,omitzero"` // last; zero is unknown
	Open    bool      `json:"open,omitempty"`   // the application runs, as its History Server says
}

// stdinName is the argument that means standard input.
const stdinName = "-"

// findLogs lists the logs at a place, which is a path, an URL or standard
// input. known says of a log, by its name, whether an earlier ingest took it.
func (c *cli) findLogs(ctx context.Context, place string, known func(name string) bool) ([]placedLog, error) {
	switch {
	case place == stdinName:
		return []placedLog{{name: "standard input", read: readStdin}}, nil
	case strings.HasPrefix(place, "s3://"):
		return c.findS3(ctx, place, known)
	case strings.HasPrefix(place, "http://"), strings.HasPrefix(place, "https://"):
		return findHistory(ctx, place)
	}
	abs, err := filepath.Abs(place)
	if err != nil {
		return nil, fmt.Errorf("find event logs: %w", err)
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("find event logs: %w", err)
	}
	dir, root := split(abs)
	tree := logTree{fsys: os.DirFS(dir), place: place, name: func(p string) string { return filepath.Join(dir, p) }}
	return c.findIn(tree, root, known)
}

// split is a path as the folder that it is in, whose name a log may need, and
// its place there. What is above all is in no folder.
func split(abs string) (dir, root string) {
	dir = filepath.Dir(abs)
	if dir == abs {
		return dir, "."
	}
	return dir, filepath.Base(abs)
}

// unread stands for a log or a place that can't be read, so that it is counted
// and named among those that are.
func unread(name string, err error) placedLog {
	if hint, ok := errors.AsType[hintError](err); ok {
		err = fmt.Errorf("%w: %s", err, hint.hint)
	}
	return placedLog{name: name, read: func(context.Context, eventlog.Taker) error { return err }}
}

func readStdin(_ context.Context, take eventlog.Taker) error {
	return eventlog.ParseEach(os.Stdin, take)
}

// A logTree is a file system in which logs are looked for.
type logTree struct {
	fsys  fs.FS
	place string // as the caller named it
	name  func(path string) string
}

func (c *cli) findIn(t logTree, root string, known func(name string) bool) ([]placedLog, error) {
	found, skipped, err := eventlog.FindKnowing(t.fsys, root, func(p string) bool { return known(t.name(p)) })
	if err != nil {
		return nil, fmt.Errorf("find event logs in %s: %w", t.place, err)
	}
	c.sayOther(t, skipped)
	var logs []placedLog
	for _, l := range found {
		logs = append(logs, placedLog{name: t.name(l.Path), state: t.state(l), read: func(_ context.Context, take eventlog.Taker) error {
			return eventlog.ReadEach(t.fsys, l, take)
		}})
	}
	for _, s := range skipped {
		if s.Cause == eventlog.Unread {
			logs = append(logs, unread(t.name(s.Path), errors.New(s.Reason)))
		}
	}
	if len(logs) == 0 {
		return nil, hintError{fmt.Errorf("no Spark event log in %s", t.place), "event logs are what spark.eventLog.enabled=true writes into spark.eventLog.dir"}
	}
	return logs, nil
}

// state adds up the parts of a log. What can't be looked at is left to whoever
// reads it.
func (t logTree) state(l eventlog.Log) logState {
	var s logState
	for _, p := range l.Parts {
		info, err := fs.Stat(t.fsys, p)
		if err != nil {
			continue
		}
		s.Bytes += info.Size()
		if at := info.ModTime().UTC(); at.After(s.Written) {
			s.Written = at
		}
	}
	return s
}

// sayOther tells of what was left out of a folder: a few by name, many by their
// number. What could not be read is told with the logs.
func (c *cli) sayOther(t logTree, skipped []eventlog.Skipped) {
	c.sayFew(t, skipped, eventlog.NotLog, "%d files in %s are no Spark event logs")
	c.sayFew(t, skipped, eventlog.Linked, "%d links to folders in %s were not followed: name what they link to")
}

func (c *cli) sayFew(t logTree, skipped []eventlog.Skipped, cause eventlog.Cause, many string) {
	var these []eventlog.Skipped
	for _, s := range skipped {
		if s.Cause == cause {
			these = append(these, s)
		}
	}
	if len(these) > maxSaid {
		c.logf(many, len(these), t.place)
		return
	}
	for _, s := range these {
		c.logf("%s: %s", t.name(s.Path), s.Reason)
	}
}

// readZip reads the logs in what a History Server gives for download.
func readZip(path string, take eventlog.Taker) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	z, err := eventlog.OpenArchive(f, info.Size())
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	return eventlog.ReadArchive(z, take)
}

// download keeps what r has in a file that the caller removes: an archive is
// read from its end, and is too large for memory.
func download(r io.Reader) (path string, err error) {
	f, err := os.CreateTemp("", "sparktune-*.zip")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
