package lake

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// environment is a folder that testdata/setup made.
func environment(t testing.TB, name string) string {
	t.Helper()
	cache := os.Getenv("SPARKTUNE_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "sparktune")
	}
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(filepath.Join(dir, ".complete")); err != nil {
		missing(t, "no "+dir+": make it with analysis/lake/testdata/setup "+name)
	}
	return dir
}

// missing skips the test, or fails it in CI.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// jars is the class path of an environment, joined by sep.
func jars(t testing.TB, name, sep string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(environment(t, name), "jars", "*.jar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no jars in environment %s (%v)", name, err)
	}
	return strings.Join(paths, sep)
}

func pyiceberg(t *testing.T, catalog map[string]string) *exec.Cmd {
	python := filepath.Join(environment(t, "pyiceberg"), "bin", "python")
	return exec.CommandContext(t.Context(), python, "testdata/pyiceberg_lake.py", marshal(t, catalog))
}

func spark(t *testing.T, catalog map[string]string) *exec.Cmd {
	python := filepath.Join(environment(t, "spark"), "bin", "python")
	return exec.CommandContext(t.Context(), python, "testdata/spark_lake.py", marshal(t, catalog), jars(t, "iceberg", ","))
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPyicebergReadsAndWrites(t *testing.T) {
	l := openTemp(t)
	readAndWrite(t, l, pyiceberg(t, map[string]string{
		"type": "sql", "uri": "sqlite:///" + l.dir + "/catalog.db", "warehouse": "file://" + l.dir + "/warehouse",
	}))
}

func TestSparkReadsAndWrites(t *testing.T) {
	l := openTemp(t)
	readAndWrite(t, l, spark(t, map[string]string{
		"catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
		"uri":          "jdbc:sqlite:" + l.dir + "/catalog.db", "warehouse": "file://" + l.dir + "/warehouse",
	}))
}

// readAndWrite lets another engine read our rows and write what the scripts in
// testdata say; we read that.
func readAndWrite(t *testing.T, l *Lake, engine *exec.Cmd) {
	app, gone := fullRun(1), at("gone", fullRun(1).Start, "d", "t")
	app.AppID = "app"
	bare := analysis.Run{Key: analysis.Key{AppID: "bare"}, Locality: map[string]int64{}, FailureEvidence: []string{}}
	put(t, l, app, gone, bare)
	profile := fullProfile(1)
	profile.Key = app.Key
	putProfiles(t, l, profile)

	got := runEngine(t, engine)
	want := engineView{Docs: make(map[string]string), Profiles: []map[string]any{throughJSON(t, profileRow(profileFields, &profile))}}
	for _, f := range runFields {
		want.Docs[f.name] = f.doc
	}
	for _, r := range []analysis.Run{app, gone, bare} {
		want.Rows = append(want.Rows, asJSON(t, r))
	}
	for _, v := range []engineView{got, want} {
		slices.SortFunc(v.Rows, func(a, b map[string]any) int {
			return strings.Compare(a["app_id"].(string), b["app_id"].(string))
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the engine reads (-want +got):\n%s", diff)
	}

	copied := app
	copied.AppID = "copy"
	copiedProfile := profile
	copiedProfile.AppID = "copy"
	wantProfiles(t, l, profile, copiedProfile)
	wantRuns := []analysis.Run{bare, app, copied}
	if diff := cmp.Diff(wantRuns, runs(t, l, Query{})); diff != "" {
		t.Errorf("what we read of the engine's work (-want +got):\n%s", diff)
	}
	sameAsPlain(t, l, 0)
	if got, want := put(t, l, copied, gone), (PutStats{Added: 1, Unchanged: 1}); got != want {
		t.Errorf("Put on top of it: got %+v, want %+v", got, want)
	}
}

// engineView is what the scripts print.
type engineView struct {
	Docs     map[string]string
	Rows     []map[string]any
	Profiles []map[string]any
}

func runEngine(t *testing.T, cmd *exec.Cmd) engineView {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var v engineView
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return v
}

// asJSON is the row of r as the scripts print it, the parsed properties too.
func asJSON(t *testing.T, r analysis.Run) map[string]any {
	t.Helper()
	row := make(map[string]any)
	for _, f := range runFields {
		switch v := f.value(&r).(type) {
		case *string:
			if *v == "" && !f.required {
				row[f.name] = nil
				continue
			}
			row[f.name] = *v
		case *time.Time:
			if v.IsZero() {
				row[f.name] = nil
				continue
			}
			row[f.name] = v.UnixMicro()
		default:
			row[f.name] = v
		}
	}
	return throughJSON(t, row)
}

// throughJSON makes of values what they are in a script's output.
func throughJSON(t *testing.T, row map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	row = nil
	if err := json.Unmarshal(b, &row); err != nil {
		t.Fatal(err)
	}
	return row
}

// profileRow is a row of run_profiles, or a struct in it, as the scripts print
// it.
func profileRow[R any](fs []field[R], r *R) map[string]any {
	row := make(map[string]any)
	for _, f := range fs {
		switch v := f.value(r).(type) {
		case *time.Time:
			row[f.name] = v.UnixMicro()
		case *analysis.Histogram:
			hist := make(map[int32]int64)
			for _, b := range *v {
				hist[b.Bucket] = b.Count
			}
			row[f.name] = hist
		case *[]analysis.StageProfile:
			row[f.name] = profileRows(stageFields, *v)
		case *[]analysis.ExecutorStep:
			row[f.name] = profileRows(stepFields, *v)
		case *[]analysis.Span:
			row[f.name] = profileRows(spanFields, *v)
		default:
			row[f.name] = v
		}
	}
	return row
}

func profileRows[R any](fs []field[R], rs []R) []map[string]any {
	var rows []map[string]any
	for i := range rs {
		rows = append(rows, profileRow(fs, &rs[i]))
	}
	return rows
}
