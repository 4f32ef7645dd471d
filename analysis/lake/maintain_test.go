package lake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/iceberg-go/table"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// scattered fills a lake with n rows in n commits, over three months, and
// returns them.
func scattered(t testing.TB, l *Lake, n int) []analysis.Run {
	t.Helper()
	var rows []analysis.Run
	for i := range n {
		r := fullRun(i)
		r.Start = noon.AddDate(0, i%3, 0).Add(time.Duration(i) * time.Second)
		r.DAGID = fmt.Sprintf("dag-%02d", i*7%10)
		put(t, l, r)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, byStart)
	return rows
}

func dataFiles(t testing.TB, l *Lake) int {
	t.Helper()
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := tb.Scan().PlanFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

func TestCompact(t *testing.T) {
	l := openTemp(t)
	want := scattered(t, l, 12)
	stats, err := l.Compact(t.Context())
	if want := (CompactStats{Before: 12, After: 3}); err != nil || stats != want {
		t.Errorf("Compact: got %+v, %v, want %+v", stats, err, want)
	}
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := dataFiles(t, l); got != 3 {
		t.Errorf("got %d files, want 3", got)
	}
	if !slices.IsSortedFunc(inFile(t, l), byJob) {
		t.Error("rows of a file are not sorted by job")
	}
	if stats, err := l.Compact(t.Context()); err != nil || stats != (CompactStats{}) {
		t.Errorf("second Compact: got %+v, %v, want nothing done", stats, err)
	}
}

// inFile reads the rows of the first month as they lie.
func inFile(t *testing.T, l *Lake) []analysis.Run {
	t.Helper()
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rows []analysis.Run
	first := selection[analysis.Run]{fields: l.runs.fields, filter: window("start_ts", time.Time{}, noon.AddDate(0, 0, 8))}
	err = scan(t.Context(), tb, first, func(b []analysis.Run) { rows = append(rows, b...) })
	if err != nil || len(rows) == 0 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	return rows
}

// TestIngestDuringCompaction puts rows while the lake is compacted again and
// again.
func TestIngestDuringCompaction(t *testing.T) {
	l := openTemp(t)
	want := scattered(t, l, 5)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := l.Compact(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 15 {
		r := at(fmt.Sprint("late ", i%12), noon, "d", "t")
		r.Events = int64(i) // the last three take the place of the first
		put(t, l, r)
		want = append(slices.DeleteFunc(want, func(w analysis.Run) bool { return w.Key == r.Key }), r)
	}
	stop()
	wg.Wait()
	slices.SortFunc(want, byStart)
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r := verify(t, l)
	if r.Rows != int64(len(want)) {
		t.Errorf("got %d rows, want %d", r.Rows, len(want))
	}
	for _, o := range r.Orphans {
		// iceberg-go's SQL catalog forgets the metadata of a commit that loses
		// at the last moment, and says nowhere how it is called.
		if !strings.HasSuffix(o, ".metadata.json") {
			t.Errorf("orphan %s", o)
		}
	}
}

func verify(t *testing.T, l *Lake) Report {
	t.Helper()
	r, err := l.Verify(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExpire(t *testing.T) {
	l := openTemp(t)
	want := scattered(t, l, 6)
	if _, err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Expire(t.Context(), time.Hour, 1); err != nil || n != 0 {
		t.Errorf("Expire of old snapshots: got %d, %v, want none", n, err)
	}
	if n, err := l.Expire(t.Context(), 0, 2); err != nil || n != 7 {
		t.Errorf("Expire: got %d, %v, want 7 of 9", n, err)
	}
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := l.Expire(t.Context(), 0, 1); err != nil {
		t.Error(err)
	}
	parquet := slices.DeleteFunc(files(t, l.dir), func(f string) bool { return !strings.HasSuffix(f, ".parquet") })
	if len(parquet) != 3 {
		t.Errorf("got %d data files on disk, want the 3 of the table: %q", len(parquet), parquet)
	}
}

func TestVerify(t *testing.T) {
	l := openTemp(t)
	scattered(t, l, 4)
	if got, want := verify(t, l), (Report{Rows: 4, Files: 4}); !cmp.Equal(got, want) || !got.Healthy() {
		t.Errorf("sound lake: got %+v, want %+v", got, want)
	}

	orphan := write(t, filepath.Join(l.dir, "warehouse/sparktune.db/runs/data/crashed.parquet"), "half a file")
	r := verify(t, l)
	if !r.Healthy() || len(r.Orphans) != 1 || !strings.HasSuffix(r.Orphans[0], "/crashed.parquet") {
		t.Errorf("orphan: got %+v", r)
	}
	if r, err := l.Verify(t.Context(), time.Hour); err != nil || len(r.Orphans) > 0 {
		t.Errorf("young orphan: got %+v, %v, want none", r, err)
	}
	removed, err := l.Clean(t.Context(), 0)
	if _, gone := os.Stat(orphan); err != nil || len(removed) != 1 || gone == nil {
		t.Errorf("Clean: got %q, %v", removed, err)
	}

	twice(t, l, at("app", noon, "d", "t"))
	if r := verify(t, l); r.Healthy() || len(r.Duplicates) != 1 || r.Duplicates[0].AppID != "app" {
		t.Errorf("duplicate: got %+v", r)
	}

	var data string
	for _, f := range files(t, l.dir) {
		if strings.HasSuffix(f, ".parquet") {
			data = f
		}
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, l); r.Healthy() || len(r.Missing) != 1 || !strings.HasSuffix(r.Missing[0], filepath.Base(data)) {
		t.Errorf("missing: got %+v", r)
	}
}

// TestVerifyDamaged damages bytes of a data file, one place at a time: what can't
// be read is said, with the file, and the other files are read on.
func TestVerifyDamaged(t *testing.T) {
	l := openTemp(t)
	put(t, l, at("other", noon.AddDate(0, 1, 0), "d", "t"))
	put(t, l, fullRun(1), at("b", fullRun(1).Start, "d", "t"))
	file := dataFileOf(t, l, 2)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{"empty": nil, "cut": whole[:len(whole)/2]}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		damaged := slices.Clone(whole)
		place := rnd.IntN(len(whole) - 4)
		for i := range 4 {
			damaged[place+i] ^= byte(1 + rnd.IntN(255))
		}
		tests[fmt.Sprint("at ", place)] = damaged
	}
	seen := 0
	for name, damaged := range tests {
		write(t, file, string(damaged))
		_, failed := l.Runs(t.Context(), Query{})
		r, err := l.Verify(t.Context(), 0)
		switch {
		case err != nil:
			t.Errorf("%s: Verify: %v", name, err)
		case failed != nil && (r.Healthy() || !strings.HasPrefix(r.Unreadable[0], "file://"+file+": ")):
			t.Errorf("%s: Verify: got %+v, and Runs fails: %v", name, r, failed)
		case failed != nil && !strings.Contains(failed.Error(), file):
			t.Errorf("%s: Runs: got error %v, want the file in it", name, failed)
		case r.Files != 2 || r.Rows < 1:
			t.Errorf("%s: Verify: got %+v, want the other file read", name, r)
		}
		if failed != nil {
			seen++
		}
	}
	if seen < 20 {
		t.Errorf("%d of %d damages made rows unreadable, want more", seen, len(tests))
	}
}

// dataFileOf is the path of the data file of runs that has so many rows.
func dataFileOf(t *testing.T, l *Lake, rows int64) string {
	t.Helper()
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := tb.Scan().PlanFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(tasks, func(f table.FileScanTask) bool { return f.File.Count() == rows })
	return strings.TrimPrefix(tasks[i].File.FilePath(), "file://")
}

// TestWorkWhileFilesExpire has another process merge and expire all files right
// after each work has loaded the table: it goes on with the newest state.
func TestWorkWhileFilesExpire(t *testing.T) {
	keys := []analysis.Key{{AppID: "app-0"}}
	better := at("app-0", noon, "d", "t")
	better.Events = 99
	works := map[string]func(l *Lake) error{
		"Put": func(l *Lake) error { _, err := l.Put(t.Context(), []analysis.Run{better}); return err },
		"Runs": func(l *Lake) error {
			got, err := l.Runs(t.Context(), Query{})
			if len(got) != 3 {
				t.Errorf("got %d runs, want 3", len(got))
			}
			return err
		},
		"Profiles": func(l *Lake) error {
			got, err := l.Profiles(t.Context(), keys)
			if len(got) != 1 {
				t.Errorf("got %d profiles, want 1", len(got))
			}
			return err
		},
		"Compact": func(l *Lake) error { _, err := l.Compact(t.Context()); return err },
		"Expire":  func(l *Lake) error { _, err := l.Expire(t.Context(), 0, 1); return err },
		"Tend":    func(l *Lake) error { return l.Tend(t.Context()) },
		"Clean":   func(l *Lake) error { _, err := l.Clean(t.Context(), 0); return err },
		"Verify": func(l *Lake) error {
			r, err := l.Verify(t.Context(), 0)
			if !r.Healthy() || r.Rows != 3 || r.Profiles != 3 {
				t.Errorf("got %+v, want 3 rows of each", r)
			}
			return err
		},
	}
	for name, work := range works {
		t.Run(name, func(t *testing.T) {
			l := openTemp(t)
			for i := range 3 {
				id := fmt.Sprint("app-", i)
				if _, err := l.Put(t.Context(), []analysis.Run{at(id, noon, "d", "t")}, profileAt(id, noon, 1)); err != nil {
					t.Fatal(err)
				}
			}
			other := reopen(t, l.dir)
			behind(l).loaded = func() {
				if _, err := other.Compact(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := other.Expire(t.Context(), 0, 1); err != nil {
					t.Error(err)
				}
			}
			if err := work(l); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMetadataReplaced removes the metadata between the look into the catalog
// and the one into the file.
func TestMetadataReplaced(t *testing.T) {
	l := openTemp(t)
	put(t, l, at("a", noon, "d", "t"))
	behind(l).gone = 1
	if got := runs(t, l, Query{}); len(got) != 1 {
		t.Errorf("got %d runs, want 1", len(got))
	}
}

// BenchmarkVerify reads every value of 10,000 rows.
//
//	go test -run '^$' -bench Verify ./analysis/lake
func BenchmarkVerify(b *testing.B) {
	l := openTemp(b)
	var rows []analysis.Run
	for i := range 10_000 {
		r := bigRun(i, bigStart)
		rows = append(rows, r)
	}
	put(b, l, rows...)
	for b.Loop() {
		if r, err := l.Verify(b.Context(), 0); err != nil || r.Rows != 10_000 {
			b.Fatalf("got %+v, %v", r, err)
		}
	}
}

// twice appends a row two times, as an engine does that knows no keys.
func twice(t *testing.T, l *Lake, r analysis.Run) {
	t.Helper()
	for range 2 {
		tb, err := l.runs.table(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.runs.apply(t.Context(), tb, plan[analysis.Run]{add: []analysis.Run{r}}); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkThousandCommits compares a table of a thousand commits, compacted,
// with one that was written at once.
//
//	go test -run '^$' -bench ThousandCommits ./analysis/lake
func BenchmarkThousandCommits(b *testing.B) {
	l, atOnce := openTemp(b), openTemp(b)
	rows := scattered(b, l, 1000)
	put(b, atOnce, rows...)
	read := func(name string, l *Lake) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				runs(b, l, Query{})
			}
		})
	}
	read("scattered", l)
	if _, err := l.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := l.Expire(b.Context(), 0, 1); err != nil {
		b.Fatal(err)
	}
	read("compacted", l)
	read("at once", atOnce)
	if diff := cmp.Diff(runs(b, atOnce, Query{}), runs(b, l, Query{})); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}
