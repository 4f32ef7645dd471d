package eventlog

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const (
	startLine = `{"Event":"SparkListenerApplicationStart","App Name":"a","App ID":"app-1","Timestamp":1000,"User":"u"}` + "\n"
	endLine   = `{"Event":"SparkListenerApplicationEnd","Timestamp":2000}` + "\n"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestFind(t *testing.T) {
	event := file(startLine)
	fsys := fstest.MapFS{
		"logs/app-1":                                      event,
		"logs/app-2.inprogress":                           event,
		"logs/.app-1.crc":                                 file("crc"),
		"logs/notes.txt":                                  file("hello"),
		"logs/empty":                                      file(""),
		"logs/deep/er/app-3":                              event,
		"logs/eventlog_v2_r/appstatus_r":                  file(""),
		"logs/eventlog_v2_r/events_10_r":                  event,
		"logs/eventlog_v2_r/events_9_r":                   event,
		"logs/eventlog_v2_r/events_8_r":                   event,
		"logs/eventlog_v2_c/events_1_c":                   event,
		"logs/eventlog_v2_c/events_2_c":                   event,
		"logs/eventlog_v2_c/events_3_c":                   event,
		"logs/eventlog_v2_c/events_4_c":                   event,
		"logs/eventlog_v2_c/events_3_c.zstd.compact":      event,
		"logs/eventlog_v2_none/appstatus_none.inprogress": file(""),
		"logs/cluster/eventlog":                           event,
		"logs/cluster/eventlog-2024-01-02--10-00.gz":      event,
		"logs/cluster/eventlog-2024-01-02--09-00":         event,
		"logs/cluster/eventlog-2024-01-01--23-00.gz":      event,
		"logs/cluster/stdout":                             file("x"),
	}
	logs, skipped, err := Find(fsys, "logs")
	if err != nil {
		t.Fatal(err)
	}
	want := []Log{
		{Name: "app-1", Path: "logs/app-1", Parts: []string{"logs/app-1"}},
		{Name: "app-2.inprogress", Path: "logs/app-2.inprogress", Parts: []string{"logs/app-2.inprogress"}},
		{Name: "cluster", Path: "logs/cluster", Parts: []string{
			"logs/cluster/eventlog-2024-01-01--23-00.gz", "logs/cluster/eventlog-2024-01-02--09-00",
			"logs/cluster/eventlog-2024-01-02--10-00.gz", "logs/cluster/eventlog",
		}},
		{Name: "app-3", Path: "logs/deep/er/app-3", Parts: []string{"logs/deep/er/app-3"}},
		{Name: "eventlog_v2_c", Path: "logs/eventlog_v2_c", Compacted: true, Parts: []string{
			"logs/eventlog_v2_c/events_3_c.zstd.compact", "logs/eventlog_v2_c/events_4_c",
		}},
		{Name: "eventlog_v2_r", Path: "logs/eventlog_v2_r", Gap: true, Parts: []string{
			"logs/eventlog_v2_r/events_8_r", "logs/eventlog_v2_r/events_9_r", "logs/eventlog_v2_r/events_10_r",
		}},
	}
	if diff := cmp.Diff(want, logs); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wantSkipped := []Skipped{
		{"logs/empty", "not a Spark event log"},
		{"logs/eventlog_v2_none", "rolling event log without an events file"},
		{"logs/notes.txt", "not a Spark event log"},
	}
	if diff := cmp.Diff(wantSkipped, skipped); diff != "" {
		t.Errorf("skipped: -want +got\n%s", diff)
	}
}

func TestFindRoots(t *testing.T) {
	fsys := fstest.MapFS{
		"notes.txt":                      file("hello"),
		"eventlog_v2_a/events_1_a":       file(startLine),
		"eventlog_v2_a/appstatus_a":      file(""),
		"cluster/eventlog":               file(startLine),
		"compact/events_1_a.lz4.compact": file(startLine),
	}
	for root, want := range map[string]Log{
		"notes.txt":     {Name: "notes.txt", Path: "notes.txt", Parts: []string{"notes.txt"}},
		"eventlog_v2_a": {Name: "eventlog_v2_a", Path: "eventlog_v2_a", Parts: []string{"eventlog_v2_a/events_1_a"}},
		"cluster":       {Name: "cluster", Path: "cluster", Parts: []string{"cluster/eventlog"}},
		"compact": {
			Name: "events_1_a.lz4.compact", Path: "compact/events_1_a.lz4.compact",
			Parts: []string{"compact/events_1_a.lz4.compact"}, Compacted: true,
		},
	} {
		logs, _, err := Find(fsys, root)
		if diff := cmp.Diff([]Log{want}, logs); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", root, err, diff)
		}
	}
	if _, _, err := Find(fsys, "missing"); err == nil {
		t.Error("a missing root is no error")
	}
}

// An error names the file and the line and says what was expected.
func TestReadErrors(t *testing.T) {
	fsys := fstest.MapFS{
		"empty":     file(""),
		"text":      file("hello\nworld\n"),
		"json":      file("{\"a\":1}\n[]\n"),
		"events":    file(`{"Event":"SomethingElse"}` + "\n"),
		"truncated": file(startLine[:40]),
		"garbage":   file("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff"),
	}
	for name, want := range map[string]string{
		"empty":     "empty: empty: the application has not written",
		"text":      `text:1: not a Spark event: is this a Spark event log?`,
		"json":      `json:1: not a Spark event`,
		"events":    "events: no application in this event log",
		"truncated": "truncated:1: ",
		"garbage":   "garbage: ",
		"missing":   "read event log: open missing",
	} {
		runs, err := Read(fsys, single(name))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %d runs, %v; want %q", name, len(runs), err, want)
		}
	}
	if _, err := Parse(strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "empty input") {
		t.Errorf("Parse of nothing: %v", err)
	}
}

// A rolling log without its first part, or with a hole, is cut off.
func TestReadGap(t *testing.T) {
	fsys := fstest.MapFS{
		"eventlog_v2_a/events_1_a": file(startLine),
		"eventlog_v2_a/events_3_a": file(endLine),
	}
	r := readOne(t, fsys, "eventlog_v2_a")
	if !r.Finished || !r.Truncated || r.Complete() {
		t.Errorf("finished %t, truncated %t, complete %t", r.Finished, r.Truncated, r.Complete())
	}
}

// A History Server's download is a zip of the files of one or all attempts.
func TestFindInZip(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"app_1":                           startLine + endLine,
		"eventlog_v2_app_2/appstatus_app": "",
		"eventlog_v2_app_2/events_1_app":  strings.Replace(startLine, "app-1", "app-2", 1),
		"eventlog_v2_app_2/events_2_app":  endLine,
	} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	fsys, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	logs, skipped, err := Find(fsys, ".")
	if err != nil || len(logs) != 2 || len(skipped) != 0 {
		t.Fatalf("%v, skipped %v, %v", logs, skipped, err)
	}
	for i, want := range []string{"app-1", "app-2"} {
		runs, err := Read(fsys, logs[i])
		if err != nil || len(runs) != 1 || runs[0].AppID != want || !runs[0].Complete() {
			t.Errorf("%s: %d runs, %v", logs[i].Path, len(runs), err)
		}
	}
}
