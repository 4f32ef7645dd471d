package lake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// sameAsPlain compares what is read of runs and run_profiles with what
// iceberg-go alone reads, and wants that many files to be left to it.
func sameAsPlain(t *testing.T, l *Lake, wantPlain int) {
	t.Helper()
	plain := 0
	queries := []Query{
		{},
		{Columns: []string{"conf", "peak_heap_bytes"}},
		{From: noon, To: noon.AddDate(0, 0, 40)},
		{Jobs: []Job{{DAGID: "dag-3"}, {DAGID: "dag-7", TaskID: "t"}, {AppPrefix: "dag-11."}}},
		{To: noon.AddDate(0, 0, 40), Jobs: []Job{{TaskID: "t"}}},
		{Jobs: []Job{{DAGID: "nobody's"}}},
	}
	for i, q := range queries {
		n := compareScans(t, &l.runs, l.selection(q))
		if i == 0 {
			plain += n
		}
	}
	ids := []analysis.Key{{AppID: "app"}, {AppID: "copy"}, {AppID: "profile-5"}, {AppID: "profile-6"}, {AppID: "nobody's"}}
	plain += compareScans(t, &l.profiles, everything(l.profiles.fields))
	compareScans(t, &l.profiles, l.profiles.withKeys(ids, l.profiles.fields))
	if plain != wantPlain {
		t.Errorf("%d files are left to iceberg-go, want %d", plain, wantPlain)
	}
}

func everything[R any](fs []field[R]) selection[R] {
	return selection[R]{fields: fs, filter: iceberg.AlwaysTrue{}}
}

// compareScans returns how many files of a table are left to iceberg-go.
func compareScans[R any](t *testing.T, r *relation[R], s selection[R]) (plain int) {
	t.Helper()
	tb, err := r.table(t.Context())
	if isMissing(err) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := s.scanOf(tb).PlanFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := tb.FS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want, got []R
	for _, task := range tasks {
		add := func(rows []R) error { want = append(want, rows...); return nil }
		if err := readPlain(t.Context(), tb, []table.FileScanTask{task}, s, add); err != nil {
			t.Fatal(err)
		}
		if errors.Is(readParquet(t.Context(), tb, files, task, s, func([]R) error { return nil }), errPlain) {
			plain++
		}
	}
	if err := scan(t.Context(), tb, s, func(rows []R) { got = append(got, rows...) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of %s (-iceberg-go +ours):\n%s", r.name(), diff)
	}
	return plain
}

// manyRuns are runs of every kind in several row groups and months.
func manyRuns() []analysis.Run {
	var rows []analysis.Run
	for i := range 1300 {
		dag := fmt.Sprintf("dag-%d", i%13)
		r := fullRun(i)
		if i%3 == 0 {
			r = at("", noon, dag, "t")
		}
		r.Key = analysis.Key{AppID: fmt.Sprintf("app-%04d", i), Attempt: fmt.Sprint(i % 2)}
		r.Start, r.DAGID, r.TaskID, r.AppName = noon.Add(time.Duration(i)*time.Hour), dag, "t", dag+".t"
		switch i % 50 {
		case 1:
			r.Start = time.Time{}
		case 2:
			r.DAGID, r.TaskID = "", ""
		case 3:
			r.FailureEvidence, r.Locality, r.Conf = []string{}, map[string]int64{}, analysis.Conf{}
		case 4:
			r.FailureEvidence, r.Locality, r.Conf = nil, nil, nil
		case 5: // more than is read at once
			for n := range 2 * leafBatch {
				r.FailureEvidence = append(r.FailureEvidence, fmt.Sprint("line ", n))
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func TestScanIsAsIcebergReads(t *testing.T) {
	dir := t.TempDir()
	old := openVersion(t, dir, runFields[:len(runFields)-60]) // whose files lack columns
	put(t, old, at("of an old version", noon, "dag-3", "t"))
	l := reopen(t, dir)
	put(t, l, manyRuns()...)
	for i := range 9 {
		p := fullProfile(i)
		p.Key, p.Start = analysis.Key{AppID: fmt.Sprintf("profile-%d", i)}, noon.AddDate(0, 0, 8*i)
		putProfiles(t, l, p)
	}
	sameAsPlain(t, l, 0)
	if _, err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	sameAsPlain(t, l, 0)
}

// TestScanLeavesToIceberg has files that are more than rows as they are.
func TestScanLeavesToIceberg(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, tb *table.Table)
		plain  int
	}{
		"a column is renamed": {func(t *testing.T, tb *table.Table) {
			tx := tb.NewTransaction()
			if err := tx.UpdateSchema(true, false).RenameColumn([]string{"user"}, "called").Commit(); err != nil {
				t.Fatal(err)
			}
			commit(t, tx)
		}, 0},
		"a column is dropped and made again": {func(t *testing.T, tb *table.Table) {
			tx := tb.NewTransaction()
			if err := tx.UpdateSchema(true, true).DeleteColumn([]string{"queue"}).Commit(); err != nil {
				t.Fatal(err)
			}
			commit(t, tx)
		}, 0},
		"rows are deleted by position": {func(t *testing.T, tb *table.Table) {
			tx := tb.NewTransaction()
			if err := tx.SetProperties(iceberg.Properties{table.WriteDeleteModeKey: table.WriteModeMergeOnRead}); err != nil {
				t.Fatal(err)
			}
			if err := tx.Delete(t.Context(), iceberg.EqualTo(iceberg.Reference("dag_id"), "dag-3"), nil); err != nil {
				t.Fatal(err)
			}
			commit(t, tx)
		}, 3},
		"a file has no field ids": {func(t *testing.T, tb *table.Table) {
			tx := tb.NewTransaction()
			if err := tx.AddFiles(t.Context(), []string{withoutIDs(t, tb)}, nil, false); err != nil {
				t.Fatal(err)
			}
			commit(t, tx)
		}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := openTemp(t)
			put(t, l, manyRuns()[:900]...)
			tb, err := l.runs.table(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			test.change(t, tb)
			sameAsPlain(t, l, test.plain)
		})
	}
}

func commit(t *testing.T, tx *table.Transaction) {
	t.Helper()
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// withoutIDs writes a file of runs as a program does that knows nothing of
// Iceberg.
func withoutIDs(t *testing.T, tb *table.Table) string {
	t.Helper()
	rows, err := encode(tb.Schema(), runFields, []analysis.Run{at("of another program", noon, "dag-3", "t")})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := table.SchemaToArrowSchema(tb.Schema(), nil, false, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plain.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(bare, f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(array.NewRecordBatch(bare, rows.Columns(), rows.NumRows())); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
