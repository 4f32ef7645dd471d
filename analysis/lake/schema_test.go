package lake

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

func TestSchema(t *testing.T) {
	l := openTemp(t)
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for i, c := range tb.Schema().Fields() {
		if seen[c.Name] {
			t.Errorf("two columns %s", c.Name)
		}
		seen[c.Name] = true
		if f := runFields[i]; c.Name != f.name || c.Doc != f.doc {
			t.Errorf("column %d: got %v, want %s", i, c, f.name)
		}
		if n := len(c.Doc); n > 256 {
			t.Errorf("column %s: its doc has %d bytes, Hive's metastore keeps 256", c.Name, n)
		}
		if want := slices.Contains([]string{"cluster", "app_id", "attempt"}, c.Name); c.Required != want {
			t.Errorf("column %s: required is %v, want %v", c.Name, c.Required, want)
		}
	}
	if got, want := len(seen), len(analysis.Columns)+len(analysis.Properties); got != want {
		t.Errorf("got %d columns, want %d", got, want)
	}
	f, _ := tb.Schema().FindFieldByName("executor_memory_bytes")
	if want := "[bytes; spark.executor.memory]"; !strings.HasSuffix(f.Doc, want) {
		t.Errorf("doc of %s: got %q, want its end %q", f.Name, f.Doc, want)
	}
}

// TestParsedProperties reads the columns that only other engines read.
func TestParsedProperties(t *testing.T) {
	l := openTemp(t)
	r := at("a", noon, "d", "t")
	r.Conf = analysis.Conf{
		"spark.executor.memory":                           "3g",
		"spark.executor.memoryOverhead":                   "512",
		"spark.dynamicAllocation.enabled":                 "TRUE",
		"spark.memory.fraction":                           "0.7",
		"spark.executor.cores":                            "not a number",
		"spark.serializer":                                "Kryo",
		"spark.dynamicAllocation.executorIdleTimeout":     "2min",
		"spark.dynamicAllocation.shuffleTracking.enabled": "",
		"spark.sql.adaptive.advisoryPartitionSizeInBytes": "0",
		"spark.executor.metrics.pollingInterval":          "0",
		"spark.sql.adaptive.coalescePartitions.enabled":   "false",
		"spark.dynamicAllocation.executorAllocationRatio": "",
	}
	put(t, l, r)
	want := map[string]string{
		"executor_memory_bytes":               "3221225472",
		"executor_memory_overhead_bytes":      "536870912",
		"dynamic_allocation":                  "true",
		"memory_fraction":                     "0.7",
		"executor_cores_conf":                 array.NullValueStr, // does not parse
		"serializer":                          "Kryo",
		"dynamic_allocation_idle_timeout_ms":  "120000",
		"dynamic_allocation_shuffle_tracking": array.NullValueStr,
		"dynamic_allocation_ratio":            array.NullValueStr,
		"aqe_advisory_partition_bytes":        "0",
		"metrics_polling_interval_ms":         "0",
		"aqe_coalesce":                        "false",
		"driver_memory_bytes":                 array.NullValueStr, // a default is no setting
		"aqe_skew_join":                       array.NullValueStr,
	}
	got := row(t, l, want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// row reads the columns of like from the only row of the table, as text.
func row(t *testing.T, l *Lake, like map[string]string) map[string]string {
	t.Helper()
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, batches, err := tb.Scan().ToArrowRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for batch, err := range batches {
		if err != nil {
			t.Fatal(err)
		}
		for name := range like {
			got[name] = batch.Column(batch.Schema().FieldIndices(name)[0]).ValueStr(0)
		}
		batch.Release()
	}
	return got
}

// TestEvolution lets an old program make the lake and a new one, that knows
// more columns, use it.
func TestEvolution(t *testing.T) {
	dir := t.TempDir()
	oldFields := slices.Concat(runFields[:40], runFields[60:])
	old := openVersion(t, dir, oldFields)
	put(t, old, at("old", noon, "d", "t"))
	before := schemaIDs(t, old)

	l := reopen(t, dir)
	want := []analysis.Run{at("old", noon, "d", "t")}
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("read before the columns are there (-want +got):\n%s", diff)
	}
	dataBefore := files(t, dir+"/warehouse/sparktune.db/runs/data")
	put(t, l, fullRun(1))
	want = append([]analysis.Run{fullRun(1)}, want...)
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("read after (-want +got):\n%s", diff)
	}
	after := schemaIDs(t, l)
	for name, id := range before {
		if after[name] != id {
			t.Errorf("column %s: id was %d and is %d", name, id, after[name])
		}
	}
	if len(after) != len(runFields) {
		t.Errorf("got %d columns, want %d", len(after), len(runFields))
	}
	for _, f := range dataBefore {
		if !slices.Contains(files(t, dir), f) {
			t.Errorf("adding columns rewrote %s", f)
		}
	}
}

func schemaIDs(t *testing.T, l *Lake) map[string]int {
	t.Helper()
	tb, err := l.runs.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]int)
	for _, f := range tb.Schema().Fields() {
		ids[f.Name] = f.ID
	}
	return ids
}

func TestNewerLakeIsRefused(t *testing.T) {
	dir := t.TempDir()
	old := openVersion(t, dir, runFields[:50])
	put(t, reopen(t, dir), fullRun(1))
	const want = "newer sparktune (schema version"
	if _, err := connect(t.Context(), Config{Dir: dir}, runFields[:50]); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("open: got error %v, want %q in it", err, want)
	}
	// The old program was running when the new one came.
	if _, err := old.Put(t.Context(), []analysis.Run{at("a", noon, "d", "t")}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Put: got error %v, want %q in it", err, want)
	}
}

// TestNewerProfilesAreRefused by all that reads or writes them.
func TestNewerProfilesAreRefused(t *testing.T) {
	l := openTemp(t)
	putProfiles(t, l, profileAt("a", noon, 1))
	putProfiles(t, l, profileAt("b", noon, 1))
	tb, err := l.profiles.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx := tb.NewTransaction()
	if err := tx.SetProperties(iceberg.Properties{versionKey: "999"}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := contents(t, l.dir)
	for name, do := range map[string]func() error{
		"Put":      func() error { _, err := l.Put(t.Context(), nil, profileAt("c", noon, 1)); return err },
		"Profiles": func() error { _, err := l.Profiles(t.Context(), []analysis.Key{{AppID: "a"}}); return err },
		"Compact":  func() error { _, err := l.Compact(t.Context()); return err },
		"Expire":   func() error { _, err := l.Expire(t.Context(), 0, 1); return err },
		"Verify":   func() error { _, err := l.Verify(t.Context(), 0); return err },
		"Clean":    func() error { _, err := l.Clean(t.Context(), 0); return err },
		"Tend":     func() error { return l.Tend(t.Context()) },
	} {
		if err := do(); !errors.Is(err, errNewer) {
			t.Errorf("%s: got error %v, want %v", name, err, errNewer)
		}
	}
	if diff := cmp.Diff(before, contents(t, l.dir)); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}

// TestColumnOfOtherType has somebody add a column that the next version of the
// program has too, with another type: it is named, and what is there is read.
func TestColumnOfOtherType(t *testing.T) {
	older := slices.DeleteFunc(slices.Clone(runFields), func(f field[analysis.Run]) bool { return f.name == "gc_ms" })
	old := openVersion(t, t.TempDir(), older)
	put(t, old, at("a", noon, "d", "t"))
	evolve(t, &old.runs, func(u *table.UpdateSchema) {
		u.AddColumn([]string{"gc_ms"}, iceberg.PrimitiveTypes.Int32, "", false, nil)
	})
	l := reopen(t, old.dir)
	_, err := l.Put(t.Context(), []analysis.Run{at("b", noon, "d", "t")})
	if want := "table sparktune.runs: its column gc_ms has type int, and sparktune writes long: rename"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
	if got := runs(t, l, Query{}); len(got) != 1 {
		t.Errorf("got %d runs, want 1", len(got))
	}
}

// TestFieldOfOtherType is in a struct of a list.
func TestFieldOfOtherType(t *testing.T) {
	have, want := newSchema(profileFields).AsStruct(), newSchema(profileFields).AsStruct()
	if err := checkWritable(&have, &want); err != nil {
		t.Errorf("equal schemas: %v", err)
	}
	stages := elements(have.FieldList[slices.IndexFunc(have.FieldList, func(f iceberg.NestedField) bool { return f.Name == "stages" })].Type)
	stages.FieldList[0].Type = iceberg.PrimitiveTypes.String
	err := checkWritable(&have, &want)
	if want := "its column stages.stage_id has type string, and sparktune writes long"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
}

// evolve changes the columns of a table as another program does.
func evolve[R any](t *testing.T, r *relation[R], change func(*table.UpdateSchema)) {
	t.Helper()
	tb, err := r.table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx := tb.NewTransaction()
	update := tx.UpdateSchema(true, false)
	change(update)
	if err := update.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestForeignColumn keeps a column that somebody else added.
func TestForeignColumn(t *testing.T) {
	l := openTemp(t)
	addColumn(t, l, "team")
	put(t, l, fullRun(1))
	if diff := cmp.Diff([]analysis.Run{fullRun(1)}, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func addColumn(t *testing.T, l *Lake, name string) {
	t.Helper()
	evolve(t, &l.runs, func(u *table.UpdateSchema) {
		u.AddColumn([]string{name}, iceberg.PrimitiveTypes.String, "", false, nil)
	})
}
