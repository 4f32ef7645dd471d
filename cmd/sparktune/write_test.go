package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/patcher"
)

// writeTree makes a work tree of two files and the decision to change both.
func writeTree(t *testing.T) (string, bot.Decision) {
	t.Helper()
	dir := t.TempDir()
	var d bot.Decision
	for _, name := range []string{"a.py", "b.py"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old "+name), 0o640); err != nil {
			t.Fatal(err)
		}
		d.Patches = append(d.Patches, patcher.Patch{Path: name, Before: []byte("old " + name), After: []byte("new " + name)})
	}
	return dir, d
}

func testCLI() (*cli, *strings.Builder) {
	var stderr strings.Builder
	return &cli{stdout: &strings.Builder{}, stderr: &stderr, getenv: func(string) string { return "" }}, &stderr
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteKeepsModes(t *testing.T) {
	dir, d := writeTree(t)
	c, _ := testCLI()
	if err := c.write(dir, d); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "b.py"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "b.py"); got != "new b.py" || info.Mode().Perm() != 0o640 {
		t.Errorf("b.py is %q with mode %v", got, info.Mode())
	}
}

// A file that changed since it was decided on: no file is changed, and nothing
// is left behind.
func TestWriteOfChangedFileChangesNothing(t *testing.T) {
	dir, d := writeTree(t)
	if err := os.WriteFile(filepath.Join(dir, "b.py"), []byte("edited meanwhile"), 0o640); err != nil {
		t.Fatal(err)
	}
	c, _ := testCLI()
	if err := c.write(dir, d); !errors.Is(err, errChanged) {
		t.Fatalf("got %v, want errChanged", err)
	}
	if a, b := read(t, dir, "a.py"), read(t, dir, "b.py"); a != "old a.py" || b != "edited meanwhile" {
		t.Errorf("a.py is %q, b.py is %q", a, b)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*sparktune*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A link that leads out of the tree is not followed, whatever was decided.
func TestWriteStaysInTheTree(t *testing.T) {
	dir, d := writeTree(t)
	outside := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(outside, []byte("old a.py"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "a.py")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a.py")); err != nil {
		t.Fatal(err)
	}
	c, _ := testCLI()
	if err := c.write(dir, d); err == nil {
		t.Error("no error")
	}
	if got := read(t, filepath.Dir(outside), "victim"); got != "old a.py" {
		t.Errorf("victim is %q", got)
	}
}
