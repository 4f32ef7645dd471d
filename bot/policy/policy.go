// Package policy reads .sparktune.yaml: what a repository's owners set about
// the advice they get.
//
// It is strict: an unknown name, a wrong type or a value out of range is an
// error with line and column, never a silent default. It refuses to know what
// the gates mean; that is package analysis.
package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
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
	Name         string // of the file; "" means File
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", cmp.Or(e.Name, File), e.Line, e.Column, e.Msg)
}

// Load reads the policy of a repository; without a file it is the default. One
// that is there and cannot be read is a mistake as those in it are.
func Load(fsys fs.FS) (Policy, error) {
	src, err := fs.ReadFile(fsys, File)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		if of, ok := errors.AsType[*fs.PathError](err); ok {
			err = of.Err
		}
		return Policy{}, &Error{Line: 1, Column: 1, Msg: fmt.Sprintf("the file cannot be read: %v", err)}
	}
	return Parse(src)
}

// Parse reads a policy file. Mistakes are *Error, all of them joined.
func Parse(src []byte) (Policy, error) {
	pol := Default()
	root, err := parseYAML(src)
	if err != nil {
		return Policy{}, err
	}
	if err := pol.document(root); err != nil {
		return Policy{}, err
	}
	return pol, nil
}

// maxFile is the size of a file that is still one of settings.
const maxFile = 256 << 10

// parseYAML is the root of a file of one document, without the parts of YAML
// that make a file something else than it looks.
func parseYAML(src []byte) (*yaml.Node, error) {
	if len(src) > maxFile {
		return nil, &Error{Line: 1, Column: 1, Msg: fmt.Sprintf("the file has more than %d KiB", maxFile>>10)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, &Error{Line: 1, Column: 1, Msg: "the file is empty; it needs at least 'version: 1'"}
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, at(&more, "the file has a second document; only the first would count")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	return doc.Content[0], aliases(doc.Content[0])
}

// aliases refuses *references: what they stand for is elsewhere in the file.
func aliases(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return at(n, "references such as *%s are not read; write the value", n.Value)
	}
	var errs []error
	for _, c := range n.Content {
		errs = append(errs, aliases(c))
	}
	return errors.Join(errs...)
}

func yamlText(n *yaml.Node) string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		panic(err) // unreachable: nodes of plain values
	}
	return b.String()
}

// syntaxError keeps the line that yaml.v3 has only in its text.
func syntaxError(err error) *Error {
	e := &Error{Line: 1, Column: 1, Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
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
			return readVersion(value)
		case "gates":
			return eachPair(value, "gates", p.gate)
		case "operators":
			return eachPair(value, "operators", p.operator)
		case "pull_requests":
			return readFields(value, "pull_requests", &p.Pulls, pullFields)
		case ignoreField.name:
			return ignoreField.read(p, value)
		}
		return unknown(key, "name", []string{"version", "gates", "pull_requests", "ignore", "operators"})
	})
	if err == nil && !version {
		return at(n, "'version: %d' is missing", Version)
	}
	return err
}

func readVersion(n *yaml.Node) error {
	var v float64
	if !isNumber(n) || n.Decode(&v) != nil || v != Version {
		return mistake(n, "version", fmt.Sprint(Version))
	}
	return nil
}

func (p *Policy) gate(key, value *yaml.Node) error {
	g, ok := findGate(key.Value)
	if !ok {
		return unknown(key, "gate", gateNames())
	}
	// A number in quotes is a text, and a size without its unit is a number.
	text, ok := value.Value, isText(value)
	if !g.isText() {
		text, ok = numberText(value)
	}
	if !ok || g.set(&p.Gates, text) != nil {
		return mistake(value, g.Name, g.wants())
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
	return &Error{Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
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
