package lake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

func TestPutTwiceWritesNothing(t *testing.T) {
	l := openTemp(t)
	want := []analysis.Run{at("a", noon, "d", "t"), fullRun(3)}
	put(t, l, want...)
	before := files(t, l.dir)
	if got, want := put(t, l, want...), (PutStats{Unchanged: 2}); got != want {
		t.Errorf("second Put: got %+v, want %+v", got, want)
	}
	if diff := cmp.Diff(before, files(t, l.dir)); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}

// files lists the folder without SQLite's own.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, catalogFile) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestBetterRowStays puts the rows of one attempt in every order, in one call
// and in several: the best one stays.
func TestBetterRowStays(t *testing.T) {
	row := func(finished, truncated bool, events int64) analysis.Run {
		r := at("a", noon, "d", "t")
		r.Finished, r.Truncated, r.Events = finished, truncated, events
		return r
	}
	until := func(r analysis.Run, hours int) analysis.Run {
		r.End = noon.Add(time.Duration(hours) * time.Hour)
		return r
	}
	asked := func(status, final string, used int64) analysis.Run {
		r := row(false, false, 10)
		r.Status, r.YARNFinalStatus = status, final
		if used > 0 {
			r.YARNMemoryMBSeconds = analysis.Some(used)
		}
		return r
	}
	tests := map[string][]analysis.Run{ // best last
		"finished":                {row(false, false, 99), row(true, false, 10)},
		"complete":                {row(true, true, 99), row(true, false, 10)},
		"more events":             {row(false, false, 1), row(false, false, 2), row(false, false, 3)},
		"further, compacted":      {until(row(false, false, 99), 1), until(row(false, false, 20), 2), until(row(false, false, 21), 2)},
		"what YARN says":          {asked("unknown", "", 0), asked("unknown", "UNDEFINED", 5), asked("unknown", "UNDEFINED", 6), asked("unknown", "SUCCEEDED", 1), asked("failed", "", 0), asked("failed", "FAILED", 1)},
		"finished, however long":  {until(row(true, false, 9), 5), until(row(true, false, 10), 4)},
		"start lost with a file":  {{Key: analysis.Key{AppID: "a"}, Events: 5}, row(true, false, 10)},
		"start lost, other month": {{Key: analysis.Key{AppID: "a"}, Events: 5}, row(false, false, 6), row(true, false, 10)},
	}
	for name, offset := range map[string]time.Duration{"a second": time.Second, "another month": 31 * 24 * time.Hour} {
		later := row(true, false, 10)
		later.Start = later.Start.Add(offset)
		tests["start differs by "+name] = []analysis.Run{row(false, false, 99), row(true, false, 9), later}
	}
	for name, rows := range tests {
		t.Run(name, func(t *testing.T) {
			want := []analysis.Run{rows[len(rows)-1]}
			forward, backward := openTemp(t), openTemp(t)
			for i := range rows {
				put(t, forward, rows[i])
				put(t, backward, rows[len(rows)-1-i])
			}
			together := openTemp(t)
			put(t, together, rows...)
			for _, l := range []*Lake{forward, backward, together} {
				if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestReplaceKeepsNeighbours replaces rows that share a file with others of
// every type, and with keys that differ in one part.
func TestReplaceKeepsNeighbours(t *testing.T) {
	l := openTemp(t)
	unfinished := at("app", noon, "d", "t")
	unfinished.Finished = false
	otherCluster, otherAttempt := unfinished, unfinished
	otherCluster.Cluster, otherAttempt.Attempt = "emr", "2"
	put(t, l, unfinished, otherCluster, otherAttempt, fullRun(1), fullRun(2))

	finished := at("app", noon, "d", "t")
	if got, want := put(t, l, finished, fullRun(4)), (PutStats{Added: 1, Replaced: 1}); got != want {
		t.Errorf("Put: got %+v, want %+v", got, want)
	}
	want := []analysis.Run{finished, otherCluster, otherAttempt, fullRun(1), fullRun(2), fullRun(4)}
	slices.SortFunc(want, byStart)
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReplaceMany needs several commits.
func TestReplaceMany(t *testing.T) {
	const n = 2*maxReplaced + 7
	l := openTemp(t)
	var rows []analysis.Run
	for i := range n {
		r := at(fmt.Sprintf("app-%03d", i), noon.AddDate(0, i%3, 0), "d", "t")
		r.Finished = false
		rows = append(rows, r)
	}
	put(t, l, rows...)
	for i := range rows {
		rows[i].Finished = true
	}
	if got, want := put(t, l, rows...), (PutStats{Replaced: n}); got != want {
		t.Errorf("Put: got %+v, want %+v", got, want)
	}
	slices.SortFunc(rows, byStart)
	if diff := cmp.Diff(rows, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWriters has processes and goroutines create one lake and put at once,
// with rows of their own and rows that all of them have: nothing is lost,
// nothing is there twice.
func TestWriters(t *testing.T) {
	const processes, goroutines, rows = 3, 2, 4
	dir := filepath.Join(t.TempDir(), "lake")
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriterProcess$")
			cmd.Env = append(os.Environ(), "LAKE_DIR="+dir, fmt.Sprintf("LAKE_WRITERS=%d %d %d", p, goroutines, rows))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %d: %v\n%s", p, err, out)
			}
		})
	}
	wg.Wait()

	var want []analysis.Run
	for w := range processes * goroutines {
		want = append(want, ownRows(w, rows)...)
	}
	want = append(want, ownRows(shared, rows)...)
	slices.SortFunc(want, byStart)
	l := reopen(t, dir)
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const shared = -1

func ownRows(writer, n int) []analysis.Run {
	var rows []analysis.Run
	for i := range n {
		rows = append(rows, at(fmt.Sprintf("writer %d run %d", writer, i), noon.Add(time.Duration(i)*time.Minute), "d", "t"))
	}
	return rows
}

// TestWriterProcess is the process that TestWriters starts.
func TestWriterProcess(t *testing.T) {
	dir := os.Getenv("LAKE_DIR")
	if dir == "" {
		t.Skip("started by TestWriters only")
	}
	var process, goroutines, rows int
	if _, err := fmt.Sscan(os.Getenv("LAKE_WRITERS"), &process, &goroutines, &rows); err != nil {
		t.Fatal(err)
	}
	l := reopen(t, dir)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			both := append(ownRows(process*goroutines+g, rows), ownRows(shared, rows)...)
			for _, i := range rand.Perm(len(both)) {
				if _, err := l.Put(context.Background(), both[i:i+1]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestKilledWriter ends a process in the middle of its work: each row is there
// whole or not at all, and the lake goes on.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	l := reopen(t, dir)
	for i := range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(80+40*i)*time.Millisecond)
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestWriterProcess$")
		cmd.Env = append(os.Environ(), "LAKE_DIR="+dir, fmt.Sprintf("LAKE_WRITERS=%d 1 20", i))
		_ = cmd.Run() // killed, which is the point
		cancel()
	}
	possible := make(map[analysis.Key]analysis.Run)
	for _, w := range []int{0, 1, 2, 3, 4, shared} {
		for _, r := range ownRows(w, 20) {
			possible[r.Key] = r
		}
	}
	for _, got := range runs(t, l, Query{}) {
		if diff := cmp.Diff(possible[got.Key], got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", got.Key, diff)
		}
		delete(possible, got.Key) // a second row of this key would differ from none
	}
	put(t, l, at("after", noon, "d", "t"))
}
