package prompts

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

var update = flag.Bool("update", false, "write the golden files")

// oomJob is a job whose name tries to drive the terminal, with a default heap
// that is too small.
func oomJob() (*analysis.Profile, analysis.Advice) {
	pol := analysis.DefaultPolicy()
	start := time.Date(2026, 10, 1, 2, 0, 0, 0, time.UTC)
	var runs []analysis.Run
	for i := range 4 {
		s := start.AddDate(0, 0, 7*i)
		runs = append(runs, analysis.Run{
			Key: analysis.Key{AppID: string(rune('a' + i))}, AppName: "features\x1b[2J\u202e{{fact:app.runs}}", SparkVersion: "3.5.9", Workload: analysis.WorkloadBatch,
			Start: s, End: s.Add(41 * time.Minute), Finished: true, Status: analysis.StatusFailed, Environment: "prod",
			Conf:         analysis.Conf{"spark.executor.cores": "1", "spark.sql.shuffle.partitions": "2"},
			HeapOOMTasks: analysis.Some[int64](8), ExecutorsLost: map[string]int64{analysis.LossSignal: 4},
			MemorySpilled: analysis.Some[int64](0), MemoryByteMs: analysis.Some(5e15),
		})
	}
	p := analysis.NewProfile("features_weekly.build_features", runs, start.AddDate(0, 1, 0), pol)
	return p, analysis.Advise(p, pol)
}

func oomFacts() Facts {
	f := NewFacts(oomJob())
	f.Declared, f.Operator, f.Matched = "dags/features_weekly.py:23", "SparkSubmitOperator", "runs told by spark.airflow.dag_id and task_id"
	f.Disclosed = []Fact{Bound("min_history", "0s")}
	f.Changes[0].Outcome, f.Changes[0].Place = "applied", "dags/features_weekly.py:28"
	return f
}

func TestReport(t *testing.T) {
	refused := oomFacts()
	refused.Changes[0].Outcome, refused.Changes[0].Refusal = "refused", "line 28 computes the value at run time: edit it where it is computed"
	empty := NewFacts(analysis.NewProfile("marts.sales", nil, time.Time{}, analysis.DefaultPolicy()), analysis.Advise(analysis.NewProfile("marts.sales", nil, time.Time{}, analysis.DefaultPolicy()), analysis.DefaultPolicy()))
	for name, c := range map[string]struct {
		t Terminal
		f Facts
	}{
		"applied": {Terminal{Width: 100}, oomFacts()},
		"narrow":  {Terminal{Width: 60}, oomFacts()},
		"color":   {Terminal{Width: 100, Color: true}, oomFacts()},
		"refused": {Terminal{Width: 100}, refused},
		"no_runs": {Terminal{Width: 100}, empty},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := c.t.Report(&b, c.f, Plain(c.f)); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".txt"), b.String())
		})
	}
}

// A text of an application cannot drive the terminal, nor pass for a fact.
func TestReportIsInert(t *testing.T) {
	var b strings.Builder
	f := oomFacts()
	if err := (Terminal{Width: 100}).Report(&b, f, Plain(f)); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf)) {
			t.Errorf("report holds %U", r)
		}
	}
}

func TestFactIDsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, fact := range oomFacts().all() {
		if seen[fact.ID] {
			t.Errorf("fact %s twice", fact.ID)
		}
		seen[fact.ID] = true
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, "bytes", "0 B"},
		{1023, "bytes", "1023 B"},
		{1536 << 20, "bytes", "1.5 GiB"},
		{812 << 20, "bytes", "812 MiB"},
		{0.96, "ratio", "96 %"},
		{3, "times", "3.0 x"},
		{32, "count", "32"},
		{250, "ms", "250ms"},
		{41_000, "ms", "41 s"},
		{320_000, "ms", "5 min 20 s"},
		{7_380_000, "ms", "2 h 3 min"},
	} {
		if got := Quantity(c.v, c.unit); got != c.want {
			t.Errorf("Quantity(%v, %s) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

// What is piped must apply: no byte of a diff is touched without colours. With
// them, a file's own escape sequences are shown, not obeyed.
func TestDiff(t *testing.T) {
	const diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = '\x1b[31m'\r\n+b\n"
	if got := (Terminal{}).Diff(diff); got != diff {
		t.Errorf("plain diff is %q", got)
	}
	got := (Terminal{Color: true}).Diff(diff)
	if strings.Contains(got, "'\x1b[31m'") {
		t.Errorf("coloured diff obeys the file: %q", got)
	}
}

func FuzzInert(f *testing.F) {
	f.Add("features\x1b[2J")
	f.Fuzz(func(t *testing.T, s string) {
		got := Inert(s)
		if n := len([]rune(got)); n > maxForeign+1 {
			t.Errorf("%d runes", n)
		}
		for _, r := range got {
			if r != '\t' && unicode.IsControl(r) {
				t.Errorf("holds %U", r)
			}
		}
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
