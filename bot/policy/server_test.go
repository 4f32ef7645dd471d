package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"
)

// Each case of testdata/server is a server's file, and how it is told or what
// is wrong with it.
func TestParseServer(t *testing.T) {
	files, err := filepath.Glob("testdata/server/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseServer("server.yaml", ar.Files[0].Data)
			got := s.Text()
			if err != nil {
				got = err.Error() + "\n"
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is shown:\n%s", got)
			}
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

// What a configuration is told as, is that configuration.
func TestTextReadsBack(t *testing.T) {
	files, _ := filepath.Glob("testdata/server/*.txtar")
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ParseServer(name, ar.Files[0].Data)
		if err != nil {
			continue
		}
		got, err := ParseServer(name, []byte(want.Text()))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v, (-want +got):\n%s", name, err, diff)
		}
	}
	files, _ = filepath.Glob("testdata/*.txtar")
	more, _ := filepath.Glob("testdata/operators/*.txtar")
	for _, name := range append(files, more...) {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Parse(ar.Files[0].Data)
		if err != nil {
			continue
		}
		got, err := Parse([]byte(want.Text()))
		want.Named, got.Named = nil, nil // every gate is named now
		if diff := cmp.Diff(want.Text(), got.Text()); diff != "" || err != nil {
			t.Errorf("%s: error %v, (-want +got):\n%s", name, err, diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

// The schemas and the loaders accept and refuse the same documents.
func TestSchemasAgreeWithLoaders(t *testing.T) {
	repository := func(src []byte) error {
		_, err := Parse(src)
		return err
	}
	server := func(src []byte) error {
		_, err := ParseServer("server.yaml", src)
		return err
	}
	app := "app: {id: 1, private_key: env:A, webhook_secrets: [env:B], marker_key: env:C"
	grant := "access: [{repository: a/b, paths: ['**'], environments: [prod], dag_ids: ['*']"
	tests := []struct {
		what   string
		schema []byte
		load   func([]byte) error
		good   []string // each below "version: 1"
		bad    []string
	}{
		{
			"repository", Schema(), repository,
			[]string{
				"", "gates: {}", "pull_requests: {}", "ignore: []", "pull_requests: {max_open: 0}", "pull_requests: {max_open: 20}", "pull_requests: {max_open: 3.0}",
				"pull_requests: {labels: ['42']}", "ignore: [a.b, 'x/**']", "gates: {min_runs: 3.0}", "gates: {min_coverage: 1}", "gates: {max_heap: '64g'}",
				"pull_requests: {labels: [" + strings.Repeat("é", 50) + "]}",
			},
			[]string{
				"version: 2", "gates:", "gates: []", "gates: {min_runs: '3'}", "gates: {min_runs: 3.5}", "gates: {min_runs: 0}", "gates: {min_runs: true}", "gates: {max_heap: 64}",
				"gates: {min_history: 0}", "gates: {goal: cheap}", "gates: {goal: [cost]}", "gates: {colour: 1}", "gates: {min_coverage: 0.1}", "gates: {min_coverage: .5.5}",
				"pull_requests:", "pull_requests: []", "pull_requests: {max_open: -1}", "pull_requests: {max_open: 21}", "pull_requests: {max_open: '3'}", "pull_requests: {max_open: 2.5}",
				"pull_requests: {group: File}", "pull_requests: {group: }", "pull_requests: {group: [file]}", "pull_requests: {weekday: monday}",
				"pull_requests: {labels: spark}", "pull_requests: {labels: [42]}", "pull_requests: {labels: [true]}", "pull_requests: {labels: [a, a]}", "pull_requests: {labels: ['']}",
				"pull_requests: {labels: [" + strings.Repeat("é", 51) + "]}", "pull_requests: {labels: [a, b, c, d, e, f, g, h, i, j, k]}",
				"ignore: {}", "ignore: x", "ignore: [a, a]", "ignore: [1]", "ignore: ['']", "ignore: [[a]]", "colour: blue", "1: 2",
			},
		},
		{
			"server", ServerSchema(), server,
			[]string{
				"", app + "}", app + ", api_url: 'http://127.0.0.1:1/'}", "bind: ':80'", "bind: 'x:65535'", "lake: x", "database: /x/y.db", "window: sunday 00:00-24:00", "access: []",
				grant + "}]", grant + ", show_money: true, show_errors: false}]",
			},
			[]string{
				"version: '1'", "app: {}", "app: {id: 1}", app + ", api_url: github.com}", app + ", webhook_secret: x}", strings.Replace(app, "env:A", "A", 1) + "}", strings.Replace(app, "env:B", "", 1) + "}",
				strings.Replace(app, "env:B", "env:B, env:B", 1) + "}", strings.Replace(app, "id: 1", "id: 0", 1) + "}", strings.Replace(app, "id: 1", "id: one", 1) + "}",
				"bind: 8080", "bind: localhost", "bind: 'x:65536'", "bind: 'x:99999'", "lake: ''", "lake: [x]", "database: 'postgres://x/y'", "window: monday", "window: monday 4:00-8:00", "window: 2026-11-22", "window: someday 04:00-08:00",
				"access: {}", "access: [a/b]", "access:", grant + ", show_money: 'true'}]", grant + ", colour: blue}]", strings.Replace(grant, "a/b", "b", 1) + "}]",
				strings.Replace(grant, "['**']", "[]", 1) + "}]", strings.Replace(grant, "[prod]", "prod", 1) + "}]", strings.Replace(grant, ", dag_ids: ['*']", "", 1) + "}]",
			},
		},
	}
	for _, tt := range tests {
		schema := compileSchema(t, tt.schema)
		check := func(src string, want bool) {
			t.Helper()
			if !strings.Contains(src, "version:") {
				src = "version: 1\n" + src
			}
			var doc any
			schemaErr := yaml.Unmarshal([]byte(src), &doc)
			if schemaErr == nil {
				schemaErr = schema.Validate(plain(t, doc))
			}
			loadErr := tt.load([]byte(src))
			if (schemaErr == nil) != want || (loadErr == nil) != want {
				t.Errorf("%s %q: want accepted %v\nschema: %v\nloader: %v", tt.what, src, want, schemaErr, loadErr)
			}
		}
		for _, src := range tt.good {
			check(src, true)
		}
		for _, src := range tt.bad {
			check(src, false)
		}
	}
}

// plain is a document as JSON has it: names are texts.
func plain(t *testing.T, doc any) any {
	t.Helper()
	if m, ok := doc.(map[any]any); ok {
		out := make(map[string]any)
		for k, v := range m {
			out[strings.TrimSpace(toJSON(t, k))] = v
		}
		return out
	}
	return doc
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func compileSchema(t *testing.T, src []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"KEY": "from env", "BLANK": " \n"}[name] }
	for s, want := range map[Secret]string{"env:KEY": "from env", Secret("file:" + path): "from file"} {
		if got, err := s.Read(getenv); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", s, got, err)
		}
	}
	for _, s := range []Secret{"env:BLANK", "env:NOT_SET", "file:/not/there", ""} {
		if got, err := s.Read(getenv); err == nil {
			t.Errorf("%s: %q", s, got)
		}
	}
}

func TestWindowNext(t *testing.T) {
	w := Window{Day: time.Monday, From: 4 * time.Hour, To: 8 * time.Hour}
	sunday := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	seen := make(map[time.Time]bool)
	for repo := range int64(100) {
		next := w.Next(repo, sunday)
		seen[next] = true
		if y, m, d := next.Date(); y != 2026 || m != 11 || d != 23 || next.Hour() < 4 || next.Hour() > 7 {
			t.Fatalf("repository %d: %v is not in the window", repo, next)
		}
		if again := w.Next(repo, next); again != next.AddDate(0, 0, 7) {
			t.Fatalf("repository %d: %v after %v", repo, again, next)
		}
		if just := w.Next(repo, next.Add(-time.Nanosecond)); just != next {
			t.Fatalf("repository %d: %v just before %v", repo, just, next)
		}
	}
	if len(seen) < 95 {
		t.Errorf("100 repositories have %d moments", len(seen))
	}
}

func TestWindowText(t *testing.T) {
	for _, text := range []string{"monday 04:00-08:00", "sunday 00:00-24:00", "saturday 23:59-24:00"} {
		w, ok := parseWindow(text)
		if !ok || w.String() != text {
			t.Errorf("%q: %q, %v", text, w, ok)
		}
	}
	for _, text := range []string{"monday 08:00-04:00", "monday 08:00-08:00", "noday 01:00-02:00", "monday", ""} {
		if w, ok := parseWindow(text); ok {
			t.Errorf("%q: %q", text, w)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	files, _ := filepath.Glob("testdata/server/*.txtar")
	for _, name := range files {
		if ar, err := txtar.ParseFile(name); err == nil {
			f.Add(ar.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := ParseServer("server.yaml", src)
		if err != nil {
			return
		}
		if again, err := ParseServer("server.yaml", []byte(s.Text())); err != nil || again.Text() != s.Text() {
			t.Errorf("%v\n%s\n%s", err, s.Text(), again.Text())
		}
	})
}
