package lake

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// Expire forgets the snapshots older than age, except the last keep of a table,
// and removes the files that only they used. Whoever reads such a snapshot at
// that moment fails. It returns how many were forgotten.
func (l *Lake) Expire(ctx context.Context, age time.Duration, keep int) (int, error) {
	if l.runs.foreign {
		return 0, l.explain(errReadOnly)
	}
	runs, err := l.runs.expire(ctx, age, keep)
	if err != nil {
		return 0, l.explain(err)
	}
	profiles, err := l.profiles.expire(ctx, age, keep)
	if err != nil {
		return runs, l.explain(err)
	}
	return runs + profiles, nil
}

func (r *relation[R]) expire(ctx context.Context, age time.Duration, keep int) (expired int, err error) {
	err = retry(ctx, func() error {
		t, err := r.table(ctx)
		if isMissing(err) {
			return nil
		}
		if err != nil {
			return again(err)
		}
		tx := t.NewTransaction()
		if err := tx.ExpireSnapshots(table.WithOlderThan(age), table.WithRetainLast(keep)); err != nil {
			return err
		}
		staged, err := tx.StagedTable()
		if err != nil {
			return err
		}
		expired = len(t.Metadata().Snapshots()) - len(staged.Metadata().Snapshots())
		if expired == 0 {
			return nil
		}
		return r.commit(ctx, t, tx)
	})
	return expired, err
}

// A Report is what [Lake.Verify] found.
type Report struct {
	Rows       int64          // of runs
	Profiles   int64          // rows of run_profiles
	Files      int            // data files of both
	Missing    []string       // files of the tables that are gone: their rows can't be read
	Orphans    []string       // files that no snapshot uses, left by a crash; [Lake.Clean] removes them
	Duplicates []analysis.Key // keys of more than one row of a table, written by other engines
}

// Healthy says whether every row can be read and is there once.
func (r Report) Healthy() bool { return len(r.Missing)+len(r.Duplicates) == 0 }

// Verify looks at every file and key of the tables. A file younger than age may
// belong to a commit that is under way, so it is no orphan.
func (l *Lake) Verify(ctx context.Context, age time.Duration) (Report, error) {
	var r Report
	var err error
	if r.Rows, err = l.runs.verify(ctx, &r, age); err == nil && !l.runs.foreign {
		r.Profiles, err = l.profiles.verify(ctx, &r, age)
	}
	if err != nil {
		return r, l.explain(err)
	}
	slices.SortFunc(r.Duplicates, analysis.Key.Compare)
	return r, nil
}

// verify adds one table to the report and returns the number of its rows.
func (r *relation[R]) verify(ctx context.Context, report *Report, age time.Duration) (rows int64, err error) {
	t, err := r.table(ctx)
	if isMissing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	orphans, err := t.PlanOrphanFiles(ctx, table.WithFilesOlderThan(age))
	if err != nil {
		return 0, err
	}
	report.Orphans = append(report.Orphans, slices.Sorted(slices.Values(orphans.Files()))...)
	missing := len(report.Missing)
	if err := report.files(ctx, t); err != nil || len(report.Missing) > missing {
		return 0, err // the keys can't be read
	}
	return r.verifyKeys(ctx, t, report)
}

func (r *relation[R]) verifyKeys(ctx context.Context, t *table.Table, report *Report) (rows int64, err error) {
	count := make(map[analysis.Key]int)
	required := pick(r.fields, func(f field[R]) bool { return isKey(f.name) })
	err = scan(ctx, t, selection[R]{fields: required, filter: iceberg.AlwaysTrue{}}, func(batch []R) {
		rows += int64(len(batch))
		for i := range batch {
			count[r.key(&batch[i])]++
		}
	})
	for k, n := range count {
		if n > 1 {
			report.Duplicates = append(report.Duplicates, k)
		}
	}
	return rows, err
}

func (r *Report) files(ctx context.Context, t *table.Table) error {
	tasks, err := t.Scan().PlanFiles(ctx)
	if err != nil {
		return err
	}
	files, err := t.FS(ctx)
	if err != nil {
		return err
	}
	for _, task := range tasks {
		r.Files++
		for _, f := range slices.Concat([]iceberg.DataFile{task.File}, task.DeleteFiles, task.EqualityDeleteFiles, task.DeletionVectorFiles) {
			if !exists(files, f.FilePath()) {
				r.Missing = append(r.Missing, f.FilePath())
			}
		}
	}
	slices.Sort(r.Missing)
	r.Missing = slices.Compact(r.Missing)
	return nil
}

func exists(files io.IO, path string) bool {
	f, err := files.Open(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	_ = f.Close()
	return true
}

// Clean removes the orphans older than age and returns them.
func (l *Lake) Clean(ctx context.Context, age time.Duration) ([]string, error) {
	if l.runs.foreign {
		return nil, l.explain(errReadOnly)
	}
	removed, err := l.runs.clean(ctx, age)
	if err != nil {
		return nil, l.explain(err)
	}
	more, err := l.profiles.clean(ctx, age)
	if err != nil {
		return removed, l.explain(err)
	}
	return append(removed, more...), nil
}

func (r *relation[R]) clean(ctx context.Context, age time.Duration) ([]string, error) {
	t, err := r.table(ctx)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	done, err := t.DeleteOrphanFiles(ctx, table.WithFilesOlderThan(age))
	if err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(done.DeletedFiles)), nil
}

// remove deletes data files that were never part of the table.
func remove(ctx context.Context, t *table.Table, files []iceberg.DataFile) {
	fsys, err := t.FS(ctx)
	if err != nil {
		return
	}
	w, ok := fsys.(io.WriteFileIO)
	if !ok {
		return
	}
	for _, f := range files {
		_ = w.Remove(f.FilePath())
	}
}
