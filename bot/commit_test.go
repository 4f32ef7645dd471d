package bot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const someCommit = "1f7391f92b6a3792204e07e99f71f643cc35e7e1"

func TestHeadCommit(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		tree fstest.MapFS
		want string
	}{
		"no git":        {fstest.MapFS{}, ""},
		"branch":        {fstest.MapFS{".git/HEAD": file("ref: refs/heads/main\n"), ".git/refs/heads/main": file(someCommit + "\n")}, someCommit},
		"packed branch": {fstest.MapFS{".git/HEAD": file("ref: refs/heads/main\n"), ".git/packed-refs": file("# pack-refs\n" + someCommit + " refs/heads/main\n")}, someCommit},
		"detached":      {fstest.MapFS{".git/HEAD": file(someCommit + "\n")}, someCommit},
		"unborn branch": {fstest.MapFS{".git/HEAD": file("ref: refs/heads/main\n")}, ""},
		"hostile ref":   {fstest.MapFS{".git/HEAD": file("ref: ../../etc/passwd\n")}, ""},
		"no object id":  {fstest.MapFS{".git/HEAD": file("hello\x1b[2J")}, ""},
	} {
		if got := HeadCommit(c.tree); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// git itself agrees, before and after it packs its refs.
func TestHeadCommitAgreesWithGit(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", "x")
	git("commit", "-qm", "x")
	for range 2 {
		if got, want := HeadCommit(os.DirFS(dir)), git("rev-parse", "HEAD"); got != want {
			t.Errorf("got %q, git says %q", got, want)
		}
		git("pack-refs", "--all")
	}
}
