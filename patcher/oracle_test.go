package patcher

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// cacheFolder is where the environments of tests are.
func cacheFolder(t *testing.T, name string) string {
	t.Helper()
	cache := os.Getenv("SPARKTUNE_CACHE")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache", "sparktune")
	}
	return filepath.Join(cache, name)
}

// judges returns the folder with the parsers and schemas of testdata/setup. In
// CI they are made, and the test fails where that fails.
func judges(t *testing.T) string {
	t.Helper()
	dir := cacheFolder(t, "manifests")
	if os.Getenv("CI") == "true" {
		if out, err := exec.CommandContext(t.Context(), "testdata/setup").CombinedOutput(); err != nil {
			t.Fatalf("testdata/setup: %v\n%s", err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".complete")); err != nil {
		t.Skip("no parsers to judge by: run patcher/testdata/setup")
	}
	return dir
}

type oracleCase struct {
	Path   string   `json:"path"`
	Before string   `json:"before"`
	After  string   `json:"after"`
	Values []string `json:"values"`
	Names  []string `json:"names"`
}

// TestOracle reads every golden and mini-case before and after with parsers
// that are not ours: nothing but the wanted values may differ.
func TestOracle(t *testing.T) {
	dir := judges(t)
	var cases []oracleCase
	for _, g := range goldens(t) {
		_, res := rewrite(t, g.files, g.wants, g.house...)
		for _, p := range res.Patches {
			c := oracleCase{Path: p.Path, Before: string(p.Before), After: string(p.After)}
			for _, o := range res.Outcomes {
				if o.Status == Applied {
					c.Values = append(c.Values, spellings(o.Want)...)
					c.Names = append(c.Names, "--conf", "--"+propertyOf(o.Key).flag, `\`)
				}
			}
			cases = append(cases, c)
		}
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "python"), "testdata/oracle.py", dir)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var says struct {
		Complaints []string
		Judged     int
	}
	if err := json.Unmarshal(out, &says); err != nil {
		t.Fatal(err)
	}
	for _, c := range says.Complaints {
		t.Error(c)
	}
	if len(cases) < 30 || says.Judged < 5 {
		t.Errorf("only %d files were compared, and %d manifests judged", len(cases), says.Judged)
	}
}

// spellings are the ways to write a wanted value.
func spellings(w Want) []string {
	out := []string{w.To}
	p := propertyOf(w.Key)
	for _, like := range []string{"1g", "1G", "1m", "1M", "1", "True", "true"} {
		out = append(out, p.respell(like, w.To))
	}
	if n, ok := strings.CutSuffix(w.To, "g"); ok {
		out = append(out, n) // the unit may stand outside the literal
	}
	return out
}

// TestDiffApplies gives the diffs to git, which must make the same files.
func TestDiffApplies(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	cases := goldens(t)
	for _, name := range []string{"a b/run it.sh", "a\nb.sh", "a\tb.sh", "a\"b\\n.sh", "größe.sh", "a\x01b\x7f.sh"} {
		cases = append(cases, golden{
			name: name, wants: []Want{{name + ":x", Setting{"spark.executor.memory", "8g", "5g"}}},
			files: fstest.MapFS{name: {Data: []byte("spark-submit --name x --executor-memory 8g x.py\n")}},
		})
	}
	for _, g := range cases {
		_, res := rewrite(t, g.files, g.wants, g.house...)
		if len(res.Patches) == 0 {
			continue
		}
		dir := t.TempDir()
		writeFiles(t, dir, g.files)
		cmd := exec.CommandContext(t.Context(), "git", "apply", "-")
		cmd.Dir = dir
		cmd.Stdin = strings.NewReader(Diff(res.Patches))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: git apply: %v\n%s", g.name, err, out)
			continue
		}
		for _, p := range res.Patches {
			got, err := os.ReadFile(filepath.Join(dir, p.Path))
			if err != nil || !bytes.Equal(got, p.After) {
				t.Errorf("%s: git made another %s of the diff (%v)", g.name, p.Path, err)
			}
		}
	}
}

func writeFiles(t *testing.T, dir string, files fstest.MapFS) {
	t.Helper()
	for name, f := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestApply holds what Apply accepts.
func TestApply(t *testing.T) {
	for _, c := range []struct {
		edits []Edit
		want  string // "" for an error
	}{
		{nil, "abcdef"},
		{[]Edit{{1, 2, "X"}, {2, 2, "Y"}, {5, 6, ""}}, "aXYcde"},
		{[]Edit{{6, 6, "g"}}, "abcdefg"},
		{[]Edit{{3, 2, "x"}}, ""},
		{[]Edit{{-1, 2, "x"}}, ""},
		{[]Edit{{0, 7, "x"}}, ""},
		{[]Edit{{2, 4, "x"}, {3, 5, "y"}}, ""},
		{[]Edit{{4, 5, "x"}, {1, 2, "y"}}, ""},
	} {
		got, err := Apply([]byte("abcdef"), c.edits)
		if string(got) != c.want || (err != nil) != (c.want == "") {
			t.Errorf("Apply(%v) = %q, %v; want %q", c.edits, got, err, c.want)
		}
	}
	src := []byte("abc")
	if out, _ := Apply(src, nil); &out[0] == &src[0] {
		t.Error("Apply returned its input instead of a copy")
	}
}
