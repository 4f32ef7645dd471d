package analysis

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Runs are pooled exactly when their configurations have the same name.
func TestCohortNamesWhatIsPooled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	same := 0
	for range 20_000 {
		a := anyConf(r)
		b := Conf{}
		maps.Copy(b, a)
		for range r.IntN(3) {
			p := Properties[r.IntN(len(Properties))]
			b[p.Name] = anyConf(r)[p.Name]
		}
		pooled := sameCohort(&Run{Conf: a}, &Run{Conf: b})
		if named := cohortOf(a) == cohortOf(b); named != pooled {
			t.Fatalf("pooled %v, of the same name %v:\n%v\n%v", pooled, named, a, b)
		}
		if pooled {
			same++
		}
	}
	if same < 1000 || same > 19_000 {
		t.Errorf("%d of 20000 pairs are pooled: the test shows nothing", same)
	}
}

// The name is stable: it is stored and compared by people.
func TestCohortIsStable(t *testing.T) {
	for _, tt := range []struct {
		conf Conf
		want string
	}{
		{Conf{}, "e3b0c44298fc"},
		{Conf{keyMemory: "4g"}, "c375028e24cb"},
		{Conf{keyMemory: " 4096M "}, "c375028e24cb"},
		{Conf{keyMemory: "4g", keyStageMetrics: "true"}, "c375028e24cb"},
		{Conf{keyMemory: "4g", keyCores: "4"}, "1a4ab233c196"},
	} {
		if got := cohortOf(tt.conf); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.conf, got, tt.want)
		}
	}
}

// What begins a new cohort, and what does not.
func TestCohortsSplit(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Run) // of the newest six of twelve runs
		want   int        // runs in the cohort
	}{
		"nothing":                         {func(*Run) {}, 12},
		"a new build of the same code":    {func(r *Run) { r.Application = "load-1.3.jar" }, 12},
		"another spelling":                {func(r *Run) { r.Conf = Conf{keyMemory: "4096m"} }, 12},
		"measuring is on":                 {func(r *Run) { r.Conf = Conf{keyMemory: "4g", keyStageMetrics: "true"} }, 12},
		"another patch of Spark":          {func(r *Run) { r.SparkVersion = "3.5.4" }, 12},
		"another configuration":           {func(r *Run) { r.Conf = Conf{keyMemory: "6g"} }, 6},
		"another minor version of Spark":  {func(r *Run) { r.SparkVersion = "4.0.1" }, 6},
		"other queries":                   {func(r *Run) { r.PlanFingerprint = "other" }, 6},
		"five times the input":            {func(r *Run) { r.InputBytes = Some(int64(5000)) }, 6},
		"twice the input":                 {func(r *Run) { r.InputBytes = Some(int64(2000)) }, 12},
		"another environment":             {func(r *Run) { r.Environment = "dev" }, 6},
		"run by hand":                     {func(r *Run) { r.RunType = "manual" }, 6},
		"started longer ago than allowed": {func(r *Run) { r.Start = r.Start.AddDate(-1, 0, 0) }, 6},
	} {
		var runs []Run
		for i := range 12 {
			r := Run{
				Key: Key{AppID: fmt.Sprint(i)}, Start: time.Date(2026, 10, 1+i, 0, 0, 0, 0, time.UTC), SparkVersion: "3.5.1", PlanFingerprint: "plan", Application: "load-1.2.jar",
				Environment: "prod", RunType: "scheduled", InputBytes: Some(int64(1000)), Conf: Conf{keyMemory: "4g"},
			}
			if i >= 6 {
				c.change(&r)
			}
			runs = append(runs, r)
		}
		p := NewProfile("job", runs, time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), DefaultPolicy())
		if len(p.Runs) != c.want {
			t.Errorf("%s: %d runs in the cohort, want %d; left out %v", name, len(p.Runs), c.want, p.Excluded)
		}
	}
}

// The figures of a cohort, by hand, whatever the order of runs.
func TestStatistics(t *testing.T) {
	var runs []*Run
	for i := range 20 {
		start := time.Date(2026, 10, 1+i, 0, 0, 0, 0, time.UTC)
		runs = append(runs, &Run{Start: start, End: start.Add(time.Duration(i+1) * time.Second), Finished: true, InputBytes: Some(int64(i+1) * gib)})
	}
	runs[3].InputBytes = Opt[int64]{}
	want := []Statistic{
		{"end_ts", "duration", "ms", 20, 10_000, 19_000, 20_000, 0.549},
		{"end_ts", "duration per GiB of input", "ms", 19, 1000, 1000, 1000, 0},
		{"input_bytes", "input", "bytes", 19, 11 * gib, 20 * gib, 20 * gib, 0.527},
	}
	for range 3 {
		slices.Reverse(runs)
		got := (&Profile{Runs: runs}).Statistics()
		for i := range got {
			got[i].CV = math.Round(got[i].CV*1000) / 1000
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
