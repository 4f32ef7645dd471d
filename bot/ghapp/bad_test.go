package ghapp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
)

// What every fault of a call with an effect means to a flow, and that nothing
// that it says gives a token away.
func TestFaults(t *testing.T) {
	want := map[string]string{
		"403": "denied", "403 secondary": "retry in 1m0s", "404": "denied", "409": "stale", "422": "stale", "429": "retry in 30s",
		"500": "retry in 0s, unsure", "502 after": "retry in 0s, unsure", "timeout before": "retry in 0s, unsure", "timeout after": "retry in 0s, unsure",
		"killed before": "retry in 0s, unsure", "killed after": "retry in 0s, unsure",
	}
	got := map[string]string{}
	for _, f := range ghtest.Faults(func() {}) {
		s := ghtest.New(t)
		repo := s.AddRepo("acme/etl", files("a", "1"))
		repo.Push("alice", "topic", map[string][]byte{"a": []byte("2")}, "x")
		n := repo.OpenPull("alice", "topic", "T")
		a := newApp(t, s)
		r := bot.Repo{ID: repo.ID, Owner: "acme", Name: "etl", Installation: repo.Installation()}
		s.FaultAt(1, f) // 0 mints the token
		_, err := a.Do(t.Context(), r, bot.AddComment{Pull: n, Body: "b"})
		got[f.String()] = meaning(err)
		if secret.MatchString(fmt.Sprint(err)) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var secret = regexp.MustCompile(`gh[a-z]_|eyJ|ARCHIVETOKEN`)

func meaning(err error) string {
	var retry *bot.RetryError
	switch {
	case errors.As(err, &retry) && retry.Unsure:
		return fmt.Sprintf("retry in %s, unsure", retry.After)
	case errors.As(err, &retry):
		return "retry in " + retry.After.String()
	case errors.Is(err, bot.ErrStale):
		return "stale"
	case errors.Is(err, bot.ErrDenied):
		return "denied"
	}
	return fmt.Sprint(err)
}

// A fault of what nobody sees (a tree, a commit, a token) leaves no doubt.
func TestInvisibleStepsAreSure(t *testing.T) {
	for n, step := range []string{"POST /app/installations/{installation_id}/access_tokens", "query Parent", "POST /repos/{owner}/{repo}/git/trees", "POST /repos/{owner}/{repo}/git/commits"} {
		s := ghtest.New(t)
		repo := s.AddRepo("acme/etl", files("a", "1"))
		a := newApp(t, s)
		r := bot.Repo{ID: repo.ID, Owner: "acme", Name: "etl", Installation: repo.Installation()}
		s.FaultAt(n, ghtest.TimeoutAfter)
		push := bot.Push{Branch: "sparktune/x", Parent: repo.Head("main"), Files: []bot.File{{Path: "a", Content: []byte("2")}}, Message: "m"}
		_, err := a.Do(t.Context(), r, push)
		if got := s.Calls()[n].String(); got != step {
			t.Fatalf("call %d is %s, want %s", n, got, step)
		}
		if got := meaning(err); got != "retry in 0s" {
			t.Errorf("%s: %s", step, got)
		}
	}
}

// While GitHub says to wait nothing is sent, and then it goes on.
func TestLimits(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	r := onlyRepo(t, a)
	s.RateLimit(0)
	_, err := a.Observe(t.Context(), r, bot.Query{})
	if got := meaning(err); !strings.HasPrefix(got, "retry in 59m") && got != "retry in 1h0m0s" {
		t.Errorf("got %s", got)
	}
	n := len(s.Calls())
	for range 3 {
		if _, err := a.Tree(t.Context(), r, repo.Head("main")); !strings.HasPrefix(meaning(err), "retry in") {
			t.Error(err)
		}
	}
	if len(s.Calls()) != n {
		t.Errorf("%d calls while limited", len(s.Calls())-n)
	}
	s.RateLimit(5000)
	s.Advance(time.Hour)
	observe(t, a, r, bot.Query{})
	if left := a.Usage().Left[r.Installation]; left.Calls == 0 || left.Calls > 5000 || a.Usage().Calls["query"] != 3 { // one was limited, one had an old token
		t.Errorf("got %+v", a.Usage())
	}
}

// The secondary limit of GraphQL has status 200 and does not say until when. A
// file that speaks of limits is none.
func TestLimitOfGraphQL(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", `{"errors": [{"type": "RATE_LIMITED", "message": "a secondary rate limit"}]}`))
	a := newApp(t, s)
	r := onlyRepo(t, a)
	if _, err := a.Tree(t.Context(), r, repo.Head("main")); err != nil {
		t.Fatal(err)
	}
	s.Plan(func(ghtest.Call) ghtest.Fault { return ghtest.SecondaryGraph })
	s.ResetCalls()
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute} {
		for range 3 {
			if _, err := a.Observe(t.Context(), r, bot.Query{}); meaning(err) != "retry in "+want.String() {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		s.Advance(want)
	}
	if n := len(s.Calls()); n != 2 {
		t.Errorf("%d calls", n)
	}
	s.Plan(nil)
	observe(t, a, r, bot.Query{})
}

// An end of a token that our clock did not see coming costs one more token.
func TestTokenExpires(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	r := onlyRepo(t, a)
	push := bot.Push{Branch: "sparktune/x", Parent: repo.Head("main"), Files: []bot.File{{Path: "a", Content: []byte("2")}}, Message: "m"}
	observe(t, a, r, bot.Query{})
	s.ExpireTokens()
	observe(t, a, r, bot.Query{})
	do(t, a, r, push)
	s.ExpireTokens()
	do(t, a, r, bot.OpenPull{Branch: push.Branch, Base: "main", Title: "T", Body: "B"})
	if len(repo.Pulls()) != 1 || a.Usage().Calls["token"] != 4 {
		t.Errorf("%d pull requests, %v", len(repo.Pulls()), a.Usage().Calls)
	}
}

// What a tree has: the bytes that git has, whatever an archive makes of them.
func TestTreeIsGits(t *testing.T) {
	s := ghtest.New(t)
	world := fstest.MapFS{
		".gitattributes": {Data: []byte("*.sh eol=crlf\nsecret.py export-ignore\nlatin1.txt export-ignore\nversion.txt export-subst\n"), Mode: 0o644},
		"run.sh":         {Data: []byte("one\ntwo\n"), Mode: 0o755},
		"secret.py":      {Data: []byte("left out of archives\n"), Mode: 0o644},
		"version.txt":    {Data: []byte("$Format:%H$\n"), Mode: 0o644},
		"latin1.txt":     {Data: []byte("caf\xe9\n"), Mode: 0o644},
		"empty":          {Data: []byte{}, Mode: 0o644},
		"link":           {Data: []byte("run.sh"), Mode: fs.ModeSymlink | 0o777},
		"model.bin":      {Data: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"), Mode: 0o644},
		"big.csv":        {Data: bytes.Repeat([]byte("x"), 3<<20), Mode: 0o644},
	}
	want := map[string]string{}
	for i := range 60 {
		world[fmt.Sprintf("dags/d%02d/dag.py", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "dag %d\n", i), Mode: 0o644}
	}
	for p, f := range world {
		if !slices.Contains([]string{"link", "model.bin", "big.csv"}, p) {
			want[p] = string(f.Data)
		}
	}
	repo := s.AddRepo("acme/etl", world, ghtest.Private())
	repo.Submodule("alice", "vendor/lib")
	const (
		archive = "GET /_codeload"
		blob    = "GET /repos/{owner}/{repo}/git/blobs/{file_sha}"
		listing = "GET /repos/{owner}/{repo}/git/trees/{tree_sha}"
		link    = "GET /repos/{owner}/{repo}/tarball/{ref}"
		mint    = "POST /app/installations/{installation_id}/access_tokens"
		blobs   = "query Blobs"
	)
	cold, warm := newApp(t, s), newApp(t, s)
	r := onlyRepo(t, cold)
	if _, err := warm.Tree(t.Context(), r, repo.Head("main")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		app   *ghapp.App
		limit int
		kinds []string
	}{
		{"cold", cold, 100_000, []string{archive, blob, listing, link, blobs}},
		{"from the cache", warm, 100_000, nil},
		{"too large for one listing", newApp(t, s), 70, []string{archive, blob, listing, link, mint, blobs}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.TreeLimit(c.limit)
			s.ResetCalls()
			tree, err := c.app.Tree(t.Context(), r, repo.Head("main"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, contents(t, tree)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var kinds []string
			for _, call := range s.Calls() {
				kinds = append(kinds, call.String())
			}
			slices.Sort(kinds)
			if diff := cmp.Diff(c.kinds, slices.Compact(kinds)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A file of 100 MB is neither fetched nor a reason to fetch an archive.
func TestHugeFileCostsNothing(t *testing.T) {
	s := ghtest.New(t)
	world := fstest.MapFS{"huge.parquet": {Data: make([]byte, 100<<20), Mode: 0o644}}
	for i := range 120 {
		world[fmt.Sprintf("d%d.py", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "%d", i), Mode: 0o644}
	}
	repo := s.AddRepo("acme/etl", world)
	a := newApp(t, s)
	r := onlyRepo(t, a)
	s.ResetCalls()
	tree, err := a.Tree(t.Context(), r, repo.Head("main"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(contents(t, tree)); n != 120 || len(s.Calls()) != 4 {
		t.Errorf("%d files in %d calls: %v", n, len(s.Calls()), s.Calls())
	}
}

// Repositories that are not as they were, or may not be touched.
func TestBadRepositories(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		spoil func(s *ghtest.Server, r *ghtest.Repo)
		look  string
		write string
	}{
		"archived":     {func(_ *ghtest.Server, r *ghtest.Repo) { r.Archive() }, "archived", "denied"},
		"renamed":      {func(_ *ghtest.Server, r *ghtest.Repo) { r.Rename("elt") }, "acme/elt", "denied"},
		"force-pushed": {func(_ *ghtest.Server, r *ghtest.Repo) { r.ForcePush("alice", "main", files("b", "1")) }, "acme/etl", "<nil>"},
		"suspended":    {func(s *ghtest.Server, _ *ghtest.Repo) { s.Suspend("acme") }, "denied", "denied"},
		"uninstalled":  {func(s *ghtest.Server, _ *ghtest.Repo) { s.Uninstall("acme") }, "denied", "denied"},
		"not granted":  {func(s *ghtest.Server, _ *ghtest.Repo) { s.Grant("contents", "read") }, "acme/etl", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			s := ghtest.New(t)
			repo := s.AddRepo("acme/etl", files("a", "1"), ghtest.Private())
			a := newApp(t, s)
			r := onlyRepo(t, a)
			push := bot.Push{Branch: "sparktune/x", Parent: repo.Head("main"), Files: []bot.File{{Path: "a", Content: []byte("2")}}, Message: "m"}
			c.spoil(s, repo)
			state, err := a.Observe(ctx, r, bot.Query{})
			look := state.Repo.String()
			switch {
			case err != nil:
				look = meaning(err)
			case state.Archived:
				look = "archived"
			}
			if look != c.look {
				t.Errorf("looked: %s, want %s (%v)", look, c.look, err)
			}
			if _, err := a.Do(ctx, r, push); meaning(err) != c.write {
				t.Errorf("wrote: %v, want %s", err, c.write)
			}
		})
	}
}

func TestEmptyRepository(t *testing.T) {
	s := ghtest.New(t)
	s.AddRepo("acme/etl", nil)
	a := newApp(t, s)
	if state := observe(t, a, onlyRepo(t, a), bot.Query{}); state.Head != "" || state.Default != "" {
		t.Errorf("got %+v", state)
	}
}

// What is not ours to write is refused before anything is called.
func TestRefusals(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", fstest.MapFS{
		"a": {Data: []byte("1"), Mode: 0o644}, "link": {Data: []byte("a"), Mode: fs.ModeSymlink | 0o777}, ".github/workflows/ci.yml": {Data: []byte("on: push"), Mode: 0o644},
	})
	repo.Submodule("alice", "sub")
	a := newApp(t, s)
	r := onlyRepo(t, a)
	for name, c := range map[string]struct {
		push bot.Push
		want string
	}{
		"another's branch": {bot.Push{Branch: "main", Files: []bot.File{{Path: "a"}}}, "denied"},
		"a workflow":       {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: ".github/workflows/ci.yml"}}}, "denied"},
		"out of the tree":  {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: "../a"}}}, "denied"},
		"a link":           {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: "link"}}}, "denied"},
		"a submodule":      {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: "sub"}}}, "denied"},
		"a pointer":        {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: "a", Content: []byte("version https://git-lfs.github.com/spec/v1\n")}}}, "denied"},
		"a new file":       {bot.Push{Branch: "sparktune/x", Files: []bot.File{{Path: "new"}}}, "stale"},
		"no such commit":   {bot.Push{Branch: "sparktune/x", Parent: strings.Repeat("1", 40), Files: []bot.File{{Path: "a"}}}, "stale"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.push.Parent == "" {
				c.push.Parent = repo.Head("main")
			}
			if _, err := a.Do(t.Context(), r, c.push); meaning(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if diff := cmp.Diff([]string{"main"}, repo.Branches()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A pull request with all that a command or a review asks of it.
func TestObservePull(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"), ghtest.Private())
	head := repo.Push("alice", "topic", map[string][]byte{"a": []byte("2"), "b": []byte("3")}, "x")
	n := repo.OpenPull("alice", "topic", "T")
	for i := range 150 {
		repo.Comment("bob", n, fmt.Sprint(i))
	}
	asked := repo.Comment("alice", n, "/sparktune report")
	a := newApp(t, s)
	r := onlyRepo(t, a)
	notes := slices.Repeat([]bot.Annotation{{Path: "a", Line: 1, Level: "notice", Title: "t", Text: "x"}}, 120)
	do(t, a, r, bot.AddComment{Pull: n, For: "1", Body: "ours"})
	do(t, a, r, bot.React{Comment: asked, Content: "eyes"})
	check := do(t, a, r, bot.Conclude{Head: head, ExternalID: "e", Conclusion: "neutral", Title: "t", Summary: "s", Notes: notes})
	state := observe(t, a, r, bot.Query{Pull: n, Comment: asked, Login: "alice"})
	want := &bot.Pull{
		Number: n, State: bot.PullOpen, Author: "alice", Title: "T", Base: "main", BaseCommit: repo.Head("main"),
		Branch: "topic", Head: head, Files: []string{"a", "b"},
	}
	if diff := cmp.Diff(want, state.Pull); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := state.Comments; len(c) != 152 || c[0].Body != "0" || c[151].Body != "ours" || !c[151].ByUs || c[0].ByUs {
		t.Errorf("%d comments, %+v", len(c), c[len(c)-1])
	}
	if diff := cmp.Diff(&bot.Comment{ID: asked, Author: "alice", Body: "/sparktune report"}, state.Comment); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bot.Check{{ID: check.ID, ExternalID: "e", Conclusion: "neutral"}}, state.Checks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := len(repo.Checks()[0].Annotations); got != 120 || state.Permission != bot.PermissionWrite {
		t.Errorf("%d annotations, permission %d", got, state.Permission)
	}
	for login, want := range map[string]bot.Permission{"nobody": bot.PermissionNone, "bob": bot.PermissionNone, "sparktune[bot]": bot.PermissionNone} {
		if got := observe(t, a, r, bot.Query{Login: login}).Permission; got != want {
			t.Errorf("%s may %d", login, got)
		}
	}
	repo.DeleteComment(asked)
	if gone := observe(t, a, r, bot.Query{Pull: n + 1, Comment: asked}); gone.Pull != nil || gone.Comment != nil {
		t.Errorf("got %+v", gone)
	}
	fork := repo.ForkPull("mallory", map[string][]byte{"a": []byte("x")}, "F")
	for range 2 {
		if p := observe(t, a, r, bot.Query{Pull: fork}).Pull; !p.Fork || p.ByUs {
			t.Errorf("got %+v", p)
		}
		repo.DropFork(fork)
	}
}

// Nothing changed: one query tells, and old pull requests are found by number.
func TestObserveIsOneQuery(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	r := onlyRepo(t, a)
	do(t, a, r, bot.Push{Branch: "sparktune/x", Parent: repo.Head("main"), Files: []bot.File{{Path: "a", Content: []byte("2")}}, Message: "m"})
	ours := int(do(t, a, r, bot.OpenPull{Branch: "sparktune/x", Base: "main", Title: "T", Body: "B"}).ID)
	repo.Close("alice", ours)
	repo.DeleteBranch("alice", "sparktune/x")
	for i := range 110 {
		branch := fmt.Sprintf("b%d", i)
		repo.Push("alice", branch, map[string][]byte{"a": []byte(branch)}, "x")
		repo.OpenPull("alice", branch, branch)
	}
	s.ResetCalls()
	if got := observe(t, a, r, bot.Query{}).Pulls; len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	got := observe(t, a, r, bot.Query{Known: []int{ours, 999}}).Pulls
	if len(got) != 1 || got[0].Number != ours || got[0].State != bot.PullClosed || got[0].ClosedByUs {
		t.Errorf("got %+v", got)
	}
	if calls := s.Calls(); len(calls) != 2 || calls[0].String() != "query Observe" || calls[0].Write {
		t.Errorf("got %v", calls)
	}
}

// Who commits in our name without our key is not us.
func TestNotOurs(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	repo.Push("sparktune[bot]", "sparktune/x", map[string][]byte{"a": []byte("2")}, "forged")
	repo.Push("sparktune", "sparktune/y", map[string][]byte{"a": []byte("2")}, "a person's")
	repo.OpenPull("sparktune", "sparktune/y", "a person's")
	a := newApp(t, s)
	state := observe(t, a, onlyRepo(t, a), bot.Query{})
	if len(state.Branches) != 2 || state.Branches[0].ByUs || state.Branches[1].ByUs || len(state.Pulls) != 0 {
		t.Errorf("got %+v", state)
	}
}

// Enterprise Server has its REST API below /api/v3 and GraphQL beside it.
func TestEnterprise(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s, func(c *ghapp.Config) { c.BaseURL = s.Enterprise() + "/" })
	r := onlyRepo(t, a)
	if got := observe(t, a, r, bot.Query{}).Head; got != repo.Head("main") {
		t.Errorf("got %s", got)
	}
	if _, err := a.Tree(t.Context(), r, repo.Head("main")); err != nil {
		t.Error(err)
	}
}

// An archive that cannot be had tells nothing of its token, in errors or logs.
func TestNothingTellsTokens(t *testing.T) {
	s := ghtest.New(t)
	world := fstest.MapFS{}
	for i := range 60 {
		world[fmt.Sprint(i)] = &fstest.MapFile{Data: []byte(fmt.Sprint(i)), Mode: 0o644}
	}
	repo := s.AddRepo("acme/etl", world, ghtest.Private())
	var log bytes.Buffer
	a := newApp(t, s, func(c *ghapp.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Transport = broken{}
	})
	_, err := a.Tree(t.Context(), bot.Repo{ID: repo.ID, Owner: "acme", Name: "etl", Installation: repo.Installation()}, repo.Head("main"))
	if err == nil || secret.MatchString(err.Error()) || secret.MatchString(log.String()) || !strings.Contains(err.Error(), "REDACTED") {
		t.Errorf("%v\n%s", err, log.String())
	}
}

// broken fails archives, and quotes all that it knows while it does.
type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "_codeload") {
		return nil, fmt.Errorf("cannot reach %s with Bearer ghs_4711_eyJhbGciOiJSUzI1NiJ9.e30.sig-nature and github_pat_11AAA", r.URL)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A blob that was changed on disk is as good as none, and the folder stays
// about as large as it may be.
func TestCache(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", strings.Repeat("a", 900), "b", strings.Repeat("b", 900)))
	a := newApp(t, s, func(c *ghapp.Config) { c.CacheBytes = 1000 })
	r := onlyRepo(t, a)
	for range 2 {
		s.ResetCalls()
		tree, err := a.Tree(t.Context(), r, repo.Head("main"))
		if err != nil || len(contents(t, tree)) != 2 {
			t.Fatal(tree, err)
		}
		if len(s.Calls()) == 0 { // not all of it fits
			t.Errorf("got %v", s.Calls())
		}
	}
}
