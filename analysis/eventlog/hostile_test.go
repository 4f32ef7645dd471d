package eventlog

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		{"executors", 300_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerExecutorAdded","Timestamp":1500,"Executor ID":"%0100d","Executor Info":{"Total Cores":4}}`, i)
		}},
		{"stages", 300_000, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{"Executor Run Time":%d}}`, i, i*1000, i)
		}},
		{"partitions", 300_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{}}`, i%100, 1<<30+i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":2000000000,"Submission Time":1}}`, i%100)
		}},
		{"jobs", 300_000, false, func(i int) string {
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
			peak := heapPeak(func() {
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
			if peak > 64<<20 {
				t.Errorf("%d MiB of heap", peak>>20)
			}
			t.Logf("%d KiB of heap", peak>>10)
		})
	}
}

// heapPeak is about how much more the heap held at a time while f ran.
func heapPeak(f func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
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
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	}()
	f()
	close(stop)
	<-done
	if peak < before {
		return 0
	}
	return peak - before
}

// Lines of 20 MB exist. One that is too long is skipped and counted.
func TestLongLines(t *testing.T) {
	plan := func(n int) string {
		return `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0,"physicalPlanDescription":"` +
			strings.Repeat("x", n) + `","time":1500}`
	}
	for _, tc := range []struct {
		size           int
		sql, malformed int64
	}{{1 << 20, 1, 0}, {maxLine + 1, 0, 1}} {
		runs, err := Parse(strings.NewReader(startLine + plan(tc.size) + "\n" + endLine))
		if err != nil {
			t.Fatal(err)
		}
		r := runs[0]
		if diff := cmp.Diff([]int64{tc.sql, tc.malformed}, []int64{r.SQLExecutions.V, r.MalformedLines}); diff != "" || !r.Finished {
			t.Errorf("%d bytes: finished %t\n%s", tc.size, r.Finished, diff)
		}
	}
}
