package eventlog

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// sharedData is a folder of logs that are not part of the repository: those of
// other projects, and totals over them that a plain Python pass computed. A
// test that needs it is skipped where it is absent, and fails in CI.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, ok := findSharedData(t)
	if !ok {
		t.Skip("no shared data: set SPARKTUNE_SHARED_DATA")
	}
	return dir
}

func findSharedData(t testing.TB) (string, bool) {
	t.Helper()
	dir := os.Getenv("SPARKTUNE_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	_, err := os.Stat(dir)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("no shared data: set SPARKTUNE_SHARED_DATA: %v", err)
	}
	return dir, err == nil
}

// totals is a row of expected.jsonl.
type totals struct {
	Path         string           `json:"path"`
	SparkVersion string           `json:"spark_version"`
	AppID        string           `json:"app_id"`
	AppName      string           `json:"app_name"`
	Attempt      string           `json:"attempt"`
	User         string           `json:"user"`
	StartMs      int64            `json:"start_ms"`
	EndMs        *int64           `json:"end_ms"`
	ExitCode     *int64           `json:"exit_code"`
	Events       int64            `json:"events"`
	BadLines     int64            `json:"bad_lines"`
	Jobs         int64            `json:"jobs"`
	JobsFailed   int64            `json:"jobs_failed"`
	Stages       int64            `json:"stage_attempts_completed"`
	StagesFailed int64            `json:"stage_attempts_failed"`
	Reasons      map[string]int64 `json:"task_end_reasons"`
	Speculative  int64            `json:"speculative"`
	PeakMemory   int64            `json:"peak_execution_memory_max"`
	Executors    int64            `json:"executors"`
	SQL          int64            `json:"sql_executions"`
	PeakHeap     int64            `json:"peak_heap"`
	PeakRSS      int64            `json:"peak_rss_jvm"`
	Metrics      struct {
		RunMs      int64 `json:"run_ms"`
		CPUNs      int64 `json:"cpu_ns"`
		DeserMs    int64 `json:"deser_ms"`
		GCMs       int64 `json:"gc_ms"`
		SerMs      int64 `json:"ser_ms"`
		MemSpill   int64 `json:"mem_spill"`
		DiskSpill  int64 `json:"disk_spill"`
		Remote     int64 `json:"sr_remote_bytes"`
		Local      int64 `json:"sr_local_bytes"`
		FetchMs    int64 `json:"sr_fetch_wait_ms"`
		WriteBytes int64 `json:"sw_bytes"`
		InBytes    int64 `json:"in_bytes"`
		InRecords  int64 `json:"in_records"`
		OutBytes   int64 `json:"out_bytes"`
		OutRecords int64 `json:"out_records"`
	} `json:"metrics"`
	TaskMs struct {
		N int64 `json:"n"`
	} `json:"task_ms"`
}

func loadTotals(t *testing.T, name string) []totals {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []totals
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row totals
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// readOne reads the only log and the only application at a path.
func readOne(t *testing.T, fsys fs.FS, root string) analysis.Run {
	t.Helper()
	logs, _, err := Find(fsys, root)
	if err != nil || len(logs) != 1 {
		t.Fatalf("Find(%s) = %d logs, %v", root, len(logs), err)
	}
	runs, err := Read(fsys, logs[0])
	if err != nil || len(runs) != 1 {
		t.Fatalf("Read(%s) = %d runs, %v", root, len(runs), err)
	}
	return runs[0]
}

func TestExpectedTotals(t *testing.T) {
	dir := filepath.Join(sharedData(t), "eventlogs")
	rows := loadTotals(t, filepath.Join(dir, "expected.jsonl"))
	if len(rows) != 27 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, want := range rows {
		t.Run(path.Base(want.Path), func(t *testing.T) {
			r := readOne(t, os.DirFS(dir), want.Path)
			if diff := cmp.Diff(want, seen(&r, want)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// seen puts a Run into the shape of the expected totals. What a Run rounds or
// joins is taken from want when it agrees with it.
func seen(r *analysis.Run, want totals) totals {
	got := totals{
		Path: want.Path, SparkVersion: r.SparkVersion, AppID: r.AppID, AppName: r.AppName, Attempt: r.Attempt, User: r.User,
		StartMs: r.Start.UnixMilli(), Events: r.Events, BadLines: r.MalformedLines,
		Jobs: r.Jobs.V, JobsFailed: r.JobsFailed.V, Stages: r.Stages.V, StagesFailed: r.StagesFailed.V,
		Reasons: r.TaskEndReasons, Speculative: r.TasksSpeculative.V, PeakMemory: r.PeakExecMemory.V,
		Executors: r.Executors.V, SQL: r.SQLExecutions.V, PeakHeap: r.PeakHeap.V, PeakRSS: r.PeakJVMRSS.V,
	}
	if got.Reasons == nil {
		got.Reasons = map[string]int64{}
	}
	if r.Finished {
		end := r.End.UnixMilli()
		got.EndMs = &end
	}
	if r.ExitCode.OK {
		got.ExitCode = &r.ExitCode.V
	}
	m := &got.Metrics
	m.RunMs, m.DeserMs, m.GCMs, m.SerMs = r.RunMs.V, r.DeserMs.V, r.GCMs.V, r.ResultSerMs.V
	m.MemSpill, m.DiskSpill, m.FetchMs, m.WriteBytes = r.MemorySpilled.V, r.DiskSpilled.V, r.FetchWaitMs.V, r.ShuffleWrite.V
	m.InBytes, m.InRecords, m.OutBytes, m.OutRecords = r.InputBytes.V, r.InputRecords.V, r.OutputBytes.V, r.OutputRecords.V
	m.Remote, m.Local = r.ShuffleRead.V, 0
	if r.ShuffleRead.V == want.Metrics.Remote+want.Metrics.Local {
		m.Remote, m.Local = want.Metrics.Remote, want.Metrics.Local
	}
	if m.CPUNs = r.CPUMs.V; m.CPUNs == want.Metrics.CPUNs/1e6 {
		m.CPUNs = want.Metrics.CPUNs
	}
	got.TaskMs.N = r.TaskEndReasons[endSuccess]
	return got
}
