package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/bot/store"
	"github.com/sparktune/sparktune/prompts"
)

// The flows are tried with nothing of ours replaced: the GitHub client against
// the stand-in that GitHub's own descriptions judge, the store on SQLite, the
// repository and the event logs of testdata.

var update = flag.Bool("update", false, "write the golden files")

const features = "dags/features_weekly.py"

// A world is a repository on a GitHub, and a process of sparktune.
type world struct {
	t     *testing.T
	hub   *ghtest.Server
	repo  *ghtest.Repo
	dag   string // a file of it, that has a Spark job
	name  string // it is called when it is looked at first
	first string // commit
	runs  []analysis.Run
	// outage is why the runs cannot be read just now.
	outage error
	slow   time.Duration // that it takes to read the runs
	grant  policy.Grant
	db     string
	cache  string
	store  *store.Store
	bot    *bot.Bot
}

// everything is a Grant of all metrics to acme/dags.
func everything() policy.Grant {
	return policy.Grant{Repository: "acme/dags", Paths: []string{"**"}, Environments: []string{"*"}, DAGIDs: []string{"*"}}
}

// newWorld has one DAG file of testdata/repo, with one thing to change.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, features)
}

// newWorldWith has one DAG file of testdata/repo and its policy.
func newWorldWith(t *testing.T, dag string) *world {
	t.Helper()
	files := fstest.MapFS{}
	for _, path := range []string{dag, policy.File} {
		b, err := os.ReadFile(filepath.Join("../testdata/repo", path))
		if err != nil {
			t.Fatal(err)
		}
		files[path] = &fstest.MapFile{Data: b}
	}
	w := newWorldOf(t, files)
	w.dag = dag
	return w
}

func newWorldOf(t *testing.T, files fs.FS) *world {
	t.Helper()
	w := &world{t: t, name: "dags", hub: ghtest.New(t), runs: measured(t), grant: everything(), db: filepath.Join(t.TempDir(), "state.db"), cache: t.TempDir()}
	w.hub.Advance(asOf.Sub(w.hub.Now()))
	w.repo = w.hub.AddRepo("acme/dags", files)
	w.first = w.repo.Head("main")
	w.repo.Role("bob", "read")
	w.boot()
	return w
}

// boot starts a process: nothing but the database and the forge outlives one.
func (w *world) boot() {
	w.t.Helper()
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	app, err := ghapp.New(ghapp.Config{
		AppID: w.hub.AppID, Key: w.hub.Key, BaseURL: w.hub.URL, Cache: w.cache,
		Gap: time.Nanosecond, Now: w.hub.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store, err = store.Open(context.Background(), w.db, store.Options{Now: w.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.store.Close() })
	w.bot = &bot.Bot{
		Forge: app, Trees: app, Source: source{w}, Memory: w.store, Server: policy.Server{Grants: []policy.Grant{w.grant}},
		Key: []byte("a key of a test"), Now: w.now, Log: slog.New(slog.DiscardHandler),
	}
}

// now is the hub's clock, which starts after the event logs.
func (w *world) now() time.Time { return w.hub.Now() }

var asOf = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

type source struct{ w *world }

func (s source) Runs(context.Context, time.Time, time.Time) ([]analysis.Run, error) {
	s.w.hub.Advance(s.w.slow)
	return s.w.runs, s.w.outage
}

func (s source) Profiles(context.Context, []analysis.Key) (map[analysis.Key]analysis.RunProfile, error) {
	return nil, nil // of these runs none is simulated
}

// measured are the runs of the repository's own event logs.
var measured = func() func(*testing.T) []analysis.Run {
	read := sync.OnceValues(func() ([]analysis.Run, error) {
		files := os.DirFS("../testdata/eventlogs")
		logs, _, err := eventlog.Find(files, ".")
		if err != nil {
			return nil, err
		}
		var runs []analysis.Run
		for _, l := range logs {
			r, err := eventlog.Read(files, l)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r...)
		}
		return runs, nil
	})
	return func(t *testing.T) []analysis.Run {
		t.Helper()
		runs, err := read()
		if err != nil || len(runs) == 0 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		return runs
	}
}()

func (w *world) ref() bot.Repo {
	return bot.Repo{ID: w.repo.ID, Owner: "acme", Name: w.name, Installation: w.repo.Installation()}
}

func (w *world) weekly(ctx context.Context) error {
	_, err := w.bot.Weekly(ctx, w.ref())
	return err
}

// week is one pass that must not fail; it returns what was written and why the
// rest was left.
func (w *world) week() (writes int, left string) {
	w.t.Helper()
	w.hub.ResetCalls()
	out, err := w.bot.Weekly(context.Background(), w.ref())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range out.Left {
		left += l.Scope + ": " + l.Why + "\n"
	}
	return w.writes(), left
}

func (w *world) writes() int {
	n := 0
	for _, c := range w.hub.Calls() {
		if c.Write && !strings.HasSuffix(c.Route, "access_tokens") {
			n++
		}
	}
	return n
}

// the is the only pull request of the world.
func (w *world) the() ghtest.Pull {
	w.t.Helper()
	pulls := w.repo.Pulls()
	if len(pulls) != 1 {
		w.t.Fatalf("%d pull requests", len(pulls))
	}
	return pulls[0]
}

// judge makes the repository be judged by another gate than before, so that
// other sizes are proposed.
func (w *world) judge(gate string) {
	w.t.Helper()
	file := w.repo.Files("main")[policy.File]
	w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte(string(file.Data) + "  " + gate + "\n")}, "another gate")
}

// The repository gets its pull request; when nothing changed, nothing is
// written; and the pull request says what it must.
func TestWeekly(t *testing.T) {
	w := newWorld(t)
	if _, left := w.week(); left != features+": pull request 1 says it\n" {
		t.Errorf("left: %s", left)
	}
	var calls []string
	for _, c := range w.hub.Calls() {
		calls = append(calls, c.Route)
	}
	loaded := slices.IndexFunc(calls, func(r string) bool { return r == "query Parent" })
	if after := len(calls) - loaded; loaded < 0 || after > 8 {
		t.Errorf("%d calls after loading", after)
	}
	t.Logf("loading: %d calls; after it: %s", loaded, strings.Join(calls[loaded:], ", "))
	p := w.the()
	if p.State != "open" || !strings.HasPrefix(p.Branch, "sparktune/") || p.Author != w.hub.Slug+"[bot]" {
		t.Errorf("got %+v", p)
	}
	before, now := w.repo.Files("main"), w.repo.Files(p.Branch)
	want := strings.Replace(string(before[features].Data), "        },\n    )", "        },\n        executor_memory=\"2g\",\n    )", 1)
	if diff := cmp.Diff(want, string(now[features].Data)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	now[features] = before[features]
	if diff := cmp.Diff(before, now); diff != "" {
		t.Errorf("other files changed:\n%s", diff)
	}
	if c := w.repo.Commit(p.Branch); !c.Verified || !slices.Equal(c.Parents, []string{w.repo.Head("main")}) {
		t.Errorf("the commit is %+v", c)
	}
	golden(t, "testdata/pull.md", p.Title+"\n\n"+p.Body)
	if len([]rune(p.Body)) > 58_000 {
		t.Errorf("%d characters", len([]rune(p.Body)))
	}

	for range 2 {
		w.hub.Advance(7 * 24 * time.Hour)
		w.boot() // the tokens of a week ago are gone
		w.week()
		var writes, queries, others int
		for _, c := range w.hub.Calls() {
			switch {
			case strings.HasPrefix(c.Route, "query "):
				queries++
			case strings.HasSuffix(c.Route, "access_tokens"): // one an hour
			case c.Write:
				writes++
			default:
				others++
			}
		}
		if writes != 0 || queries != 1 || others != 0 {
			t.Errorf("unchanged: %d writes, %d queries, %d other calls: %v", writes, queries, others, w.hub.Calls())
		}
	}
}

// A repository of ten DAGs gets a pull request for each file with something to
// change, the one that saves most first, and no more than are asked for; or one
// for all of them.
func TestWeeklyGroups(t *testing.T) {
	for setting, want := range map[string]int{
		"":                                   3,
		"pull_requests: {max_open: 1}":       1,
		"pull_requests: {max_open: 0}":       0,
		"pull_requests: {group: repository}": 1,
	} {
		w := newWorldOf(t, os.DirFS("../testdata/repo"))
		if setting != "" {
			file := w.repo.Files("main")[policy.File]
			w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte(string(file.Data) + setting + "\n")}, "grouped")
		}
		_, left := w.week()
		pulls := w.repo.Pulls()
		if len(pulls) != want {
			t.Fatalf("%q: %d pull requests; left: %s", setting, len(pulls), left)
		}
		if writes, left := w.week(); writes != 0 {
			t.Errorf("%q, again: %d writes\n%s", setting, writes, left)
		}
		if strings.Contains(setting, "repository") {
			golden(t, "testdata/pull whole repository.md", pulls[0].Title+"\n\n"+pulls[0].Body)
		}
	}
}

// A file that may not be written is the matter of its own proposal: it is said,
// and the others are made.
func TestWeeklyGoesOn(t *testing.T) {
	w := newWorldOf(t, os.DirFS("../testdata/repo"))
	file := w.repo.Files("main")[features]
	w.repo.Push("alice", "main", map[string][]byte{features: nil, ".gitlab/" + features: file.Data}, "moved")
	for range 2 {
		err := w.weekly(t.Context())
		if !errors.Is(err, bot.ErrDenied) || !strings.Contains(err.Error(), ".gitlab/"+features+": push ") {
			t.Errorf("got %v", err)
		}
		if n := len(w.repo.Pulls()); n != 2 {
			t.Errorf("%d pull requests", n)
		}
	}
}

// A policy that is there but no file that can be read is a mistake, and not the
// policy of a repository that has none.
func TestPolicyThatIsNoFile(t *testing.T) {
	for why, file := range map[string]*fstest.MapFile{
		"a link":    {Data: []byte("rules.yaml"), Mode: fs.ModeSymlink | 0o777},
		"a pointer": {Data: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")},
		"more than": {Data: []byte("version: 1\n#" + strings.Repeat("x", 2<<20))},
	} {
		dag, err := os.ReadFile(filepath.Join("../testdata/repo", features))
		if err != nil {
			t.Fatal(err)
		}
		w := newWorldOf(t, fstest.MapFS{features: {Data: dag}, "rules.yaml": {Data: []byte("version: 1\n")}, policy.File: file})
		for range 2 { // once from the cache
			if writes, left := w.week(); writes != 0 || !strings.Contains(left, policy.File+":1:1: the file cannot be read: it ") || !strings.Contains(left, why) {
				t.Errorf("%s: %d writes, left:\n%s", why, writes, left)
			}
		}
		pull := w.change(features, "OutOfMemoryError", "OOM")
		if _, err := w.bot.Review(t.Context(), w.ref(), pull, ""); err != nil {
			t.Fatal(err)
		}
		if c := w.repo.Checks()[0]; c.Conclusion != "neutral" || !strings.Contains(c.Summary, why) {
			t.Errorf("%s: the check is %+v", why, c)
		}
	}
}

// Labels are set once: one that a person removes stays removed.
func TestWeeklyLabels(t *testing.T) {
	w := newWorld(t)
	file := w.repo.Files("main")[policy.File]
	w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte(string(file.Data) + "pull_requests: {labels: [spark, sparktune]}\n")}, "labelled")
	w.week()
	if got := w.the().Labels; !slices.Equal(got, []string{"spark", "sparktune"}) {
		t.Errorf("got %v", got)
	}
	if writes, _ := w.week(); writes != 0 {
		t.Errorf("again: %d writes", writes)
	}
}

// What was measured moves: the same pull request is brought up to date.
func TestWeeklyUpdates(t *testing.T) {
	w := newWorld(t)
	w.week()
	first := w.the()
	w.judge("max_grow: 1.5")
	w.week()
	p := w.the()
	if p.Number != first.Number || p.Head == first.Head || !strings.Contains(p.Body, "1536m") || strings.Contains(p.Body, "`2g`") {
		t.Errorf("got %d at %s:\n%s", p.Number, p.Head, p.Body)
	}
	if got := string(w.repo.Files(p.Branch)[features].Data); !strings.Contains(got, `executor_memory="1536m"`) {
		t.Error(got)
	}
	if writes, _ := w.week(); writes != 0 {
		t.Errorf("again: %d writes", writes)
	}
}

// Each case is what a person does, and what sparktune then does about it.
func TestWeeklyRespects(t *testing.T) {
	for name, c := range map[string]struct {
		person func(w *world, p ghtest.Pull)
		writes bool
		state  string
		left   string
	}{
		"closed": {func(w *world, p ghtest.Pull) { w.repo.Close("alice", p.Number) }, false, "closed", "nothing to propose"},
		"closed, and the branch removed": {func(w *world, p ghtest.Pull) {
			w.repo.Close("alice", p.Number)
			w.repo.DeleteBranch("alice", p.Branch)
		}, false, "closed", "nothing to propose"},
		"closed and reopened": {func(w *world, p ghtest.Pull) {
			w.repo.Close("alice", p.Number)
			w.week()
			w.repo.Reopen("alice", p.Number)
		}, false, "open", fmt.Sprintf("pull request %d says it", 1)},
		"pushed to": {func(w *world, p ghtest.Pull) {
			w.repo.Push("alice", p.Branch, map[string][]byte{"README.md": []byte("mine")}, "mine")
			w.judge("max_grow: 1.5")
		}, false, "open", "it is theirs"},
		"text rewritten": {func(w *world, p ghtest.Pull) { w.repo.EditPull(p.Number, "mine", "my own words") }, false, "open", "says it"},
		"merged":         {func(w *world, p ghtest.Pull) { w.repo.Merge("alice", p.Number) }, false, "merged", "nothing to propose"},
		"done by hand": {func(w *world, p ghtest.Pull) {
			w.repo.Push("alice", "main", map[string][]byte{features: w.repo.Files(p.Branch)[features].Data}, "by hand")
		}, true, "closed", "nothing to propose"},
		"ignored": {func(w *world, _ ghtest.Pull) {
			file := w.repo.Files("main")[policy.File]
			w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte(string(file.Data) + "ignore: [" + features + "]\n")}, "leave me alone")
		}, false, "open", "nothing to propose"},
		"a policy with mistakes": {func(w *world, _ ghtest.Pull) {
			w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte("version: 1\ngate: {}\n")}, "oops")
		}, false, "open", ":2:1: "},
		"archived": {func(w *world, _ ghtest.Pull) { w.repo.Archive() }, false, "open", "archived"},
		"renamed":  {func(w *world, _ ghtest.Pull) { w.repo.Rename("pipelines") }, false, "open", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.week()
			c.person(w, w.the())
			writes, left := w.week()
			if p := w.the(); (writes > 0) != c.writes || p.State != c.state || !strings.Contains(left, c.left) {
				t.Errorf("%d writes, the pull request is %s, left:\n%s", writes, p.State, left)
			}
			if writes, _ := w.week(); writes != 0 {
				t.Errorf("again: %d writes", writes)
			}
		})
	}
}

// A closed proposal comes back when what was measured moved.
func TestClosedUntilItMoves(t *testing.T) {
	w := newWorld(t)
	w.week()
	w.repo.Close("alice", w.the().Number)
	w.week()
	w.judge("max_grow: 1.5")
	w.week()
	if pulls := w.repo.Pulls(); len(pulls) != 2 || pulls[1].State != "open" {
		t.Errorf("got %+v", pulls)
	}
}

// Repositories that cannot be worked end with a reason, and no harm.
func TestWeeklyRefuses(t *testing.T) {
	t.Run("empty", func(t *testing.T) {
		w := newWorld(t)
		w.repo, w.name = w.hub.AddRepo("acme/new", nil), "new"
		if writes, left := w.week(); writes != 0 || !strings.Contains(left, "empty") {
			t.Errorf("%d writes, left %s", writes, left)
		}
	})
	t.Run("suspended", func(t *testing.T) {
		w := newWorld(t)
		w.hub.Suspend("acme")
		if err := w.weekly(t.Context()); !errors.Is(err, bot.ErrDenied) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("force-pushed to something else", func(t *testing.T) {
		w := newWorld(t)
		w.week()
		w.repo.ForcePush("alice", "main", fstest.MapFS{"README.md": {Data: []byte("gone")}})
		if _, left := w.week(); !strings.Contains(left, "no Spark job is declared") {
			t.Errorf("left %s", left)
		}
	})
	t.Run("without a grant", func(t *testing.T) {
		w := newWorld(t)
		w.grant.Repository = "acme/other"
		w.boot()
		if writes, _ := w.week(); writes != 0 || len(w.repo.Pulls()) != 0 {
			t.Errorf("%d writes: metrics of others were used", writes)
		}
	})
	t.Run("another team's dag_id in a file", func(t *testing.T) {
		w := newWorld(t)
		w.grant.DAGIDs = []string{"sales_*"}
		w.boot()
		if writes, _ := w.week(); writes != 0 || len(w.repo.Pulls()) != 0 {
			t.Errorf("%d writes: a file read the metrics of another team", writes)
		}
	})
}

// ask has alice, who may write, or another comment on a pull request of hers.
func (w *world) ask(login, body string) (pull int, command bot.Command) {
	w.t.Helper()
	file := w.repo.Files("main")[features]
	w.repo.Push("alice", "mine", map[string][]byte{features: append([]byte("# a remark\n"), file.Data...)}, "a remark")
	pull = w.repo.OpenPull("alice", "mine", "a remark")
	id := w.repo.Comment(login, pull, body)
	return pull, bot.Command{Pull: pull, Comment: id, Body: body, Author: login, Verb: "report"}
}

func TestAnswer(t *testing.T) {
	w := newWorld(t)
	_, command := w.ask("alice", "/sparktune report")
	for range 2 {
		if _, err := w.bot.Answer(t.Context(), w.ref(), command); err != nil {
			t.Fatal(err)
		}
	}
	comments := w.the().Comments
	if len(comments) != 2 || comments[1].Author != w.hub.Slug+"[bot]" || !slices.Equal(comments[0].Reactions, []string{"eyes", "rocket"}) {
		t.Fatalf("got %+v", comments)
	}
	golden(t, "testdata/answer.md", comments[1].Body)
}

// Whoever may not write gets a sign and no answer; an edited or removed
// comment nothing at all.
func TestAnswerRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		login     string
		meanwhile func(w *world, id int64)
		reactions []string
	}{
		"a reader":          {"bob", nil, []string{"confused"}},
		"a stranger":        {"mallory", nil, []string{"confused"}},
		"an edited comment": {"alice", func(w *world, id int64) { w.repo.EditComment(id, "/sparktune report all") }, nil},
		"a removed comment": {"alice", func(w *world, id int64) { w.repo.DeleteComment(id) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, command := w.ask(c.login, "/sparktune report")
			if c.meanwhile != nil {
				c.meanwhile(w, command.Comment)
			}
			if _, err := w.bot.Answer(t.Context(), w.ref(), command); err != nil {
				t.Fatal(err)
			}
			for _, got := range w.the().Comments {
				if got.ID != command.Comment || !slices.Equal(got.Reactions, c.reactions) {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
}

// A command that could not be answered gets a line that says so, once, and can
// still be answered when it is delivered again.
func TestUnanswered(t *testing.T) {
	w := newWorld(t)
	_, command := w.ask("alice", "/sparktune report")
	for _, step := range []struct {
		do        func(context.Context, bot.Repo, bot.Command) (bot.Outcome, error)
		comments  int
		reactions []string
	}{
		{w.bot.Unanswered, 2, []string{"confused"}},
		{w.bot.Unanswered, 2, []string{"confused"}},
		{w.bot.Answer, 3, []string{"confused", "eyes", "rocket"}},
		{w.bot.Unanswered, 3, []string{"confused", "eyes", "rocket"}},
	} {
		if _, err := step.do(t.Context(), w.ref(), command); err != nil {
			t.Fatal(err)
		}
		if got := w.the().Comments; len(got) != step.comments || !slices.Equal(got[0].Reactions, step.reactions) {
			t.Errorf("got %+v", got)
		}
	}
	command.Author = "bob" // who may only read
	command.Comment = w.repo.Comment("bob", command.Pull, command.Body)
	if _, err := w.bot.Unanswered(t.Context(), w.ref(), command); err != nil {
		t.Fatal(err)
	}
	if got := w.the().Comments; len(got) != 4 || !slices.Equal(got[3].Reactions, []string{"confused"}) {
		t.Errorf("a reader: %+v", got)
	}
}

// An answer that was lost is looked for by an observation that is late enough:
// that the flow took long after an early one is not.
func TestAnswerIsNotDoubled(t *testing.T) {
	w := newWorld(t)
	_, command := w.ask("alice", "/sparktune report")
	w.hub.Lag(lag)
	ctx, kill := context.WithCancel(t.Context())
	w.hub.Plan(func(c ghtest.Call) ghtest.Fault {
		if strings.HasSuffix(c.Route, "/comments") && c.Write {
			return ghtest.KillAfter(kill)
		}
		return ghtest.Fault{}
	})
	if _, err := w.bot.Answer(ctx, w.ref(), command); err == nil {
		t.Fatal("it was not killed")
	}
	w.hub.Plan(nil)
	w.boot()
	w.hub.Advance(65 * time.Second) // it does not show yet
	w.slow = time.Minute
	var retry *bot.RetryError
	if _, err := w.bot.Answer(t.Context(), w.ref(), command); !errors.As(err, &retry) || !retry.Unsure {
		t.Fatalf("got %v", err)
	}
	w.hub.Advance(retry.After)
	if _, err := w.bot.Answer(t.Context(), w.ref(), command); err != nil {
		t.Fatal(err)
	}
	if n := len(w.the().Comments) - 1; n != 1 {
		t.Errorf("%d comments of ours", n)
	}
}

// change opens a pull request that replaces a text in a file.
func (w *world) change(path, from, to string) int {
	w.t.Helper()
	file := w.repo.Files("main")[path]
	text := strings.Replace(string(file.Data), from, to, 1)
	if text == string(file.Data) {
		w.t.Fatalf("%s has no %q", path, from)
	}
	w.repo.Push("alice", "mine", map[string][]byte{path: []byte(text)}, "a change")
	return w.repo.OpenPull("alice", "mine", "a change")
}

// A pull request is answered on the lines that it changes, once.
func TestReview(t *testing.T) {
	for name, c := range map[string]struct {
		path, from, to string
		want           string
	}{
		"against what was measured": {features, "        },\n    )", "        },\n        executor_memory=\"700m\",\n    )", "neutral"},
		"as the runs ask for":       {features, "        },\n    )", "        },\n        executor_memory=\"2g\",\n    )", "success"},
		"no setting":                {features, "OutOfMemoryError", "OOM", "success"},
		"mistakes in the policy":    {policy.File, "min_spill", "min_spell", "neutral"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pull := w.change(c.path, c.from, c.to)
			for range 2 {
				if _, err := w.bot.Review(t.Context(), w.ref(), pull, ""); err != nil {
					t.Fatal(err)
				}
			}
			checks := w.repo.Checks()
			if len(checks) != 1 {
				t.Fatalf("%d checks", len(checks))
			}
			got := checks[0]
			if got.Status != "completed" || got.Conclusion != c.want {
				t.Errorf("%s, %s", got.Status, got.Conclusion)
			}
			golden(t, "testdata/review "+name+".md", told(got))
		})
	}
}

// A pull request that edits the policy is told of its mistakes, whatever else it
// changes and however broken the policy of the base is.
func TestReviewOfThePolicy(t *testing.T) {
	const broken = "version: 1\ngates: {min_spell: 1GiB}\n"
	for name, c := range map[string]struct {
		base, head string // of the policy; "" is as it is
		settings   bool   // the pull request changes two settings, too
	}{
		"mends":                         {broken, "version: 1\n", false},
		"mends with mistakes":           {broken, "version: 1\nignore: 7\n", true},
		"leaves":                        {broken, "", true},
		"brings mistakes, and settings": {"", broken, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.base != "" {
				w.repo.Push("alice", "main", map[string][]byte{policy.File: []byte(c.base)}, "a policy")
			}
			change := map[string][]byte{"README.md": []byte("more")}
			if c.head != "" {
				change[policy.File] = []byte(c.head)
			}
			if c.settings {
				change[features] = []byte(strings.Replace(string(w.repo.Files("main")[features].Data), "        },\n    )", "        },\n        executor_memory=\"2g\",\n        num_executors=3,\n    )", 1))
			}
			w.repo.Push("alice", "mine", change, "a change")
			if _, err := w.bot.Review(t.Context(), w.ref(), w.repo.OpenPull("alice", "mine", "a change"), ""); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/review of a policy that "+name+".md", told(w.repo.Checks()[0]))
		})
	}
}

// told is a check run as a person reads it.
func told(c ghtest.Check) string {
	text := fmt.Sprintf("%s: %s\n\n%s\n", c.Conclusion, c.Title, c.Summary)
	for _, a := range c.Annotations {
		text += fmt.Sprintf("\n%v:%v: %v: %v\n", a["path"], a["start_line"], a["annotation_level"], a["message"])
	}
	return text
}

// A lake that does not answer just now is no reason to conclude anything.
func TestReviewWaitsForTheRuns(t *testing.T) {
	w := newWorld(t)
	pull := w.change(features, "OutOfMemoryError", "OOM")
	w.outage = errors.New("the catalog does not answer")
	if _, err := w.bot.Review(t.Context(), w.ref(), pull, ""); !errors.Is(err, w.outage) || len(w.repo.Checks()) != 0 {
		t.Errorf("%d checks, %v", len(w.repo.Checks()), err)
	}
	w.outage = nil
	if _, err := w.bot.Review(t.Context(), w.ref(), pull, ""); err != nil || len(w.repo.Checks()) != 1 {
		t.Errorf("%d checks, %v", len(w.repo.Checks()), err)
	}
}

// What could not be reviewed is concluded too, and a person can have it tried
// again.
func TestUnreviewed(t *testing.T) {
	w := newWorld(t)
	pull := w.change(features, "OutOfMemoryError", "OOM")
	for _, step := range []func() (bot.Outcome, error){
		func() (bot.Outcome, error) { return w.bot.Unreviewed(t.Context(), w.ref(), pull, "") },
		func() (bot.Outcome, error) { return w.bot.Review(t.Context(), w.ref(), pull, "") },
		func() (bot.Outcome, error) { return w.bot.Review(t.Context(), w.ref(), pull, "request 1") },
		func() (bot.Outcome, error) { return w.bot.Review(t.Context(), w.ref(), pull, "request 1") },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range w.repo.Checks() {
		got = append(got, c.Status+" "+c.Conclusion+": "+c.Title)
	}
	if diff := cmp.Diff([]string{"completed neutral: not reviewed", "completed success: no Spark setting changes"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A dry run tells what it would do, and the next real one does it.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	var told []string
	dry := w.bot.DryRun(func(_ bot.Repo, e bot.Effect) {
		verb, _, _ := strings.Cut(e.Key(), " ")
		told = append(told, verb)
	})
	if _, err := dry.Weekly(t.Context(), w.ref()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"push", "open"}, told); diff != "" || w.writes() != 0 {
		t.Errorf("%d writes, told (-want +got):\n%s", w.writes(), diff)
	}
	if writes, _ := w.week(); writes == 0 || w.the().State != "open" {
		t.Errorf("the real one after it: %d writes", writes)
	}
}

// honest is a model that says what the plain writer would.
type honest struct{ facts prompts.Facts }

func (h honest) Generate(context.Context, prompts.Prompt) (prompts.Answer, error) {
	b, err := json.Marshal(prompts.Plain(h.facts))
	return prompts.Answer{JSON: b}, err
}

// What a model worded stays when it does not answer any more, and what the
// plain writer worded stays when a model does: nothing else changed. The text
// says by which version of the prompt it was worded.
func TestWordsStay(t *testing.T) {
	rules, err := policy.Load(os.DirFS("../testdata/repo"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := bot.Look(bot.Snapshot{Files: newWorld(t).repo.Files("main"), Runs: measured(t), Access: policy.Unrestricted(), Policy: rules, Now: asOf})
	if err != nil {
		t.Fatal(err)
	}
	d, err := v.Decide(nil)
	if err != nil || len(d.Jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(d.Jobs), err)
	}
	model := prompts.Writer{Model: honest{d.Jobs[0].Facts()}}
	for words, writers := range map[string][2]prompts.Writer{
		"words=" + prompts.Version()[:12] + " ": {model, {}},
		"words=plain ":                          {{}, model},
	} {
		w := newWorld(t)
		w.bot.Writer = writers[0]
		w.week()
		body := w.the().Body
		if !strings.Contains(body, words) {
			t.Errorf("no %q in the text: %s", words, body[len(body)-200:])
		}
		w.bot.Writer = writers[1]
		if writes, _ := w.week(); writes != 0 || w.the().Body != body {
			t.Errorf("%s: %d writes, and other words", words, writes)
		}
	}
}

// A merge queue is not kept waiting.
func TestPass(t *testing.T) {
	w := newWorld(t)
	head := w.repo.Push("alice", "gh-readonly-queue/main/pr-1", map[string][]byte{"README.md": []byte("queued")}, "queued")
	for range 2 {
		if _, err := w.bot.Pass(t.Context(), w.ref(), head); err != nil {
			t.Fatal(err)
		}
	}
	if checks := w.repo.Checks(); len(checks) != 1 || checks[0].Head != head || checks[0].Conclusion != "success" {
		t.Errorf("got %+v", checks)
	}
}

// golden holds text against a file, or writes it with -update.
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
