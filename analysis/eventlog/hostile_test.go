package eventlog

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// repeat writes n lines made by line between a start and an end, without
// holding them.
func repeat(n int, line func(i int) string) io.Reader {
	r, w := io.Pipe()
	go func() {
		bw := bufio.NewWriterSize(w, 1<<16)
		fmt.Fprint(bw, startLine)
		for i := range n {
			fmt.Fprintln(bw, line(i))
		}
		fmt.Fprint(bw, endLine)
		w.CloseWithError(bw.Flush()) // nil is io.EOF
	}()
	return r
}

// A hostile log costs bounded memory and ends in a row that says it is
// incomplete, or in an error.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	for _, tc := range []struct {
		name     string
		n        int
		complete bool
		line     func(i int) string
	}{
		{"executors", 150_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerExecutorAdded","Timestamp":1500,"Executor ID":"%0100d","Executor Info":{"Total Cores":4}}`, i)
		}},
		{"stages", 100_000, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{"Executor Run Time":%d}}`, i, i*1000, i)
		}},
		{"partitions", 50_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{}}`, i%100, 1<<30+i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":2000000000,"Submission Time":1}}`, i%100)
		}},
		{"jobs", 50_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[%s0]}`, i, strings.Repeat("1,", 100))
		}},
		{"reasons", 100_000, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":0,"Task End Reason":{"Reason":"R%d"},"Task Info":{"Index":%d,"Locality":"L%d","Executor ID":"E%d"},"Task Metrics":{"Executor Run Time":7}}`, i, i, i, i)
		}},
		{"applications", 5_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerApplicationStart","App Name":"a","App ID":"x%d","Timestamp":1000,"User":"u"}`, i)
		}},
		{"profiles", 10_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerResourceProfileAdded","Resource Profile Id":%d}`, i)
		}},
		{"nesting", 3, false, func(int) string {
			return `{"Event":"SparkListenerJobStart","Stage IDs":` + strings.Repeat("[", 1<<20)
		}},
		{"names", 100_000, true, func(i int) string { return fmt.Sprintf(`{"Event":"made.up.Event%d"}`, i) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var runs int
			var complete bool
			peak := livePeak(func() {
				got, err := Parse(repeat(tc.n, tc.line))
				if err != nil {
					t.Errorf("error: %v", err)
					return
				}
				runs, complete = len(got), got[0].Complete()
			})
			if complete != tc.complete {
				t.Errorf("complete = %t", complete)
			}
			if runs == 0 || runs > maxRuns+1 {
				t.Errorf("%d runs", runs)
			}
			if peak > 48<<20 {
				t.Errorf("%d MiB in use", peak>>20)
			}
			t.Logf("%d KiB in use", peak>>10)
		})
	}
}

// livePeak is the most that was in use at a time while f ran, as the garbage
// collector found it.
func livePeak(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, peak := read(), uint64(0)
	stop, done := make(chan bool), make(chan bool)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				peak = max(peak, read())
			}
		}
	}()
	f()
	close(stop)
	<-done
	return max(peak, before) - before
}

// Lines of 20 MB exist. Their texts are cut; what is still too long is skipped
// and counted; events that are not decoded may have any length.
func TestLongLines(t *testing.T) {
	const sql = `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQL`
	for _, tc := range []struct {
		name, line             string
		events, sql, malformed int64
	}{
		{"plan", sql + `ExecutionStart","physicalPlanDescription":"` + strings.Repeat("x", 30<<20) + `","time":1500}`, 3, 1, 0},
		{"escapes", sql + `ExecutionStart","physicalPlanDescription":"` + strings.Repeat(`\u00e9\"\\`, 1<<20) + `","time":1500}`, 3, 1, 0},
		{"update", sql + `AdaptiveExecutionUpdate","sparkPlanInfo":[` + strings.Repeat(`{},`, 10<<20) + `{}]}`, 3, 0, 0},
		{"rdds", `{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":1500,"Stage Infos":[{"RDD Info":[` +
			strings.Repeat(`{"Name":"x}]\"","Callsite":{"a":[1]}},`, 1<<20) + `{}]}],"Stage IDs":[1],"Properties":{}}`, 3, 0, 0},
		{"list", `{"Event":"SparkListenerJobStart","Job ID":0,"Stage IDs":[` + strings.Repeat(`1,`, 10<<20) + `1]}`, 2, 0, 1},
		{"open", sql + `AdaptiveExecutionUpdate","sparkPlanInfo":[` + strings.Repeat(`{},`, 1<<20), 2, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var runs []analysis.Run
			var err error
			peak := livePeak(func() { runs, err = Parse(strings.NewReader(startLine + tc.line + "\n" + endLine)) })
			if err != nil {
				t.Fatal(err)
			}
			r := runs[0]
			got, want := []int64{r.Events, r.SQLExecutions.V, r.MalformedLines}, []int64{tc.events, tc.sql, tc.malformed}
			if diff := cmp.Diff(want, got); diff != "" || !r.Finished {
				t.Errorf("finished %t, -want +got\n%s", r.Finished, diff)
			}
			if peak > 48<<20+uint64(len(tc.line)) { // the input is copied once
				t.Errorf("%d MiB in use", peak>>20)
			}
		})
	}
}
