package patcher

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder writes the arguments that it is called with, a call a paragraph.
const recorder = "#!/bin/bash\nprintf '%s\\n' \"${@//$'\\n'/ }\" '' >>\"$RECORD\"\n"

// submissions runs a script of a golden in bash with nothing but a recording
// spark-submit on its path, and returns the arguments of each call.
func submissions(t *testing.T, dir, script string) [][]string {
	t.Helper()
	record := filepath.Join(dir, "record")
	if err := os.WriteFile(record, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/bash", "-c", script)
	cmd.Env = []string{"PATH=" + dir, "RECORD=" + record}
	cmd.Dir = t.TempDir()
	_ = cmd.Run() // what else a script calls is not there
	out, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var calls [][]string
	for call := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n\n"), "\n\n") {
		if call != "" {
			calls = append(calls, strings.Split(call, "\n"))
		}
	}
	return calls
}

// TestArgv lets bash say what spark-submit receives before and after every
// rewrite of a golden's scripts and Bash commands: the same calls, which differ
// in nothing but the wanted values.
func TestArgv(t *testing.T) {
	py := filepath.Join(judges(t), "bin", "python")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "spark-submit"), []byte(recorder), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	compared := 0
	for _, g := range goldens(t) {
		_, res := rewrite(t, g.files, g.wants, g.house...)
		for _, p := range res.Patches {
			before, after := scriptsOf(t, py, p)
			if len(before) != len(after) {
				t.Errorf("%s: %s has %d commands after %d", g.name, p.Path, len(after), len(before))
				continue
			}
			for i := range before {
				old, now := submissions(t, dir, before[i]), submissions(t, dir, after[i])
				if len(old) != len(now) {
					t.Errorf("%s: %s submits %d times after %d", g.name, p.Path, len(now), len(old))
					continue
				}
				for k := range old {
					compared++
					if diff := unwanted(old[k], now[k], res.Outcomes); diff != "" {
						t.Errorf("%s: %s: other parts of a command differ (-before +after):\n%s", g.name, p.Path, diff)
					}
				}
			}
		}
	}
	if compared < 5 {
		t.Errorf("only %d commands were compared", compared)
	}
}

// scriptsOf returns the scripts of a file before and after a patch: the file
// itself, or the Bash commands of a DAG.
func scriptsOf(t *testing.T, py string, p Patch) (before, after []string) {
	t.Helper()
	switch filepath.Ext(p.Path) {
	case ".sh":
		return []string{string(p.Before)}, []string{string(p.After)}
	case ".py":
	default:
		return nil, nil
	}
	in, err := json.Marshal([]string{string(p.Before), string(p.After)})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), py, "testdata/bash_commands.py")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		return nil, nil // a golden whose Python does not parse
	}
	var texts [2][]string
	if err := json.Unmarshal(out, &texts); err != nil {
		t.Fatal(err)
	}
	return texts[0], texts[1]
}

// unwanted is the difference of two calls apart from what was asked for.
func unwanted(old, now []string, outcomes []Outcome) string {
	a, b := submitted(old), submitted(now)
	for key, value := range b {
		if slices.ContainsFunc(outcomes, func(o Outcome) bool {
			p := propertyOf(key)
			return o.Status == Applied && p.key == propertyOf(o.Key).key && p.same(o.To, value)
		}) {
			delete(a, key)
			delete(b, key)
		}
	}
	return cmp.Diff(a, b)
}
