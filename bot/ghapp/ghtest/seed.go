package ghtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// epoch is when the clock of every Server starts: commits have the same ids in
// every run.
var epoch = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

func machineTime() time.Time { return time.Now() } //nolint:forbidigo // credentials are told in the machine's time

// appKey is made once: that takes a while.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New starts a Server for one test, with an App called "sparktune" that is
// installed nowhere yet. The test fails when a request or an answer is not what
// GitHub's descriptions say. Where they cannot be had the test is skipped,
// except when CI is true.
func New(t testing.TB) *Server {
	t.Helper()
	j, err := loadJudge()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("GitHub's descriptions are not there: ", err)
	}
	key, err := appKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		AppID: 4711, Slug: "sparktune", Secret: "It's a Secret to Everybody",
		Key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		t:   t, key: &key.PublicKey, judge: j, now: epoch, tick: time.Second, ids: 1000, treeLimit: 100_000,
		accounts: map[string]*account{}, tokens: map[string]*token{}, limits: map[int64]*budget{}, granted: maps.Clone(permissions),
		complain: func(text string) { t.Helper(); t.Error("ghtest: " + text) },
	}
	s.account(s.Slug+"[bot]", "Bot")
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	t.Cleanup(func() { s.http.Close(); s.hooks.running.Wait() })
	return s
}

// Enterprise is the URL of the REST API as GitHub Enterprise Server has it;
// GraphQL is beside it, not below.
func (s *Server) Enterprise() string { return s.http.URL + "/api/v3" }

// Now is the Server's clock. It stands still, except that every write takes a
// second, and it moves with [Server.Advance].
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Advance moves the clock.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// SecondsPerWrite is what every write takes on the Server's clock, 1 at first.
// With 0 the secondary limits are met soon.
func (s *Server) SecondsPerWrite(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick = time.Duration(n) * time.Second
}

// Lag is how long lists do not show what was made. Single things are there at
// once.
func (s *Server) Lag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// TreeLimit is how many entries a listing of a tree may have, 100,000 at first.
func (s *Server) TreeLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.treeLimit = n
}

// Complaints gives what the descriptions disagree with to the function, in
// place of failing the test: for tests of the Server itself.
func (s *Server) Complaints(f func(string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complain = f
}

// Grant sets a permission of the App everywhere: "read", "write" or "" for none.
func (s *Server) Grant(permission, level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.granted, permission)
	if level != "" {
		s.granted[permission] = level
	}
}

// An Option is a property of a new repository.
type Option func(*Repo)

// Private repositories are seen by nobody without a token for them.
func Private() Option { return func(r *Repo) { r.private = true } }

// Foreign repositories do not have the App installed.
func Foreign() Option { return func(r *Repo) { r.installation = nil } }

// AddRepo makes the repository "owner/name" with one commit on main, by
// "alice", who may write. Files of nil make an empty repository. The App is
// installed on the owner.
func (s *Server) AddRepo(name string, files fs.FS, options ...Option) *Repo {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, name, ok := strings.Cut(name, "/")
	if !ok {
		s.t.Fatalf("ghtest: %q is not owner/name", owner)
	}
	r := &Repo{
		s: s, ID: s.id(), owner: s.account(owner, "Organization"), name: name, branch: "main", made: s.now,
		git: store{}, refs: map[string]string{}, roles: map[string]string{"alice": "write"},
	}
	r.installation = s.installOn(r.owner)
	for _, o := range options {
		o(r)
	}
	s.repos = append(s.repos, r)
	if files != nil {
		tree := r.git.build(r.read(files))
		r.refs[headsPrefix+r.branch] = r.commitAs("alice", tree, "start")
	}
	return r
}

func (s *Server) installOn(owner *account) *installation {
	for _, in := range s.installations {
		if in.account == owner && !in.gone {
			return in
		}
	}
	in := &installation{id: s.id(), account: owner}
	s.installations = append(s.installations, in)
	return in
}

// read stores the files of a tree. Symbolic links and executable files stay
// what they are.
func (r *Repo) read(files fs.FS) map[string]entry {
	out := map[string]entry{}
	must(fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		mode := modeFile
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			mode = modeLink
		case info.Mode()&0o111 != 0:
			mode = modeExec
		}
		out[name] = entry{mode, name, r.git.blob(data)}
		return nil
	}))
	return out
}

// commitAs makes a commit as a person does with git, and leaves it unattached.
func (r *Repo) commitAs(login, tree, message string, parents ...string) string {
	a := r.s.account(login, "User")
	p := person{a.login, a.login + "@example.com"}
	return r.git.putCommit(commit{tree: tree, parents: parents, author: p, committer: p, at: r.s.now, message: message + "\n"})
}

// locked runs f with the Server's lock and sends the webhooks of it.
func (r *Repo) locked(f func()) {
	r.s.t.Helper()
	r.s.mu.Lock()
	func() {
		defer r.s.mu.Unlock()
		r.s.t.Helper()
		f()
	}()
	r.s.flush()
}

// Push is a push of one commit by a person: the files are those of the branch
// with the given ones replaced, and removed where the content is nil. A new
// branch starts at the default branch. It returns the commit.
func (r *Repo) Push(login, branch string, files map[string][]byte, message string) (id string) {
	r.s.t.Helper()
	r.locked(func() {
		at := r.refs[headsPrefix+branch]
		if at == "" {
			at = r.refs[headsPrefix+r.branch]
		}
		var parents []string
		tree := map[string]entry{}
		if at != "" {
			parents, tree = []string{at}, r.git.flat(r.git.commit(at).tree)
		}
		r.replace(tree, files)
		id = r.commitAs(login, r.git.build(tree), message, parents...)
		r.s.moveRef(r, headsPrefix+branch, id, r.s.account(login, "User"))
	})
	return id
}

func (r *Repo) replace(tree map[string]entry, files map[string][]byte) {
	for name, data := range files {
		mode := modeFile
		if e, there := tree[name]; there {
			mode = e.mode
		}
		delete(tree, name)
		if data != nil {
			tree[name] = entry{mode, name, r.git.blob(data)}
		}
	}
}

// ForcePush replaces a branch by one commit without parents.
func (r *Repo) ForcePush(login, branch string, files fs.FS) (id string) {
	r.locked(func() {
		id = r.commitAs(login, r.git.build(r.read(files)), "history begins anew")
		r.s.moveRef(r, headsPrefix+branch, id, r.s.account(login, "User"))
	})
	return id
}

// Submodule puts a submodule into the default branch.
func (r *Repo) Submodule(login, path string) {
	r.locked(func() {
		at := r.refs[headsPrefix+r.branch]
		tree := r.git.flat(r.git.commit(at).tree)
		tree[path] = entry{modeSubmod, path, strings.Repeat("1", 40)}
		r.s.moveRef(r, headsPrefix+r.branch, r.commitAs(login, r.git.build(tree), "submodule", at), r.s.account(login, "User"))
	})
}

// DeleteBranch removes a branch, as a person does.
func (r *Repo) DeleteBranch(login, branch string) {
	r.locked(func() { r.s.moveRef(r, headsPrefix+branch, "", r.s.account(login, "User")) })
}

// Head is the commit of a branch; "" when there is none.
func (r *Repo) Head(branch string) string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.refs[headsPrefix+branch]
}

// Branches are the names of all branches, sorted.
func (r *Repo) Branches() []string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []string
	for _, name := range r.refNames(headsPrefix) {
		out = append(out, strings.TrimPrefix(name, headsPrefix))
	}
	return out
}

// Files are the files at a branch or commit, with their modes.
func (r *Repo) Files(name string) fstest.MapFS {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	out := fstest.MapFS{}
	for p, e := range r.git.flat(r.git.commit(r.resolve(name)).tree) {
		mode := map[string]fs.FileMode{modeFile: 0o644, modeExec: 0o755, modeLink: fs.ModeSymlink | 0o777}[e.mode]
		if e.kind() == "blob" {
			out[p] = &fstest.MapFile{Data: slices.Clone(r.git[e.id].data), Mode: mode}
		}
	}
	return out
}

// A Commit is one as the tests of others look at it.
type Commit struct {
	ID, Message, Author string
	Parents             []string
	Verified            bool
}

// Commit is the commit of a branch or by its id.
func (r *Repo) Commit(name string) Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	id := r.resolve(name)
	c := r.git.commit(id)
	return Commit{id, c.message, c.author.name, c.parents, c.signed}
}

// A Pull is a pull request as it is now.
type Pull struct {
	Number      int
	State       string // open, closed or merged
	Title, Body string
	Branch      string
	Head        string // commit
	Author      string
	Labels      []string
	Comments    []Comment
}

// A Comment is one on the conversation of a pull request.
type Comment struct {
	ID        int64
	Author    string
	Body      string
	Reactions []string
}

// A Check is a check run as it is now.
type Check struct {
	Head, Name, ExternalID string
	Status, Conclusion     string
	Title, Summary         string
	Annotations            []map[string]any
}

// Pulls are all pull requests, oldest first.
func (r *Repo) Pulls() []Pull {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Pull
	for _, p := range r.pulls {
		v := Pull{
			Number: p.number, State: strings.ToLower(pullStatus(p)), Title: p.title, Body: p.body, Branch: p.head,
			Head: r.tip(p), Author: p.author.login, Labels: slices.Clone(p.labels),
		}
		for _, c := range r.commentsOn(p.number) {
			seen := Comment{ID: c.id, Author: c.author.login, Body: c.body}
			for _, x := range c.reactions {
				seen.Reactions = append(seen.Reactions, x.content)
			}
			v.Comments = append(v.Comments, seen)
		}
		out = append(out, v)
	}
	return out
}

// Checks are all check runs, oldest first.
func (r *Repo) Checks() []Check {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Check
	for _, c := range r.checks {
		title, _ := c.output["title"].(string)
		summary, _ := c.output["summary"].(string)
		out = append(out, Check{c.head, c.name, c.externalID, c.status, c.conclusion, title, summary, c.notes})
	}
	return out
}

// OpenPull opens a pull request from a branch onto the default branch, as a
// person, and returns its number.
func (r *Repo) OpenPull(login, branch, title string) (number int) {
	r.locked(func() {
		number = r.s.openPull(r, r.s.account(login, "User"), branch, r.branch, title, "", false).number
	})
	return number
}

// ForkPull opens a pull request of one commit from a fork.
func (r *Repo) ForkPull(login string, files map[string][]byte, title string) (number int) {
	r.locked(func() {
		at := r.refs[headsPrefix+r.branch]
		tree := r.git.flat(r.git.commit(at).tree)
		r.replace(tree, files)
		id := r.commitAs(login, r.git.build(tree), title, at)
		r.refs["refs/ghtest/fork"] = id
		p := r.s.newPull(r, r.s.account(login, "User"), "patch-1", r.branch, title, "", false)
		p.fork, p.headCommit = true, id
		delete(r.refs, "refs/ghtest/fork")
		number = p.number
		r.s.tellOpened(r, p)
	})
	return number
}

// DropFork removes the fork that a pull request came from.
func (r *Repo) DropFork(number int) { r.locked(func() { r.mustPull(number).forkGone = true }) }

// Comment is a comment by a person. It returns its id.
func (r *Repo) Comment(login string, number int, body string) (id int64) {
	r.locked(func() { id = r.s.addComment(r, r.mustPull(number), r.s.account(login, "User"), body).id })
	return id
}

// EditComment changes a comment, as its author does.
func (r *Repo) EditComment(id int64, body string) {
	r.locked(func() {
		c := r.comment(id)
		c.body, c.edited = body, r.s.now
	})
}

// DeleteComment removes a comment.
func (r *Repo) DeleteComment(id int64) {
	r.locked(func() { r.comments = slices.DeleteFunc(r.comments, func(c *comment) bool { return c.id == id }) })
}

// Close closes a pull request, as a person.
func (r *Repo) Close(login string, number int) {
	r.locked(func() { r.s.setState(r, r.mustPull(number), "closed", r.s.account(login, "User")) })
}

// Reopen opens a closed pull request again, as a person.
func (r *Repo) Reopen(login string, number int) {
	r.locked(func() { r.s.setState(r, r.mustPull(number), "open", r.s.account(login, "User")) })
}

// Merge merges a pull request with a merge commit, as a person. The test fails
// when it conflicts.
func (r *Repo) Merge(login string, number int) {
	r.s.t.Helper()
	r.locked(func() {
		p := r.mustPull(number)
		by := r.s.account(login, "User")
		base, tip := r.refs[headsPrefix+p.base], r.tip(p)
		if p.state != "open" || r.git.conflicts(base, tip) {
			r.s.t.Fatalf("ghtest: pull request %d is %s or conflicts", number, p.state)
		}
		id := r.commitAs(login, r.git.merge(base, tip), fmt.Sprintf("Merge pull request #%d", number), base, tip)
		p.merged, p.mergedAt, p.mergeID, p.headCommit = true, r.s.now, id, tip
		r.s.moveRef(r, headsPrefix+p.base, id, by)
		r.s.setState(r, p, "closed", by)
	})
}

// EditPull changes title and body, as a person.
func (r *Repo) EditPull(number int, title, body string) {
	r.locked(func() {
		p := r.mustPull(number)
		p.title, p.body, p.edited = title, body, r.s.now
	})
}

// Role sets what an account may do: admin, maintain, write, triage, read, none.
func (r *Repo) Role(login, role string) {
	r.locked(func() {
		r.s.account(login, "User")
		r.roles[login] = role
	})
}

// Archive makes the repository read-only.
func (r *Repo) Archive() { r.locked(func() { r.archived = true }) }

// Rename gives the repository another name; the old one redirects.
func (r *Repo) Rename(name string) {
	r.locked(func() {
		r.was = append(r.was, r.fullName())
		r.name = name
	})
}

// Installation is the id of the App's installation that the repository is in;
// 0 when it is in none.
func (r *Repo) Installation() int64 {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.installation == nil {
		return 0
	}
	return r.installation.id
}

// Suspend suspends the installation on an account, and tells the App.
func (s *Server) Suspend(owner string) { s.setSuspended(owner, true) }

// Unsuspend ends the suspension.
func (s *Server) Unsuspend(owner string) { s.setSuspended(owner, false) }

func (s *Server) setSuspended(owner string, suspended bool) {
	s.mu.Lock()
	in := s.installOn(s.account(owner, "Organization"))
	in.suspended = suspended
	s.queue(in, 0, in.account, "installation", map[bool]string{true: "suspend", false: "unsuspend"}[suspended],
		map[string]any{"installation": s.installationView(in), "repositories": []any{}})
	s.mu.Unlock()
	s.flush()
}

// Uninstall removes the App from an account, and tells it.
func (s *Server) Uninstall(owner string) {
	s.mu.Lock()
	in := s.installOn(s.account(owner, "Organization"))
	in.gone = true
	s.queue(in, 0, in.account, "installation", "deleted", map[string]any{"installation": s.installationView(in), "repositories": []any{}})
	s.mu.Unlock()
	s.flush()
}

// ExpireTokens ends all tokens of installations that were minted so far, as
// their end or a revocation does.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func (r *Repo) mustPull(number int) *pull {
	r.s.t.Helper()
	p := r.pull(number)
	if p == nil {
		r.s.t.Fatalf("ghtest: there is no pull request %d", number)
	}
	return p
}

// WriteGit writes the repository as a bare git directory, for git to judge.
func (r *Repo) WriteGit(dir string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for id, o := range r.git {
		if err := writeObject(dir, id, o); err != nil {
			return err
		}
	}
	for name, id := range r.refs {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(id+"\n")); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, "HEAD"), []byte("ref: "+headsPrefix+r.branch+"\n"))
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
