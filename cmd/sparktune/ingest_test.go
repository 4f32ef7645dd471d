package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// logOf is a small log of an application; padding makes it long.
func logOf(app, attempt string, finished bool, padding int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"Event":"SparkListenerApplicationStart","App Name":"nightly","App ID":%q,"App Attempt ID":%q,"Timestamp":1795000000000,"User":"etl"}`+"\n", app, attempt)
	for i := 0; b.Len() < padding; i++ {
		fmt.Fprintf(&b, `{"Event":"SparkListenerJobStart","Job ID":%d,"Submission Time":1795000001000,"Stage IDs":[]}`+"\n", i)
	}
	if finished {
		b.WriteString(`{"Event":"SparkListenerApplicationEnd","Timestamp":1795000060000}` + "\n")
	}
	return b.String()
}

// sparktune runs the command line with a state folder of its own and returns
// what it prints.
func sparktune(t *testing.T, state string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli{stdout: &out, stderr: &errs, now: time.Now, getenv: func(key string) string {
		return map[string]string{"SPARKTUNE_STATE": state}[key]
	}}
	code = c.run(t.Context(), args)
	return out.String(), errs.String(), code
}

// rowsOf are the rows of the lake by key, of which columns.
func rowsOf(t *testing.T, state string, columns ...string) map[string][]any {
	t.Helper()
	out, errs, code := sparktune(t, state, "runs", "--output", "json")
	if code != exitDone {
		t.Fatal(errs)
	}
	rows := make(map[string][]any)
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var row map[string]any
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		var values []any
		for _, c := range columns {
			values = append(values, row[c])
		}
		attempt, _ := row["attempt"].(string)
		rows[row["app_id"].(string)+"/"+attempt] = values
	}
	return rows
}

// historyServer is Spark's, as far as ingest asks it.
func historyServer(t *testing.T, logs map[string]string) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/applications", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[
			{"id":"application_1_1","name":"nightly","attempts":[
				{"attemptId":"2","completed":true,"lastUpdatedEpoch":1795000060000,"startTimeEpoch":1795000000000},
				{"attemptId":"1","completed":false,"lastUpdatedEpoch":1795000000000}]},
			{"id":"local-1","name":"nightly","attempts":[{"completed":true,"lastUpdatedEpoch":1795000060000}]}]`)
	})
	for path, log := range logs {
		mux.HandleFunc("GET /api/v1/applications/"+path+"/logs", func(w http.ResponseWriter, _ *http.Request) {
			z := zip.NewWriter(w)
			f, err := z.Create(strings.ReplaceAll(path, "/", "_"))
			if err == nil {
				_, err = io.WriteString(f, log)
			}
			if err != nil || z.Close() != nil {
				t.Error(err)
			}
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestIngestHistoryServer(t *testing.T) {
	server := historyServer(t, map[string]string{
		"application_1_1/1": logOf("application_1_1", "1", false, 0),
		"application_1_1/2": logOf("application_1_1", "2", true, 0),
		"local-1":           logOf("local-1", "", true, 0),
	})
	state := t.TempDir()
	if out, errs, code := sparktune(t, state, "ingest", "--new", server.URL+"/"); code != exitDone || !strings.HasPrefix(out, "3 runs of 3 event logs: 3 added") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	want := map[string][]any{"application_1_1/1": {false}, "application_1_1/2": {true}, "local-1/": {true}}
	if diff := cmp.Diff(want, rowsOf(t, state, "finished")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if out, errs, code := sparktune(t, state, "ingest", "--new", server.URL); code != exitDone || !strings.HasPrefix(out, "3 runs of 3") {
		t.Errorf("another spelling of the place: %d %s%s", code, out, errs)
	}
	if out, errs, code := sparktune(t, state, "ingest", "--new", server.URL); code != exitDone || !strings.HasPrefix(out, "0 runs of 0 event logs: 0 added, 0 replaced, 0 unchanged; 3 known before") {
		t.Errorf("again: %d %s%s", code, out, errs)
	}
	one := t.TempDir()
	if out, errs, code := sparktune(t, one, "ingest", server.URL+"/api/v1/applications/application_1_1/2/logs"); code != exitDone || !strings.HasPrefix(out, "1 run of 1 event log: 1 added") {
		t.Errorf("one download: %d %s%s", code, out, errs)
	}
	if out, errs, code := sparktune(t, one, "ingest", server.URL+"/api/v1/applications/none/logs"); code != exitFailed || !strings.Contains(errs, "answers 404") {
		t.Errorf("no such application: %d %s%s", code, out, errs)
	}
	if out, errs, code := sparktune(t, one, "ingest", server.URL+"/elsewhere"); code != exitFailed || !strings.Contains(errs, "http://history:18080") {
		t.Errorf("no History Server: %d %s%s", code, out, errs)
	}
}

// TestIngestYARN asks a ResourceManager that knows one application of two
// attempts and one in client mode, and has forgotten a third.
func TestIngestYARN(t *testing.T) {
	answers := map[string]string{
		"/ws/v1/cluster/apps/application_1_1": `{"app":{"finalStatus":"FAILED","diagnostics":"Application application_1_1 failed 2 times due to AM Container exited with  exitCode: 137","queue":"root.etl",
			"applicationTags":"airflow,team-a","memorySeconds":123456,"vcoreSeconds":789}}`,
		"/ws/v1/cluster/apps/application_1_1/appattempts": `{"appAttempts":{"appAttempt":[{"id":1},{"id":2}]}}`,
		"/ws/v1/cluster/apps/application_1_2":             `{"app":{"finalStatus":"SUCCEEDED","diagnostics":"","queue":"default","memorySeconds":1,"vcoreSeconds":2}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	dir, state := t.TempDir(), t.TempDir()
	for name, log := range map[string]string{
		"a1": logOf("application_1_1", "1", false, 0), "a2": logOf("application_1_1", "2", false, 0),
		"b": logOf("application_1_2", "", false, 0), "c": logOf("application_1_3", "", false, 0), "d": logOf("local-1", "", true, 0),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	columns := []string{"status", "queue", "yarn_final_status", "yarn_memory_mb_seconds"}
	if out, errs, code := sparktune(t, state, "ingest", dir); code != exitDone {
		t.Fatalf("%s%s", out, errs)
	}
	if got := rowsOf(t, state, columns...)["application_1_1/2"]; !cmp.Equal(got, []any{"unknown", nil, nil, nil}) {
		t.Errorf("before it was asked: %v", got)
	}
	// Of as many events the row stays that knows more.
	if out, errs, code := sparktune(t, state, "ingest", dir, "--yarn", server.URL+"/"); code != exitDone || !strings.Contains(out, "3 replaced") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	want := map[string][]any{
		"application_1_1/1": {"failed", "root.etl", nil, nil}, // another attempt followed
		"application_1_1/2": {"failed", "root.etl", "FAILED", 123456.0},
		"application_1_2/":  {"unknown", "default", "SUCCEEDED", 1.0},
		"application_1_3/":  {"unknown", nil, nil, nil},
		"local-1/":          {"succeeded", nil, nil, nil},
	}
	if diff := cmp.Diff(want, rowsOf(t, state, columns...)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	fresh := t.TempDir()
	if out, errs, code := sparktune(t, fresh, "ingest", dir, "--yarn", server.URL); code != exitDone {
		t.Fatalf("%s%s", out, errs)
	}
	if got := rowsOf(t, fresh, columns...)["application_1_1/1"]; !cmp.Equal(got, []any{"failed", "root.etl", nil, nil}) {
		t.Errorf("an attempt that another one followed: %v", got)
	}
	server.Close()
	down := t.TempDir()
	if out, errs, code := sparktune(t, down, "ingest", dir, "--yarn", server.URL); code != exitFailed || !strings.Contains(errs, "ask the ResourceManager") {
		t.Errorf("no ResourceManager: %d %s%s", code, out, errs)
	}
	if got := rowsOf(t, down, columns...); len(got) != 5 || !cmp.Equal(got["application_1_1/2"], []any{"unknown", nil, nil, nil}) {
		t.Errorf("no ResourceManager: %v", got)
	}
}

// A standInRM answers what it is told to, per path below apps/; what it is not
// told it does not know.
type standInRM struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string
}

func newStandInRM(t *testing.T) *standInRM {
	rm := &standInRM{answers: make(map[string]string)}
	rm.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rm.mu.Lock()
		answer, ok := rm.answers[strings.TrimPrefix(r.URL.Path, "/ws/v1/cluster/apps/")]
		rm.mu.Unlock()
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case answer == "":
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(rm.Close)
	return rm
}

func (rm *standInRM) say(path, answer string) {
	rm.mu.Lock()
	defer rm.mu.Unlock()
	rm.answers[path] = answer
}

func writeLogs(t *testing.T, logs map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, log := range logs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestIngestNewYARN asks again with --new until the ResourceManager has said how
// the application ended, and not longer.
func TestIngestNewYARN(t *testing.T) {
	rm := newStandInRM(t)
	dir, state := writeLogs(t, map[string]string{
		"killed":    logOf("application_1_5", "1", false, 0),
		"retried":   logOf("application_1_6", "1", false, 0),
		"forgotten": logOf("application_1_7", "1", false, 0),
		"local":     logOf("local-1", "", false, 0),
	}), t.TempDir()
	ingest := func(want string, args ...string) {
		t.Helper()
		if out, errs, code := sparktune(t, state, append([]string{"ingest", "--new", dir}, args...)...); code != exitDone || !strings.Contains(out, want) {
			t.Errorf("want %q: %d %s%s", want, code, out, errs)
		}
	}
	for _, id := range []string{"application_1_5", "application_1_6"} {
		rm.say(id, `{"app":{"finalStatus":"UNDEFINED","memorySeconds":100,"vcoreSeconds":1}}`)
		rm.say(id+"/appattempts", `{"appAttempts":{"appAttempt":[{"id":1}]}}`)
	}
	ingest("4 added")
	ingest("0 runs of 0 event logs: 0 added, 0 replaced, 0 unchanged; 4 known before")
	ingest("0 added, 2 replaced, 1 unchanged; 1 known before", "--yarn", rm.URL)
	ingest("0 added, 0 replaced, 2 unchanged; 2 known before", "--yarn", rm.URL)
	rm.say("application_1_5", `{"app":{"finalStatus":"FAILED","diagnostics":"AM Container exited with exitCode: -104","memorySeconds":300,"vcoreSeconds":3}}`)
	rm.say("application_1_6/appattempts", `{"appAttempts":{"appAttempt":[{"id":1},{"id":2}]}}`)
	ingest("0 added, 2 replaced, 0 unchanged; 2 known before", "--yarn", rm.URL)
	ingest("0 runs of 0 event logs: 0 added, 0 replaced, 0 unchanged; 4 known before", "--yarn", rm.URL)
	want := map[string][]any{
		"application_1_5/1": {"failed", "FAILED", 300.0},
		"application_1_6/1": {"failed", nil, nil},
		"application_1_7/1": {"unknown", nil, nil},
		"local-1/":          {"unknown", nil, nil},
	}
	if diff := cmp.Diff(want, rowsOf(t, state, "status", "yarn_final_status", "yarn_memory_mb_seconds")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestIngestBadYARN has answers that say nothing: the others, and all logs, are in
// the lake.
func TestIngestBadYARN(t *testing.T) {
	rm := newStandInRM(t)
	queued := strings.Replace(logOf("application_1_4", "", false, 0), "\n",
		"\n"+`{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{"spark.master":"yarn","spark.yarn.queue":"etl"}}`+"\n", 1)
	dir := writeLogs(t, map[string]string{
		"a": logOf("application_1_1", "", false, 0), "b": logOf("application_1_2", "", false, 0),
		"c": logOf("application_1_3", "2", false, 0), "d": queued, "e": logOf("application_1_5", "", false, 0),
	})
	rm.say("application_1_1", "")
	rm.say("application_1_2", "<html>log in")
	rm.say("application_1_3", `{"app":{"finalStatus":"FAILED"}}`)
	rm.say("application_1_3/appattempts", `{}`)
	rm.say("application_1_4", `{"app":{"finalStatus":"SUCCEEDED","memorySeconds":0}}`)
	rm.say("application_1_5", `{}`)
	state := t.TempDir()
	for range 2 {
		out, errs, code := sparktune(t, state, "ingest", "--new", dir, "--yarn", rm.URL)
		if code != exitFailed || !strings.Contains(errs, "ask the ResourceManager: no answer for 4 of ") || !strings.Contains(errs, "/a: ask the ResourceManager: ") {
			t.Errorf("%d %s%s", code, out, errs)
		}
	}
	want := map[string][]any{
		"application_1_1/":  {"unknown", nil, nil, nil},
		"application_1_2/":  {"unknown", nil, nil, nil},
		"application_1_3/2": {"unknown", nil, nil, nil},
		"application_1_4/":  {"unknown", "SUCCEEDED", nil, "etl"},
		"application_1_5/":  {"unknown", nil, nil, nil},
	}
	if diff := cmp.Diff(want, rowsOf(t, state, "status", "yarn_final_status", "yarn_memory_mb_seconds", "queue")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestYARNAttempts has a list that begins behind the first attempts: those failed,
// and only the last one has what is said of the application.
func TestYARNAttempts(t *testing.T) {
	rm := newStandInRM(t)
	rm.say("application_1_6", `{"app":{"finalStatus":"SUCCEEDED","memorySeconds":900,"vcoreSeconds":9}}`)
	rm.say("application_1_6/appattempts", `{"appAttempts":{"appAttempt":[{"id":4},{"id":3}]}}`)
	dir, state := writeLogs(t, map[string]string{
		"2": logOf("application_1_6", "2", false, 0), "3": logOf("application_1_6", "3", false, 0), "4": logOf("application_1_6", "4", false, 0),
	}), t.TempDir()
	if out, errs, code := sparktune(t, state, "ingest", dir, "--yarn", rm.URL); code != exitDone {
		t.Fatalf("%s%s", out, errs)
	}
	want := map[string][]any{
		"application_1_6/2": {"failed", nil, nil}, "application_1_6/3": {"failed", nil, nil}, "application_1_6/4": {"unknown", "SUCCEEDED", 900.0},
	}
	if diff := cmp.Diff(want, rowsOf(t, state, "status", "yarn_final_status", "yarn_memory_mb_seconds")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestSilentYARN asks a server that is not there a few times, not once per log.
func TestSilentYARN(t *testing.T) {
	var asked int
	rm := newResourceManager("http://rm.invalid")
	defer func(old http.RoundTripper) { client.Transport = old }(client.Transport)
	client.Transport = roundTrip(func(*http.Request) (*http.Response, error) { asked++; return nil, io.ErrUnexpectedEOF })
	for range 50 {
		r := analysis.Run{Key: analysis.Key{AppID: "application_1_1"}}
		if told, err := rm.ask(t.Context(), &r); told || err == nil {
			t.Fatalf("got %t, %v", told, err)
		}
	}
	if asked != maxSilent {
		t.Errorf("asked %d times, want %d", asked, maxSilent)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestIngestStandalone has two masters that counted to the same application id,
// and one log whose caller knows better.
func TestIngestStandalone(t *testing.T) {
	of := func(master string) string {
		return `{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{"spark.master":"` + master + `"}}` + "\n" + logOf("app-20240101000000-0000", "", true, 0)
	}
	dir := writeLogs(t, map[string]string{"a": of("spark://a:7077"), "b": of("spark://b:7077"), "c": of("yarn")})
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"", "spark://a:7077", "spark://b:7077"}},
		{[]string{"--cluster", "prod"}, []string{"prod"}},
	} {
		state := t.TempDir()
		if out, errs, code := sparktune(t, state, append([]string{"ingest", dir}, test.args...)...); code != exitDone {
			t.Fatalf("%s%s", out, errs)
		}
		out, _, _ := sparktune(t, state, "runs", "--output", "json")
		var got []string
		for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
			var row struct{ Cluster string }
			if err := dec.Decode(&row); err != nil {
				t.Fatal(err)
			}
			got = append(got, row.Cluster)
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: -want +got\n%s", test.args, diff)
		}
	}
}

// TestPutAll reads logs that fill several commits together, and one that does so
// alone: never is more held than fills the next one, and all is in the lake. A run
// without a name is left out, and its log is tried again.
func TestPutAll(t *testing.T) {
	const apps, stages = 40, 2000
	held := commitSize/(runSize+stages*stageSize) + 1
	give := func(take eventlog.Taker, id string) error {
		key, start := analysis.Key{AppID: id}, time.UnixMilli(1795000000000).UTC()
		return take(analysis.Run{Key: key, Start: start}, analysis.RunProfile{Key: key, Start: start, Stages: make([]analysis.StageProfile, stages)})
	}
	c := &cli{stderr: io.Discard, getenv: func(string) string { return "" }}
	lk, err := c.openLake(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer lk.Close()
	in, sum, taken := ingester{cli: c, lake: lk}, &ingestion{}, map[string]marks{"": make(marks)}

	var all []placedLog
	for i := range apps {
		id := fmt.Sprintf("app-%02d", i)
		all = append(all, placedLog{name: id, read: func(_ context.Context, take eventlog.Taker) error { return give(take, id) }})
	}
	all = append(all, placedLog{name: "many", read: func(_ context.Context, take eventlog.Taker) error {
		for i := range apps {
			if err := give(take, fmt.Sprintf("of-many-%02d", i)); err != nil {
				return err
			}
			if waiting := apps + i + 1 - sum.Added; waiting >= held {
				t.Errorf("%d applications are held, want less than %d", waiting, held)
			}
		}
		return nil
	}}, placedLog{name: "nameless", read: func(_ context.Context, take eventlog.Taker) error {
		return errors.Join(give(take, ""), give(take, "named"))
	}})
	if err := in.putAll(t.Context(), all, sum, taken); err != nil {
		t.Fatal(err)
	}
	want := &ingestion{Runs: 2*apps + 1, Added: 2*apps + 1, Failed: []failedLog{{"nameless", errNameless.Error()}}}
	if diff := cmp.Diff(want, sum, cmp.AllowUnexported(ingestion{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(taken[""]) != apps+1 {
		t.Errorf("%d marks, want %d", len(taken[""]), apps+1)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.putAll(ended, all, sum, taken); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

// TestWatermarks has files that hold nothing, another lake at the same place, and
// writers beside each other.
func TestWatermarks(t *testing.T) {
	known := mark{logState: logState{Bytes: 7}, Told: true}
	for _, text := range []string{"null", `{"lake":null}`, `{"lake":{"place":null}}`, `{"/lake /place":{"log":{"bytes":7}}}`, "no JSON"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ingest.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := openWatermarks(dir, "lake")
		if err != nil {
			t.Fatal(err)
		}
		if got := w.of("place"); len(got) > 0 {
			t.Errorf("%s: got %v", text, got)
		}
		if err := w.save(map[string]marks{"place": {"log": known}}); err != nil {
			t.Error(err)
		}
	}
	dir := t.TempDir()
	var g sync.WaitGroup
	for i := range 20 {
		w, err := openWatermarks(dir, fmt.Sprint("lake", i%2))
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() {
			if err := w.save(map[string]marks{fmt.Sprint(i): {"log": known}}); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	for i := range 20 {
		w, err := openWatermarks(dir, fmt.Sprint("lake", i%2))
		if err != nil {
			t.Fatal(err)
		}
		if got := w.of(fmt.Sprint(i)); !cmp.Equal(got, marks{"log": known}, cmp.AllowUnexported(mark{})) {
			t.Errorf("place %d: got %v", i, got)
		}
	}
}

func TestAddYARN(t *testing.T) {
	tests := map[string]struct {
		log, mode, final, want string
	}{
		"killed":                              {analysis.StatusSucceeded, "cluster", "KILLED", analysis.StatusFailed},
		"cluster mode says so":                {analysis.StatusUnknown, "cluster", "SUCCEEDED", analysis.StatusSucceeded},
		"client mode says so of every driver": {analysis.StatusUnknown, "client", "SUCCEEDED", analysis.StatusUnknown},
		"the log saw a failure":               {analysis.StatusFailed, "cluster", "SUCCEEDED", analysis.StatusFailed},
		"still running":                       {analysis.StatusUnknown, "cluster", "UNDEFINED", analysis.StatusUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := analysis.Run{Status: test.log, DeployMode: test.mode}
			addYARN(&r, &yarnApp{FinalStatus: test.final}, 1)
			if r.Status != test.want {
				t.Errorf("got %s, want %s", r.Status, test.want)
			}
		})
	}
}

// TestIngestS3 reads a bucket of a stand-in for S3: a log of several ranges, a
// rolling one, and what is no log.
func TestIngestS3(t *testing.T) {
	client := startS3(t)
	long := logOf("app-long", "", true, 3*nextRange)
	put := func(key, text string) {
		t.Helper()
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("logs"), Key: &key, Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	put("spark/events/app-long", long)
	put("spark/events/eventlog_v2_app-rolling/events_1_app-rolling", logOf("app-rolling", "", false, 0))
	put("spark/events/eventlog_v2_app-rolling/events_2_app-rolling", `{"Event":"SparkListenerApplicationEnd","Timestamp":1795000060000}`+"\n")
	put("spark/events/README", "no log")
	put("spark/other/app-elsewhere", logOf("app-elsewhere", "", true, 0))

	state := t.TempDir()
	out, errs, code := sparktune(t, state, "ingest", "--new", "s3://logs/spark/events/")
	if code != exitDone || !strings.HasPrefix(out, "2 runs of 2 event logs: 2 added") || !strings.Contains(errs, "s3://logs/spark/events/README: not a Spark event log") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	jobs := float64(strings.Count(long, "JobStart"))
	want := map[string][]any{"app-long/": {true, jobs}, "app-rolling/": {true, 0.0}}
	if diff := cmp.Diff(want, rowsOf(t, state, "finished", "jobs")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if out, errs, code := sparktune(t, state, "ingest", "--new", "s3://logs/spark/events/"); code != exitDone || !strings.Contains(out, "0 runs of 0 event logs") || !strings.Contains(out, "2 known before") {
		t.Errorf("again: %d %s%s", code, out, errs)
	}
	if out, errs, code := sparktune(t, state, "ingest", "s3://logs/spark/other/app-elsewhere"); code != exitDone || !strings.Contains(out, "1 added") {
		t.Errorf("one object: %d %s%s", code, out, errs)
	}
	if out, errs, code := sparktune(t, state, "ingest", "s3://logs/nothing"); code != exitFailed || !strings.Contains(errs, "nothing is at s3://logs/nothing") {
		t.Errorf("no such object: %d %s%s", code, out, errs)
	}
}

// TestIngestS3Keys reads objects whose keys are no paths, one that can't be
// read, and downloads of a History Server.
func TestIngestS3Keys(t *testing.T) {
	client := startS3(t)
	put := func(key, text string, class types.StorageClass) {
		t.Helper()
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("logs"), Key: &key, Body: strings.NewReader(text), StorageClass: class}); err != nil {
			t.Fatal(err)
		}
	}
	finished := func(app string) string { return logOf(app, "", true, 0) }
	put("ev/app-1", finished("app-1"), "")
	put("ev//app-2", finished("app-2"), "")
	put("ev/", "", "")
	put("ev/../app-3", finished("app-3"), "")
	put("ev/both", finished("app-4"), "")
	put("ev/both-more", finished("app-5"), "")
	put("ev/both/app-6", finished("app-6"), "")
	put("ev/marker", "", "")
	put("ev/marker/app-7", finished("app-7"), "")
	put("ev/logs.zip", zipOf(t, map[string]string{"app-8": logOf("app-8", "", true, 2*windowSize), "app-9": finished("app-9")}), "")
	put("ev/cold", finished("app-10"), types.StorageClassGlacier)
	put("/lead/app-11", finished("app-11"), "")
	put("bad/zip/half.zip", "PK", "")

	out, errs, code := sparktune(t, t.TempDir(), "ingest", "s3://logs/ev")
	if code != exitFailed || !strings.HasPrefix(out, "9 runs of 9 event logs: 9 added, 0 replaced, 0 unchanged, 1 failed") ||
		!strings.Contains(errs, "s3://logs/ev/cold: ") || !strings.Contains(errs, "InvalidObjectState") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	tests := map[string]string{
		"s3://logs/ev//":          "1 run of 1 event log",
		"s3://logs/ev//app-2":     "1 run of 1 event log",
		"s3://logs/ev/both/":      "1 run of 1 event log",
		"s3://logs/ev/both/app-6": "1 run of 1 event log",
		"s3://logs/ev/marker":     "1 run of 1 event log",
		"s3://logs/ev/logs.zip":   "2 runs of 1 event log",
		"s3://logs//":             "1 run of 1 event log",
		"s3://logs//lead":         "1 run of 1 event log",
		"s3://logs//lead/app-11":  "1 run of 1 event log",
	}
	for place, want := range tests {
		if out, errs, code := sparktune(t, t.TempDir(), "ingest", place); code != exitDone || !strings.HasPrefix(out, want) {
			t.Errorf("%s: %d %s%s", place, code, out, errs)
		}
	}
	failing := map[string]string{
		"s3://logs/ev/both": "is an object and a folder: name the folder with a slash",
		"s3://logs/bad/zip": "s3://logs/bad/zip/half.zip: zip: not a valid zip file",
		"s3://none/ev":      "NoSuchBucket",
	}
	for place, want := range failing {
		if out, errs, code := sparktune(t, t.TempDir(), "ingest", place, "s3://logs/ev/app-1"); code != exitFailed ||
			!strings.HasPrefix(out, "1 run of 2 event logs: 1 added") || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s%s", place, code, out, errs)
		}
	}
}

// A path and a key are the same thing, whatever is in the key.
func TestKeyPaths(t *testing.T) {
	paths := make(map[string]string)
	for _, key := range []string{"a/b", "a//b", "/a", "//a", "a/", "", "a/./b", "a/../b", oddPrefix, "a/" + oddPrefix, oddPrefix + "/a", "a/" + oddPrefix + ".", "a/.", "a/..b"} {
		p := pathOf(key)
		if !fs.ValidPath(p) || keyOf(p) != key || paths[p] != "" {
			t.Errorf("%q: path %q, key %q, also of %q", key, p, keyOf(p), paths[p])
		}
		paths[p] = key
	}
}

// An object that can't be had is an error each time it is read, and no wait.
func TestS3FileFails(t *testing.T) {
	fails := errors.New("connection lost")
	f := &s3File{ranges: rangesOf(3 * nextRange), cancel: func() {}, fetch: func(byteRange) ([]byte, error) { return nil, fails }}
	f.size = 3 * nextRange
	for range 3 {
		if n, err := f.Read(make([]byte, 1)); n != 0 || !errors.Is(err, fails) {
			t.Errorf("%d bytes, %v", n, err)
		}
		if n, err := f.ReadAt(make([]byte, 1), 5); n != 0 || !errors.Is(err, fails) {
			t.Errorf("at 5: %d bytes, %v", n, err)
		}
	}
}

// A read out of order gives the object's bytes, also from one window to the
// next and at the end.
func TestS3FileReadAt(t *testing.T) {
	text := []byte(strings.Repeat("0123456789abcde", windowSize/10))
	fetched := 0
	f := &s3File{object: object{size: int64(len(text))}, fetch: func(r byteRange) ([]byte, error) {
		fetched++
		return text[r.from:r.to], nil
	}}
	if err := iotest.TestReader(io.NewSectionReader(f, windowSize-1000, 2000), text[windowSize-1000:windowSize+1000]); err != nil {
		t.Error(err)
	}
	fetched = 0
	whole := make([]byte, len(text)+1)
	if n, err := f.ReadAt(whole, 0); n != len(text) || !errors.Is(err, io.EOF) || !bytes.Equal(whole[:n], text) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if fetched > 2 {
		t.Errorf("%d requests for two windows", fetched)
	}
}

func TestSplit(t *testing.T) {
	for abs, want := range map[string][2]string{"/": {"/", "."}, "/logs": {"/", "logs"}, "/a/logs": {"/a", "logs"}} {
		if dir, root := split(filepath.FromSlash(abs)); filepath.ToSlash(dir) != want[0] || root != want[1] {
			t.Errorf("%s: %s, %s", abs, dir, root)
		}
	}
}

// A zip that a History Server gave, in a folder or by name: what can be read of
// it is in the lake.
func TestIngestZip(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("half.zip", zipOf(t, map[string]string{
		"eventlog_v2_application_1_1_1/events_1_application_1_1_1": "",
		"eventlog_v2_application_1_1_2/events_1_application_1_1_2": logOf("application_1_1", "2", true, 0),
	}))
	write("photos.zip", zipOf(t, map[string]string{"readme": "no log"}))
	write("app-1", logOf("app-1", "", true, 0))
	out, errs, code := sparktune(t, t.TempDir(), "ingest", dir)
	if code != exitFailed || !strings.HasPrefix(out, "2 runs of 2 event logs: 2 added, 0 replaced, 0 unchanged, 1 failed") ||
		!strings.Contains(errs, "half.zip: eventlog_v2_application_1_1_1: empty") || !strings.Contains(errs, "photos.zip: not a Spark event log") {
		t.Errorf("a folder: %d %s%s", code, out, errs)
	}
	out, errs, code = sparktune(t, t.TempDir(), "ingest", filepath.Join(dir, "half.zip"))
	if code != exitFailed || !strings.HasPrefix(out, "1 run of 1 event log: 1 added") {
		t.Errorf("by name: %d %s%s", code, out, errs)
	}
}

// A History Server's download of which one attempt can't be read gives the
// other, as one that is down loses no other place.
func TestIngestHistoryServerHalf(t *testing.T) {
	archive := zipOf(t, map[string]string{"a_1": "no log at all", "a_2": "", "a_3": logOf("application_1_1", "3", true, 0)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, archive) }))
	defer server.Close()
	down := strings.Replace(server.URL, "http://", "http://user:secret@", 1) + "/nothing/here"
	out, errs, code := sparktune(t, t.TempDir(), "ingest", down, server.URL+"/api/v1/applications/a/logs")
	if code != exitFailed || !strings.HasPrefix(out, "1 run of 2 event logs: 1 added, 0 replaced, 0 unchanged, 1 failed") || strings.Contains(errs, "secret") {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

func zipOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// startS3 starts the stand-in, which analysis/lake/testdata/setup made, points
// the AWS environment at it and makes a bucket.
func startS3(t *testing.T) *s3.Client {
	t.Helper()
	cache := os.Getenv("SPARKTUNE_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "sparktune")
	}
	program := filepath.Join(cache, "moto", "bin", "moto_server")
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no stand-in for S3: make it with analysis/lake/testdata/setup moto")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", fmt.Sprint(address.Port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for key, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address.String(), "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(key, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("logs")})
		if err == nil {
			return client
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
