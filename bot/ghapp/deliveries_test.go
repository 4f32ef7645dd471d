package ghapp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
)

// What could not be delivered is sent again, once it went well no more, and
// nothing else is.
func TestRedeliver(t *testing.T) {
	s := ghtest.New(t)
	var mu sync.Mutex
	down := false
	got := map[string]int{}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		got[r.Header.Get("X-GitHub-Delivery")]++
	}))
	t.Cleanup(hook.Close)
	set := func(v bool) {
		s.Wait()
		mu.Lock()
		defer mu.Unlock()
		down = v
	}
	s.Webhook(hook.URL)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	since := s.Now()
	push := func(n int) {
		for i := range n {
			repo.Push("alice", "main", map[string][]byte{"a": []byte(fmt.Sprint(n, i))}, "x")
		}
	}
	push(3)
	set(true)
	push(120)
	for round, want := range []int{120, 120, 0} {
		set(round == 0) // still down, then up again
		if n, _, err := a.Redeliver(t.Context(), since); err != nil || n != want {
			t.Fatalf("round %d: %d redelivered, %v; want %d", round, n, err, want)
		}
		s.Wait()
	}
	for guid, n := range got {
		if n != 1 {
			t.Errorf("%s came %d times", guid, n)
		}
	}
	if len(got) != 123 {
		t.Errorf("%d events came", len(got))
	}
	s.Advance(time.Hour)
	if n, _, err := a.Redeliver(t.Context(), s.Now()); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// What we refused for what it is would be refused again. A wrong signature tells
// of a wrong secret: it is tried once more when others are right again.
func TestRedeliverWhatMayTurnOut(t *testing.T) {
	s := ghtest.New(t)
	var code atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) }))
	t.Cleanup(hook.Close)
	s.Webhook(hook.URL)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	since := s.Now()
	n := 0
	push := func(answer int) {
		s.Wait()
		code.Store(int64(answer))
		n++
		repo.Push("alice", "main", map[string][]byte{"a": []byte(fmt.Sprint(n))}, "x")
		s.Wait()
	}
	missed := func(answer, want int, waits bool) {
		t.Helper()
		s.Wait()
		code.Store(int64(answer))
		if got, waiting, err := a.Redeliver(t.Context(), since); err != nil || got != want || waiting.IsZero() == waits {
			t.Errorf("%d redelivered, waiting since %v, %v; want %d", got, waiting, err, want)
		}
		s.Wait()
	}
	for _, answer := range []int{400, 405, 413, 415} {
		push(answer)
	}
	missed(202, 0, false)
	for _, answer := range []int{404, 429, 500, 502, 503} {
		push(answer)
	}
	missed(202, 5, false)
	missed(202, 0, false)
	push(401)
	missed(202, 0, true)
	push(202)
	missed(401, 1, false)
	missed(202, 0, true)
	push(202)
	missed(202, 0, false)
}
