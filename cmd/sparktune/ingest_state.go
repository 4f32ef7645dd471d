package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// watermarks are what ingest --new remembers of the logs that are in a lake:
// how each one looked, by place. They save work and nothing else: the lake takes
// a log twice without harm, so what is lost costs one full ingest.
type watermarks struct {
	path string
	// lake is the identity of its table, not where it is: another lake at the
	// same place knows nothing yet.
	lake   string
	places map[string]marks
}

// marks are those of the logs of one place.
type marks map[string]mark

// A mark is how a log looked that is in the lake.
type mark struct {
	logState
	// Told says that YARN can't add anything: it was asked after the end, or
	// did not run the applications.
	Told bool `json:"told,omitempty"`
}

// allMarks is the stored format: by lake and place.
type allMarks map[string]map[string]marks

// openWatermarks reads those of a lake.
func openWatermarks(dir, lake string) (*watermarks, error) {
	w := &watermarks{path: filepath.Join(dir, "ingest.json"), lake: lake}
	all, err := w.read()
	if err != nil {
		return nil, fmt.Errorf("read the watermark: %w", err)
	}
	w.places = all[lake]
	return w, nil
}

// read reads those of all lakes; a file that can't be understood is none.
func (w *watermarks) read() (allMarks, error) {
	b, err := os.ReadFile(w.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all allMarks
	if json.Unmarshal(b, &all) != nil || all == nil {
		all = make(allMarks)
	}
	return all, nil
}

// of is what was there the last time; it may be nil.
func (w *watermarks) of(place string) marks { return w.places[place] }

// save replaces what is remembered of some places, and keeps what others
// remembered meanwhile.
func (w *watermarks) save(now map[string]marks) error {
	if err := w.merge(now); err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	return nil
}

func (w *watermarks) merge(now map[string]marks) error {
	if err := os.MkdirAll(filepath.Dir(w.path), 0o700); err != nil {
		return err
	}
	lock := flock.New(w.path + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	all, err := w.read()
	if err != nil {
		return err
	}
	if all[w.lake] == nil {
		all[w.lake] = make(map[string]marks)
	}
	maps.Copy(all[w.lake], now)
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	tmp := w.path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, w.path)
}

// A lag is how far the lake is behind the logs.
type lag struct {
	// Known are logs that were not read: they had not changed.
	Known int `json:"known"`
	// Newest is when a log that is in the lake now was last written to.
	Newest time.Time `json:"newest,omitzero"`
	// WaitedSeconds is how long the log that waited longest for this ingest had
	// been left alone.
	WaitedSeconds int64 `json:"waited_seconds"`
}

// add counts a log in that was read.
func (g *lag) add(s logState, now time.Time) {
	if s.Written.IsZero() {
		return
	}
	if s.Written.After(g.Newest) {
		g.Newest = s.Written
	}
	g.WaitedSeconds = max(g.WaitedSeconds, int64(now.Sub(s.Written).Seconds()))
}
