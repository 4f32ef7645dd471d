package webhooks

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// GitHub's own examples, of github.com and of its server, each become an event
// of the right kind. testdata/examples.golden says which.
func TestExamples(t *testing.T) {
	var b strings.Builder
	for _, host := range []string{"api.github.com", "ghes-35"} {
		for _, kind := range examples(t, host) {
			for i, ex := range kind.Examples {
				e, err := Parse(Delivery{Event: kind.Name, Body: ex})
				if err != nil {
					t.Errorf("%s %s %d: %v", host, kind.Name, i, err)
				}
				fmt.Fprintf(&b, "%s %s %d: %s\n", host, kind.Name, i, tell(e))
			}
		}
	}
	golden(t, "testdata/examples.golden", b.String())
}

func tell(e Event) string {
	if i, ok := e.Payload.(Ignored); ok {
		return "ignored: " + i.Why
	}
	return fmt.Sprintf("%T %+v of %s/%s, installation %d, by %s", e.Payload, e.Payload, e.Repo.Owner, e.Repo.Name, e.Installation, e.Sender)
}

type exampleKind struct {
	Name     string
	Examples []json.RawMessage
}

func examples(t testing.TB, host string) []exampleKind {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(examplesDir(t), "node_modules/@octokit/webhooks-examples", host, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []exampleKind
	if err := json.Unmarshal(src, &kinds); err != nil || len(kinds) < 50 {
		t.Fatalf("%d kinds of events: %v", len(kinds), err)
	}
	return kinds
}

func examplesDir(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no npm, which fetches GitHub's examples")
	}
	out, err := exec.Command("testdata/setup").Output()
	if err != nil {
		t.Fatalf("testdata/setup: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// What GitHub's examples do not have: comments on pull requests, and payloads
// with holes. Each file is a payload and what becomes of it; the first line of
// its text begins with the event.
func TestOwnExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/own/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			event, _, _ := strings.Cut(string(ar.Comment), ":")
			e, err := Parse(Delivery{Event: event, Body: ar.Files[0].Data})
			got := tell(e) + "\n"
			if err != nil {
				got = "error: " + err.Error() + "\n"
			}
			if *update {
				ar.Files = []txtar.File{ar.Files[0], {Name: "result", Data: []byte(got)}}
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommand(t *testing.T) {
	tests := []struct {
		why, body  string
		verb, args string // verb "" is no command
	}{
		{"a verb", "/sparktune report", "report", ""},
		{"without a verb", "/sparktune", "help", ""},
		{"other letters", "/SparkTune REPORT", "report", ""},
		{"arguments", "/sparktune apply  1a2b3c  --all", "apply", "1a2b3c  --all"},
		{"a verb that nobody knows", "/sparktune optimise", "optimise", ""},
		{"blank lines and Windows' line ends", "\r\n \r\n/sparktune report\r\nthanks\r\n", "report", ""},
		{"tabs", "/sparktune\treport\t", "report", ""},
		{"after a quote", "> /sparktune help\n\n/sparktune report", "report", ""},
		{"after a block of code", "```sh\n/sparktune help\n```\n/sparktune report", "report", ""},
		{"after a block in longer fences", "````\n```\n/sparktune help\n````\n/sparktune report", "report", ""},
		{"after indented code", "    /sparktune help\n\n/sparktune report", "report", ""},
		{"two commands: the first", "/sparktune report\n/sparktune apply x", "report", ""},

		{"only quoted", "> /sparktune report", "", ""},
		{"only in code", "~~~\n/sparktune report\n~~~", "", ""},
		{"in a block that is not closed", "```\n/sparktune report", "", ""},
		{"in indented code", "\t/sparktune report", "", ""},
		{"in prose", "please /sparktune report", "", ""},
		{"after prose", "Hello\n/sparktune report", "", ""},
		{"in a span of code", "`/sparktune report`", "", ""},
		{"a longer name", "/sparktunes report", "", ""},
		{"a path", "/sparktune/report", "", ""},
		{"a verb with other characters", "/sparktune $(id)", "", ""},
		{"endless", "/sparktune report " + strings.Repeat("x", maxCommand), "", ""},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			verb, args, ok := command(tt.body)
			if verb != tt.verb || args != tt.args || ok != (tt.verb != "") {
				t.Errorf("%q %q %v, want %q %q", verb, args, ok, tt.verb, tt.args)
			}
		})
	}
}

// FuzzParse: a hostile body is an error or an event, never a panic, and an event
// that will be worked names its repository or installation.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/own/*.txtar")
	for _, name := range files {
		if ar, err := txtar.ParseFile(name); err == nil {
			event, _, _ := strings.Cut(string(ar.Comment), ":")
			f.Add(event, ar.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		e, err := Parse(Delivery{Event: event, Body: body})
		if err != nil {
			return
		}
		switch p := e.Payload.(type) {
		case nil:
			t.Fatal("neither an event nor an error")
		case Ignored:
		case InstallationChanged:
			if e.Installation <= 0 {
				t.Errorf("%+v of no installation", p)
			}
		default:
			if e.Repo.ID == 0 || e.Repo.Owner == "" || e.Repo.Name == "" {
				t.Errorf("%+v of no repository", p)
			}
		}
	})
}

// FuzzCommand: whatever the comment, a command is one line of bounded length
// that is in it, with a verb of letters.
func FuzzCommand(f *testing.F) {
	f.Add("> x\n```\n/sparktune a\n```\n/sparktune report now\n")
	f.Fuzz(func(t *testing.T, body string) {
		verb, args, ok := command(body)
		if !ok {
			return
		}
		if len(verb)+len(args) > maxCommand || strings.Trim(verb, "abcdefghijklmnopqrstuvwxyz-") != "" || strings.ContainsAny(args, "\n") {
			t.Errorf("%q %q", verb, args)
		}
		if !strings.Contains(strings.ToLower(body), "/sparktune") || !strings.Contains(body, args) {
			t.Errorf("%q %q is not in the comment", verb, args)
		}
	})
}
