package ghapp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A limitError is GitHub's "not now". The call had no effect.
type limitError struct {
	after time.Duration
	text  string
}

func (e *limitError) Error() string {
	return fmt.Sprintf("GitHub's rate limit: %s; again in %s", e.text, e.after)
}

// gate is the one place that knows GitHub's limits. It lets the calls of an
// installation through one at a time, writes apart from each other, and none
// while GitHub said to wait: who goes on calling may be banned.
type gate struct {
	base http.RoundTripper
	gap  time.Duration
	now  func() time.Time

	mu      sync.Mutex
	until   time.Time // no call before
	strikes int       // limits in a row that did not say until when
	wrote   time.Time
}

func (a *App) gate(installation int64) *gate {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.gates[installation]
	if g == nil {
		g = &gate{base: a.meter.of(installation), gap: a.cfg.Gap, now: a.cfg.Now}
		a.gates[installation] = g
	}
	return g
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.until.Sub(g.now()); wait > 0 {
		return nil, &limitError{wait, "still waiting"}
	}
	if isWrite(r) {
		if err := pause(r.Context(), g.gap-g.now().Sub(g.wrote)); err != nil {
			return nil, err
		}
		defer func() { g.wrote = g.now() }()
	}
	resp, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, limited, err := limited(r, resp)
	if err != nil {
		return nil, err
	}
	if !limited {
		g.strikes = 0
		return resp, nil
	}
	resp.Body.Close()
	after := g.wait(resp.Header)
	g.until = g.now().Add(after)
	return nil, &limitError{after, text}
}

// wait is how long GitHub wants us to: what it says, or a minute that doubles.
func (g *gate) wait(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil {
		return time.Duration(s) * time.Second
	}
	if h.Get("X-Ratelimit-Remaining") == "0" {
		reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
		// GitHub's own clock tells how far that is away.
		now, dateErr := http.ParseTime(h.Get("Date"))
		if err == nil && dateErr == nil {
			return max(time.Unix(reset, 0).Sub(now), time.Second)
		}
	}
	g.strikes++
	return min(time.Minute<<(g.strikes-1), time.Hour)
}

// limited tells a limit from a refusal: both are 403, and the limit may be 429,
// or of GraphQL 200. The body can be read again.
func limited(r *http.Request, resp *http.Response) (text string, yes bool, err error) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return resp.Status, true, nil
	case http.StatusForbidden:
		body, err := peek(resp)
		return resp.Status, resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Ratelimit-Remaining") == "0" || err == nil && bytes.Contains(body, []byte("rate limit")), nil
	case http.StatusOK:
		if isGraph(r) {
			return limitedGraph(resp)
		}
	}
	return "", false, nil
}

// limitedGraph looks for the limit among the errors of an answer. The headers do
// not tell: none is left after the last call that was answered, and some may be
// after one that asked for too much.
func limitedGraph(resp *http.Response) (text string, yes bool, err error) {
	body, err := peek(resp)
	if err != nil || !bytes.Contains(body, []byte(`"errors"`)) {
		return "", false, err
	}
	var answer struct{ Errors graphErrors }
	if json.Unmarshal(body, &answer) != nil {
		return "", false, nil // for who reads the answer to say
	}
	for _, e := range answer.Errors {
		// GitHub says RATE_LIMITED or RATE_LIMIT, and only in words when it is the secondary one.
		if strings.HasPrefix(e.Type, "RATE_LIMIT") || strings.Contains(e.Message, "secondary rate limit") {
			return e.Error(), true, nil
		}
	}
	return "", false, nil
}

// peek reads the body, which can be read again.
func peek(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type graphKey struct{}

// asGraph marks a GraphQL operation: all of them are POSTs to one place.
func asGraph(ctx context.Context, text string) context.Context {
	name, _, _ := strings.Cut(strings.TrimSpace(text), "(")
	return context.WithValue(ctx, graphKey{}, name)
}

// isGraph says whether the call is a GraphQL operation.
func isGraph(r *http.Request) bool {
	_, ok := r.Context().Value(graphKey{}).(string)
	return ok && !isMint(r)
}

// isWrite says whether the call changes what people see. A token is none.
func isWrite(r *http.Request) bool {
	if isMint(r) {
		return false
	}
	if name, ok := r.Context().Value(graphKey{}).(string); ok {
		return strings.HasPrefix(name, "mutation")
	}
	return r.Method != http.MethodGet
}

// isMint says whether the call asks for a token. It has the context of the
// call that needs one.
func isMint(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access_tokens") }

// Usage of the API.
type Usage struct {
	Calls map[string]int // by kind: "read", "write", "query", "mutation", "token", "archive"
	Left  map[int64]Left // by installation
}

// Left is what an installation may still call until a time.
type Left struct {
	Calls int
	Until time.Time
}

// meter counts calls by kind, below everything else that calls.
type meter struct {
	base  http.RoundTripper
	mu    sync.Mutex
	calls map[string]int
	left  map[int64]Left
}

func (m *meter) usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Usage{maps.Clone(m.calls), maps.Clone(m.left)}
}

type metered struct {
	*meter
	installation int64
}

func (m *meter) of(installation int64) http.RoundTripper { return metered{m, installation} }

// RoundTrip implements http.RoundTripper.
func (m metered) RoundTrip(r *http.Request) (*http.Response, error) {
	m.count(kindOf(r))
	resp, err := m.base.RoundTrip(r)
	if err == nil {
		m.note(m.installation, resp.Header)
	}
	return resp, err
}

func (m *meter) count(kind string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[kind]++
}

func (m *meter) note(installation int64, h http.Header) {
	left, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	reset, resetErr := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || resetErr != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[installation] = Left{left, time.Unix(reset, 0)}
}

func kindOf(r *http.Request) string {
	if isMint(r) {
		return "token"
	}
	if name, ok := r.Context().Value(graphKey{}).(string); ok {
		kind, _, _ := strings.Cut(name, " ")
		return kind
	}
	if r.Method == http.MethodGet {
		return "read"
	}
	return "write"
}
