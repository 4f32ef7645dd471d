// Package policy reads .sparktune.yaml: what a repository's owners set about
// the advice they get.
//
// It is strict: an unknown name, a wrong type or a value out of range is an
// error with line and column, never a silent default. It refuses to know what
// the gates mean; that is package analysis.
package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
)

// File is the name of the policy in the root of a repository.
const File = ".sparktune.yaml"

// Version is the only version of the format. It is stored in files.
const Version = 1

// A Policy is the content of a policy file.
type Policy struct {
	Gates analysis.Policy
	// Operators are the house operators that the file describes.
	Operators []patcher.Operator
	// Named are the gates that the file sets, sorted: a report discloses that
	// it was judged by other gates than the defaults.
	Named []string
	Pulls PullRequests
	// Ignore are the jobs that are left alone: job ids and globs of paths.
	Ignore []string
}

// Default is the policy of a repository without a file.
func Default() Policy {
	return Policy{
		Gates: analysis.DefaultPolicy(),
		Pulls: PullRequests{Group: GroupFile, MaxOpen: 3},
	}
}

// An Error is a mistake in a policy file.
type Error struct {
	Line, Column int // from 1
	Msg          string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", File, e.Line, e.Column, e.Msg) }

// Load reads the policy of a repository; without a file it is the default.
func Load(fsys fs.FS) (Policy, error) {
	src, err := fs.ReadFile(fsys, File)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Policy{}, fmt.Errorf("read %s: %w", File, err)
	}
	return Parse(src)
}

// Parse reads a policy file. Mistakes are *Error, all of them joined.
func Parse(src []byte) (Policy, error) {
	pol := Default()
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return Policy{}, syntaxError(err)
	}
	if len(doc.Content) == 0 {
		return Policy{}, &Error{1, 1, "the file is empty; it needs at least 'version: 1'"}
	}
	if err := pol.document(doc.Content[0]); err != nil {
		return Policy{}, err
	}
	return pol, nil
}

// syntaxError keeps the line that yaml.v3 has only in its text.
func syntaxError(err error) *Error {
	e := &Error{1, 1, strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, rest, ok := strings.Cut(e.Msg, ": "); ok {
		if n, _ := fmt.Sscanf(e.Msg, "line %d:", &e.Line); n == 1 {
			e.Msg = rest
		}
	}
	return e
}

func (p *Policy) document(n *yaml.Node) error {
	version := false
	err := eachPair(n, "the file", func(key, value *yaml.Node) error {
		switch key.Value {
		case "version":
			version = true
			if value.Value != fmt.Sprint(Version) {
				return at(value, "version must be %d, not %q", Version, value.Value)
			}
			return nil
		case "gates":
			return eachPair(value, "gates", p.gate)
		case "operators":
			return eachPair(value, "operators", p.operator)
		}
		return at(key, "unknown name %q; known are version, gates and operators", key.Value)
	})
	if err == nil && !version {
		return at(n, "'version: %d' is missing", Version)
	}
	return err
}

func (p *Policy) gate(key, value *yaml.Node) error {
	g, ok := findGate(key.Value)
	if !ok {
		return at(key, "unknown gate %q; known are %s", key.Value, strings.Join(gateNames(), ", "))
	}
	if value.Kind != yaml.ScalarNode {
		return at(value, "%s must be %s", g.Name, g.wants())
	}
	if err := g.set(&p.Gates, value.Value); err != nil {
		return at(value, "%s must be %s, not %q", g.Name, g.wants(), value.Value)
	}
	p.Named = append(p.Named, g.Name)
	return nil
}

// eachPair calls f for every pair of a mapping, refuses duplicates, and joins
// the errors: a person mends them in one go.
func eachPair(n *yaml.Node, what string, f func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "%s must be a mapping", what)
	}
	var errs []error
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			errs = append(errs, at(key, "%q is set twice", key.Value))
			continue
		}
		seen[key.Value] = true
		errs = append(errs, f(key, n.Content[i+1]))
	}
	return errors.Join(errs...)
}

func at(n *yaml.Node, format string, args ...any) error {
	return &Error{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// parseDuration reads Go's durations and whole days ("35d").
func parseDuration(s string) (time.Duration, error) {
	if d, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(d+"!", "%d!", &n); err != nil {
			return 0, err
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}
