package ghtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A route is one operation of the REST API, by the path that GitHub's
// description has for it.
type route struct {
	method, path string
	as           asWhom
	needs        map[string]string // permission: read or write; any one of them does
	handle       func(*request) (int, any)
}

type asWhom int

const (
	asInstallation asWhom = iota
	asApp
)

// deep are the path parameters that may hold slashes.
var deep = map[string]bool{"ref": true, "path": true}

func (rt *route) match(method string, segments []string) (map[string]string, bool) {
	want := strings.Split(strings.Trim(rt.path, "/"), "/")
	if method != rt.method {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		if i >= len(segments) {
			return nil, false
		}
		name, isParam := strings.CutPrefix(strings.TrimSuffix(w, "}"), "{")
		switch {
		case isParam && deep[name] && i == len(want)-1:
			params[name] = strings.Join(segments[i:], "/")
			return params, true
		case isParam && deep[name]: // in the middle: all but what follows it
			n := len(segments) - (len(want) - i - 1)
			if n <= i {
				return nil, false
			}
			params[name] = strings.Join(segments[i:n], "/")
			segments = append(append([]string{}, segments[:i+1]...), segments[n:]...)
		case isParam:
			params[name] = segments[i]
		case w != segments[i]:
			return nil, false
		}
	}
	return params, len(segments) == len(want)
}

func (s *Server) route(method, escaped string) (*route, map[string]string) {
	segments := strings.Split(strings.Trim(escaped, "/"), "/")
	for i := range segments {
		if plain, err := url.PathUnescape(segments[i]); err == nil {
			segments[i] = plain
		}
	}
	for i := range routes {
		if params, ok := routes[i].match(method, segments); ok {
			return &routes[i], params
		}
	}
	return nil, nil
}

// A request is a call that was routed, with what its handler needs.
type request struct {
	*Server
	r      *http.Request
	route  *route
	params map[string]string
	query  url.Values
	raw    []byte
	body   map[string]any
	token  *token
	repo   *Repo
	header http.Header // of the answer
}

func (q *request) text(key string) string {
	v, _ := q.body[key].(string)
	return v
}

func (q *request) number(param string) int64 {
	n, err := strconv.ParseInt(q.params[param], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "/_codeload/") {
		s.codeload(w, r)
		return
	}
	enterprise := strings.HasPrefix(path, "/api/")
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/api"), "/v3")
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	call := Call{Method: r.Method, Route: "graphql", at: r.URL.Path}
	q := &request{Server: s, r: r, raw: raw, query: r.URL.Query(), header: http.Header{}}
	isGraphQL := path == "/graphql" && r.Method == http.MethodPost && (!enterprise || strings.HasPrefix(r.URL.Path, "/api/graphql"))
	if isGraphQL {
		call.Route = operationName(raw)
		call.Write = strings.HasPrefix(call.Route, "mutation ")
	} else {
		q.route, q.params = s.route(r.Method, path)
		if q.route == nil {
			s.bug("%s %s: there is no such route here", r.Method, r.URL.Path)
			write(w, answerNo(no(http.StatusNotFound, "Not Found")))
			return
		}
		call.Route, call.Write = q.route.path, r.Method != http.MethodGet
	}
	s.dispatch(w, q, call, isGraphQL)
}

// dispatch answers one call, with the fault that the plan has for it.
func (s *Server) dispatch(w http.ResponseWriter, q *request, call Call, isGraphQL bool) {
	s.mu.Lock()
	call.N = len(s.calls)
	fault := s.fault(call)
	a := fault.before()
	if a == nil && !fault.lost {
		a = s.answer(q, isGraphQL)
		s.now = s.now.Add(s.pace(call.Write))
	}
	if fault.after != nil && a != nil && a.status < http.StatusMultipleChoices {
		a = fault.after
	}
	call.Status, call.Points = a.code(), points(call.Write, isGraphQL)
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	s.flush()
	if fault.Hook != nil {
		fault.Hook()
	}
	if fault.hangUp {
		panic(http.ErrAbortHandler) // the client reads no answer
	}
	write(w, a)
}

// An answer is what is sent back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) code() int {
	if a == nil {
		return 0
	}
	return a.status
}

func write(w http.ResponseWriter, a *answer) {
	maps.Copy(w.Header(), a.header)
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own affair
}

func answerJSON(status int, header http.Header, body any) *answer {
	a := &answer{status: status, header: header}
	if header == nil {
		a.header = http.Header{}
	}
	if body == nil {
		return a
	}
	var err error
	if a.body, err = json.Marshal(body); err != nil {
		panic(err) // bodies are maps, slices and scalars
	}
	return a
}

func answerNo(e *apiError) *answer {
	if e.status == http.StatusOK { // GraphQL's
		return answerJSON(e.status, e.header, map[string]any{"errors": e.errors})
	}
	body := map[string]any{"message": e.message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(e.status)}
	if e.errors != nil {
		body["errors"] = e.errors
	}
	return answerJSON(e.status, e.header, body)
}

// answer is the answer without faults. It is judged, as the request is.
func (s *Server) answer(q *request, isGraphQL bool) *answer {
	a := s.try(q, isGraphQL)
	a.header.Set("X-GitHub-Request-Id", fmt.Sprintf("GHTEST:%d", len(s.calls)+1))
	a.header.Set("Date", s.now.Format(http.TimeFormat))
	a.header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	if q.token != nil {
		s.budget(q.token.installation.id).tell(a.header)
	}
	if !isGraphQL {
		for _, complaint := range s.judge.response(q, a) {
			s.bug("%s %s: the stand-in answers %d: %s", q.route.method, q.route.path, a.status, complaint)
		}
	}
	return a
}

func (s *Server) try(q *request, isGraphQL bool) (a *answer) {
	// A handler says no by panicking with the answer: it reads straight on.
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*apiError)
			if !ok {
				panic(r)
			}
			a = answerNo(e)
		}
	}()
	if q.r.Header.Get("User-Agent") == "" {
		panic(no(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"))
	}
	s.admit(q, isGraphQL)
	if isGraphQL {
		return s.graphql(q)
	}
	if len(q.raw) > 0 {
		s.decode(q)
	}
	if complaints := s.judge.request(q); len(complaints) > 0 {
		for _, c := range complaints {
			s.bug("%s %s: the request: %s", q.route.method, q.route.path, c)
		}
		panic(no(http.StatusUnprocessableEntity, "Invalid request.\n\n%s", strings.Join(complaints, "\n")))
	}
	s.locate(q)
	status, body := q.route.handle(q)
	return answerJSON(status, q.header, body)
}

func (s *Server) decode(q *request) {
	d := json.NewDecoder(bytes.NewReader(q.raw))
	err := d.Decode(&q.body)
	var wrong *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrong) {
		panic(no(http.StatusBadRequest, "Problems parsing JSON"))
	}
}

// locate finds the repository that the path names and checks what the token
// may do with it.
func (s *Server) locate(q *request) {
	owner, there := q.params["owner"]
	if !there {
		return
	}
	r, moved := s.find(owner, q.params["repo"])
	if r == nil || r.private && !q.token.sees(r) {
		panic(errNotFound)
	}
	if moved {
		q.redirect(r)
	}
	s.permit(q.token, r, q.route.needs, q.route.method != http.MethodGet)
	q.repo = r
}

func (q *request) redirect(r *Repo) {
	path := strings.Replace(q.r.URL.Path, "/repos/"+q.params["owner"]+"/"+q.params["repo"], fmt.Sprintf("/repositories/%d", r.ID), 1)
	e := no(http.StatusMovedPermanently, "Moved Permanently")
	e.header = http.Header{"Location": {q.URL + path}}
	panic(e)
}

// permit panics with GitHub's answer where the token may not.
func (s *Server) permit(t *token, r *Repo, needs map[string]string, writes bool) {
	for name, level := range needs {
		if t.sees(r) && allows(t.permissions[name], level) {
			s.writable(r, writes)
			return
		}
	}
	if !writes && !r.private && needs["contents"]+needs["metadata"]+needs["pull_requests"]+needs["issues"] != "" {
		return // anybody may read a public repository
	}
	if len(needs) > 0 {
		panic(no(http.StatusForbidden, "Resource not accessible by integration"))
	}
}

func (s *Server) writable(r *Repo, writes bool) {
	if writes && r.archived {
		panic(no(http.StatusForbidden, "Repository was archived so is read-only."))
	}
}

func allows(have, need string) bool { return have == need || have == "write" }

// sees says whether the token reaches the repository at all.
func (t *token) sees(r *Repo) bool {
	return r.installation == t.installation && (t.repos == nil || t.repos[r.ID])
}

// page cuts a list as the query asks for and links the next page.
func page[T any](q *request, list []T) []T {
	per, err := strconv.Atoi(q.query.Get("per_page"))
	if err != nil {
		per = 30
	}
	n, err := strconv.Atoi(q.query.Get("page"))
	if err != nil {
		n = 1
	}
	if per > 100 {
		per = 100 // as GitHub does, without a word
	}
	from, to := min((n-1)*per, len(list)), min(n*per, len(list))
	if to < len(list) {
		next := *q.r.URL
		values := next.Query()
		values.Set("page", strconv.Itoa(n+1))
		next.RawQuery = values.Encode()
		q.header.Set("Link", fmt.Sprintf("<%s%s>; rel=\"next\"", q.URL, next.RequestURI()))
	}
	return append([]T{}, list[from:to]...)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func stampOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}
