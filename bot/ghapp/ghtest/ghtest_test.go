package ghtest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-cmp/cmp"
)

func small() fstest.MapFS {
	return fstest.MapFS{
		"dags/orders.py": {Data: []byte("one\ntwo\n"), Mode: 0o644},
		"bin/run":        {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"link":           {Data: []byte("bin/run"), Mode: fs.ModeSymlink | 0o777},
	}
}

// git itself takes what the Server holds for a repository, after everything
// that people and the App can do to one.
func TestGitAgrees(t *testing.T) {
	s := New(t)
	r := s.AddRepo("acme/etl", small())
	r.Push("alice", "topic", map[string][]byte{"dags/orders.py": []byte("one\nthree\n"), "link": nil, "a/b/c.txt": []byte("new\n")}, "edit")
	r.Push("alice", "main", map[string][]byte{"README.md": []byte("hello\n")}, "readme")
	r.Submodule("alice", "vendor/x")
	r.Merge("alice", r.OpenPull("alice", "topic", "Topic"))
	c := installed(t, s, r, nil)
	tree := c.ok("POST", "/repos/acme/etl/git/trees", obj{"base_tree": c.ok("GET", "/repos/acme/etl/git/commits/"+r.Head("main"), nil)["tree"].(obj)["sha"], "tree": []any{obj{"path": "dags/orders.py", "mode": "100644", "type": "blob", "content": "four\n"}}})
	commit := c.ok("POST", "/repos/acme/etl/git/commits", obj{"message": "by the App", "tree": tree["sha"], "parents": []any{r.Head("main")}})
	c.ok("POST", "/repos/acme/etl/git/refs", obj{"ref": "refs/heads/bot", "sha": commit["sha"]})

	dir := t.TempDir()
	if err := r.WriteGit(dir); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if out := git("fsck", "--full", "--strict", "--no-dangling"); out != "" {
		t.Errorf("git fsck: %s", out)
	}
	if got := git("rev-parse", "bot"); got != commit["sha"] {
		t.Errorf("bot is at %s, git says %s", commit["sha"], got)
	}
	want := []string{"100755 blob bin/run", "100644 blob README.md", "100644 blob a/b/c.txt", "100644 blob dags/orders.py", "160000 commit vendor/x"}
	got := strings.Split(git("ls-tree", "-r", "--format=%(objectmode) %(objecttype) %(path)", "bot"), "\n")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := git("show", "-s", "--format=%an", "bot"); got != "sparktune[bot]" {
		t.Errorf("the author is %s", got)
	}
}

// caller calls the Server with one credential, and nothing in between.
type caller struct {
	t          *testing.T
	s          *Server
	credential string
}

func (c caller) do(method, path string, body any) (int, http.Header, obj) {
	c.t.Helper()
	status, header, answer, err := send(c.credential, method, c.s.URL+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return status, header, answer
}

func (c caller) ok(method, path string, body any) obj {
	c.t.Helper()
	status, _, answer := c.do(method, path, body)
	if status/100 != 2 {
		c.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func (c caller) want(status int, text, method, path string, body any) {
	c.t.Helper()
	got, _, answer := c.do(method, path, body)
	if got != status || !strings.Contains(fmt.Sprint(answer), text) {
		c.t.Errorf("%s %s: %d %v, want %d %q", method, path, got, answer, status, text)
	}
}

func signedBy(t *testing.T, key *rsa.PrivateKey, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func key(t *testing.T, s *Server) *rsa.PrivateKey {
	t.Helper()
	k, err := jwt.ParseRSAPrivateKeyFromPEM(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func appCaller(t *testing.T, s *Server) caller {
	t.Helper()
	now := time.Now()
	return caller{t, s, signedBy(t, key(t, s), jwt.MapClaims{"iss": fmt.Sprint(s.AppID), "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix()})}
}

func installed(t *testing.T, s *Server, r *Repo, body any) caller {
	t.Helper()
	if body == nil {
		body = obj{}
	}
	answer := appCaller(t, s).ok("POST", fmt.Sprintf("/app/installations/%d/access_tokens", r.Installation()), body)
	return caller{t, s, answer["token"].(string)}
}

// Only a token that the App signed, that is neither old nor good for long, and
// that names the App, is the App.
func TestAppToken(t *testing.T) {
	s := New(t)
	now := time.Now()
	claims := func(change jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"iss": fmt.Sprint(s.AppID), "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix()}
		maps.Copy(c, change)
		return c
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	caller{t, s, signedBy(t, key(t, s), claims(nil))}.ok("GET", "/app", nil)
	caller{t, s, signedBy(t, key(t, s), claims(jwt.MapClaims{"exp": now.Add(-time.Second).Unix()}))}.want(401, "exp", "GET", "/app", nil)
	caller{t, s, signedBy(t, key(t, s), claims(jwt.MapClaims{"exp": now.Add(time.Hour).Unix()}))}.want(401, "too far", "GET", "/app", nil)
	caller{t, s, signedBy(t, key(t, s), claims(jwt.MapClaims{"iss": "1"}))}.want(401, "Integration", "GET", "/app", nil)
	caller{t, s, signedBy(t, other, claims(nil))}.want(401, "decoded", "GET", "/app", nil)
	caller{t, s, "ghs_nothing"}.want(401, "decoded", "GET", "/app", nil)
}

// A token reaches what it was minted for, as long as it is good.
func TestTokens(t *testing.T) {
	s := New(t)
	r, other := s.AddRepo("acme/etl", small(), Private()), s.AddRepo("acme/other", small(), Private())
	elsewhere := s.AddRepo("umbrella/etl", small(), Private())
	mint := fmt.Sprintf("/app/installations/%d/access_tokens", r.Installation())
	app := appCaller(t, s)
	app.want(422, "not granted", "POST", mint, obj{"permissions": obj{"administration": "write"}})
	app.want(422, "does not exist", "POST", mint, obj{"repository_ids": []any{elsewhere.ID}})
	one := installed(t, s, r, obj{"repository_ids": []any{r.ID}, "permissions": obj{"contents": "read"}})
	one.ok("GET", "/repos/acme/etl", nil)
	one.ok("GET", "/repos/acme/etl/git/trees/main", nil)
	one.want(404, "", "GET", "/repos/acme/other", nil)
	one.want(404, "", "GET", "/repos/umbrella/etl", nil)
	one.want(403, "not accessible", "POST", "/repos/acme/etl/git/blobs", obj{"content": "x", "encoding": "utf-8"})
	one.want(403, "not accessible", "GET", "/repos/acme/etl/pulls", nil)
	if got := len(one.ok("GET", "/installation/repositories", nil)["repositories"].([]any)); got != 1 {
		t.Errorf("it sees %d repositories", got)
	}
	all := installed(t, s, other, nil)
	all.ok("DELETE", "/installation/token", nil)
	all.want(401, "Bad credentials", "GET", "/repos/acme/etl", nil)
	s.Advance(time.Hour)
	one.want(401, "Bad credentials", "GET", "/repos/acme/etl", nil)
	again := installed(t, s, r, nil)
	s.Suspend("acme")
	again.want(403, "suspended", "GET", "/repos/acme/etl", nil)
	app.want(403, "suspended", "POST", mint, obj{})
	s.Unsuspend("acme")
	again.ok("GET", "/repos/acme/etl", nil)
	s.Uninstall("acme")
	again.want(401, "", "GET", "/repos/acme/etl", nil)
	app.want(404, "", "POST", mint, obj{})
}

// What the descriptions let pass is refused here, and fails the test of whoever
// sent it.
func TestStricterThanTheDescription(t *testing.T) {
	s := New(t)
	r := s.AddRepo("acme/etl", small())
	c := installed(t, s, r, nil)
	var complaints []string
	s.Complaints(func(text string) { complaints = append(complaints, text) })
	refused := func(want, method, path string, body any) {
		t.Helper()
		complaints = nil
		status, _, _ := c.do(method, path, body)
		if status/100 != 4 || !strings.Contains(strings.Join(complaints, "\n"), want) {
			t.Errorf("%s %s: %d %q, want %q", method, path, status, complaints, want)
		}
	}
	refused("head_branch is not declared", "POST", "/repos/acme/etl/pulls", obj{"title": "t", "head": "x", "base": "main", "head_branch": "x"})
	refused("tree[0].content_type is not declared", "POST", "/repos/acme/etl/git/trees", obj{"tree": []any{obj{"path": "x", "mode": "100644", "type": "blob", "content": "", "content_type": "x"}}})
	refused("query key stat is not declared", "GET", "/repos/acme/etl/pulls?stat=open", nil)
	refused("base", "POST", "/repos/acme/etl/pulls", obj{"title": "t", "head": "x"})
	refused("mode", "POST", "/repos/acme/etl/git/trees", obj{"tree": []any{obj{"path": "x", "mode": "777"}}})
	refused("no such route", "GET", "/repos/acme/etl/nothing", nil)
	complaints = nil
	for query, want := range map[string]string{
		`query X { repository(owner: "acme", name: "etl") { nothing } }`:                                                   "nothing",
		`query X { repository(owner: "acme", name: "etl") { refs(refPrefix: "refs/heads/") { totalCount } } }`:             "first",
		`query X { repository(owner: "acme", name: "etl") { refs(refPrefix: "refs/heads/", first: 101) { totalCount } } }`: "100",
		`query X { repository(owner: "acme") { id } }`:                                                                     "name",
	} {
		complaints = nil
		if got := c.ok("POST", "/graphql", obj{"query": query}); got["errors"] == nil || !strings.Contains(strings.Join(complaints, "\n"), want) {
			t.Errorf("%s: %v, %q, want %q", query, got, complaints, want)
		}
	}
}

// The limits that GitHub documents, and the headers that tell of them.
func TestLimits(t *testing.T) {
	s := New(t)
	r := s.AddRepo("acme/etl", small())
	r.Push("alice", "topic", map[string][]byte{"x": []byte("y")}, "x")
	n := r.OpenPull("alice", "topic", "T")
	c := installed(t, s, r, nil)
	comments := fmt.Sprintf("/repos/acme/etl/issues/%d/comments", n)
	s.SecondsPerWrite(0)
	for range createdPerMinute {
		c.ok("POST", comments, obj{"body": "b"})
	}
	status, header, answer := c.do("POST", comments, obj{"body": "b"})
	if status != 403 || header.Get("Retry-After") != "60" || !strings.Contains(fmt.Sprint(answer), "secondary rate limit") {
		t.Errorf("%d %v %v", status, header, answer)
	}
	s.Advance(time.Minute)
	c.ok("POST", comments, obj{"body": "b"})
	if got := len(c.ok("GET", comments+"?per_page=1000", nil)["list"].([]any)); got != 81 {
		t.Errorf("a page has %d comments", got)
	}

	s.RateLimit(90)
	for range 10 {
		status, header, _ = c.do("GET", "/repos/acme/etl", nil)
	}
	reset := fmt.Sprint(epoch.Add(time.Hour + time.Second).Unix()) // the token took a second
	if status != 403 || header.Get("X-RateLimit-Remaining") != "0" || header.Get("X-RateLimit-Reset") != reset {
		t.Errorf("%d %v, want a reset at %s", status, header, reset)
	}
	s.Advance(time.Hour - time.Minute)
	installed(t, s, r, nil).ok("GET", "/repos/acme/etl", nil)
}

// listener takes webhooks, and refuses them while it is told to.
type listener struct {
	url    string
	mu     sync.Mutex
	got    []*http.Request
	bodies [][]byte
	status int
}

func listen(t *testing.T) *listener {
	l := &listener{status: 202}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got, l.bodies = append(l.got, r), append(l.bodies, body)
		w.WriteHeader(l.status)
	}))
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

// Every kind of event, in order and as GitHub describes it, signed as its
// documentation says.
func TestWebhooks(t *testing.T) {
	s := New(t)
	l := listen(t)
	s.Webhook(l.url)
	r := s.AddRepo("acme/etl", small(), Private())
	r.Push("alice", "topic", map[string][]byte{"x": []byte("y"), "bin/run": nil}, "x")
	n := r.OpenPull("alice", "topic", "T")
	r.Comment("bob", n, "/sparktune report")
	r.Push("alice", "topic", map[string][]byte{"x": []byte("z")}, "x")
	r.Close("alice", n)
	r.Reopen("alice", n)
	c := installed(t, s, r, nil)
	c.ok("PATCH", fmt.Sprintf("/repos/acme/etl/pulls/%d", n), obj{"title": "U"})
	r.Merge("alice", n)
	r.DeleteBranch("alice", "topic")
	s.Suspend("acme")
	r.Comment("bob", n, "unheard")
	s.Unsuspend("acme")
	s.Uninstall("acme")
	s.Wait()

	want := []string{
		"push", "pull_request opened", "issue_comment created", "push", "pull_request synchronize", "pull_request closed",
		"pull_request reopened", "pull_request edited", "push", "pull_request closed", "push",
		"installation suspend", "installation unsuspend", "installation deleted",
	}
	var got []string
	seen := map[string]bool{}
	for i, h := range l.got {
		var body struct {
			Action string
			Issue  struct {
				PullRequest obj `json:"pull_request"`
			}
		}
		if err := json.Unmarshal(l.bodies[i], &body); err != nil {
			t.Fatal(err)
		}
		event := strings.TrimSpace(h.Header.Get("X-GitHub-Event") + " " + body.Action)
		got = append(got, event)
		if h.Header.Get("X-Hub-Signature-256") != s.Sign(l.bodies[i]) || seen[h.Header.Get("X-GitHub-Delivery")] {
			t.Errorf("%s: headers %v", event, h.Header)
		}
		if strings.HasPrefix(event, "issue_comment") && body.Issue.PullRequest["url"] == nil {
			t.Error("a comment on a pull request does not say so")
		}
		seen[h.Header.Get("X-GitHub-Delivery")] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// GitHub's own example.
func TestSignature(t *testing.T) {
	s := New(t)
	if got, want := s.Sign([]byte("Hello, World!")), "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"; got != want {
		t.Errorf("got %s", got)
	}
}

// A delivery that failed stays failed until somebody asks for it again, and
// comes with the GUID that it had.
func TestRedelivery(t *testing.T) {
	s := New(t)
	l := listen(t)
	l.status = 503
	s.Webhook(l.url)
	r := s.AddRepo("acme/etl", small())
	r.Push("alice", "topic", map[string][]byte{"x": []byte("y")}, "x")
	s.Wait()
	app := appCaller(t, s)
	failed := app.ok("GET", "/app/hook/deliveries?status=failure", nil)["list"].([]any)
	if len(failed) != 1 || len(l.got) != 1 {
		t.Fatalf("%d failed of %d", len(failed), len(l.got))
	}
	l.status = 202
	first := failed[0].(obj)
	path := fmt.Sprintf("/app/hook/deliveries/%.0f", first["id"])
	if got := app.ok("GET", path, nil); dig(got, "request", "payload", "ref") != "refs/heads/topic" {
		t.Errorf("got %v", got)
	}
	app.ok("POST", path+"/attempts", nil)
	s.Wait()
	all := app.ok("GET", "/app/hook/deliveries?per_page=1", nil)["list"].([]any)
	again := all[0].(obj)
	if again["guid"] != first["guid"] || again["id"] == first["id"] || again["redelivery"] != true || again["status"] != "OK" {
		t.Errorf("got %v after %v", again, first)
	}
	s.Advance(kept)
	app.want(404, "", "GET", path, nil)
}

// Lists lag, single things do not.
func TestLag(t *testing.T) {
	s := New(t)
	r := s.AddRepo("acme/etl", small())
	r.Push("alice", "topic", map[string][]byte{"x": []byte("y")}, "x")
	n := r.OpenPull("alice", "topic", "T")
	c := installed(t, s, r, nil)
	s.Lag(time.Minute)
	made := c.ok("POST", fmt.Sprintf("/repos/acme/etl/issues/%d/comments", n), obj{"body": "b"})
	list := fmt.Sprintf("/repos/acme/etl/issues/%d/comments", n)
	if got := c.ok("GET", list, nil)["list"].([]any); len(got) != 0 {
		t.Errorf("listed at once: %v", got)
	}
	c.ok("GET", fmt.Sprintf("/repos/acme/etl/issues/comments/%.0f", made["id"]), nil)
	s.Advance(time.Minute)
	if got := c.ok("GET", list, nil)["list"].([]any); len(got) != 1 {
		t.Errorf("not listed a minute later: %v", got)
	}
}

// What each fault leaves behind, and what the caller sees of it.
func TestFaults(t *testing.T) {
	killed := 0
	for _, f := range Faults(func() { killed++ }) {
		t.Run(f.String(), func(t *testing.T) {
			s := New(t)
			r := s.AddRepo("acme/etl", small())
			r.Push("alice", "topic", map[string][]byte{"x": []byte("y")}, "x")
			n := r.OpenPull("alice", "topic", "T")
			c := installed(t, s, r, nil)
			s.FaultAt(1, f)
			status, _, _, err := send(c.credential, "POST", fmt.Sprintf("%s/repos/acme/etl/issues/%d/comments", s.URL, n), obj{"body": "b"})
			silent, after := f.hangUp, strings.HasSuffix(f.String(), "after")
			if (err != nil) != silent || !silent && fmt.Sprint(status) != f.String()[:3] {
				t.Errorf("status %d, error %v", status, err)
			}
			if there := len(r.Pulls()[0].Comments) == 1; there != after {
				t.Errorf("the comment is there: %v", there)
			}
		})
	}
	if killed != 2 {
		t.Errorf("%d kills", killed)
	}
}

// The stand-in keeps its own contract.
func TestContract(t *testing.T) {
	s := New(t)
	r := s.AddRepo("acme/etl", fstest.MapFS{"README.md": {Data: []byte("hello\n"), Mode: 0o644}})
	s.Complaints(func(text string) {
		// One clause does what even the description forbids.
		if !strings.Contains(text, "maximum number of items is 50") {
			t.Error(text)
		}
	})
	Contract(t, Target{
		URL: s.URL, GraphQL: s.URL + "/graphql", App: appCaller(t, s).credential, Token: installed(t, s, r, nil).credential,
		Installation: r.Installation(), Owner: "acme", Repo: "etl", Run: "contract",
	})
}
