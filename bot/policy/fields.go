package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/bmatcuk/doublestar/v4"
	"gopkg.in/yaml.v3"
)

// A field is one name in a section of a file: the table that says how T is read
// is also its documentation, its schema and how it is told.
type field[T any] struct {
	name, doc string
	required  bool
	schema    map[string]any
	read      func(*T, *yaml.Node) error
	value     func(T) any // for telling; nil when nothing is set
}

// readFields reads a mapping. Unknown, double and missing names are mistakes.
func readFields[T any](n *yaml.Node, what string, into *T, fields []field[T]) error {
	missing := make(map[string]bool)
	var names []string
	for _, f := range fields {
		missing[f.name] = f.required
		names = append(names, f.name)
	}
	errs := []error{eachPair(n, what, func(key, value *yaml.Node) error {
		i := slices.Index(names, key.Value)
		if i < 0 {
			return unknown(key, "name", names)
		}
		missing[key.Value] = false
		return fields[i].read(into, value)
	})}
	for _, f := range fields {
		if missing[f.name] && n.Kind == yaml.MappingNode {
			errs = append(errs, at(n, "%s needs %s", what, f.name))
		}
	}
	return errors.Join(errs...)
}

// unknown is the mistake of a name that does not exist, with the one that may
// be meant.
func unknown(key *yaml.Node, what string, known []string) error {
	for _, name := range known {
		if levenshtein.ComputeDistance(strings.ToLower(key.Value), name) <= 1+len(name)/6 {
			return at(key, "unknown %s %q; did you mean %q?", what, key.Value, name)
		}
	}
	return at(key, "unknown %s %q; known are %s", what, key.Value, list(known))
}

func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// fieldsSchema describes a section.
func fieldsSchema[T any](doc string, fields []field[T]) map[string]any {
	props := make(map[string]any)
	required := []string{}
	for _, f := range fields {
		s := map[string]any{"description": f.doc}
		maps.Copy(s, f.schema)
		props[f.name] = s
		if f.required {
			required = append(required, f.name)
		}
	}
	return map[string]any{"type": "object", "description": doc, "additionalProperties": false, "required": required, "properties": props}
}

// tellFields is a section as YAML, in the order of its table.
func tellFields[T any](v T, fields []field[T]) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		if value := f.value(v); value != nil {
			n.Content = append(n.Content, tell(f.name), tell(value))
		}
	}
	return n
}

func tell(v any) *yaml.Node {
	if n, ok := v.(*yaml.Node); ok {
		return n
	}
	var n yaml.Node
	if err := n.Encode(v); err != nil {
		panic(err) // unreachable: fields have plain values
	}
	return &n
}

// mistake says what a value must be; a value that cannot be shown in one line
// is not.
func mistake(n *yaml.Node, name, wants string) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return at(n, "%s must be %s", name, wants)
	}
	return at(n, "%s must be %s, not %q", name, wants, n.Value)
}

// isText says whether a node is a text. Numbers, dates and truth values need
// quotes to be one.
func isText(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!str" }

func isNumber(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float")
}

// numberText spells a number as Go reads it: YAML also has 3.0 and 0x3 for 3.
func numberText(n *yaml.Node) (string, bool) {
	var x float64
	if !isNumber(n) || n.Decode(&x) != nil {
		return "", false
	}
	return strconv.FormatFloat(x, 'f', -1, 64), true
}

// numberField is a whole number in a range.
func numberField[T any](name, doc string, least, most int, at func(*T) *int) field[T] {
	return field[T]{
		name: name, doc: doc,
		schema: map[string]any{"type": "integer", "minimum": least, "maximum": most},
		read: func(v *T, n *yaml.Node) error {
			var x float64 // 3.0 is a whole number, as JSON Schema has it
			if !isNumber(n) || n.Decode(&x) != nil || x != float64(int(x)) || int(x) < least || int(x) > most {
				return mistake(n, name, fmt.Sprintf("a whole number from %d to %d", least, most))
			}
			*at(v) = int(x)
			return nil
		},
		value: func(v T) any {
			if *at(&v) == 0 && least > 0 {
				return nil
			}
			return *at(&v)
		},
	}
}

// flagField is true or false, or not said.
func flagField[T any](name, doc string, at func(*T) **bool) field[T] {
	return field[T]{
		name: name, doc: doc, schema: map[string]any{"type": "boolean"},
		read: func(v *T, n *yaml.Node) error {
			var x bool
			if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&x) != nil {
				return mistake(n, name, "true or false")
			}
			*at(v) = &x
			return nil
		},
		value: func(v T) any {
			if p := *at(&v); p != nil {
				return *p
			}
			return nil
		},
	}
}

// A kind is what a text may be.
type kind struct {
	wants   string
	pattern *regexp.Regexp // the schema has it too
	valid   func(string) bool
	secret  bool // a value that is no valid one may be a secret itself
}

func (k kind) schema() map[string]any {
	return map[string]any{"type": "string", "pattern": k.pattern.String()}
}

func (k kind) read(n *yaml.Node, name string) (string, error) {
	if isText(n) && k.pattern.MatchString(n.Value) && (k.valid == nil || k.valid(n.Value)) {
		return n.Value, nil
	}
	if k.secret {
		return "", at(n, "%s must be %s", name, k.wants)
	}
	return "", mistake(n, name, k.wants)
}

var (
	// A glob's own grammar is more than a schema can say; what it refuses is
	// rare.
	glob     = kind{wants: "a glob such as dags/sales/** (quotes help against YAML's own *)", pattern: regexp.MustCompile(`^[^\x00-\x1f]+$`), valid: doublestar.ValidatePattern}
	repoGlob = kind{wants: "owner/name, or a glob of it such as acme/team-*", pattern: regexp.MustCompile(`^[^/\x00-\x20]+/[^/\x00-\x20]+$`), valid: doublestar.ValidatePattern}
)

// textField is one text of a kind.
func textField[T any](name, doc string, k kind, at func(*T) *string) field[T] {
	return field[T]{
		name: name, doc: doc, schema: k.schema(),
		read: func(v *T, n *yaml.Node) (err error) {
			s, err := k.read(n, name)
			if err == nil {
				*at(v) = s
			}
			return err
		},
		value: func(v T) any {
			if s := *at(&v); s != "" {
				return s
			}
			return nil
		},
	}
}

// listField is a list of texts of a kind, each once.
func listField[T any](name, doc string, k kind, least, most int, at func(*T) *[]string) field[T] {
	return field[T]{
		name: name, doc: doc,
		schema: map[string]any{"type": "array", "items": k.schema(), "minItems": least, "maxItems": most, "uniqueItems": true},
		read: func(v *T, n *yaml.Node) error {
			texts, err := readList(n, name, k, least, most)
			*at(v) = texts
			return err
		},
		value: func(v T) any {
			if l := *at(&v); len(l) > 0 {
				return l
			}
			return nil
		},
	}
}

func readList(n *yaml.Node, name string, k kind, least, most int) ([]string, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) < least || len(n.Content) > most {
		return nil, at(n, "%s must be a list of %d to %d texts", name, least, most)
	}
	var texts []string
	var errs []error
	for _, item := range n.Content {
		s, err := k.read(item, name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case slices.Contains(texts, s):
			errs = append(errs, at(item, "%s has %q twice", name, s))
		default:
			texts = append(texts, s)
		}
	}
	return texts, errors.Join(errs...)
}
