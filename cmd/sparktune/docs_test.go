package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/metrics.md and docs/policy.md are what the commands print.
func TestDocsAreCurrent(t *testing.T) {
	for name, want := range map[string]string{"metrics.md": metricsDoc(), "policy.md": policyDoc()} {
		path := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not current: run 'make golden'", path)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// Every link of the documents to a file of the repository leads somewhere.
func TestLinks(t *testing.T) {
	docs, _ := filepath.Glob("../../docs/*.md")
	for _, doc := range append(docs, "../../README.md", "../../CONTRIBUTING.md") {
		src, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(src), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			}
		}
	}
}

// shownJob is the job whose report the README shows, with its part of the diff.
const shownJob, shownFile = "features_weekly.build_features", "dags/features_weekly.py"

// The report in the README is what the first command prints.
func TestReadmeShowsTheReport(t *testing.T) {
	script, err := os.ReadFile("../../testdata/script/tune.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, report, _ := strings.Cut(string(script), "\n-- report.txt --\n")
	want := "```text\n" + section(t, report, shownJob+"\n") + "\n" + section(t, report, "--- a/"+shownFile+"\n") + "```\n"
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), "```text\n")
	_, after, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatal("README.md has no report")
	}
	got := strings.TrimSuffix(strings.TrimPrefix(string(readme), before), after)
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("README.md does not show what 'make demo' prints: run 'make golden'\n%s", want)
	}
	if err := os.WriteFile("../../README.md", []byte(before+want+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// section is the part of a report from a line on to the next one that starts
// another: after an empty line, or another file of the diff.
func section(t *testing.T, report, first string) string {
	t.Helper()
	i := strings.Index(report, first)
	if i < 0 {
		t.Fatalf("the report has no %q", first)
	}
	body := report[i:]
	end := len(body)
	for _, next := range []*regexp.Regexp{regexp.MustCompile(`\n\n\S`), regexp.MustCompile(`\n--- a/`)} {
		if at := next.FindStringIndex(body); at != nil {
			end = min(end, at[0]+1)
		}
	}
	return body[:end]
}
