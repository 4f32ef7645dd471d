package eventlog

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// benchLogs are real logs of the shared data, by what they are good for.
var benchLogs = map[string]string{
	"gpu":      "eventlogs/NVIDIA+spark-rapids-tools/core/src/test/resources/spark-events-profiling/gpu_oom_eventlog.zstd",
	"failures": "eventlogs/NVIDIA+spark-rapids-tools/core/src/test/resources/spark-events-profiling/tasks_executors_fail_compressed_eventlog.zstd",
	"tiny":     "labelled/logs/tiny/application_1795358715102_0084.zstd",
	"sql":      "eventlogs/NVIDIA+spark-rapids-tools/core/src/test/resources/spark-events-qualification/eventlog_v2_local-1623876083964/events_1_local-1623876083964.zstd",
	"small":    "labelled/logs/overmem/application_1795358715102_0017.zstd",
	"ml":       "eventlogs/NVIDIA+spark-rapids-tools/core/src/test/resources/spark-events-qualification/xgboost_eventlog.zstd",
}

// raw is a log without its compression.
func raw(b *testing.B, name string) []byte {
	b.Helper()
	f, err := os.Open(filepath.Join(sharedData(b), benchLogs[name]))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := decompress(f)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// cpuTime is what this process has used of the processor: on a busy machine it
// says more than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkParse reads whole logs, uncompressed in memory, to their rows.
//
//	go test -run '^$' -bench 'Parse|EncodingJSON' -cpu 1 ./analysis/eventlog
//
// Figures are in docs/benchmarks.md. What each trick buys, from noisy runs:
// jumping over the accumulables 1.1 (gpu) to 2.7 (tiny) times; reading more than
// task ends by hand 4 times on small logs and nothing on large ones; keeping
// buffers between logs 1.5 times on small logs. Predicting the next key from the
// line before bought nothing. Then, on the small log, from 490 to 1060, by the
// shares of a profile: the six short events that were left to encoding/json (20 %
// of the time), the read buffer kept too (10 %, and most of the garbage
// collector's 8 %), one walk over a plan instead of seven searches and no regular
// expressions (a third of 20 %), one look-up for each property and no second
// decoding of its value (half of 20 %).
//
// To refuse damaged lines costs, by CPU time in turns with the version that did not
// look at what it skipped: reading all that is skipped, task starts left out, 20 %
// (gpu), 34 % (failures) and 42 % (tiny). So accumulables and task starts are counted
// through: 6 % on tiny, and 25 % on the two small logs, for the stages in job starts,
// the stages' own events and the plans. Taking over a part of a task that is spelled
// as in the task before, and a shorter search for the end of a text, brought gpu from
// 0.80 to 1.18 of what it was, tiny from 0.58 to 0.70.
func BenchmarkParse(b *testing.B) {
	for name := range benchLogs {
		b.Run(name, func(b *testing.B) {
			text := raw(b, name)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			start := cpuTime(b)
			for b.Loop() {
				if _, err := Parse(bytes.NewReader(text)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuTime(b)-start).Seconds(), "MB/cpu-s")
		})
	}
}

// BenchmarkEncodingJSON decodes every line of the same logs that has an event
// to be decoded into the same types, and does nothing with them.
func BenchmarkEncodingJSON(b *testing.B) {
	for name := range benchLogs {
		b.Run(name, func(b *testing.B) {
			text := raw(b, name)
			b.SetBytes(int64(len(text)))
			start := cpuTime(b)
			for b.Loop() {
				for line := range bytes.Lines(text) {
					if name, ok := eventName(line); ok {
						if ev := newEvent(name); ev != nil {
							_ = json.Unmarshal(line, ev)
						}
					}
				}
			}
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuTime(b)-start).Seconds(), "MB/cpu-s")
		})
	}
}
