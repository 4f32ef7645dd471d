package eventlog

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// goldenLogs are the logs of the archives in testdata.
func goldenLogs(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var logs [][]byte
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name != "want" && f.Name != "profile" {
				logs = append(logs, uncomment(f.Data))
			}
		}
	}
	return logs
}

// Whatever the bytes are, there are rows or an error, the same ones every
// time, and the rows can be written as JSON.
func FuzzParse(f *testing.F) {
	for _, log := range goldenLogs(f) {
		f.Add(log)
	}
	for _, magic := range [][]byte{zstdMagic, lz4Magic, snappyMagic, lzfMagic, gzipMagic} {
		f.Add(append(bytes.Clone(magic), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
	}
	for _, hostile := range []string{
		"\n\n\nx\n\nx", // lines that are none
		`{"Event":"SparkListenerExecutorMetricsUpdate","Executor ID":"driver","Executor Metrics Updated":[{"Executor Metrics":{}},{}]}`,
		`{"Event":"org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates","accumUpdates":[[],[1,2],[1]]}`,
		`{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","sparkPlanInfo":{"c":[{"nodeName":"\"Join"},{"nodeName":"AJoin"}]}}`,
		`{"Event":"SparkListenerJobStart","Properties":{"spark.sql.shuffle.partitions":"7","spark.sql.shuffle.partitions":7}}`,
	} {
		f.Add([]byte(startLine + hostile + "\n" + endLine))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			t.Skip("long")
		}
		runs, err := Parse(bytes.NewReader(data))
		if (err == nil) != (len(runs) > 0) {
			t.Fatalf("%d runs, error %v", len(runs), err)
		}
		got, err := json.Marshal(runs)
		if err != nil {
			t.Fatal(err)
		}
		runs, _ = Parse(bytes.NewReader(data))
		again, _ := json.Marshal(runs)
		if diff := cmp.Diff(string(got), string(again)); diff != "" {
			t.Errorf("two readings differ:\n%s", diff)
		}
	})
}
