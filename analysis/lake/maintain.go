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

// Expire forgets the snapshots older than age, except the last keep, and
// removes the files that only they used. Whoever reads such a snapshot at that
// moment fails. It returns how many were forgotten.
func (l *Lake) Expire(ctx context.Context, age time.Duration, keep int) (int, error) {
	if l.foreign {
		return 0, l.explain(errReadOnly)
	}
	expired := 0
	err := retry(ctx, func() error {
		t, err := l.table(ctx)
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
		return l.commit(ctx, t, tx)
	})
	if err != nil {
		return 0, l.explain(err)
	}
	return expired, nil
}

// A Report is what [Lake.Verify] found.
type Report struct {
	Rows       int64
	Files      int
	Missing    []string       // files of the table that are gone: their rows can't be read
	Orphans    []string       // files that no snapshot uses, left by a crash; [Lake.Clean] removes them
	Duplicates []analysis.Key // keys of more than one row, written by other engines
}

// Healthy says whether every row can be read and is there once.
func (r Report) Healthy() bool { return len(r.Missing)+len(r.Duplicates) == 0 }

// Verify looks at every file and key of the table. A file younger than age may
// belong to a commit that is under way, so it is no orphan.
func (l *Lake) Verify(ctx context.Context, age time.Duration) (Report, error) {
	var r Report
	t, err := l.table(ctx)
	if err != nil {
		return r, l.explain(err)
	}
	orphans, err := t.PlanOrphanFiles(ctx, table.WithFilesOlderThan(age))
	if err != nil {
		return r, l.explain(err)
	}
	r.Orphans = slices.Sorted(slices.Values(orphans.Files()))
	if err := r.files(ctx, t); err != nil {
		return r, l.explain(err)
	}
	if len(r.Missing) > 0 {
		return r, nil // the keys can't be read
	}
	if err := r.keys(ctx, l, t); err != nil {
		return r, l.explain(err)
	}
	return r, nil
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

func (r *Report) keys(ctx context.Context, l *Lake, t *table.Table) error {
	count := make(map[analysis.Key]int)
	required := pick(l.fields, func(f field) bool { return isKey(f.name) })
	err := scan(ctx, t, iceberg.AlwaysTrue{}, required, func(runs []analysis.Run) {
		r.Rows += int64(len(runs))
		for i := range runs {
			count[runs[i].Key]++
		}
	})
	for k, n := range count {
		if n > 1 {
			r.Duplicates = append(r.Duplicates, k)
		}
	}
	slices.SortFunc(r.Duplicates, analysis.Key.Compare)
	return err
}

// Clean removes the orphans older than age and returns them.
func (l *Lake) Clean(ctx context.Context, age time.Duration) ([]string, error) {
	if l.foreign {
		return nil, l.explain(errReadOnly)
	}
	t, err := l.table(ctx)
	if err != nil {
		return nil, l.explain(err)
	}
	done, err := t.DeleteOrphanFiles(ctx, table.WithFilesOlderThan(age))
	if err != nil {
		return nil, l.explain(err)
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
