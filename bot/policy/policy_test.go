package policy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the golden files")

// Each case of testdata is a policy file and the errors, or the gates that it
// sets, that come of it.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(Parse(ar.Files[0].Data))
			if *update {
				ar.Files = []txtar.File{ar.Files[0], {Name: "result", Data: []byte(got)}}
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func describe(p Policy, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, name := range p.Named {
		g, _ := findGate(name)
		b.WriteString(name + " " + g.Text(p.Gates) + "\n")
	}
	if !cmp.Equal(p.Pulls, Default().Pulls) {
		b.WriteString(yamlText(tellFields(p.Pulls, pullFields)))
	}
	for _, pattern := range p.Ignore {
		b.WriteString("ignore " + pattern + "\n")
	}
	return b.String()
}

// Where YAML itself is wrong, the place is the one that its parser means, and a
// column is told only where it is known.
func TestPlaceOfSyntaxErrors(t *testing.T) {
	for src, want := range map[string]string{
		"version: 1\ngates:\n  a: [1, 2\n  b: 3\n":  ":3: did not find expected ',' or ']'",
		"version: 1\ngates: {a: 1\n":                ":2: did not find expected ',' or '}'",
		"gates: {a: 1\nversion: 1\n":                ":2: did not find expected ',' or '}'",
		"version: 1\n- x\n":                         ":2: did not find expected key",
		"version: 1\na: b: c\n":                     ":2: mapping values are not allowed in this context",
		"x: @foo\n":                                 ":1: found character that cannot start any token",
		"version: 1\n\tb: 1\n":                      ":2: found a tab character that violates indentation",
		"version: 1\né: \x01\n":                     ":2:4: control characters are not allowed",
		"version: 1\na: \xff\n":                     ":2:4: invalid leading UTF-8 octet",
		"\xef\xbb\xbfversion: 1\nab\xc3: \n":        ":2:3: invalid trailing UTF-8 octet",
		"version: 1\nignore: *nope\n":               ":2:9: unknown anchor 'nope' referenced",
		"version: 1\ngates: {}\n---\na: [1\nb: 2\n": ":4: did not find expected ',' or ']'",
	} {
		_, err := Parse([]byte(src))
		if got := fmt.Sprint(err); got != File+want {
			t.Errorf("%q: %s, want %s", src, got, want)
		}
	}
}

func TestLoadWithoutFileIsDefault(t *testing.T) {
	got, err := Load(fstest.MapFS{})
	if diff := cmp.Diff(Default(), got); diff != "" || err != nil {
		t.Errorf("err %v, (-want +got):\n%s", err, diff)
	}
}

// The default of every gate must be a value that the file could set, and read
// back as itself.
func TestDefaultsAreInRange(t *testing.T) {
	for _, g := range Gates {
		def := Default().Gates
		text := g.Text(def)
		got := def
		if err := g.set(&got, text); err != nil {
			t.Errorf("%s: default %q: %v", g.Name, text, err)
		}
		if got != def {
			t.Errorf("%s: %q does not read back", g.Name, text)
		}
	}
}

// The schema and the loader agree on the cases, but for what a schema cannot
// say: ranges of durations and sizes, and mistakes of YAML itself.
func TestSchemaAgreesWithLoader(t *testing.T) {
	schema := compile(t)
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := yaml.Unmarshal(ar.Files[0].Data, &doc); err != nil {
			continue
		}
		_, loadErr := Parse(ar.Files[0].Data)
		schemaErr := schema.Validate(doc)
		if schemaErr != nil && loadErr == nil {
			t.Errorf("%s: the schema refuses what the loader takes: %v", name, schemaErr)
		}
		if strings.Contains(string(ar.Comment), "schema refuses") && schemaErr == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range files {
		if ar, err := txtar.ParseFile(name); err == nil {
			f.Add(ar.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := Parse(src)
		if err != nil {
			return
		}
		for _, g := range Gates { // whatever was read is in range
			again := p.Gates
			if err := g.set(&again, g.Text(p.Gates)); err != nil {
				t.Errorf("%s: %q out of range", g.Name, g.Text(p.Gates))
			}
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"35d": 35 * 24 * time.Hour, "90s": 90 * time.Second, "0d": 0} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"d", "1.5d", "35 d", "3x", ""} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", text, d)
		}
	}
}
