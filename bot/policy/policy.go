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
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	Line, Column int // from 1; 0 where it is not known
	Msg          string
	Name         string // of the file; "" means File
}

func (e *Error) Error() string {
	at := []string{cmp.Or(e.Name, File)}
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			at = append(at, strconv.Itoa(n))
		}
	}
	return strings.Join(at, ":") + ": " + e.Msg
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
		return nil, syntaxError(src, err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, at(&more, "the file has a second document; only the first would count")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(src, err)
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

// syntaxError has the place that yaml.v3 names in its text: a line, which its
// parser counts from 0 and its scanner from 1, or none for the first one.
func syntaxError(src []byte, err error) *Error {
	e := &Error{Line: 1, Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := namedLine.FindStringSubmatch(e.Msg); m != nil {
		e.Line, _ = strconv.Atoi(m[1]) // digits
		e.Msg = m[2]
		if ofParser.MatchString(e.Msg) {
			e.Line++
		}
		return e
	}
	if m := unknownAnchor.FindStringSubmatch(e.Msg); m != nil {
		e.Line, e.Column = position(src, bytes.Index(src, []byte("*"+m[1])))
	} else if ofReader.MatchString(e.Msg) {
		e.Line, e.Column = position(src, unreadable(src))
	}
	return e
}

var (
	namedLine     = regexp.MustCompile(`^line ([0-9]+): (?s:(.*))$`)
	ofParser      = regexp.MustCompile(`^(did not find expected (<|key|node|'-'|',')|found undefined tag handle|found duplicate %)`)
	ofReader      = regexp.MustCompile(`UTF-8|control characters`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// unreadable is where a text of UTF-8 has the first character that YAML does not
// take; -1 when there is none.
func unreadable(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) || r == 0xfffe || r == 0xffff {
			return i
		}
		i += n
	}
	return -1
}

// position is the line and the column, in characters, of a byte; 0 for what is
// nowhere.
func position(src []byte, i int) (line, column int) {
	if i < 0 {
		return 0, 0
	}
	before := src[:i]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:])
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
