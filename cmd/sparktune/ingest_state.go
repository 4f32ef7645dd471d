package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// watermarks are what ingest --new remembers of the logs that are in a lake:
// how each one looked, by place. They save work and nothing else: the lake takes
// a log twice without harm, so what is lost costs one full ingest.
type watermarks struct {
	path   string
	lake   string
	places map[string]map[string]logState // by lake and place, then by log
}

// openWatermarks reads those of a lake; a file that can't be understood is
// none.
func openWatermarks(dir, lake string) (*watermarks, error) {
	w := &watermarks{path: filepath.Join(dir, "ingest.json"), lake: lake, places: make(map[string]map[string]logState)}
	b, err := os.ReadFile(w.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the watermark: %w", err)
	}
	if json.Unmarshal(b, &w.places) != nil {
		clear(w.places)
	}
	return w, nil
}

func (w *watermarks) key(place string) string { return w.lake + " " + place }

// of is what was there the last time; it may be nil.
func (w *watermarks) of(place string) map[string]logState { return w.places[w.key(place)] }

// save replaces what is remembered of some places.
func (w *watermarks) save(now map[string]map[string]logState) error {
	for place, logs := range now {
		w.places[w.key(place)] = logs
	}
	b, err := json.Marshal(w.places)
	if err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	tmp := w.path + ".tmp"
	if err := os.MkdirAll(filepath.Dir(w.path), 0o700); err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	if err := os.Rename(tmp, w.path); err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	return nil
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
