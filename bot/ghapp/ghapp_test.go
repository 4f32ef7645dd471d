package ghapp_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
)

// newApp is the App on a stand-in, in no hurry to wait between writes.
func newApp(t *testing.T, s *ghtest.Server, options ...func(*ghapp.Config)) *ghapp.App {
	t.Helper()
	cfg := ghapp.Config{
		AppID: s.AppID, Key: s.Key, BaseURL: s.URL, Cache: t.TempDir(), Gap: time.Nanosecond,
		Now: s.Now, Log: slog.New(slog.DiscardHandler),
	}
	for _, o := range options {
		o(&cfg)
	}
	a, err := ghapp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func files(pairs ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o644}
	}
	return out
}

func onlyRepo(t *testing.T, a *ghapp.App) bot.Repo {
	t.Helper()
	repos, err := a.Repos(t.Context())
	if err != nil || len(repos) != 1 {
		t.Fatalf("got %v, %v", repos, err)
	}
	return repos[0]
}

func observe(t *testing.T, a *ghapp.App, r bot.Repo, q bot.Query) bot.State {
	t.Helper()
	s, err := a.Observe(t.Context(), r, q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func do(t *testing.T, a *ghapp.App, r bot.Repo, e bot.Effect) bot.Receipt {
	t.Helper()
	receipt, err := a.Do(t.Context(), r, e)
	if err != nil {
		t.Fatalf("%s: %v", e.Key(), err)
	}
	return receipt
}

func contents(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The whole way: what is there, a branch, a pull request, seen again, changed
// by compare-and-swap, closed.
func TestPullRequest(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", fstest.MapFS{
		"dags/orders.py": {Data: []byte("old\n"), Mode: 0o755}, "README.md": {Data: []byte("hello\n"), Mode: 0o644},
	}, ghtest.Private())
	a := newApp(t, s)
	r := onlyRepo(t, a)
	state := observe(t, a, r, bot.Query{})
	want := bot.State{At: s.Now(), Repo: bot.Repo{ID: repo.ID, Owner: "acme", Name: "etl", Installation: repo.Installation()}, Default: "main", Head: repo.Head("main")}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	tree, err := a.Tree(t.Context(), r, state.Head)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"README.md": "hello\n", "dags/orders.py": "old\n"}, contents(t, tree)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	s.ResetCalls()
	push := bot.Push{Branch: "sparktune/orders", Parent: state.Head, Files: []bot.File{{Path: "dags/orders.py", Content: []byte("new\n")}}, Message: "tune\n"}
	first := do(t, a, r, push)
	opened := do(t, a, r, bot.OpenPull{Branch: push.Branch, Base: "main", Title: "T", Body: "B"})
	if n := len(s.Calls()); n != 6 {
		t.Errorf("a new pull request took %d calls: %v", n, s.Calls())
	}
	if got := repo.Files("sparktune/orders")["dags/orders.py"]; string(got.Data) != "new\n" || got.Mode != 0o755 {
		t.Errorf("got %q, %v", got.Data, got.Mode)
	}
	if c := repo.Commit("sparktune/orders"); !c.Verified || c.Author != "sparktune[bot]" || c.Message != "tune\n" {
		t.Errorf("got %+v", c)
	}

	state = observe(t, a, r, bot.Query{})
	want.At = s.Now()
	want.Branches = []bot.Branch{{Name: push.Branch, Head: first.Commit, Parent: want.Head, Message: "tune\n", ByUs: true}}
	want.Pulls = []bot.Pull{{
		Number: int(opened.ID), State: bot.PullOpen, Author: "sparktune", ByUs: true, Title: "T", Body: "B", Base: "main",
		BaseCommit: want.Head, Branch: push.Branch, Head: first.Commit,
	}}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	push.Was, push.Files = first.Commit, []bot.File{{Path: "dags/orders.py", Content: []byte("newer\n")}}
	second := do(t, a, r, push)
	if repo.Head(push.Branch) != second.Commit {
		t.Errorf("the branch is at %s, want %s", repo.Head(push.Branch), second.Commit)
	}
	if _, err := a.Do(t.Context(), r, push); !errors.Is(err, bot.ErrStale) {
		t.Errorf("swapped from a commit that the branch is not at: %v", err)
	}
	do(t, a, r, bot.EditPull{Number: int(opened.ID), Title: "T2", Body: "B2"})
	do(t, a, r, bot.ClosePull{Number: int(opened.ID), Branch: push.Branch, Why: "nothing left"})
	wantPull := []ghtest.Pull{{Number: 1, State: "closed", Title: "T2", Body: "B2", Branch: push.Branch, Head: second.Commit, Author: "sparktune[bot]", Comments: []ghtest.Comment{{Author: "sparktune[bot]", Body: "nothing left"}}}}
	if diff := cmp.Diff(wantPull, repo.Pulls(), cmpopts.IgnoreFields(ghtest.Comment{}, "ID")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"main"}, repo.Branches()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := observe(t, a, r, bot.Query{}).Pulls; len(p) != 1 || !p[0].ClosedByUs {
		t.Errorf("got %+v", p)
	}
}
