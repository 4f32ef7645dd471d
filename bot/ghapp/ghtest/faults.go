package ghtest

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// A Call is one request that was served.
type Call struct {
	N      int    // since the Server was made or [Server.ResetCalls]
	Method string // POST for GraphQL
	Route  string // path as GitHub's description has it, or "query Name" or "mutation Name"
	Write  bool
	Status int // 0 when the connection was cut before the effect
	Points int // of the secondary limit

	at string
}

func (c Call) String() string {
	if c.Method == http.MethodPost && c.Route[0] != '/' {
		return c.Route
	}
	return c.Method + " " + c.Route
}

// Calls are those that were served since the last [Server.ResetCalls], minted
// tokens and archives included.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call{}, s.calls...)
}

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// points of the secondary limit: GET 1, other REST 5; GraphQL 1 and 5.
func points(write, _ bool) int {
	if write {
		return 5
	}
	return 1
}

// A Fault is what goes wrong with one call. The zero Fault is none.
type Fault struct {
	// Hook runs when the fault strikes, before the client learns anything:
	// cancel the context of a flow in it, and the flow was killed there.
	Hook func()

	name    string
	instead func() *answer // the answer, without any effect
	after   *answer        // the answer, after the effect
	lost    bool           // without any effect and without an answer
	hangUp  bool
}

func (f Fault) String() string { return cmp.Or(f.name, "none") }

func (f Fault) before() *answer {
	if f.instead == nil {
		return nil
	}
	return f.instead()
}

func refuse(status int, message string, header http.Header) func() *answer {
	e := no(status, "%s", message)
	e.header = header
	return func() *answer { return answerNo(e) }
}

// The faults that GitHub is known for. The effect did not happen, except after
// BadGatewayAfter, TimeoutAfter and KillAfter.
var (
	Forbidden     = Fault{name: "403", instead: refuse(http.StatusForbidden, "Resource not accessible by integration", nil)}
	Secondary     = Fault{name: "403 secondary", instead: refuse(http.StatusForbidden, secondaryText, http.Header{"Retry-After": {"60"}})}
	NotFound      = Fault{name: "404", instead: refuse(http.StatusNotFound, "Not Found", nil)}
	Conflict      = Fault{name: "409", instead: refuse(http.StatusConflict, "Conflict", nil)}
	Unprocessable = Fault{name: "422", instead: refuse(http.StatusUnprocessableEntity, "Validation Failed", nil)}
	TooMany       = Fault{name: "429", instead: refuse(http.StatusTooManyRequests, "API rate limit exceeded", http.Header{"Retry-After": {"30"}})}
	ServerError   = Fault{name: "500", instead: refuse(http.StatusInternalServerError, "Server Error", nil)}
	TimeoutBefore = Fault{name: "timeout before", lost: true, hangUp: true}
	TimeoutAfter  = Fault{name: "timeout after", hangUp: true}

	BadGatewayAfter = Fault{name: "502 after", after: &answer{status: http.StatusBadGateway, header: http.Header{}, body: []byte(`{"message":"Server Error"}`)}}
)

// SecondaryGraph is how GraphQL may tell the secondary limit: with status 200, and
// no word on when to come back.
var SecondaryGraph = Fault{name: "200 secondary", instead: func() *answer { return answerNo(graphLimit("", secondaryText)) }}

// graphLimit is GraphQL's no to all of a request.
func graphLimit(kind, message string) *apiError {
	return &apiError{status: http.StatusOK, errors: []any{map[string]any{"type": kind, "message": message}}}
}

// KillBefore is the end of the caller before the effect: kill stops it.
func KillBefore(kill func()) Fault {
	return Fault{name: "killed before", lost: true, hangUp: true, Hook: kill}
}

// KillAfter is the end of the caller after the effect, before it hears of it.
func KillAfter(kill func()) Fault { return Fault{name: "killed after", hangUp: true, Hook: kill} }

// Faults are all kinds of faults, for tables; kill is for the last two.
func Faults(kill func()) []Fault {
	return []Fault{
		Forbidden, Secondary, NotFound, Conflict, Unprocessable, TooMany, ServerError,
		BadGatewayAfter, TimeoutBefore, TimeoutAfter, KillBefore(kill), KillAfter(kill),
	}
}

// Plan decides the fault of every call from now on; nil for none.
func (s *Server) Plan(plan func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// FaultAt plans one fault: at the n-th call since [Server.ResetCalls], from 0.
func (s *Server) FaultAt(n int, f Fault) {
	s.Plan(func(c Call) Fault {
		if c.N == n {
			return f
		}
		return Fault{}
	})
}

func (s *Server) fault(c Call) Fault {
	if s.plan == nil {
		return Fault{}
	}
	return s.plan(c)
}

const secondaryText = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

// A budget is what an installation may still call.
type budget struct {
	limit, used int
	reset       time.Time
	written     []time.Time // what was created within the last hour
}

func (s *Server) budget(installation int64) *budget {
	b := s.limits[installation]
	if b == nil {
		b = &budget{limit: 5000}
		s.limits[installation] = b
	}
	if !s.now.Before(b.reset) {
		b.used, b.reset = 0, s.now.Add(time.Hour)
	}
	return b
}

func (b *budget) tell(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, b.limit-b.used)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	h.Set("X-RateLimit-Used", strconv.Itoa(b.used))
}

// Contents may be created 80 times a minute and 500 times an hour.
const (
	createdPerMinute = 80
	createdPerHour   = 500
)

// spend counts a call of an installation, and panics with GitHub's answer when
// that is one too many.
func (s *Server) spend(installation int64, creates, isGraphQL bool) {
	b := s.budget(installation)
	if b.used >= b.limit {
		e := no(http.StatusForbidden, "API rate limit exceeded for installation ID %d.", installation)
		if isGraphQL {
			e = graphLimit("RATE_LIMIT", e.message)
		}
		e.header = http.Header{}
		b.tell(e.header)
		panic(e)
	}
	b.used++
	if !creates {
		return
	}
	minute, hour := 0, 0
	for _, at := range b.written {
		if s.now.Sub(at) < time.Minute {
			minute++
		}
		if s.now.Sub(at) < time.Hour {
			hour++
		}
	}
	if minute >= createdPerMinute || hour >= createdPerHour {
		e := no(http.StatusForbidden, secondaryText)
		e.header = http.Header{"Retry-After": {"60"}}
		panic(e)
	}
	b.written = append(b.written, s.now)
}

// RateLimit sets what every installation may call in an hour.
func (s *Server) RateLimit(perHour int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.installations {
		s.budget(in.id).limit = perHour
	}
}

// pace is how far a call moves the Server's clock: as far as a caller who keeps
// to GitHub's rules would have waited.
func (s *Server) pace(write bool) time.Duration {
	if write {
		return s.tick
	}
	return 0
}
