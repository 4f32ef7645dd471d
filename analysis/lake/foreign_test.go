package lake

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// foreignLake has a table platform.spark_jobs as another team may have made
// it: names, types and order of their own.
func foreignLake(t *testing.T) string {
	t.Helper()
	dir := openTemp(t).dir
	cat, err := catalog.Load(t.Context(), defaultName, embedded(dir))
	if err != nil {
		t.Fatal(err)
	}
	sc := iceberg.NewSchema(0,
		iceberg.NestedField{ID: 1, Name: "began", Type: iceberg.PrimitiveTypes.Timestamp},
		iceberg.NestedField{ID: 2, Name: "application", Type: iceberg.PrimitiveTypes.String},
		iceberg.NestedField{ID: 3, Name: "dag_id", Type: iceberg.PrimitiveTypes.String},
		iceberg.NestedField{ID: 4, Name: "max_heap", Type: iceberg.PrimitiveTypes.Int32},
		iceberg.NestedField{ID: 5, Name: "coverage", Type: iceberg.PrimitiveTypes.Float32},
		iceberg.NestedField{ID: 6, Name: "owner", Type: iceberg.PrimitiveTypes.String},
		iceberg.NestedField{ID: 7, Name: "info", Type: &iceberg.StructType{FieldList: []iceberg.NestedField{
			{ID: 8, Name: "app", Type: iceberg.PrimitiveTypes.String},
		}}},
	)
	if err := cat.CreateNamespace(t.Context(), table.Identifier{"platform"}, nil); err != nil {
		t.Fatal(err)
	}
	tb, err := cat.CreateTable(t.Context(), table.Identifier{"platform", "spark_jobs"}, sc)
	if err != nil {
		t.Fatal(err)
	}
	as, err := table.SchemaToArrowSchema(tb.Schema(), nil, true, false)
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, as, strings.NewReader(`[
		{"began": "2026-11-22 12:00:00", "application": "app-1", "dag_id": "d", "max_heap": 7, "coverage": 0.5, "owner": "x"},
		{"began": "2026-11-22 13:00:00", "application": "app-2", "dag_id": "e", "max_heap": null}]`))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := array.NewRecordReader(as, []arrow.RecordBatch{rows})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tb.Append(t.Context(), reader, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestForeignTable(t *testing.T) {
	dir := foreignLake(t)
	l, err := Connect(t.Context(), Config{Dir: dir, Table: "platform.spark_jobs", Columns: map[string]string{
		"start_ts": "began", "app_id": "application", "peak_heap_bytes": "max_heap", "heap_coverage": "coverage",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	unknown := []string{"finished", "malformed_lines", "truncated", "compacted", "missing_tasks"}
	want := []analysis.Run{
		{Key: analysis.Key{AppID: "app-1"}, Start: noon, DAGID: "d", PeakHeap: analysis.Some[int64](7), HeapCoverage: analysis.Some(0.5), Unknown: unknown},
		{Key: analysis.Key{AppID: "app-2"}, Start: noon.Add(time.Hour), DAGID: "e", Unknown: unknown},
	}
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	q := Query{To: noon.Add(time.Minute), Jobs: []Job{{DAGID: "d"}, {DAGID: "e"}, {AppPrefix: "no such column"}}}
	if diff := cmp.Diff(want[:1], runs(t, l, q)); diff != "" {
		t.Errorf("a query (-want +got):\n%s", diff)
	}
	if missing := l.Missing(); len(missing) != len(analysis.Columns)-5 || missing[0] != "cluster" {
		t.Errorf("Missing: got %d of %d: %q", len(missing), len(analysis.Columns), missing)
	}
	if _, err := l.Put(t.Context(), want); err == nil || !strings.Contains(err.Error(), "only read") {
		t.Errorf("Put: got error %v, want that it is only read", err)
	}
}

func TestForeignTableErrors(t *testing.T) {
	dir := foreignLake(t)
	tests := map[string]struct {
		table   string
		columns map[string]string
		want    string
	}{
		"no such table":     {"platform.none", map[string]string{}, "table does not exist"},
		"not mapped":        {"platform.spark_jobs", map[string]string{}, "no column app_id: without it runs can't be told apart, and every rule stays unmeasured; map it in metrics.columns"},
		"no start":          {"platform.spark_jobs", map[string]string{"app_id": "application"}, "no column start_ts"},
		"mapped to nothing": {"platform.spark_jobs", map[string]string{"app_id": "applcation"}, "metrics.columns maps app_id to applcation, a column that table platform.spark_jobs does not have"},
		"inside a column":   {"platform.spark_jobs", map[string]string{"app_id": "info.app"}, "metrics.columns maps app_id to info.app, which is inside another column of table platform.spark_jobs: only whole columns can be read"},
		"unknown column":    {"platform.spark_jobs", map[string]string{"appid": "application"}, "metrics.columns has appid, which is no column"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), Config{Dir: dir, Table: test.table, Columns: test.columns})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
		})
	}
}

// TestForeignTypes opens a table for each pair of a column of ours and a type:
// one that does not fit is named at once, and one that does is read.
func TestForeignTypes(t *testing.T) {
	last := 10
	id := func() int { last++; return last }
	prim := iceberg.PrimitiveTypes
	text, number, ratio, flag, when := "app_name", "peak_heap_bytes", "heap_coverage", "finished", "end_ts"
	tests := []struct {
		ours string
		have iceberg.Type
		want string // accepted; "" when it fits
	}{
		{text, prim.String, ""},
		{text, prim.Int32, "string"},
		{text, prim.Binary, "string"},
		{text, prim.UUID, "string"},
		{number, prim.Int32, ""},
		{number, prim.Int64, ""},
		{number, iceberg.DecimalTypeOf(20, 2), "long or int"},
		{number, prim.Float64, "long or int"},
		{ratio, prim.Float64, ""},
		{ratio, prim.Float32, ""},
		{ratio, prim.Int32, ""},
		{ratio, prim.String, "double or float or long or int"},
		{flag, prim.Bool, ""},
		{flag, prim.String, "boolean"},
		{when, prim.Timestamp, ""},
		{when, prim.TimestampTz, ""},
		{when, prim.Int64, "timestamptz or timestamp"},
		{when, prim.Date, "timestamptz or timestamp"},
		{"conf", mapOf(prim.String, prim.String, id), ""},
		{"conf", prim.String, "map<string, string>"},
		{"conf", mapOf(prim.String, prim.Int64, id), "map<string, string>"},
		{"locality", mapOf(prim.String, prim.Int32, id), ""},
		{"failure_evidence", listOf(prim.String, id), ""},
		{"failure_evidence", listOf(prim.Int32, id), "list<string>"},
		{"failure_evidence", prim.String, "list<string>"},
	}
	dir := openTemp(t).dir
	cat, err := catalog.Load(t.Context(), defaultName, embedded(dir))
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		t.Run(test.ours+" of "+test.have.String(), func(t *testing.T) {
			sc := iceberg.NewSchema(0,
				iceberg.NestedField{ID: 1, Name: "app_id", Type: prim.String}, iceberg.NestedField{ID: 2, Name: "start_ts", Type: prim.TimestampTz},
				iceberg.NestedField{ID: 3, Name: "dag_id", Type: prim.String}, iceberg.NestedField{ID: 4, Name: "theirs", Type: test.have})
			ident := table.Identifier{"sparktune", fmt.Sprint("types_", i)}
			if _, err := cat.CreateTable(t.Context(), ident, sc); err != nil {
				t.Fatal(err)
			}
			l, err := Connect(t.Context(), Config{Dir: dir, Table: strings.Join(ident, "."), Columns: map[string]string{test.ours: "theirs"}})
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				runs(t, l, Query{From: noon})
				return
			}
			want := fmt.Sprintf("its column theirs, which is read as %s, has type %s: want %s", test.ours, test.have, test.want)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strings.Join(ident, ".")) {
				t.Errorf("got error %v, want %q in it, and the table", err, want)
			}
		})
	}
}

// TestForeignTableIsNeverWritten tries all that writes, and compares every file.
func TestForeignTableIsNeverWritten(t *testing.T) {
	dir := foreignLake(t)
	l, err := Connect(t.Context(), Config{Dir: dir, Table: "platform.spark_jobs", Columns: map[string]string{
		"start_ts": "began", "app_id": "application",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := contents(t, dir)
	refused := map[string]func() error{
		"Put a run":     func() error { _, err := l.Put(t.Context(), []analysis.Run{at("app-3", noon, "d", "t")}); return err },
		"Put a profile": func() error { _, err := l.Put(t.Context(), nil, profileAt("app-1", noon, 1)); return err },
		"Compact":       func() error { _, err := l.Compact(t.Context()); return err },
		"Expire":        func() error { _, err := l.Expire(t.Context(), 0, 1); return err },
		"Clean":         func() error { _, err := l.Clean(t.Context(), 0); return err },
	}
	for name, write := range refused {
		if err := write(); !errors.Is(err, errReadOnly) {
			t.Errorf("%s: got error %v, want %v", name, err, errReadOnly)
		}
	}
	if err := l.Tend(t.Context()); err != nil {
		t.Errorf("Tend, which does what is needed: %v", err)
	}
	if r := verify(t, l); r.Rows != 2 {
		t.Errorf("Verify, which only reads: got %+v, want 2 rows", r)
	}
	if got, err := l.Profiles(t.Context(), []analysis.Key{{AppID: "app-1"}}); got != nil || err != nil {
		t.Errorf("Profiles: got %v, %v, want none", got, err)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}

// TestNoTableOfOthersIsAdopted names tables of others as if they were ours, and
// compares every file.
func TestNoTableOfOthersIsAdopted(t *testing.T) {
	dir := foreignLake(t)
	before := contents(t, dir)
	_, err := Connect(t.Context(), Config{Dir: dir, Table: "platform.spark_jobs"})
	if !errors.Is(err, errNotOurs) || !strings.Contains(err.Error(), "platform.spark_jobs was not made by sparktune") || !strings.Contains(err.Error(), "metrics.columns") {
		t.Errorf("got error %v, want %v, and what to do", err, errNotOurs)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}

	l := openTemp(t)
	sc := iceberg.NewSchema(0, iceberg.NestedField{ID: 1, Name: "app_id", Type: iceberg.PrimitiveTypes.String})
	if _, err := l.catalog.CreateTable(t.Context(), l.profiles.ident, sc); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), nil, profileAt("a", noon, 1)); !errors.Is(err, errNotOurs) {
		t.Errorf("Put of a profile into theirs: got error %v, want %v", err, errNotOurs)
	}
	if _, err := l.Compact(t.Context()); !errors.Is(err, errNotOurs) {
		t.Errorf("Compact of theirs: got error %v, want %v", err, errNotOurs)
	}
}

// contents are the files in dir and the state of the catalog.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range files(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(b)
	}
	cat, err := catalog.Load(t.Context(), defaultName, embedded(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, ident := range []table.Identifier{{"platform", "spark_jobs"}, {"sparktune", "runs"}, {"platform", profilesName}} {
		tb, err := cat.LoadTable(t.Context(), ident)
		if err != nil {
			all[strings.Join(ident, ".")] = err.Error()
			continue
		}
		all[strings.Join(ident, ".")] = tb.MetadataLocation()
	}
	return all
}
