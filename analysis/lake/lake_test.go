package lake

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// openTemp is a new lake that is closed with the test.
func openTemp(t testing.TB) *Lake {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "lake"))
}

func reopen(t testing.TB, dir string) *Lake {
	t.Helper()
	return openVersion(t, dir, runFields)
}

// openVersion opens the lake in dir as a program that knows the columns fs.
func openVersion(t testing.TB, dir string, fs []field[analysis.Run]) *Lake {
	t.Helper()
	l, err := connect(t.Context(), Config{Dir: dir}, fs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func put(t testing.TB, l *Lake, runs ...analysis.Run) PutStats {
	t.Helper()
	stats, err := l.Put(t.Context(), runs)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func runs(t testing.TB, l *Lake, q Query) []analysis.Run {
	t.Helper()
	got, err := l.Runs(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// fullRun has a value of its own in every column; n makes it unique. It goes
// by the pointers of analysis.Columns, so no column can be forgotten.
func fullRun(n int) analysis.Run {
	var r analysis.Run
	for i, c := range analysis.Columns {
		fill(c.Field(&r), int64(1000*n+i))
	}
	r.Conf = fullConf(n)
	return r
}

func fill(p any, n int64) {
	switch v := p.(type) {
	case *string:
		*v = fmt.Sprintf("text %d é", n)
	case *bool:
		*v = true
	case *int64:
		*v = n
	case *time.Time:
		*v = time.Date(2026, 3, 1, 0, 0, 0, 1000*int(n%1000), time.UTC).Add(time.Duration(n) * time.Hour)
	case *analysis.Opt[bool]:
		*v = analysis.Some(n%2 == 0)
	case *analysis.Opt[int64]:
		*v = analysis.Some(n << 20)
	case *analysis.Opt[float64]:
		*v = analysis.Some(float64(n) / 7)
	case *[]string:
		*v = []string{fmt.Sprint("first ", n), "", "third"}
	case *map[string]int64:
		*v = map[string]int64{"a": n, "": 0, "z": -n}
	case *analysis.Conf:
		// See fullConf.
	default:
		panic(fmt.Sprintf("no test value for %T", p))
	}
}

func fullConf(n int) analysis.Conf {
	conf := make(analysis.Conf)
	for _, p := range analysis.Properties {
		conf[p.Name] = map[analysis.Kind]string{
			analysis.KindText:   fmt.Sprint("text ", n),
			analysis.KindBytes:  fmt.Sprint(n+1, "g"),
			analysis.KindMillis: fmt.Sprint(n+1, "min"),
			analysis.KindInt:    fmt.Sprint(n + 1),
			analysis.KindFloat:  "0.25",
			analysis.KindBool:   "true",
		}[p.Kind]
	}
	return conf
}

// at is a finished run of a job.
func at(id string, start time.Time, dag, task string) analysis.Run {
	return analysis.Run{
		Key: analysis.Key{AppID: id}, Start: start, End: start.Add(time.Hour),
		DAGID: dag, TaskID: task, AppName: dag + "." + task, Finished: true, Events: 10,
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestRoundTrip(t *testing.T) {
	tests := map[string]analysis.Run{
		"every column":      fullRun(1),
		"nothing but a key": {Key: analysis.Key{AppID: "application_1_1"}},
		"no key at all":     {Start: noon},
		"measured zeros": {
			Key: analysis.Key{AppID: "z"}, TasksFailed: analysis.Some[int64](0), HeapCoverage: analysis.Some(0.0),
			SpillStageSkewed: analysis.Some(false), ExitCode: analysis.Some[int64](0),
		},
		"empty is not missing": {Key: analysis.Key{AppID: "e"}, Locality: map[string]int64{}, FailureEvidence: []string{}, Conf: analysis.Conf{}},
		"before 1970":          {Key: analysis.Key{AppID: "old"}, Start: time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			l := openTemp(t)
			if got, want := put(t, l, want), (PutStats{Added: 1}); got != want {
				t.Errorf("Put: got %+v, want %+v", got, want)
			}
			if diff := cmp.Diff([]analysis.Run{want}, runs(t, l, Query{})); diff != "" {
				t.Errorf("Runs (-want +got):\n%s", diff)
			}
		})
	}
}
