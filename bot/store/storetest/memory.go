// Package storetest holds what every implementation of the store's interfaces
// must do, and the Postgres to try it on.
package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/bot"
)

// TestMemory holds a [bot.Memory] to its contract. Each call of open gives an
// empty one.
func TestMemory(t *testing.T, open func(*testing.T) bot.Memory) {
	t.Run("records", func(t *testing.T) { testRecords(t, open(t)) })
	t.Run("effects", func(t *testing.T) { testEffects(t, open(t)) })
	t.Run("one begins", func(t *testing.T) { testOneBegins(t, open(t)) })
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

// The newest record of every scope comes back whole, sorted, and only its own
// repository's.
func testRecords(t *testing.T, m bot.Memory) {
	record := func(repo int64, scope, plan string) bot.Record {
		return bot.Record{Repo: repo, Scope: scope, Branch: "sparktune/" + plan, Plan: plan, State: bot.PullOpen, Pull: 7, At: noon}
	}
	full := record(1, "dags/ü\"'%_.py", "b")
	full.Wants = []bot.Wanted{{Job: "sales.load", Key: "spark.executor.memory", From: "8g", To: "4g"}}
	full.Snoozed = noon.Add(time.Hour)
	byte255 := record(1, "dags/\xff.py", "c") // a path need not be UTF-8
	for _, r := range []bot.Record{record(1, "z", "a"), full, record(2, "z", "other"), record(1, "z", "newer"), record(1, "Z", "d")} {
		if err := m.Remember(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Recall(t.Context(), 1)
	want := []bot.Record{record(1, "Z", "d"), full, record(1, "z", "newer")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, records (-want +got):\n%s", err, diff)
	}
	if got, err := m.Recall(t.Context(), 3); len(got) != 0 || err != nil {
		t.Errorf("a repository that nobody knows: %v, %v", got, err)
	}
	if err := m.Remember(t.Context(), byte255); err != nil {
		t.Errorf("a path that is not UTF-8: %v", err)
	}
}

// What was begun does not begin again until it ended as not done; what was done
// never does.
func testEffects(t *testing.T, m bot.Memory) {
	begin := func(repo int64, key string, at time.Time, want bot.Entry, wantBegun bool) {
		t.Helper()
		e, begun, err := m.Begin(t.Context(), repo, key, at)
		if diff := cmp.Diff(want, e); diff != "" || begun != wantBegun || err != nil {
			t.Fatalf("begin %d %q: begun %v, error %v, entry (-want +got):\n%s", repo, key, begun, err, diff)
		}
	}
	end := func(repo int64, key string, r *bot.Receipt) {
		t.Helper()
		if err := m.End(t.Context(), repo, key, r); err != nil {
			t.Fatal(err)
		}
	}
	receipt := &bot.Receipt{Commit: "c0ffee", ID: 1 << 40}
	later := noon.Add(time.Hour)

	begin(1, "push x", noon, bot.Entry{At: noon}, true)
	begin(1, "push x", later, bot.Entry{At: noon}, false)
	begin(2, "push x", later, bot.Entry{At: later}, true)
	begin(1, "push X", later, bot.Entry{At: later}, true)

	end(1, "push x", nil)
	begin(1, "push x", later, bot.Entry{At: later}, true)
	end(1, "push x", receipt)
	begin(1, "push x", noon, bot.Entry{At: later, Receipt: receipt}, false)
	begin(2, "push x", noon, bot.Entry{At: later}, false)
}

// Of many that begin the same at once, one does.
func testOneBegins(t *testing.T, m bot.Memory) {
	const n = 8
	result := make(chan bool, n)
	for range n {
		go func() {
			_, begun, err := m.Begin(t.Context(), 1, "comment", noon)
			if err != nil {
				t.Error(err)
			}
			result <- begun
		}()
	}
	begun := 0
	for range n {
		if <-result {
			begun++
		}
	}
	if begun != 1 {
		t.Errorf("%d of %d began", begun, n)
	}
}
