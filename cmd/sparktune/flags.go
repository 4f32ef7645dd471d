package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
)

// An output is the form of a command's result.
type output string

const (
	outputText output = "text"
	outputJSON output = "json"
)

func (o *output) String() string { return string(*o) }
func (*output) Type() string     { return "FORM" }

// Set is pflag's way to say what was given.
func (o *output) Set(s string) error {
	switch output(s) {
	case outputText, outputJSON:
		*o = output(s)
		return nil
	}
	return fmt.Errorf("must be text or json")
}

func outputFlag(flags *pflag.FlagSet) *output {
	o := outputText
	flags.Var(&o, "output", "text, or json for programs (experimental: see docs/schemas)")
	return &o
}

// asOf is a moment that a decision is made for.
type asOf struct{ time.Time }

func (a *asOf) String() string {
	if a.IsZero() {
		return "now"
	}
	return a.Format(time.RFC3339)
}
func (*asOf) Type() string { return "TIME" }

// Set reads a date (its end, UTC) or an RFC 3339 time.
func (a *asOf) Set(s string) error {
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		a.Time = d.Add(24*time.Hour - time.Second)
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("must be a date such as 2026-11-22 or a time such as 2026-11-22T08:00:00Z")
	}
	a.Time = t
	return nil
}

func asOfFlag(flags *pflag.FlagSet) *asOf {
	var a asOf
	flags.Var(&a, "as-of", "decide as if it were TIME: a date or an RFC 3339 time")
	return &a
}

// or is the moment, or the present when none was given.
func (a *asOf) or(now func() time.Time) time.Time {
	if a.IsZero() {
		return now().UTC()
	}
	return a.UTC()
}

func lakeFlag(flags *pflag.FlagSet) *string {
	return flags.String("lake", "", "`DIR` of the metrics lake, or FILE.yaml that names another catalog or table (default: 'lake' in the state folder, $SPARKTUNE_STATE or ~/.local/state/sparktune)")
}

// stateDir is where sparktune keeps what it makes, after the XDG base
// directory specification.
func (c *cli) stateDir() (string, error) {
	if dir := c.getenv("SPARKTUNE_STATE"); dir != "" {
		return dir, nil
	}
	if dir := c.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sparktune"), nil
	}
	if home := c.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "sparktune"), nil
	}
	return "", hintError{fmt.Errorf("there is no home folder to keep the lake in"), "set SPARKTUNE_STATE or use --lake DIR"}
}

// writeJSON writes one indented value.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeJSONLines writes one value a line.
func writeJSONLines[T any](w io.Writer, values []T) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return nil
}
