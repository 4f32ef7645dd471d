package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/store/storetest"
)

// The suite holds for both databases.
var suite = []struct {
	name string
	test func(*testing.T, string)
}{
	{"worked once", testWorkedOnce},
	{"redelivery", testRedelivery},
	{"one event, two GUIDs", testSameEvent},
	{"burst", testBurst},
	{"one at a time of a subject", testOneAtATime},
	{"retry after", testRetryAfter},
	{"panic", testPanic},
	{"denied", testDenied},
	{"timeout", testTimeout},
	{"attempts", testAttempts},
	{"given up", testGivenUp},
	{"each attempt ends the process", testDeadly},
	{"orphans", testOrphans},
	{"graceful end", testGracefulEnd},
	{"impatient end", testImpatientEnd},
	{"schedule", testSchedule},
	{"missed windows", testMissedWindows},
	{"due at two processes", testDueAtTwo},
	{"forgotten", testForgotten},
	{"foreign text", testForeignText},
	{"concurrent start", testConcurrentStart},
	{"newer tables", testNewerTables},
}

func TestSQLite(t *testing.T) {
	runSuite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "state ü%.db") })
}

func TestPostgres(t *testing.T) { runSuite(t, storetest.Postgres(t)) }

func runSuite(t *testing.T, location func(*testing.T) string) {
	storetest.TestMemory(t, func(t *testing.T) bot.Memory { return open(t, location(t), Options{}) })
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, location(t)) })
	}
}

// open opens a store that looks for work often and tries again at once.
func open(t testing.TB, location string, o Options) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backoff == nil {
		o.Backoff = func(int) time.Duration { return 0 }
	}
	o.Poll = 5 * time.Millisecond
	s, err := Open(t.Context(), location, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// work runs a worker until stop is called, or the test ends.
func work(t *testing.T, s *Store, h Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Work(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("work: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// A journal notes which deliveries were handled, in which order.
type journal struct{ ch chan Delivery }

func newJournal() journal { return journal{make(chan Delivery, 100)} }

func (j journal) handle(_ context.Context, d Delivery) error {
	j.ch <- d
	return nil
}

// next waits for n deliveries and returns their GUIDs and attempts.
func (j journal) next(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		select {
		case d := <-j.ch:
			name := fmt.Sprintf("%s#%d", d.GUID, d.Attempt)
			if d.GivenUp {
				name += " given up"
			}
			out = append(out, name)
		case <-t.Context().Done():
			t.Fatal(context.Cause(t.Context()))
		}
	}
	return out
}

func accept(t testing.TB, s *Store, ds ...Delivery) {
	t.Helper()
	for _, d := range ds {
		if err := s.Accept(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

// settle works until nothing waits, ends the worker, and tells what is in the
// inbox.
func settle(t *testing.T, s *Store, stop func()) map[string]int {
	t.Helper()
	for {
		counts, err := s.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if counts[waiting]+counts[working] == 0 {
			stop()
			for state, n := range counts {
				if n == 0 {
					delete(counts, state)
				}
			}
			return counts
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func wantCounts(t *testing.T, got, want map[string]int) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
}

func testWorkedOnce(t *testing.T, location string) {
	s, j := open(t, location, Options{}), newJournal()
	want := Delivery{GUID: "g", Happened: "comment 1", Event: "issue_comment", Body: []byte("{\"a\": \"\xff\x00\"}"), Subject: "pull 1"}
	accept(t, s, want)
	stop := work(t, s, j.handle)
	wantCounts(t, settle(t, s, stop), map[string]int{done: 1})
	got := <-j.ch
	if got.Accepted.IsZero() {
		t.Error("the handler is not told when it was accepted")
	}
	want.Accepted, want.Attempt = got.Accepted, 1
	if diff := cmp.Diff(want, got); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, delivery (-want +got):\n%s", len(j.ch), diff)
	}
}

// A redelivery of what was processed is ignored, one of what failed runs again,
// and one of what waits does not double it.
func testRedelivery(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 1}), newJournal()
	broken := true
	handle := func(ctx context.Context, d Delivery) error {
		if err := j.handle(ctx, d); err != nil || d.GUID == "good" || d.GivenUp || !broken {
			return err
		}
		return errors.New("broken")
	}
	accept(t, s, Delivery{GUID: "good"}, Delivery{GUID: "good"}, Delivery{GUID: "bad"}, Delivery{GUID: "bad"})
	wantCounts(t, settle(t, s, work(t, s, handle)), map[string]int{done: 1, failed: 1})
	got := j.next(t, 3)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"bad#1", "bad#2 given up", "good#1"}, got); diff != "" {
		t.Errorf("worked (-want +got):\n%s", diff)
	}

	broken = false
	accept(t, s, Delivery{GUID: "good"}, Delivery{GUID: "bad"}, Delivery{GUID: "bad"})
	wantCounts(t, settle(t, s, work(t, s, handle)), map[string]int{done: 2})
	if diff := cmp.Diff([]string{"bad#1"}, j.next(t, 1)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more worked again (-want +got):\n%s", len(j.ch), diff)
	}
}

// An App's hook and a repository's hook tell the same event under two GUIDs.
func testSameEvent(t *testing.T, location string) {
	s, j := open(t, location, Options{}), newJournal()
	accept(t, s,
		Delivery{GUID: "app", Happened: "comment 1"},
		Delivery{GUID: "hook", Happened: "comment 1"},
		Delivery{GUID: "x"}, Delivery{GUID: "y"}) // of these nothing is known
	wantCounts(t, settle(t, s, work(t, s, j.handle)), map[string]int{done: 3})
	got := j.next(t, 3)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"app#1", "x#1", "y#1"}, got); diff != "" {
		t.Errorf("worked (-want +got):\n%s", diff)
	}
}

// Of a burst of pushes, those that wait are skipped and the last is never lost,
// also when it comes while an earlier one is worked. A command is no push.
func testBurst(t *testing.T, location string) {
	s, j := open(t, location, Options{}), newJournal()
	push := func(guid string) Delivery { return Delivery{GUID: guid, Subject: "pull 1", Newest: true} }
	accept(t, s, push("1"), push("2"), Delivery{GUID: "command", Subject: "pull 1"}, push("3"), Delivery{GUID: "other", Subject: "pull 2", Newest: true})
	proceed := make(chan struct{})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		err := j.handle(ctx, d)
		if d.GUID == "3" {
			<-proceed
		}
		return err
	})
	var got []string
	for !slices.Contains(got, "3#1") {
		got = append(got, j.next(t, 1)...)
	}
	accept(t, s, push("4"), push("5"))
	close(proceed)
	counts := settle(t, s, stop)
	got = append(got, j.next(t, 4-len(got))...)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"3#1", "5#1", "command#1", "other#1"}, got); diff != "" {
		t.Errorf("worked (-want +got):\n%s", diff)
	}
	wantCounts(t, counts, map[string]int{done: 4, superseded: 3})
}

func testOneAtATime(t *testing.T, location string) {
	s := open(t, location, Options{Workers: 4})
	var mu sync.Mutex
	at := make(map[string]int) // deliveries under way, by subject
	var meet sync.WaitGroup
	meet.Add(2)
	handle := func(_ context.Context, d Delivery) error {
		mu.Lock()
		at[d.Subject]++
		if at[d.Subject] > 1 {
			t.Errorf("%d of %s at a time", at[d.Subject], d.Subject)
		}
		mu.Unlock()
		if d.Body[0] == '1' { // those of two subjects meet here
			meet.Done()
			meet.Wait()
		}
		mu.Lock()
		at[d.Subject]--
		mu.Unlock()
		return nil
	}
	accept(t, s,
		Delivery{GUID: "a1", Subject: "a", Body: []byte("1")}, Delivery{GUID: "b1", Subject: "b", Body: []byte("1")},
		Delivery{GUID: "a2", Subject: "a", Body: []byte("2")}, Delivery{GUID: "b2", Subject: "b", Body: []byte("2")})
	wantCounts(t, settle(t, s, work(t, s, handle)), map[string]int{done: 4})
}

// A forge that says when to come back is believed, and that is no attempt.
func testRetryAfter(t *testing.T, location string) {
	s, j := open(t, location, Options{}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		return errors.Join(j.handle(ctx, d), fmt.Errorf("list: %w", &bot.RetryError{After: time.Hour, Err: errors.New("rate limit")}))
	})
	j.next(t, 1)
	stop()
	var run int64
	var state, text string
	if err := s.db.QueryRow("SELECT run, state, error FROM deliveries").Scan(&run, &state, &text); err != nil {
		t.Fatal(err)
	}
	job, err := s.insert.JobGet(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if wait := job.ScheduledAt.Sub(*job.AttemptedAt); wait < time.Hour || job.Attempt != 0 {
		t.Errorf("again %v after attempt %d", wait, job.Attempt)
	}
	if state != waiting || !strings.Contains(text, "rate limit") {
		t.Errorf("state %s, error %q", state, text)
	}
}

func testPanic(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 4}), newJournal()
	accept(t, s, Delivery{GUID: "once"}, Delivery{GUID: "always", Subject: "pull 1"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		if err := j.handle(ctx, d); err != nil || d.GUID == "once" && d.Attempt > 1 || d.GivenUp {
			return err
		}
		panic("a bug")
	})
	wantCounts(t, settle(t, s, stop), map[string]int{done: 1, failed: 1})
	got := j.next(t, 5)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"always#1", "always#3", "always#5 given up", "once#1", "once#3"}, got); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked (-want +got):\n%s", len(j.ch), diff)
	}
}

// A refusal may be that of a moment: it is tried again, less often than other
// errors. A wait that the forge asks for in between changes nothing about that.
func testDenied(t *testing.T, location string) {
	s, j := open(t, location, Options{}), newJournal()
	waited := false
	handle := func(ctx context.Context, d Delivery) error {
		switch err := j.handle(ctx, d); {
		case err != nil || d.GivenUp:
			return err
		case d.Attempt == 3 && !waited:
			waited = true
			return &bot.RetryError{After: time.Millisecond, Err: errors.New("rate limit")}
		}
		return &bot.RetryError{Err: fmt.Errorf("push: %w", bot.ErrDenied)}
	}
	accept(t, s, Delivery{GUID: "g"})
	wantCounts(t, settle(t, s, work(t, s, handle)), map[string]int{failed: 1})
	if diff := cmp.Diff([]string{"g#1", "g#3", "g#3", "g#5", "g#7", "g#9 given up"}, j.next(t, 6)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked (-want +got):\n%s", len(j.ch), diff)
	}
	// Until somebody sends it again.
	accept(t, s, Delivery{GUID: "g"})
	wantCounts(t, settle(t, s, work(t, s, handle)), map[string]int{failed: 1})
	if diff := cmp.Diff([]string{"g#1", "g#3", "g#5", "g#7", "g#9 given up"}, j.next(t, 5)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked again (-want +got):\n%s", len(j.ch), diff)
	}
}

// What takes too long is ended, and who tells of it has a time of his own.
func testTimeout(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 2, Timeout: 50 * time.Millisecond}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		if err := errors.Join(j.handle(ctx, d), ctx.Err()); err != nil || d.GivenUp {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	wantCounts(t, settle(t, s, stop), map[string]int{failed: 1})
	if diff := cmp.Diff([]string{"g#1", "g#3 given up"}, j.next(t, 2)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked (-want +got):\n%s", len(j.ch), diff)
	}
}

func testAttempts(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 3}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		if err := j.handle(ctx, d); err != nil || d.GivenUp {
			return err
		}
		return errors.New("no")
	})
	wantCounts(t, settle(t, s, stop), map[string]int{failed: 1})
	if diff := cmp.Diff([]string{"g#1", "g#2", "g#3", "g#4 given up"}, j.next(t, 4)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked (-want +got):\n%s", len(j.ch), diff)
	}
	var text string
	if err := s.db.QueryRow("SELECT error FROM deliveries").Scan(&text); err != nil || text != "no" {
		t.Errorf("it failed for %q, %v", text, err)
	}
}

// To tell that it is given up is tried again too, and not for ever.
func testGivenUp(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 1}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error { return errors.Join(j.handle(ctx, d), errors.New("no")) })
	wantCounts(t, settle(t, s, stop), map[string]int{failed: 1})
	want := []string{"g#1", "g#2 given up", "g#3 given up", "g#4 given up", "g#5 given up"}
	if diff := cmp.Diff(want, j.next(t, 5)); diff != "" || len(j.ch) > 0 {
		t.Errorf("%d more, worked (-want +got):\n%s", len(j.ch), diff)
	}
}

// A delivery that takes its process with it is given up too: an attempt counts
// from its beginning.
func testDeadly(t *testing.T, location string) {
	s := open(t, location, Options{Attempts: 2})
	accept(t, s, Delivery{GUID: "g"})
	var got []string
	for range 8 {
		var id, run int64
		if err := s.db.QueryRow("SELECT id, run FROM deliveries").Scan(&id, &run); err != nil {
			t.Fatal(err)
		}
		c, err := s.claim(t.Context(), id, run)
		if err != nil || c.verdict != claimed {
			break
		}
		got = append(got, fmt.Sprintf("%d %v", c.delivery.Attempt, c.delivery.GivenUp))
		if _, err := s.db.Exec("UPDATE river_job SET state = 'running', attempted_at = $1, attempt = 1 WHERE id = $2", sqlTime(s, time.Now()), run); err != nil {
			t.Fatal(err)
		}
		if err := s.reclaim(t.Context(), true); err != nil { // the process is dead
			t.Fatal(err)
		}
	}
	counts, err := s.Counts(t.Context())
	if diff := cmp.Diff([]string{"1 false", "2 false", "3 true", "4 true", "5 true", "6 true"}, got); diff != "" || counts[failed] != 1 || err != nil {
		t.Errorf("%v, %v, worked (-want +got):\n%s", counts, err, diff)
	}
}

// A process that died leaves jobs that River believes to run. Whoever comes
// later takes its deliveries up: at once where it is known that it died, else
// when its lease has run out, and not before.
func testOrphans(t *testing.T, location string) {
	now := time.Now()
	s := open(t, location, Options{Now: func() time.Time { return now }, Lease: time.Hour})
	accept(t, s, Delivery{GUID: "fetched"}, Delivery{GUID: "claimed"})
	for _, guid := range []string{"fetched", "claimed"} {
		var id, run int64
		if err := s.db.QueryRow("SELECT id, run FROM deliveries WHERE guid = $1", guid).Scan(&id, &run); err != nil {
			t.Fatal(err)
		}
		if _, err := s.db.Exec("UPDATE river_job SET state = 'running', attempted_at = $1, attempt = 1 WHERE id = $2", sqlTime(s, now), run); err != nil {
			t.Fatal(err)
		}
		if c, err := s.claim(t.Context(), id, run); guid == "claimed" && (c.verdict != claimed || err != nil) {
			t.Fatal(c.verdict, err)
		} else if guid == "fetched" { // died before its claim was written
			if err := s.inTx(t.Context(), func(tx *sql.Tx) error { return s.conclude(t.Context(), tx, c, end{state: waiting}, "") }); err != nil {
				t.Fatal(err)
			}
		}
	}
	runs := func() string {
		var r string
		if err := s.db.QueryRow("SELECT MIN(run) || ' ' || MAX(run) FROM deliveries").Scan(&r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	reclaim := func() string {
		if err := s.reclaim(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		return runs()
	}
	before := runs()
	if got := reclaim(); got != before {
		t.Errorf("taken up while the lease holds: jobs %s became %s", before, got)
	}
	now = now.Add(2 * time.Hour)
	if got := reclaim(); got == before {
		t.Errorf("not taken up after the lease: jobs %s", got)
	}
	j := newJournal()
	wantCounts(t, settle(t, s, work(t, s, j.handle)), map[string]int{done: 2})
	if got := j.next(t, 2); len(j.ch) > 0 {
		t.Errorf("worked %v and %d more", got, len(j.ch))
	}
}

// sqlTime is a time as River's tables have it.
func sqlTime(s *Store, at time.Time) any {
	if s.postgres {
		return at
	}
	return at.UTC().Format("2006-01-02 15:04:05.999")
}

// A shutdown waits for what is under way.
func testGracefulEnd(t *testing.T, location string) {
	s, j := open(t, location, Options{Grace: time.Hour}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	proceed := make(chan struct{})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		err := j.handle(ctx, d)
		<-proceed
		return errors.Join(err, ctx.Err())
	})
	j.next(t, 1)
	time.AfterFunc(10*time.Millisecond, func() { close(proceed) }) // whichever comes first, the end is the same
	stop()
	wantCounts(t, settle(t, s, func() {}), map[string]int{done: 1})
}

// What does not end in time is cancelled, and worked by the next one as if this
// attempt had not been.
func testImpatientEnd(t *testing.T, location string) {
	s, j := open(t, location, Options{Grace: 10 * time.Millisecond, Attempts: 1}), newJournal()
	accept(t, s, Delivery{GUID: "g"})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		j.ch <- d
		<-ctx.Done()
		return ctx.Err()
	})
	j.next(t, 1)
	stop()
	wantCounts(t, settle(t, s, work(t, s, j.handle)), map[string]int{done: 1})
	if diff := cmp.Diff([]string{"g#1"}, j.next(t, 1)); diff != "" {
		t.Errorf("worked (-want +got):\n%s", diff)
	}
}

var sales = bot.Repo{ID: 7, Owner: "acme", Name: "sales", Installation: 3}

// A schedule survives the process, keeps its time when the repository is seen
// again, and learns its new name.
func testSchedule(t *testing.T, location string) {
	s := open(t, location, Options{})
	first := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	for _, r := range []bot.Repo{sales, {ID: 8, Owner: "acme", Name: "gone"}} {
		if err := s.Schedule(t.Context(), r, first); err != nil {
			t.Fatal(err)
		}
	}
	renamed := sales
	renamed.Name = "orders"
	if err := errors.Join(s.Schedule(t.Context(), renamed, first.Add(time.Hour)), s.Unschedule(t.Context(), 8), s.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, location, Options{}).Scheduled(t.Context())
	if diff := cmp.Diff(map[bot.Repo]time.Time{renamed: first}, got); diff != "" || err != nil {
		t.Errorf("error %v, schedules (-want +got):\n%s", err, diff)
	}
}

// After three weeks without a process, a repository is due once.
func testMissedWindows(t *testing.T, location string) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	s, j := open(t, location, Options{Now: func() time.Time { return now }}), newJournal()
	if err := s.Schedule(t.Context(), sales, now); err != nil {
		t.Fatal(err)
	}
	next := func(bot.Repo) time.Time { return now.Add(7 * 24 * time.Hour) }
	due := func() {
		t.Helper()
		if err := s.Due(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(-time.Second)
	due() // not yet
	now = now.Add(21 * 24 * time.Hour)
	due()
	due()
	wantCounts(t, settle(t, s, work(t, s, j.handle)), map[string]int{done: 1})
	d := <-j.ch
	if d.Event != EventDue || string(d.Body) != `{"ID":7,"Owner":"acme","Name":"sales","Installation":3}` {
		t.Errorf("delivery %q %s", d.Event, d.Body)
	}
	now = now.Add(7 * 24 * time.Hour)
	due()
	wantCounts(t, settle(t, s, work(t, s, j.handle)), map[string]int{done: 2})
}

func testDueAtTwo(t *testing.T, location string) {
	s := open(t, location, Options{})
	if err := s.Schedule(t.Context(), sales, time.Now()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.Due(t.Context(), func(bot.Repo) time.Time { return time.Now().Add(time.Hour) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counts, err := s.Counts(t.Context())
	if counts[waiting] != 1 || err != nil {
		t.Errorf("error %v, inbox %v", err, counts)
	}
}

// What ended is forgotten after a month; what did not, never.
func testForgotten(t *testing.T, location string) {
	now := time.Now()
	s, j := open(t, location, Options{Now: func() time.Time { return now }}), newJournal()
	accept(t, s, Delivery{GUID: "old"})
	settle(t, s, work(t, s, j.handle))
	accept(t, s, Delivery{GUID: "waits"})
	now = now.Add(29 * 24 * time.Hour)
	for _, want := range []int{2, 1} {
		if err := s.forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts, err := s.Counts(t.Context())
		if got := counts[done] + counts[waiting]; got != want || err != nil {
			t.Errorf("%d deliveries are left, want %d; error %v", got, want, err)
		}
		now = now.Add(2 * 24 * time.Hour)
	}
}

// Foreign text may hold what Postgres refuses in a text.
func testForeignText(t *testing.T, location string) {
	s, j := open(t, location, Options{Attempts: 1}), newJournal()
	bad := "a\x00\xffb"
	accept(t, s, Delivery{GUID: bad, Happened: bad, Event: bad, Subject: bad}, Delivery{GUID: bad})
	stop := work(t, s, func(ctx context.Context, d Delivery) error {
		return errors.Join(j.handle(ctx, d), errors.New(strings.Repeat("é\x00", 4000)))
	})
	wantCounts(t, settle(t, s, stop), map[string]int{failed: 1})
}

func testConcurrentStart(t *testing.T, location string) {
	errs := make(chan error)
	for range 8 {
		go func() {
			s, err := Open(t.Context(), location, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				err = errors.Join(s.Accept(t.Context(), Delivery{GUID: "g"}), s.Close())
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func testNewerTables(t *testing.T, location string) {
	s := open(t, location, Options{})
	if _, err := s.db.Exec("INSERT INTO sparktune_migrations VALUES ('migrations/999_later.sql')"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), location, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "newer sparktune") {
		t.Errorf("error %v", err)
	}
}

// Passwords of the database are in no message.
func TestRedacted(t *testing.T) {
	for _, location := range []string{
		"postgres://me:hunter2@127.0.0.1:1/x?password=hunter2&connect_timeout=1",
		"postgres://me:hunter2@127.0.0.1:99999/%zz",
		"postgresql://me:hunter2@[::1/x",
	} {
		_, err := Open(t.Context(), location, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
