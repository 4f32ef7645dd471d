package lake

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sparktune/sparktune/analysis"
)

func TestOpenErrors(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, dir string) string // returns the folder to open
		want  []string
	}{
		"a file": {
			func(t *testing.T, dir string) string { return write(t, filepath.Join(dir, "file"), "") },
			[]string{"/file: a file is in the way", "--lake DIR"},
		},
		"below a file": {
			func(t *testing.T, dir string) string {
				return filepath.Join(write(t, filepath.Join(dir, "file"), ""), "lake")
			},
			[]string{"/file/lake: a file is in the way", "--lake DIR"},
		},
		"files of somebody else": {
			func(t *testing.T, dir string) string { write(t, filepath.Join(dir, "dag.py"), ""); return dir },
			[]string{"is not a lake: it has no catalog.db but holds dag.py", "--lake DIR"},
		},
		"catalog is no database": {
			func(t *testing.T, dir string) string {
				write(t, filepath.Join(dir, catalogFile), strings.Repeat("no database ", 1000))
				return dir
			},
			[]string{"catalog.db is damaged", "restore it"},
		},
		"catalog is a folder": {
			func(t *testing.T, dir string) string {
				if err := os.Mkdir(filepath.Join(dir, catalogFile), 0o700); err != nil {
					t.Fatal(err)
				}
				return dir
			},
			[]string{"not writable", "--lake DIR"},
		},
		"moved": {
			func(t *testing.T, dir string) string {
				old, moved := filepath.Join(dir, "old"), filepath.Join(dir, "new")
				l := reopen(t, old)
				put(t, l, at("a", noon, "d", "t"))
				_ = l.Close()
				if err := os.Rename(old, moved); err != nil {
					t.Fatal(err)
				}
				return moved
			},
			[]string{"/new: a file of the table is gone", "move the lake back"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := test.spoil(t, t.TempDir())
			_, err := Open(t.Context(), dir)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadOnlyFolder reads lakes that can't be written, also one that another
// user has open. It is run as another user when the tests run as root, whom no
// permission stops.
func TestReadOnlyFolder(t *testing.T) {
	if dir := os.Getenv("LAKE_READONLY"); dir != "" {
		l, err := Open(t.Context(), dir)
		if err == nil {
			defer l.Close()
			if got := runs(t, l, Query{}); len(got) != 1 {
				t.Errorf("got %d runs, want 1", len(got))
			}
			if r := verify(t, l); !r.Healthy() || r.Rows != 1 {
				t.Errorf("Verify: got %+v", r)
			}
			_, err = l.Put(t.Context(), []analysis.Run{at("b", noon, "d", "t")})
		}
		t.Logf("read: %t, got: %v", l != nil, err)
		return
	}
	top, err := os.MkdirTemp("", "lake")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chmodAll(top, 0o700); _ = os.RemoveAll(top) })
	made, open := filepath.Join(top, "made"), filepath.Join(top, "open")
	for _, dir := range []string{made, open} {
		l := reopen(t, dir)
		put(t, l, at("a", noon, "d", "t"))
		if dir == made {
			_ = l.Close()
		}
	}
	if err := chmodAll(top, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(top, "new"), made, open} {
		want := fmt.Sprintf("read: %t, got: lake %s: not writable", dir != filepath.Join(top, "new"), dir)
		cmd := exec.CommandContext(t.Context(), copyOfSelf(t), "-test.run=^TestReadOnlyFolder$", "-test.v")
		cmd.Env = append(os.Environ(), "LAKE_READONLY="+dir)
		cmd.Dir = "/"
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %q in\n%s", dir, err, want, out)
		}
	}
}

func chmodAll(top string, mode os.FileMode) error {
	return filepath.WalkDir(top, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(path, mode))
	})
}

// copyOfSelf puts the test binary where every user can run it.
func copyOfSelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "self")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "self")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, b, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLockedCatalog has somebody hold the catalog for ever.
func TestLockedCatalog(t *testing.T) {
	defer func(d time.Duration) { patience = d }(patience)
	patience = time.Millisecond
	l := openTemp(t)
	db, err := sql.Open("sqlite3", embedded(l.dir)["uri"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	if got := runs(t, l, Query{}); len(got) > 0 {
		t.Errorf("got %d runs, want none", len(got))
	}
	_, err = l.Put(t.Context(), []analysis.Run{at("a", noon, "d", "t")})
	if want := "catalog.db stays locked by another process"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	put(t, l, at("a", noon, "d", "t"))
}

// TestOddFolderNames are legal in a file system and special in a URI.
func TestOddFolderNames(t *testing.T) {
	for _, name := range []string{"with space", "100%41", "what?", "a#b", "é", "a+b", "a:b", "semi;colon&x=1"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			l := reopen(t, dir)
			put(t, l, at("a", noon, "d", "t"))
			_ = l.Close()
			again := reopen(t, dir)
			if got := runs(t, again, Query{}); len(got) != 1 {
				t.Errorf("got %d runs, want 1", len(got))
			}
			if got := put(t, again, analysis.Run{Key: analysis.Key{AppID: "b"}}); got.Added != 1 {
				t.Errorf("got %+v, want one added", got)
			}
			if _, err := os.Stat(filepath.Join(dir, "warehouse")); err != nil {
				t.Errorf("the data is elsewhere: %v", err)
			}
		})
	}
}
