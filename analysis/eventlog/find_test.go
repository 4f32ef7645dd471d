package eventlog

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const (
	startLine = `{"Event":"SparkListenerApplicationStart","App Name":"a","App ID":"app-1","Timestamp":1000,"User":"u"}` + "\n"
	endLine   = `{"Event":"SparkListenerApplicationEnd","Timestamp":2000}` + "\n"
)

const notLog = "not a Spark event log"

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
		{"logs/cluster/stdout", notLog, NotLog},
		{"logs/empty", notLog, NotLog},
		{"logs/eventlog_v2_none", "rolling event log without an events file", NotLog},
		{"logs/notes.txt", notLog, NotLog},
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

// Beside a Databricks cluster's log and below it there may be others, and not
// every file of its name is one.
func TestFindBesideDatabricks(t *testing.T) {
	fsys := fstest.MapFS{
		"mix/eventlog":                            file(startLine),
		"mix/application_1_1":                     file(startLine),
		"mix/sub/application_1_2":                 file(startLine),
		"parts/eventlog-2024-01-01--23-00":        file(startLine),
		"parts/eventlog-2024-01-02--00-00":        file(""),
		"parts/eventlog_v2_r/events_1_r":          file(startLine),
		"other/eventlog":                          file("the diary of events"),
		"other/app-1":                             file(startLine),
		"folders/eventlog/app-1":                  file(startLine),
		"folders/eventlog-2024-01-02--00-00/more": file(startLine),
	}
	logs, skipped, err := Find(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int) // parts
	for _, l := range logs {
		got[l.Path] = len(l.Parts)
	}
	want := map[string]int{
		"mix": 1, "mix/application_1_1": 1, "mix/sub/application_1_2": 1, "parts": 2, "parts/eventlog_v2_r": 1,
		"other/app-1": 1, "folders/eventlog/app-1": 1, "folders/eventlog-2024-01-02--00-00/more": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]Skipped{{"other/eventlog", notLog, NotLog}}, skipped); diff != "" {
		t.Errorf("skipped: -want +got\n%s", diff)
	}
}

// A refusing file system does not open some files and folders, and some that
// it opens are not to be read.
type refusing struct {
	fstest.MapFS
	refused string // what is called so is not opened
	unread  string // what is called so is not read
}

func (r refusing) Open(p string) (fs.File, error) {
	f, err := r.MapFS.Open(p)
	if path.Base(p) == r.refused {
		return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrPermission}
	}
	if path.Base(p) == r.unread {
		f = refusedFile{f}
	}
	return f, err
}

func (r refusing) ReadDir(p string) ([]fs.DirEntry, error) {
	if path.Base(p) == r.refused {
		return nil, &fs.PathError{Op: "readdir", Path: p, Err: fs.ErrPermission}
	}
	return r.MapFS.ReadDir(p)
}

type refusedFile struct{ fs.File }

func (f refusedFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "refused", Err: io.EOF}
}

// What can't be read may be a log: it is told from what is none.
func TestFindUnread(t *testing.T) {
	fsys := refusing{refused: "secret", unread: "cut", MapFS: fstest.MapFS{
		"app-1":           file(startLine),
		"a/secret":        file(startLine),
		"secret/app-2":    file(startLine),
		"cut":             file(startLine),
		"corrupt.zstd":    file("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff"),
		"ultra.zstd":      file("\x28\xb5\x2f\xfd\x00\x80\x00"),
		"corrupt.gz":      file("\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"broken.zip":      file("PK"),
		"begun":           file(startLine[:5]),
		"begun.zstd":      file("\x28\xb5\x2f\xfd"),
		"begun.gz":        file("\x1f\x8b"),
		"begun.lz4":       file("LZ4Block"),
		"ZVexed.txt":      file("ZVexed"),
		"eventlog_v2_d/x": file(""),
	}}
	logs, skipped, err := Find(fsys, ".")
	if err != nil || len(logs) != 1 || logs[0].Path != "app-1" {
		t.Errorf("%v, %v", logs, err)
	}
	got := make(map[string]string)
	for _, s := range skipped {
		if s.Cause == Unread {
			got[s.Path] = s.Reason
		}
	}
	want := map[string]string{
		"a/secret":     "open a/secret: permission denied",
		"secret":       "readdir secret: permission denied",
		"cut":          "read refused: EOF",
		"corrupt.zstd": "",
		"ultra.zstd":   "compress it again",
		"corrupt.gz":   "gzip: invalid header",
		"broken.zip":   "zip: not a valid zip file",
	}
	for p, reason := range want {
		if said, ok := got[p]; !ok || !strings.Contains(said, reason) {
			t.Errorf("%s: %q, want %q", p, said, reason)
		}
		delete(got, p)
	}
	if len(got) > 0 {
		t.Errorf("are only short, or no logs: %v", got)
	}
}

// Nothing is opened that makes who opens it wait, and no link leads a search
// away or in a circle.
func TestFindOddFiles(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
	fsys := refusing{refused: "pipe", unread: "kmsg", MapFS: fstest.MapFS{
		"elsewhere/app-far":                  file(startLine),
		"elsewhere/eventlog_v2_r/events_1_r": file(startLine),
		"logs/app-1":                         file(startLine),
		"logs/linked":                        link("app-1"),
		"logs/pipe":                          {Mode: fs.ModeNamedPipe},
		"logs/socket":                        {Mode: fs.ModeSocket},
		"logs/topipe":                        link("pipe"),
		"logs/kmsg":                          file(""),
		"logs/eventlog_v2_p/events_1_p":      file(startLine),
		"logs/eventlog_v2_p/events_2_p":      {Mode: fs.ModeNamedPipe},
		"logs/eventlog_v2_l":                 link("../elsewhere/eventlog_v2_r"),
		"logs/more":                          link("../elsewhere"),
		"logs/self":                          link("."),
		"logs/nowhere":                       link("../gone"),
	}}
	logs, skipped, err := Find(fsys, "logs")
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, l := range logs {
		got = append(got, l.Parts)
	}
	want := [][]string{
		{"logs/app-1"},
		{"logs/eventlog_v2_l/events_1_r"},
		{"logs/eventlog_v2_p/events_1_p"},
		{"logs/linked"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	causes := make(map[string]Cause)
	for _, s := range skipped {
		causes[s.Path] = s.Cause
	}
	wantCauses := map[string]Cause{
		"logs/kmsg": NotLog, "logs/more": Linked, "logs/nowhere": Unread, "logs/pipe": NotLog,
		"logs/self": Linked, "logs/socket": NotLog, "logs/topipe": NotLog,
	}
	if diff := cmp.Diff(wantCauses, causes); diff != "" {
		t.Errorf("skipped: -want +got\n%s", diff)
	}
}

// What is known is not looked into, wherever its name says that it is.
func TestFindKnowing(t *testing.T) {
	fsys := refusing{refused: "eventlog", MapFS: fstest.MapFS{"cluster/eventlog": file(startLine)}}
	logs, skipped, err := FindKnowing(fsys, ".", func(p string) bool { return p == "cluster" })
	if err != nil || len(logs) != 1 || len(skipped) != 0 {
		t.Errorf("%v, skipped %v, %v", logs, skipped, err)
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
	archive := zipOf(t, map[string]string{
		"app_1":                           startLine + endLine,
		"eventlog_v2_app_2/appstatus_app": "",
		"eventlog_v2_app_2/events_1_app":  strings.Replace(startLine, "app-1", "app-2", 1),
		"eventlog_v2_app_2/events_2_app":  endLine,
	})
	fsys, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
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

func zipOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A download in a folder is found as any log; one log in it that can't be read
// loses no other.
func TestReadArchives(t *testing.T) {
	good := zipOf(t, map[string]string{"app_1": startLine + endLine, "app_2": strings.Replace(startLine, "app-1", "app-2", 1)})
	half := zipOf(t, map[string]string{
		"eventlog_v2_app_1/events_1_app_1": "",
		"eventlog_v2_app_2/events_1_app_2": startLine + endLine,
	})
	fsys := fstest.MapFS{
		"logs/good.zip":   file(good),
		"logs/half.zip":   file(half),
		"logs/photos.zip": file(zipOf(t, map[string]string{"readme": "no log"})),
		"logs/nested.zip": file(zipOf(t, map[string]string{"good.zip": good})),
	}
	logs, skipped, err := Find(fsys, "logs")
	if err != nil || len(logs) != 2 {
		t.Fatalf("%v, %v", logs, err)
	}
	wantSkipped := []Skipped{{"logs/nested.zip", notLog, NotLog}, {"logs/photos.zip", notLog, NotLog}}
	if diff := cmp.Diff(wantSkipped, skipped); diff != "" {
		t.Errorf("skipped: -want +got\n%s", diff)
	}
	runs, profiles, err := ReadProfiles(fsys, logs[0])
	if err != nil || len(runs) != 2 || len(profiles) != 2 || runs[1].AppID != "app-2" {
		t.Errorf("%s: %d runs, %d profiles, %v", logs[0].Path, len(runs), len(profiles), err)
	}
	runs, profiles, err = ReadProfiles(fsys, logs[1])
	if len(runs) != 1 || len(profiles) != 1 || err == nil || !strings.Contains(err.Error(), "eventlog_v2_app_1: empty") {
		t.Errorf("%s: %d runs, %d profiles, %v", logs[1].Path, len(runs), len(profiles), err)
	}
	if _, err := Read(fsys, single("logs/photos.zip")); err == nil || !strings.Contains(err.Error(), "no Spark event log in the archive") {
		t.Errorf("an archive of something else: %v", err)
	}
}

// The message about an archive is short however much is wrong with it.
func TestLostIn(t *testing.T) {
	err := lostIn(strings.Fields("a b c d e f g h i j k l"))
	if want := "a; b; c; d; e; f; g; h; i; j; and 2 more"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
