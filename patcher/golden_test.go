package patcher

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the result sections of the goldens")

// A golden is a case of testdata: the comment says why it exists, "want" has a
// line "job key from to" per want ("-" for no value), "house" the operators
// that Find is taught, as JSON, "result" is what Find and Rewrite say, and every
// other section is a file of the repository.
type golden struct {
	name    string
	archive *txtar.Archive
	files   fstest.MapFS
	wants   []Want
	house   []Operator
}

func goldens(t testing.TB) []golden {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	var out []golden
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{name: name, archive: a, files: fstest.MapFS{}}
		for _, f := range a.Files {
			switch f.Name {
			case "want":
				g.wants = parseWants(t, name, f.Data)
			case "house":
				if err := json.Unmarshal(f.Data, &g.house); err != nil {
					t.Fatalf("%s: house: %v", name, err)
				}
			case "result":
			default:
				g.files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		out = append(out, g)
	}
	return out
}

func parseWants(t testing.TB, name string, data []byte) []Want {
	var out []Want
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			t.Fatalf("%s: want %q: not 'job key from to'", name, line)
		}
		n := len(f) - 3
		w := Want{Job: strings.Join(f[:n], " "), Setting: Setting{Key: f[n], From: f[n+1], To: f[n+2]}}
		if w.From == "-" {
			w.From = ""
		}
		out = append(out, w)
	}
	return out
}

// TestGolden holds what Find and Rewrite say about every form and trap.
func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.name), ".txtar"), func(t *testing.T) {
			if len(bytes.TrimSpace(g.archive.Comment)) == 0 {
				t.Error("a golden starts with a line that says why it exists")
			}
			got := report(t, g.files, g.wants, g.house...)
			if *update {
				save(t, g, got)
				return
			}
			if diff := cmp.Diff(section(g.archive, "result"), got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func save(t *testing.T, g golden, got string) {
	t.Helper()
	g.archive.Files = slices.DeleteFunc(g.archive.Files, func(f txtar.File) bool { return f.Name == "result" })
	g.archive.Files = append(g.archive.Files, txtar.File{Name: "result", Data: []byte(got)})
	if err := os.WriteFile(g.name, txtar.Format(g.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t testing.TB, fsys fs.FS, wants []Want, house ...Operator) (*Repository, Result) {
	t.Helper()
	repo, err := Find(fsys, house...)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Rewrite(fsys, repo, wants)
	if err != nil {
		t.Fatal(err)
	}
	return repo, res
}

// report prints a repository's jobs, the diff and the outcomes.
func report(t testing.TB, fsys fs.FS, wants []Want, house ...Operator) string {
	repo, res := rewrite(t, fsys, wants, house...)
	var b strings.Builder
	for _, j := range repo.Jobs {
		fmt.Fprintf(&b, "job %s (%s) %s:%d\n", j.ID, j.Operator, j.Path, j.Line)
		for _, s := range j.Sites {
			fmt.Fprintf(&b, "  %s = %s at %s:%d, %s%s\n", s.Key, s.Value, s.Path, s.Line, s.Form, remark(j, s))
		}
	}
	for _, s := range repo.Skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n", s.Path, s.Reason)
	}
	if d := Diff(res.Patches); d != "" {
		b.WriteString("\n" + d)
	}
	if len(res.Outcomes) > 0 {
		b.WriteString("\n")
	}
	for _, o := range res.Outcomes {
		fmt.Fprintf(&b, "%s %s %s -> %s", [...]string{"refused", "applied", "already"}[o.Status], o.Job, o.Key, o.To)
		if o.Path != "" {
			fmt.Fprintf(&b, " at %s:%d", o.Path, o.Line)
		}
		if o.Reason != "" {
			fmt.Fprintf(&b, ": %s", o.Reason)
		}
		b.WriteString("\n")
	}
	for _, n := range res.Notes {
		fmt.Fprintf(&b, "note %s %s:%d: %s\n", n.Job, n.Path, n.Line, n.Text)
	}
	return b.String()
}

func remark(j Job, s Site) string {
	var out string
	if s.Shadowed {
		out += ", shadowed"
	}
	if s.Dynamic != "" {
		out += ", dynamic: " + s.Dynamic
	}
	if others := slices.DeleteFunc(slices.Clone(s.Users), func(id string) bool { return id == j.ID }); len(others) > 0 {
		out += ", also feeds " + list(others, len(others)+s.MoreUsers)
	}
	return out
}

// TestInvariants checks on every golden what must hold for every input.
func TestInvariants(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.name), ".txtar"), func(t *testing.T) {
			_, res := rewrite(t, g.files, g.wants, g.house...)
			checkInvariants(t, g.files, g.wants, res, g.house...)
		})
	}
}

// checkInvariants: each want ends once; edits are all that differs and can be
// undone; the order of the wants does not matter; a second run edits nothing.
func checkInvariants(t testing.TB, files fstest.MapFS, wants []Want, res Result, house ...Operator) {
	t.Helper()
	if len(res.Outcomes) != len(wants) {
		t.Fatalf("%d outcomes for %d wants", len(res.Outcomes), len(wants))
	}
	after := patched(t, files, res)
	reversed := slices.Clone(wants)
	slices.Reverse(reversed)
	_, other := rewrite(t, files, reversed, house...)
	if diff := cmp.Diff(res.Patches, other.Patches); diff != "" {
		t.Errorf("the order of the wants matters (-as given +reversed):\n%s", diff)
	}
	_, again := rewrite(t, after, wants, house...)
	if len(again.Patches) > 0 {
		t.Errorf("rewriting the result edits it again:\n%s", Diff(again.Patches))
	}
	for i, o := range res.Outcomes {
		if o.Want != wants[i] {
			t.Errorf("outcome %d is for %+v, not for %+v", i, o.Want, wants[i])
		}
		if o.Status == Applied && again.Outcomes[i].Status != Already {
			t.Errorf("%s %s was applied, and then: %+v", o.Job, o.Key, again.Outcomes[i])
		}
		if (o.Status == Refused) != (o.Reason != "") {
			t.Errorf("outcome without a reason, or a reason without a refusal: %+v", o)
		}
	}
}

// patched returns the files with the patches applied, after checking that each
// can be undone.
func patched(t testing.TB, files fstest.MapFS, res Result) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	maps.Copy(out, files)
	for _, p := range res.Patches {
		if !bytes.Equal(p.Before, files[p.Path].Data) || len(p.Edits) == 0 {
			t.Fatalf("%s: Before is not the file, or there is no edit", p.Path)
		}
		after, err := Apply(p.Before, p.Edits)
		if err != nil || !bytes.Equal(after, p.After) {
			t.Fatalf("%s: After is not Before with the edits: %v", p.Path, err)
		}
		if undone, err := Apply(after, inverse(p)); err != nil || !bytes.Equal(undone, p.Before) {
			t.Fatalf("%s: the edits cannot be undone: %v", p.Path, err)
		}
		out[p.Path] = &fstest.MapFile{Data: after}
	}
	return out
}

// inverse returns the edits that undo a patch.
func inverse(p Patch) []Edit {
	var out []Edit
	shift := 0
	for _, e := range p.Edits {
		start := e.Start + shift
		out = append(out, Edit{start, start + len(e.New), string(p.Before[e.Start:e.End])})
		shift += len(e.New) - (e.End - e.Start)
	}
	return out
}

// TestMetamorphic: changing what does not matter about every file, and then
// rewriting, gives the same as rewriting first.
func TestMetamorphic(t *testing.T) {
	for name, change := range map[string]func(path string, text []byte) []byte{
		"crlf": func(p string, b []byte) []byte {
			if hasExt(p, ".sh", ".sh.j2") { // a carriage return is a character to the shell
				return b
			}
			return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
		},
		"bom": func(p string, b []byte) []byte {
			if !hasExt(p, ".py", ".yaml", ".yml", ".hocon") {
				return b
			}
			return append([]byte("\ufeff"), b...)
		},
		"no final newline": func(_ string, b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) },
		"non-ASCII in front": func(p string, b []byte) []byte {
			if hasExt(p, ".json") {
				return b
			}
			return append([]byte("# ä€𝄞 ältere Größen\n"), b...)
		},
		"blank line in front": func(_ string, b []byte) []byte { return append([]byte("\n"), b...) },
	} {
		for _, g := range goldens(t) {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(g.name), ".txtar"), func(t *testing.T) {
				_, res := rewrite(t, g.files, g.wants, g.house...)
				first := patched(t, g.files, res)
				changed := fstest.MapFS{}
				for p, f := range g.files {
					changed[p] = &fstest.MapFile{Data: change(p, f.Data)}
				}
				_, res2 := rewrite(t, changed, g.wants, g.house...)
				got := patched(t, changed, res2)
				for p, f := range first {
					if diff := cmp.Diff(string(change(p, f.Data)), string(got[p].Data)); diff != "" {
						t.Errorf("%s (-changed after +changed before):\n%s\n%+v", p, diff, res2.Outcomes)
					}
				}
			})
		}
	}
}

func hasExt(p string, exts ...string) bool {
	return slices.ContainsFunc(exts, func(e string) bool { return strings.HasSuffix(p, e) })
}
