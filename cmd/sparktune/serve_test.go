package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/bot/store"
	"github.com/sparktune/sparktune/webhooks"
)

// The whole server on a stand-in for GitHub: a command is answered once however
// often it is delivered, a pull request gets a concluded check, forgeries
// are refused, and the end loses nothing.
func TestServe(t *testing.T) {
	hub := ghtest.New(t)
	repo := hub.AddRepo("acme/dags", os.DirFS("../../testdata/repo"))
	s := startServer(t, hub)
	hub.Webhook(s.url + "/webhook")

	dag := "dags/features_weekly.py"
	changed := bytes.Replace(repo.Files("main")[dag].Data, []byte("        },\n    )"), []byte("        },\n        executor_memory=\"3g\",\n    )"), 1)
	repo.Push("alice", "more", map[string][]byte{dag: changed}, "more")
	number := repo.OpenPull("alice", "more", "More")
	repo.Comment("alice", number, "/sparktune report")
	repo.Comment("alice", number, "I said /sparktune report")
	hub.Wait()
	eventually(t, func() string {
		return cmp.Diff([]string{"success"}, conclusions(repo)) + cmp.Diff(1, answersOn(repo, number))
	})

	if c := repo.Checks()[0]; c.Title != "1 Spark setting changes" || len(c.Annotations) != 1 {
		t.Errorf("the check is %+v", c)
	}
	if got := s.post(t, "guid", "push", "{}", "sha256=00"); got != http.StatusUnauthorized {
		t.Errorf("a forgery: %d", got)
	}
	if got := s.get(t, "/healthz"); got != "ok\n" {
		t.Errorf("health: %q", got)
	}
	var metrics string
	eventually(t, func() string { // the answer is there before its flow has ended
		metrics = s.get(t, "/metrics")
		if !strings.Contains(metrics, `sparktune_flows_total{flow="answer",result="done"} 1`) {
			return metrics
		}
		return ""
	})
	for _, want := range []string{`sparktune_deliveries{state="done"} `, `sparktune_webhook_seconds_count{code="202"} `, `sparktune_github_calls_total{kind="query"} `} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if log := s.stop(t); strings.Contains(log, hub.Secret) || strings.Contains(log, "marker-key") {
		t.Errorf("a secret is in the log:\n%s", log)
	}

	// Nothing comes twice from another process on the same state.
	s = startServerIn(t, hub, s.dir)
	hub.Webhook(s.url + "/webhook")
	repo.Comment("alice", number, "/sparktune help")
	hub.Wait()
	eventually(t, func() string { return cmp.Diff(2, answersOn(repo, number)) })
	s.stop(t)
}

// A check that must pass does not hang, whatever happens to the review: it is
// concluded by the last of the attempts.
func TestReviewGivenUp(t *testing.T) {
	for name, spoil := range map[string]func(*ghtest.Server, *server){
		"GitHub refuses": func(hub *ghtest.Server, _ *server) {
			hub.Plan(func(c ghtest.Call) ghtest.Fault {
				if strings.HasSuffix(c.Route, "/git/trees/{tree_sha}") {
					return ghtest.Forbidden
				}
				return ghtest.Fault{}
			})
		},
		"a panic":               func(_ *ghtest.Server, s *server) { s.bot.Trees = panicking{} },
		"the lake is not there": func(_ *ghtest.Server, s *server) { s.bot.Source = lakeSource{s.c, "/dev/null/lake"} },
	} {
		t.Run(name, func(t *testing.T) {
			hub := ghtest.New(t)
			repo := hub.AddRepo("acme/dags", os.DirFS("../../testdata/repo"))
			s := impatientServer(t, hub)
			head := repo.Push("alice", "more", map[string][]byte{"README.md": []byte("more")}, "more")
			spoil(hub, s)
			repo.OpenPull("alice", "more", "More")
			hub.Wait()
			s.workAll(t)
			if diff := cmp.Diff([]string{"neutral"}, conclusions(repo)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if c := repo.Checks()[0]; c.Title != "not reviewed" || c.Head != head {
				t.Errorf("the check is %+v", c)
			}
		})
	}
}

// A refusal of the moment loses no command, and one that stays is said.
func TestCommandRefused(t *testing.T) {
	for _, tt := range []struct {
		refusals int
		says     string
		sign     string
	}{
		{1, "| Job | Runs | Recommended |", "rocket"},
		{100, "This could not be done", "confused"},
	} {
		hub := ghtest.New(t)
		repo := hub.AddRepo("acme/dags", os.DirFS("../../testdata/repo"))
		s := impatientServer(t, hub)
		repo.Push("alice", "more", map[string][]byte{"README.md": []byte("more")}, "more")
		number := repo.OpenPull("alice", "more", "More")
		hub.Wait()
		s.workAll(t)
		s.bot.Trees = &refusing{s.bot.Trees, tt.refusals}
		repo.Comment("alice", number, "/sparktune report")
		hub.Wait()
		s.workAll(t)
		comments := repo.Pulls()[0].Comments
		if len(comments) != 2 || !strings.Contains(comments[1].Body, tt.says) || comments[0].Reactions[1] != tt.sign {
			t.Errorf("%d refusals: %+v", tt.refusals, comments)
		}
	}
}

// refusing are trees that GitHub refuses at first.
type refusing struct {
	bot.Trees
	refusals int
}

func (r *refusing) Tree(ctx context.Context, repo bot.Repo, commit string) (fs.FS, error) {
	if r.refusals--; r.refusals >= 0 {
		return nil, bot.ErrDenied
	}
	return r.Trees.Tree(ctx, repo, commit)
}

// panicking is a tree that the parsers fail on.
type panicking struct{}

func (panicking) Tree(context.Context, bot.Repo, string) (fs.FS, error) { panic("a bug") }

// impatientServer is a server that takes deliveries, works them when it is told
// to, and tries again at once.
func impatientServer(t *testing.T, hub *ghtest.Server) *server {
	t.Helper()
	path, env := configure(t, hub, t.TempDir(), "")
	c := &cli{stdout: io.Discard, stderr: io.Discard, now: hub.Now, getenv: func(name string) string { return env[name] }}
	s, err := c.newServer(t.Context(), path, newModelFlags(pflag.NewFlagSet("", pflag.ContinueOnError)))
	if err != nil {
		t.Fatal(err)
	}
	s.store.Close()
	s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "server.db"), store.Options{
		Now: hub.Now, Log: s.log, Backoff: func(int) time.Duration { return 0 }, Poll: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.bot.Memory = s.store
	web := httptest.NewServer(s.handler())
	t.Cleanup(web.Close)
	hub.Webhook(web.URL + "/webhook")
	return s
}

// workAll works what was delivered until all of it has ended.
func (s *server) workAll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.store.Work(ctx, s.work) }()
	eventually(t, func() string {
		counts, err := s.store.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff(0, counts["waiting"]+counts["working"])
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A person can have a check run again, or all of a commit, also where GitHub does
// not say of which pull request the commit is.
func TestChecksAgain(t *testing.T) {
	hub := ghtest.New(t)
	repo := hub.AddRepo("acme/dags", os.DirFS("../../testdata/repo"))
	s := startServer(t, hub)
	hub.Webhook(s.url + "/webhook")
	dag := "dags/features_weekly.py"
	repo.ForkPull("mallory", map[string][]byte{dag: append(repo.Files("main")[dag].Data, '\n')}, "More")
	hub.Wait()
	checks := func(n int) {
		t.Helper()
		eventually(t, func() string { return cmp.Diff(n, len(conclusions(repo))) })
	}
	checks(1)
	again := func(guid, event string) {
		t.Helper()
		body := fmt.Sprintf(`{"action": "rerequested", %q: {"head_sha": %q, "pull_requests": []}, "repository": {"id": %d, "full_name": "acme/dags"}, "installation": {"id": %d}}`,
			event, repo.Checks()[0].Head, repo.ID, repo.Installation())
		if got := s.post(t, guid, event, body, hub.Sign([]byte(body))); got != http.StatusAccepted {
			t.Fatalf("%s: %d", guid, got)
		}
	}
	again("one", "check_run")
	checks(2)
	again("all", "check_suite")
	checks(3)
	// Nobody signs a GUID: what comes once more under another is no new wish.
	again("replay-1", "check_run")
	again("replay-2", "check_suite")
	s.stop(t)
	checks(3)
	// Nor is it one to a process that has forgotten what it worked.
	s = startServer(t, hub)
	again("replay-3", "check_run")
	eventually(t, func() string {
		if !strings.Contains(s.log.String(), "the check is concluded") {
			return "nothing is said"
		}
		return ""
	})
	s.stop(t)
	checks(3)
}

// Each command has the whole budget of the model, and its line of the log says
// what it took.
func TestServeBudget(t *testing.T) {
	asked := 0
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"output": {"message": {"role": "assistant", "content": [{"text": "no"}]}}, "stopReason": "end_turn", "usage": {"inputTokens": 15000, "outputTokens": 10, "totalTokens": 15010}, "metrics": {"latencyMs": 1}}`)
	}))
	t.Cleanup(model.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": model.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	hub := ghtest.New(t)
	repo := hub.AddRepo("acme/dags", os.DirFS("../../testdata/repo"))
	s := startServerIn(t, hub, t.TempDir(), "--model", "m", "--model-tokens", "20000")
	hub.Webhook(s.url + "/webhook")
	dag := "dags/features_weekly.py"
	number := repo.ForkPull("alice", map[string][]byte{dag: append(repo.Files("main")[dag].Data, '\n')}, "More")
	for i := range 2 {
		repo.Comment("alice", number, "/sparktune report")
		hub.Wait()
		eventually(t, func() string { return cmp.Diff(i+1, answersOn(repo, number)) })
	}
	log := s.stop(t)
	if n := strings.Count(log, `model="m: 1 calls, 15000 tokens in, 10 out"`); n != 2 || asked != 2 {
		t.Errorf("asked %d times, and told %d:\n%s", asked, n, log)
	}
}

// One pass of weekly over the repositories of the App, from the lake in the
// state folder; the second one writes nothing.
func TestWeekly(t *testing.T) {
	hub := ghtest.New(t)
	hub.Advance(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Sub(hub.Now())) // the days of the event logs
	files := fstest.MapFS{}
	for _, path := range []string{"dags/features_weekly.py", policy.File} {
		b, err := os.ReadFile(filepath.Join("../../testdata/repo", path))
		if err != nil {
			t.Fatal(err)
		}
		files[path] = &fstest.MapFile{Data: b}
	}
	repo := hub.AddRepo("acme/dags", files)
	dir := t.TempDir()
	path, env := configure(t, hub, dir, `access: [{repository: acme/dags, paths: ["**"], environments: ["*"], dag_ids: ["*"]}]`)
	run := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		c := &cli{stdout: &stdout, stderr: &stderr, now: hub.Now, getenv: func(name string) string { return env[name] }}
		if code := c.run(t.Context(), args); code != exitDone {
			t.Fatalf("%v: exit code %d\n%s", args, code, &stderr)
		}
		return stdout.String()
	}
	run("ingest", "../../testdata/eventlogs")
	if run("weekly", "--config", path, "--dry-run"); len(repo.Pulls()) != 0 {
		t.Error("a dry run opened a pull request")
	}
	first, second := run("weekly", "--config", path), run("weekly", "--config", path)
	if !strings.Contains(first, `"effect":"open sparktune/dags-features-weekly-py-`) || len(repo.Pulls()) != 1 {
		t.Errorf("the first pass says %s", first)
	}
	if !strings.Contains(second, `"did":null`) || !strings.Contains(second, "pull request 1 says it") || len(repo.Pulls()) != 1 {
		t.Errorf("the second pass says %s", second)
	}
}

func conclusions(repo *ghtest.Repo) []string {
	var out []string
	for _, c := range repo.Checks() {
		out = append(out, c.Conclusion)
	}
	return out
}

// answersOn counts the comments of the App.
func answersOn(repo *ghtest.Repo, number int) int {
	n := 0
	for _, p := range repo.Pulls() {
		for _, c := range p.Comments {
			if p.Number == number && c.Author != "alice" {
				n++
			}
		}
	}
	return n
}

// eventually waits until nothing is missing any more; the test's own time is
// the limit.
func eventually(t *testing.T, missing func() string) {
	t.Helper()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal(what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A running is a server under test.
type running struct {
	dir, url string
	cancel   context.CancelFunc
	code     chan int
	log      *syncBuffer
}

func startServer(t *testing.T, hub *ghtest.Server) *running {
	return startServerIn(t, hub, t.TempDir())
}

// configure writes the server's file and returns it, with the environment that
// it names.
func configure(t *testing.T, hub *ghtest.Server, dir, more string) (path string, env map[string]string) {
	t.Helper()
	config := fmt.Sprintf("version: 1\nbind: 127.0.0.1:0\napp: {id: %d, private_key: env:KEY, webhook_secrets: [env:SECRET], marker_key: env:MARKER, api_url: %q}\n%s\n", hub.AppID, hub.URL, more)
	path = filepath.Join(dir, "server.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, map[string]string{"KEY": string(hub.Key), "SECRET": hub.Secret, "MARKER": "marker-key", "SPARKTUNE_STATE": filepath.Join(dir, "state")}
}

var listening = regexp.MustCompile(`msg=serving address=(\S+)`)

func startServerIn(t *testing.T, hub *ghtest.Server, dir string, flags ...string) *running {
	t.Helper()
	path, env := configure(t, hub, dir, "")
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{dir: dir, cancel: cancel, code: make(chan int, 1), log: new(syncBuffer)}
	c := &cli{stdout: io.Discard, stderr: io.MultiWriter(r.log, writer), now: hub.Now, getenv: func(name string) string { return env[name] }}
	go func() {
		r.code <- c.run(ctx, append([]string{"serve", "--config", path}, flags...))
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	for r.url == "" && lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			r.url = "http://" + m[1]
		}
	}
	go io.Copy(io.Discard, reader) //nolint:errcheck // the log is kept beside it
	if r.url == "" {
		t.Fatalf("it does not serve:\n%s", r.log)
	}
	return r
}

// stop ends the server as SIGTERM does, and returns what it said.
func (r *running) stop(t *testing.T) string {
	t.Helper()
	r.cancel()
	if code := <-r.code; code != exitDone {
		t.Errorf("exit code %d:\n%s", code, r.log)
	}
	return r.log.String()
}

func (r *running) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (r *running) post(t *testing.T, guid, event, body, signature string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/webhook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {event}, "X-Github-Delivery": {guid}, "X-Hub-Signature-256": {signature}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A syncBuffer is a buffer that many write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// What is the same event, what is moot, and what is of no interest.
func TestDeliveryOf(t *testing.T) {
	event := func(p webhooks.Payload) webhooks.Event {
		return webhooks.Event{Installation: 3, Repo: webhooks.Repo{ID: 7, Owner: "acme", Name: "dags"}, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Payload: p}
	}
	const signed = "body 4a3cdfae6f291c8f544daea5b72905cf"
	noInstallation := event(webhooks.Command{Pull: 1, Comment: 9})
	noInstallation.Installation = 0
	tests := []struct {
		why  string
		e    webhooks.Event
		want *store.Delivery // nil: of no interest
	}{
		{"push to a pull request", event(webhooks.PullRequest{Number: 1, Action: "synchronize", Head: "c0ffee"}), &store.Delivery{Happened: "pull 7 1 synchronize c0ffee 2026-11-22T10:00:00Z", Subject: "pull 7 1", Newest: true}},
		{"command", event(webhooks.Command{Pull: 1, Comment: 9}), &store.Delivery{Happened: "comment 9", Subject: "pull 7 1"}},
		{"check again", event(webhooks.CheckRerequested{Head: "c0ffee"}), &store.Delivery{Happened: signed, Subject: "checks 7 c0ffee"}},
		{"installation", event(webhooks.InstallationChanged{}), &store.Delivery{Subject: "installations", Newest: true}},
		{"merge queue", event(webhooks.MergeGroup{Head: "c0ffee"}), &store.Delivery{Happened: signed, Subject: "commit 7 c0ffee"}},
		{"renamed", event(webhooks.RepositoryChanged{Action: "renamed"}), &store.Delivery{Happened: signed, Subject: "repository 7"}},
		{"closed", event(webhooks.PullRequest{Number: 1, Action: "closed"}), nil},
		{"push to a branch", event(webhooks.Push{}), nil},
		{"a repository's own hook", noInstallation, nil},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			got, wanted := deliveryOf(webhooks.Delivery{Body: []byte("signed")}, tt.e)
			if wanted != (tt.want != nil) {
				t.Fatalf("wanted %v", wanted)
			}
			if tt.want != nil {
				tt.want.Body = []byte("signed")
				if diff := cmp.Diff(*tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Without a valid configuration and every secret, nothing starts.
func TestServeDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	app := "version: 1\napp: {id: 1, private_key: env:KEY, webhook_secrets: [env:SECRET], marker_key: env:MARKER}\n"
	tests := []struct{ why, config, says string }{
		{"no file", "", "no such file"},
		{"a mistake", "version: 1\ncolour: blue\n", "server.yaml:2:1: unknown name"},
		{"no App", "version: 1\n", "there is no GitHub App"},
		{"no webhook secret", app, "read the secret env:SECRET: it is empty"},
		{"a key that is none", strings.Replace(app, "env:SECRET", "env:KEY", 1), "key"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			path := filepath.Join(dir, "server.yaml")
			os.Remove(path)
			if tt.config != "" {
				if err := os.WriteFile(path, []byte(tt.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stderr bytes.Buffer
			env := map[string]string{"SPARKTUNE_STATE": dir, "KEY": "hunter2", "MARKER": "hunter2"}
			c := &cli{stdout: io.Discard, stderr: &stderr, now: time.Now, getenv: func(name string) string { return env[name] }}
			if code := c.run(t.Context(), []string{"serve", "--config", path}); code != exitFailed || !strings.Contains(stderr.String(), tt.says) || strings.Contains(stderr.String(), "hunter2") {
				t.Errorf("exit code %d: %s", code, &stderr)
			}
		})
	}
}
