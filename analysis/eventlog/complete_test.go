package eventlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sparktune/sparktune/analysis"
)

// parseOne reads a log of one application.
func parseOne(t *testing.T, log string) analysis.Run {
	t.Helper()
	runs, err := Parse(strings.NewReader(log))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, error %v", len(runs), err)
	}
	return runs[0]
}

// sideBySide is a whole log of an application that works on n tables at a time:
// as many jobs of one stage, whose tasks end in turns.
func sideBySide(n, tasks int) string {
	var b strings.Builder
	b.WriteString(startLine)
	for i := range n {
		fmt.Fprintf(&b, `{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[%[1]d],"Properties":{}}`+"\n", i)
	}
	for k := range tasks {
		for i := range n {
			fmt.Fprintf(&b, `{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":%d,"Index":%d},"Task Metrics":{"Executor Run Time":%d}}`+"\n",
				i, k*n+i, k, 100+900*(k/(tasks-1))*(i%2))
		}
	}
	for i := range n {
		fmt.Fprintf(&b, `{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Stage Attempt ID":0,"Number of Tasks":%d,"Submission Time":1100,"Completion Time":1200}}`+"\n", i, tasks)
		fmt.Fprintf(&b, `{"Event":"SparkListenerJobEnd","Job ID":%d,"Completion Time":1200,"Job Result":{"Result":"JobSucceeded"}}`+"\n", i)
	}
	return b.String() + endLine
}

// Stages that run at the same time are followed to their ends, and where they
// are too many for that the row does not guess what was lost.
func TestStagesSideBySide(t *testing.T) {
	for _, n := range []int{maxStages, maxStages + 1, 200, maxLive} {
		r := parseOne(t, sideBySide(n, 10))
		if !r.Complete() || r.Completeness.V != 1 || r.Stages.V != int64(n) || r.SkewStages.V != int64(n/2) {
			t.Errorf("%d stages: complete %t, completeness %v, stages %v, skewed %v", n, r.Complete(), r.Completeness, r.Stages, r.SkewStages)
		}
	}
	r := parseOne(t, strings.ReplaceAll(sideBySide(maxLive+1, 10), `"Submission Time":1100,"Stage IDs"`, `"Stage IDs"`)) // jobs that are not held open
	if r.Complete() || r.Completeness.OK || r.MissingTasks != 0 || r.MissingEvents == 0 || r.Tasks.V != 10*(maxLive+1) {
		t.Errorf("complete %t, completeness %v, missing tasks %d and events %d, tasks %v", r.Complete(), r.Completeness, r.MissingTasks, r.MissingEvents, r.Tasks)
	}
}

// What the events of a log cannot tell is missing in the row, not 0.
func TestNotMeasured(t *testing.T) {
	const (
		added   = `{"Event":"SparkListenerExecutorAdded","Timestamp":1100,"Executor ID":"1","Executor Info":{"Total Cores":4}}` + "\n"
		started = `{"Event":"SparkListenerTaskStart","Stage ID":0}` + "\n"
		task    = `{"Event":"SparkListenerTaskEnd","Stage ID":0,"Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":%d,"Index":0,"Executor ID":"1"},"Task Metrics":{"Executor Run Time":7%s}}` + "\n"
		driver  = `{"Event":"SparkListenerExecutorMetricsUpdate","Executor ID":"driver","Executor Metrics Updated":[{"Executor Metrics":{"JVMHeapMemory":5}}]}` + "\n"
		plan    = `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0,"sparkPlanInfo":{"nodeName":"Scan"}}` + "\n"
	)
	peak := func(r *analysis.Run) any { return r.PeakExecMemory }
	heapCoverage := func(r *analysis.Run) any { return r.DriverHeapCoverage }
	tasks := func(r *analysis.Run) any { return r.PeakTasks }
	one := fmt.Sprintf(task, 0, "")
	null, zero := analysis.Opt[int64]{}, some(0)
	for _, tc := range []struct {
		name, log string
		of        func(*analysis.Run) any
		want      any
	}{
		{"no executor, no task", "", func(r *analysis.Run) any { return r.Executors }, zero},
		{"no executor", one, func(r *analysis.Run) any { return r.Executors }, null},
		{"no executor, at a time", one, func(r *analysis.Run) any { return r.PeakExecutors }, null},
		{"no executor, unused", one, func(r *analysis.Run) any { return r.UnusedExecutors }, null},
		{"an executor, unused", added + one, func(r *analysis.Run) any { return r.UnusedExecutors }, zero},
		{"no job, no task", "", func(r *analysis.Run) any { return r.Jobs }, zero},
		{"no job", one, func(r *analysis.Run) any { return r.Jobs }, null},
		{"no job, failed", one, func(r *analysis.Run) any { return r.JobsFailed }, null},
		{"no job, time", one, func(r *analysis.Run) any { return r.JobMs }, null},
		{"no job, time of the driver alone", one, func(r *analysis.Run) any { return r.DriverOnlyMs }, null},
		{"no job, critical path", one, func(r *analysis.Run) any { return r.CriticalPathMs }, null},
		{"no completion", one, func(r *analysis.Run) any { return r.Stages }, null},
		{"no completion, retries", one, func(r *analysis.Run) any { return r.StageRetries }, null},
		{"no peak", one, peak, null},
		{"peak of nothing", fmt.Sprintf(task, 0, `,"Peak Execution Memory":0`), peak, zero},
		{"no broadcast", plan, func(r *analysis.Run) any { return r.Broadcasts }, zero},
		{"no broadcast, largest", plan, func(r *analysis.Run) any { return r.MaxBroadcast }, null},
		{"driver between stages", driver + jobStartLine + one + jobEndLines, heapCoverage, analysis.Some(0.0)},
		{"tasks in pairs", started + started + one + fmt.Sprintf(task, 1, ""), tasks, some(2)},
		{"tasks that ran before the log", one + fmt.Sprintf(task, 1, "") + started + fmt.Sprintf(task, 2, ""), tasks, null},
		{"tasks twice", started + one + started + one, tasks, null},
		{"a task that outlives its stage", `{"Event":"SparkListenerStageSubmitted","Stage Info":{"Stage ID":0}}` + "\n" + started + started + one + jobEndLines + fmt.Sprintf(task, 1, ""), tasks, some(2)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := parseOne(t, startLine+tc.log+endLine)
			if got := tc.of(&r); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
