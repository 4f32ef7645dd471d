package eventlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

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

// A job of one stage of one task, around its task.
const (
	jobStartLine = `{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":1100,"Stage IDs":[0],"Properties":{}}` + "\n"
	jobEndLines  = `{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":0,"Stage Attempt ID":0,"Number of Tasks":1,"Submission Time":1100,"Completion Time":1200}}` + "\n" +
		`{"Event":"SparkListenerJobEnd","Job ID":0,"Completion Time":1200,"Job Result":{"Result":"JobSucceeded"}}` + "\n"
)

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
		{"stages", 100_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{"Executor Run Time":%d}}`, i, i*1000, i)
		}},
		{"live stages", 750_000, false, func(i int) string { // of the widest spread of values
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":%d,"Index":0},"Task Metrics":{"Executor Run Time":%d,"Memory Bytes Spilled":%d,"Input Metrics":{"Bytes Read":%[4]d}}}`, i%maxLive, i, 1<<(i/maxLive%39), 1<<(i/maxLive%59))
		}},
		{"losses", 400_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"ExecutorLostFailure"},"Task Info":{"Task ID":%d,"Index":%d}}`, i%maxLive, i, i)
		}},
		{"ids", 2_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":%d,"Index":0}}`, maxAttemptIDs-i, maxTaskIDs-i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":1,"Submission Time":1}}`, maxAttemptIDs/maxAttempts-i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[]}`, maxIDs-i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerJobEnd","Job ID":%d,"Completion Time":1200}`, maxIDs-i) +
				fmt.Sprintf("\n"+`{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd","executionId":%d}`, maxIDs-i)
		}},
		{"partitions", 50_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d},"Task Metrics":{}}`, i%100, 1<<30+i) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":2000000000,"Submission Time":1}}`, i%100)
		}},
		{"jobs", 50_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[%s0]}`, i, strings.Repeat("1,", 100))
		}},
		{"reasons", 100_000, false, func(i int) string {
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
		{"parents", 100, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":1,"Parent IDs":[%s1],"Submission Time":1500}}`, i, strings.Repeat("1,", 1<<17))
		}},
		{"joins", 1_500, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":%d,"sparkPlanInfo":{"c":[%s]}}`, i, joins)
		}},
		{"updates", 20, true, func(int) string {
			return `{"Event":"SparkListenerExecutorMetricsUpdate","Executor ID":"driver","Executor Metrics Updated":[` + strings.Repeat(`{"Executor Metrics":{}},`, 1<<17) + `{}]}`
		}},
		{"accumulators", 20, false, func(int) string {
			return `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates","accumUpdates":[` + strings.Repeat("[],", 1<<20) + `[]]}`
		}},
		{"empty updates", 2_000, true, func(int) string {
			return `{"Event":"SparkListenerExecutorMetricsUpdate","Executor ID":"driver","Executor Metrics Updated":[` + strings.Repeat(`{},`, 1000) + `{}]}`
		}},
		{"empty accumulators", 40, true, func(int) string {
			return `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates","accumUpdates":[` + strings.Repeat("[],", 170_000) + `[]]}`
		}},
		{"accumulator pairs", 40, true, func(int) string {
			return `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates","accumUpdates":[` + strings.Repeat("[1,2],", 80_000) + `[]]}`
		}},
		{"empty tasks", 500_000, false, func(int) string { return `{"Event":"SparkListenerTaskEnd"}` }},
		{"stage ids", 40, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[%s1],"Properties":{}}`, i, strings.Repeat("1,", 250_000))
		}},
		{"many parents", 2000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":1,"Parent IDs":[%s1],"Submission Time":1500}}`, 1000+i, manyParents)
		}},
		{"profiles of applications", 200_000, true, func(i int) string {
			line := fmt.Sprintf(`{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":0,"Submission Time":%d,"Completion Time":100000}}`, i, 1000+i%2000)
			if i%2000 == 1999 {
				line += fmt.Sprintf("\n"+`{"Event":"SparkListenerApplicationEnd","Timestamp":100000}`+"\n"+`{"Event":"SparkListenerApplicationStart","App ID":"x%d","Timestamp":1000}`, i)
			}
			return line
		}},
		{"properties of applications", 1000, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{"spark.executor.memory":"%[1]s","spark.jars":"%[1]s,a.jar","spark.yarn.tags":"dag_id=d,task_id=t,%[1]s"}}`+"\n"+
				`{"Event":"SparkListenerApplicationEnd","Timestamp":100000}`+"\n"+`{"Event":"SparkListenerApplicationStart","App ID":"x%[2]d","Timestamp":1000}`, longValue, i)
		}},
		{"properties", 20, true, func(i int) string {
			return `{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{` + contexts(i) + `}}`
		}},
		{"repeated settings", 20, true, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1100,"Stage IDs":[0],"Properties":{%s"x":"y"}}`, i, strings.Repeat(`"spark.sql.shuffle.partitions":"7",`, 1<<16)) +
				fmt.Sprintf("\n"+`{"Event":"SparkListenerJobEnd","Job ID":%d,"Completion Time":1200,"Job Result":{"Result":"JobSucceeded"}}`, i)
		}},
		{"samples", 200_000, false, func(i int) string {
			return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":0,"Executor ID":"%0100d"},"Task Metrics":{"Executor Run Time":7}}`, i/2000, i)
		}},
		{"blank", 1 << 22, true, func(int) string { return "" }},
		{"junk", 1 << 21, false, func(i int) string { return "x\n"[:1+i%2] }},
		{"names", 100_000, true, func(i int) string { return fmt.Sprintf(`{"Event":"made.up.Event%d"}`, i) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var runs int
			var complete bool
			peak := livePeak(func() {
				err := ParseEach(repeat(tc.n, tc.line), func(r analysis.Run, _ analysis.RunProfile) error {
					if runs++; runs == 1 {
						complete = r.Complete()
					}
					return nil
				})
				if err != nil {
					t.Errorf("error: %v", err)
				}
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

var longValue = strings.Repeat("x", 60_000)

// manyParents are as many as are kept of a stage, nearly.
var manyParents = func() string {
	var b strings.Builder
	for i := range maxParents - 10 {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()
}()

// joins are more than any plan has, each of another kind.
var joins = func() string {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `{"nodeName":"%0100dJoin"},`, i)
	}
	return b.String() + "{}"
}()

// contexts are properties of an orchestrator that never existed.
func contexts(line int) string {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, `"spark.airflow.k%d_%d":"v%d",`, line, i, i)
	}
	return b.String() + `"x":"y"`
}

// A window that takes more memory than reading may is refused, with what to do.
func TestHugeWindow(t *testing.T) {
	var log bytes.Buffer
	w, err := zstd.NewWriter(&log, zstd.WithWindowSize(2*zstdWindow))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, startLine+strings.Repeat(" \n", zstdWindow)+endLine)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(&log); !errors.Is(err, zstd.ErrWindowSizeExceeded) || !strings.Contains(err.Error(), "compress it again") {
		t.Errorf("error %v", err)
	}
}

// Whatever stands in place of a number, the row says what it could not read.
func TestNoNumbers(t *testing.T) {
	for value, complete := range map[string]bool{
		"NaN": false, "-Infinity": false, "1e400": false, "1.5": false, `"7"`: false, "00": false,
		"9223372036854775807": false, "9223372036854775808": false, "-1": true, "null": true, "7": true,
	} {
		log := startLine + jobStartLine + `{"Event":"SparkListenerTaskEnd","Stage ID":0,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":0},"Task Metrics":{"Executor Run Time":` + value + "}}\n" + jobEndLines + endLine
		runs, err := Parse(strings.NewReader(log))
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if r := runs[0]; r.Complete() != complete || r.RunMs.V < 0 || r.RunMs.V > 7 {
			t.Errorf("%s: complete %t, run_ms %d", value, r.Complete(), r.RunMs.V)
		}
	}
}

// Frames that are cut in the middle of a log lose events, and the row says so.
func TestTruncatedFrames(t *testing.T) {
	frame := func(text string) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	task := frame(strings.Repeat(`{"Event":"SparkListenerTaskEnd","Stage ID":0,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":0},"Task Metrics":{}}`+"\n", 100))
	for cut := range task {
		log := slices.Concat(frame(startLine+jobStartLine), task[:cut], task, frame(jobEndLines+endLine))
		runs, err := Parse(bytes.NewReader(log))
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if r := runs[0]; r.Complete() != (cut == 0) {
			t.Errorf("cut at %d: complete %t, %d events", cut, r.Complete(), r.Events)
		}
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
