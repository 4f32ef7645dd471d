package analysis_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// The model's own error over real runs: executor-active time, replayed with the
// executors that the run had, beside the measured one. Times in which only the
// driver worked are replayed as they were, so they do not count.
func TestSimulationError(t *testing.T) {
	dirs := []string{"../testdata/eventlogs", "../testdata/labelled/logs"}
	if shared := os.Getenv("SPARKTUNE_SHARED_DATA"); shared != "" {
		dirs = append(dirs, filepath.Join(shared, "eventlogs"), filepath.Join(shared, "labelled", "logs"))
	}
	var errors []float64
	unfit := make(map[string]int)
	for _, dir := range dirs {
		eachSound(t, dir, func(name string, r *analysis.Run, p *analysis.RunProfile) {
			s, why := analysis.NewSimulation(p, r.Conf)
			if s == nil {
				unfit[why]++
				return
			}
			if e := s.Error(); e > 0.15 {
				t.Logf("%s: %.0f %%", name, 100*e)
			}
			errors = append(errors, s.Error())
		})
	}
	slices.Sort(errors)
	n := len(errors)
	if n < 20 {
		t.Fatalf("only %d runs", n)
	}
	median, p95 := errors[n/2], errors[n*95/100]
	t.Logf("%d runs: median %.1f %%, p95 %.1f %%, largest %.1f %%; not simulated: %v", n, 100*median, 100*p95, 100*errors[n-1], unfit)
	if median > 0.05 || p95 > 0.15 {
		t.Errorf("median %.1f %%, p95 %.1f %%", 100*median, 100*p95)
	}
}

// eachSound visits the complete and successful batch runs of the logs in dir.
func eachSound(t *testing.T, dir string, visit func(name string, r *analysis.Run, p *analysis.RunProfile)) {
	t.Helper()
	logs, _, err := eventlog.Find(os.DirFS(dir), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		runs, profiles, err := eventlog.ReadProfiles(os.DirFS(dir), l)
		if err != nil {
			t.Fatal(err)
		}
		for i := range runs {
			if r := &runs[i]; r.Complete() && r.Status == analysis.StatusSucceeded && r.Workload == analysis.WorkloadBatch {
				visit(filepath.Join(dir, l.Path), r, &profiles[i])
			}
		}
	}
}
