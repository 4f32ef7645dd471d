package ghtest

import (
	"cmp"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server is the stand-in. All of its methods may be called while it serves.
type Server struct {
	URL    string // of the REST API, as api.github.com has it; see [Server.Enterprise] for the other form
	AppID  int64
	Key    []byte // the App's private key, PEM
	Slug   string // of the App: its bot is called Slug[bot]
	Secret string // signs webhooks

	t     testing.TB
	http  *httptest.Server
	key   *rsa.PublicKey
	judge *judge

	mu            sync.Mutex
	now           time.Time
	tick          time.Duration
	lag           time.Duration
	ids           int64
	accounts      map[string]*account // by login
	installations []*installation
	repos         []*Repo
	tokens        map[string]*token
	granted       map[string]string
	calls         []Call
	plan          func(Call) Fault
	limits        map[int64]*budget
	treeLimit     int
	complain      func(string)

	hooks      hooks
	deliveries []*delivery
}

type account struct {
	id    int64
	login string
	kind  string // User, Organization or Bot
}

type installation struct {
	id        int64
	account   *account
	suspended bool
	gone      bool
}

type token struct {
	text         string
	installation *installation
	repos        map[int64]bool // nil for all
	permissions  map[string]string
	expires      time.Time
}

// A Repo is a repository on the Server.
type Repo struct {
	ID int64

	s            *Server
	owner        *account
	name         string
	was          []string // earlier full names, which redirect
	private      bool
	archived     bool
	disabled     bool
	branch       string // default
	git          store
	refs         map[string]string // by full name
	pulls        []*pull
	comments     []*comment
	checks       []*check
	roles        map[string]string // by login
	installation *installation     // nil when the App is not installed
	made         time.Time
}

type pull struct {
	id         int64
	number     int
	state      string // open or closed
	merged     bool
	draft      bool
	author     *account
	title      string
	body       string
	base       string
	head       string
	headCommit string // as of when the branch went away or the pull was closed
	fork       bool
	forkGone   bool
	labels     []string
	closedBy   *account
	mergedAt   time.Time
	mergeID    string
	at, edited time.Time
}

type comment struct {
	id         int64
	pull       int
	author     *account
	body       string
	reactions  []reaction
	at, edited time.Time
}

type reaction struct {
	id      int64
	by      *account
	content string
}

type check struct {
	id         int64
	app        int64
	head       string
	name       string
	externalID string
	status     string
	conclusion string
	output     map[string]any
	notes      []map[string]any
	at         time.Time
}

func (s *Server) id() int64 { s.ids++; return s.ids }

// account is the one of that name, made when it is new.
func (s *Server) account(login, kind string) *account {
	a := s.accounts[login]
	if a == nil {
		a = &account{s.id(), login, kind}
		s.accounts[login] = a
	}
	return a
}

func (s *Server) bot() *account { return s.accounts[s.Slug+"[bot]"] }

func (r *Repo) fullName() string { return r.owner.login + "/" + r.name }

// find is the repository by its name, or by an earlier one.
func (s *Server) find(owner, name string) (r *Repo, moved bool) {
	full := owner + "/" + name
	for _, r := range s.repos {
		if strings.EqualFold(r.fullName(), full) {
			return r, false
		}
	}
	for _, r := range s.repos {
		if slices.Contains(r.was, full) {
			return r, true
		}
	}
	return nil, false
}

func (r *Repo) pull(number int) *pull {
	i := slices.IndexFunc(r.pulls, func(p *pull) bool { return p.number == number })
	if i < 0 {
		return nil
	}
	return r.pulls[i]
}

func (r *Repo) comment(id int64) *comment {
	i := slices.IndexFunc(r.comments, func(c *comment) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return r.comments[i]
}

// tip is the head commit of a pull request: of its branch while it is open.
func (r *Repo) tip(p *pull) string {
	if p.state == "open" && !p.fork {
		return cmp.Or(r.refs[headsPrefix+p.head], p.headCommit)
	}
	return p.headCommit
}

// role of an account in the repository, as REST says it: admin, write, read or none.
func (r *Repo) role(login string) string {
	if role, ok := r.roles[login]; ok {
		return role
	}
	if r.private {
		return "none"
	}
	return "read"
}

// shown says whether a list shows by now what was made then: lists may lag
// behind writes.
func (s *Server) shown(made time.Time) bool { return !made.Add(s.lag).After(s.now) }

func (s *Server) bug(format string, args ...any) {
	s.complain(fmt.Sprintf(format, args...))
}

// apiError is an answer that says no.
type apiError struct {
	status  int
	message string
	errors  []any
	header  http.Header
}

func no(status int, format string, args ...any) *apiError {
	return &apiError{status: status, message: fmt.Sprintf(format, args...)}
}

var errNotFound = no(http.StatusNotFound, "Not Found")

// invalid is GitHub's 422 with one reason.
func invalid(resource, field, code, format string, args ...any) *apiError {
	e := no(http.StatusUnprocessableEntity, "Validation Failed")
	e.errors = []any{map[string]any{"resource": resource, "field": field, "code": code, "message": fmt.Sprintf(format, args...)}}
	return e
}
