package lake

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// fullProfile has a value of its own in every column, also of the structs in
// its lists.
func fullProfile(n int) analysis.RunProfile {
	var p analysis.RunProfile
	fillColumns(analysis.ProfileColumns, &p, int64(1000*n))
	for i := range p.Stages {
		fillColumns(analysis.StageColumns, &p.Stages[i], int64(100*i+n))
	}
	for i := range p.Executors {
		fillColumns(analysis.StepColumns, &p.Executors[i], int64(10*i+n))
	}
	for i := range p.Gaps {
		fillColumns(analysis.SpanColumns, &p.Gaps[i], int64(10*i-n))
	}
	return p
}

func fillColumns[R any](cs []analysis.ProfileColumn[R], row *R, n int64) {
	for i, c := range cs {
		switch v := c.Field(row).(type) {
		case *float64:
			*v = float64(n) / 7
		case *[]int64:
			*v = []int64{n, -1, 0}
		case *analysis.Histogram:
			*v = analysis.Histogram{{Bucket: 0, Count: n}, {Bucket: 7, Count: 1}, {Bucket: 1 << 20, Count: 3}}
		case *[]analysis.StageProfile:
			*v = make([]analysis.StageProfile, 3)
		case *[]analysis.ExecutorStep:
			*v = make([]analysis.ExecutorStep, 2)
		case *[]analysis.Span:
			*v = make([]analysis.Span, 4)
		default:
			fill(v, n+int64(i))
		}
	}
}

func profileAt(id string, start time.Time, events int64) analysis.RunProfile {
	return analysis.RunProfile{
		Key: analysis.Key{AppID: id}, Version: analysis.RunProfileVersion, Start: start, SpanMs: 1000, Finished: true, Complete: true, Events: events,
		Stages: []analysis.StageProfile{{Merged: 1, Job: -1, SQL: -1, Tasks: events}},
	}
}

func putProfiles(t testing.TB, l *Lake, ps ...analysis.RunProfile) {
	t.Helper()
	if _, err := l.Put(t.Context(), nil, ps...); err != nil {
		t.Fatal(err)
	}
}

// wantProfiles compares what the lake has of the keys of want with want.
func wantProfiles(t *testing.T, l *Lake, want ...analysis.RunProfile) {
	t.Helper()
	keys := []analysis.Key{{AppID: "nobody's"}}
	byKey := make(map[analysis.Key]analysis.RunProfile)
	for _, p := range want {
		keys, byKey[p.Key] = append(keys, p.Key), p
	}
	got, err := l.Profiles(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byKey, got); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
}

func TestProfilesRoundTrip(t *testing.T) {
	tests := map[string]analysis.RunProfile{
		"every column":      fullProfile(1),
		"nothing but a key": {Key: analysis.Key{AppID: "app"}},
		"a stage of nothing": {
			Key: analysis.Key{AppID: "app"}, Stages: []analysis.StageProfile{{}, {Parents: []int64{0}}, {}}, Gaps: []analysis.Span{{}},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			l := openTemp(t)
			putProfiles(t, l, want, fullProfile(2), fullProfile(3))
			wantProfiles(t, l, want)
		})
	}
}

func TestNoProfiles(t *testing.T) {
	l := openTemp(t)
	put(t, l, at("app", noon, "d", "t"))
	got, err := l.Profiles(t.Context(), []analysis.Key{{AppID: "app"}})
	if len(got) > 0 || err != nil {
		t.Errorf("before there is a table: got %v, %v", got, err)
	}
	if stats, err := l.Compact(t.Context()); err != nil || stats != (CompactStats{}) {
		t.Errorf("Compact: got %+v, %v", stats, err)
	}
	if r := verify(t, l); !r.Healthy() || r.Profiles != 0 {
		t.Errorf("Verify: got %+v", r)
	}
	if _, err := l.Expire(t.Context(), 0, 1); err != nil {
		t.Error(err)
	}
	if _, err := l.Clean(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// TestProfilesKeepStep has crashes between the two tables: the next Put of the
// same adds what is missing.
func TestProfilesKeepStep(t *testing.T) {
	run, profile := at("app", noon, "d", "t"), profileAt("app", noon, 10)
	run.Events = 10
	older, olderProfile := run, profileAt("app", noon, 5)
	older.Events = 5
	states := map[string]func(l *Lake){
		"nothing":                      func(*Lake) {},
		"a profile without a run":      func(l *Lake) { putProfiles(t, l, profile) },
		"a run without a profile":      func(l *Lake) { put(t, l, run) },
		"an older run":                 func(l *Lake) { put(t, l, older); putProfiles(t, l, profile) },
		"an older profile":             func(l *Lake) { put(t, l, run); putProfiles(t, l, olderProfile) },
		"both, of an earlier time":     func(l *Lake) { put(t, l, older); putProfiles(t, l, olderProfile) },
		"a profile with another start": func(l *Lake) { put(t, l, run); putProfiles(t, l, profileAt("app", noon.AddDate(0, 1, 0), 5)) },
	}
	for name, crash := range states {
		t.Run(name, func(t *testing.T) {
			l := openTemp(t)
			crash(l)
			for range 2 {
				if _, err := l.Put(t.Context(), []analysis.Run{run}, profile); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]analysis.Run{run}, runs(t, l, Query{})); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
			wantProfiles(t, l, profile)
			if r := verify(t, l); !r.Healthy() || r.Rows != 1 || r.Profiles != 1 {
				t.Errorf("Verify: got %+v", r)
			}
		})
	}
}

// TestFurtherProfileStays has a running application's log compacted: the profile
// goes with the run.
func TestFurtherProfileStays(t *testing.T) {
	early, late := profileAt("app", noon, 99), profileAt("app", noon, 20)
	early.Finished, late.Finished, early.Complete, late.Complete = false, false, false, false
	late.SpanMs = 2000
	headless := early // a file that was lost has its start
	headless.Start, headless.SpanMs, headless.Events = time.Time{}, noon.UnixMilli()+1500, 1
	for _, order := range [][]analysis.RunProfile{{early, headless, late}, {late, headless, early}, {headless, late, early}} {
		l := openTemp(t)
		for _, p := range order {
			putProfiles(t, l, p)
		}
		wantProfiles(t, l, late)
	}
}

// TestProfilesMaintenance replaces, compacts and expires rows that are not
// flat.
func TestProfilesMaintenance(t *testing.T) {
	l := openTemp(t)
	var want []analysis.RunProfile
	for i := range 7 {
		p := fullProfile(i)
		p.Start = noon.AddDate(0, i%2, 0)
		putProfiles(t, l, p)
		want = append(want, p)
	}
	want[3].Events, want[3].Stages = 1<<40, want[3].Stages[:1]
	putProfiles(t, l, want[3])
	wantProfiles(t, l, want...)
	stats, err := l.Compact(t.Context())
	if want := (CompactStats{Before: 7, After: 2}); err != nil || stats != want {
		t.Errorf("Compact: got %+v, %v, want %+v", stats, err, want)
	}
	if n, err := l.Expire(t.Context(), 0, 1); err != nil || n == 0 {
		t.Errorf("Expire: got %d, %v", n, err)
	}
	wantProfiles(t, l, want...)
	if r := verify(t, l); !r.Healthy() || r.Profiles != 7 || r.Files != 2 || len(r.Orphans) > 0 {
		t.Errorf("Verify: got %+v", r)
	}
}

// TestCompactLargeRows merges no more at once than memory has room for: rows of
// many stages count as several, and a file of them is large.
func TestCompactLargeRows(t *testing.T) {
	l := openTemp(t)
	l.profiles.fileRows, l.profiles.rowValues = 1000, 10
	var want []analysis.RunProfile
	for i := range 7 {
		p := profileAt(fmt.Sprint(i), noon, 1)
		p.Stages = make([]analysis.StageProfile, 100) // some 300 rows
		if i == 6 {
			p.Stages = make([]analysis.StageProfile, 200)
		}
		putProfiles(t, l, p)
		want = append(want, p)
	}
	for _, want := range []CompactStats{{Before: 6, After: 2}, {}} {
		if stats, err := l.Compact(t.Context()); err != nil || stats != want {
			t.Errorf("Compact: got %+v, %v, want %+v", stats, err, want)
		}
	}
	wantProfiles(t, l, want...)
}

// TestProfilesEvolution lets an old program make the table, without some
// columns and without some fields of a stage.
func TestProfilesEvolution(t *testing.T) {
	defer func(fs []field[analysis.StageProfile]) { stageFields = fs }(stageFields)
	all := stageFields
	dir := t.TempDir()
	stageFields = slices.Concat(all[:5], all[9:])
	old := reopen(t, dir)
	old.profiles.fields = slices.Delete(slices.Clone(profileFields), 5, 6)
	p := profileAt("old", noon, 3)
	putProfiles(t, old, p)

	stageFields = all
	l := reopen(t, dir)
	p.SpanMs, p.Stages[0].SQL = 0, 0 // which it did not know
	wantProfiles(t, l, p)
	putProfiles(t, l, fullProfile(1))
	wantProfiles(t, l, p, fullProfile(1))
	if r := verify(t, l); r.Profiles != 2 {
		t.Errorf("Verify: got %+v", r)
	}
}

func TestManyProfiles(t *testing.T) {
	l := openTemp(t)
	var want []analysis.RunProfile
	for i := range 3 * maxPruned {
		want = append(want, profileAt(fmt.Sprintf("application_%04d", i), noon.AddDate(0, i%2, 0), int64(i)))
	}
	rand.Shuffle(len(want), func(i, j int) { want[i], want[j] = want[j], want[i] })
	putProfiles(t, l, want...)
	wantProfiles(t, l, want...)
	wantProfiles(t, l, want[:50]...)
}

// BenchmarkProfiles reports what a row takes on disk, of the repository's own
// logs and of the shared ones, and reads 50 of them.
//
//	go test -run '^$' -bench Profiles ./analysis/lake
func BenchmarkProfiles(b *testing.B) {
	l := openTemp(b)
	var keys []analysis.Key
	for _, dir := range []string{"../../testdata/eventlogs", os.Getenv("SPARKTUNE_SHARED_DATA")} {
		if dir == "" {
			continue
		}
		logs, _, err := eventlog.Find(os.DirFS(dir), ".")
		if err != nil {
			b.Fatal(err)
		}
		for _, log := range logs {
			_, ps, err := eventlog.ReadProfiles(os.DirFS(dir), log)
			if err != nil {
				continue // some are broken on purpose
			}
			for i := range ps {
				ps[i].Cluster = fmt.Sprint(len(keys)) // copies of one application are rows
				putProfiles(b, l, ps[i])
				keys = append(keys, ps[i].Key)
			}
		}
	}
	if _, err := l.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := l.Expire(b.Context(), 0, 1); err != nil {
		b.Fatal(err)
	}
	var bytes int64
	for _, f := range files(b, filepath.Join(l.dir, "warehouse/sparktune.db/run_profiles/data")) {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		bytes += info.Size()
	}
	for b.Loop() {
		got, err := l.Profiles(b.Context(), keys[:50])
		if err != nil || len(got) != 50 {
			b.Fatalf("got %d, %v", len(got), err)
		}
	}
	b.ReportMetric(float64(len(keys)), "rows")
	b.ReportMetric(float64(bytes)/float64(len(keys)), "bytes/row")
}
