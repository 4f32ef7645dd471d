package lake

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

func TestQuery(t *testing.T) {
	l := openTemp(t)
	byName := map[string]analysis.Run{
		"a1":      at("a1", noon, "dag", "a"),
		"a2":      at("a2", noon.AddDate(0, 1, 0), "dag", "a"),
		"b1":      at("b1", noon.Add(time.Second), "dag", "b"),
		"other":   at("other", noon.AddDate(0, 0, -1), "other", "a"),
		"unnamed": {Key: analysis.Key{AppID: "unnamed"}, Start: noon, AppName: "etl_2026-11-22"},
		"startless": {
			Key: analysis.Key{AppID: "startless"}, DAGID: "dag", TaskID: "a",
		},
	}
	for _, r := range byName {
		put(t, l, r)
	}
	tests := map[string]struct {
		q    Query
		want []string
	}{
		"all, by start then key":    {Query{}, []string{"startless", "other", "a1", "unnamed", "b1", "a2"}},
		"from is in":                {Query{From: noon}, []string{"a1", "unnamed", "b1", "a2"}},
		"to is not":                 {Query{To: noon}, []string{"other"}},
		"to the microsecond":        {Query{From: noon, To: noon.Add(time.Microsecond)}, []string{"a1", "unnamed"}},
		"window in a time zone":     {Query{From: noon.In(time.FixedZone("", 5*3600)), To: noon.Add(time.Second).In(time.FixedZone("", -3600))}, []string{"a1", "unnamed"}},
		"a dag":                     {Query{Jobs: []Job{{DAGID: "dag"}}}, []string{"startless", "a1", "b1", "a2"}},
		"a task":                    {Query{Jobs: []Job{{DAGID: "dag", TaskID: "a"}}}, []string{"startless", "a1", "a2"}},
		"a task of any dag":         {Query{Jobs: []Job{{TaskID: "a"}}}, []string{"startless", "other", "a1", "a2"}},
		"two jobs":                  {Query{Jobs: []Job{{DAGID: "other"}, {DAGID: "dag", TaskID: "b"}}}, []string{"other", "b1"}},
		"an application":            {Query{Jobs: []Job{{AppPrefix: "etl_"}}}, []string{"unnamed"}},
		"an application or a dag":   {Query{Jobs: []Job{{AppPrefix: "etl_"}, {DAGID: "other"}}}, []string{"other", "unnamed"}},
		"a dag's application":       {Query{Jobs: []Job{{DAGID: "dag", AppPrefix: "dag.b"}}}, []string{"b1"}},
		"an empty job is every job": {Query{To: noon, Jobs: []Job{{}}}, []string{"other"}},
		"nobody":                    {Query{Jobs: []Job{{DAGID: "nobody"}}}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var want []analysis.Run
			for _, id := range test.want {
				want = append(want, byName[id])
			}
			if diff := cmp.Diff(want, runs(t, l, test.q)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimesAreUTC(t *testing.T) {
	l := openTemp(t)
	r := at("a", noon.In(time.FixedZone("CET", 3600)), "d", "t")
	put(t, l, r)
	got := runs(t, l, Query{})[0]
	if want := at("a", noon, "d", "t"); !cmp.Equal(got, want) || got.Start.Location() != time.UTC {
		t.Errorf("got %v, want %v", got.Start, want.Start)
	}
}

func TestProjection(t *testing.T) {
	l := openTemp(t)
	full := fullRun(1)
	put(t, l, full)
	want := []analysis.Run{{
		Key: full.Key, Start: full.Start, DAGID: full.DAGID, TaskID: full.TaskID, AppName: full.AppName,
		PeakHeap: full.PeakHeap, Conf: full.Conf,
	}}
	got := runs(t, l, Query{Columns: []string{"peak_heap_bytes", "conf"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManyJobs asks for more jobs than readers prune by.
func TestManyJobs(t *testing.T) {
	l := openTemp(t)
	var rows []analysis.Run
	var q Query
	for i := range 500 {
		dag := fmt.Sprintf("dag-%03d", i)
		rows = append(rows, at(fmt.Sprint(i), noon, dag, "t"))
		q.Jobs = append(q.Jobs, Job{DAGID: dag}, Job{AppPrefix: "no such " + dag})
	}
	put(t, l, rows...)
	if got := len(runs(t, l, q)); got != len(rows) {
		t.Errorf("got %d runs, want %d", got, len(rows))
	}
}

// TestOrderOfWritingDoesNotMatter compares lakes that were filled in different
// orders.
func TestOrderOfWritingDoesNotMatter(t *testing.T) {
	var rows []analysis.Run
	for i := range 12 {
		r := at(fmt.Sprint(i%8), noon.AddDate(0, i%3, 0), fmt.Sprint("dag", i%2), "t")
		r.Start, r.Events = noon, int64(i)
		rows = append(rows, r)
	}
	var first []analysis.Run
	for range 4 {
		shuffled := slices.Clone(rows)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		l := openTemp(t)
		for chunk := range slices.Chunk(shuffled, 1+rand.IntN(4)) {
			put(t, l, chunk...)
		}
		got := runs(t, l, Query{})
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("(-first +this):\n%s", diff)
		}
	}
}

// BenchmarkOpenAndRead50 is what tune needs of the lake: below 150 ms. The rows
// came with one ingest or with ten.
//
//	go test -bench OpenAndRead50 -benchmem ./analysis/lake
func BenchmarkOpenAndRead50(b *testing.B) {
	for _, puts := range []int{1, 10} {
		b.Run(fmt.Sprintf("puts=%d", puts), func(b *testing.B) {
			l := openTemp(b)
			for p := range puts {
				var rows []analysis.Run
				for i := range 50 / puts {
					r := fullRun(p*50/puts + i)
					r.Start = noon
					rows = append(rows, r)
				}
				put(b, l, rows...)
			}
			for b.Loop() {
				again := reopen(b, l.dir)
				if got := len(runs(b, again, Query{})); got != 50 {
					b.Fatalf("got %d runs, want 50", got)
				}
			}
		})
	}
}
