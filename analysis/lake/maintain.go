package lake

import (
	"context"
	"errors"
	"fmt"
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
	Unreadable []string       // data files that are damaged, and how
	Orphans    []string       // files that no snapshot uses, left by a crash; [Lake.Clean] removes them
	Duplicates []analysis.Key // keys of more than one row of a table, written by other engines
}

// Healthy says whether every row can be read and is there once.
func (r Report) Healthy() bool { return len(r.Missing)+len(r.Unreadable)+len(r.Duplicates) == 0 }

// Verify reads every value of the tables. A file younger than age may belong to
// a commit that is under way, so it is no orphan. Parquet files as they are
// written here have no checksums: damage that leaves them readable is not seen.
func (l *Lake) Verify(ctx context.Context, age time.Duration) (Report, error) {
	report, err := l.runs.verify(ctx, age)
	if !l.runs.foreign {
		profiles, failed := l.profiles.verify(ctx, age)
		report = Report{
			Rows: report.Rows, Profiles: profiles.Rows, Files: report.Files + profiles.Files,
			Missing:    append(report.Missing, profiles.Missing...),
			Unreadable: append(report.Unreadable, profiles.Unreadable...),
			Orphans:    append(report.Orphans, profiles.Orphans...),
			Duplicates: append(report.Duplicates, profiles.Duplicates...),
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return report, l.explain(err)
	}
	slices.SortFunc(report.Duplicates, analysis.Key.Compare)
	return report, nil
}

// verify reports on one table.
func (r *relation[R]) verify(ctx context.Context, age time.Duration) (report Report, err error) {
	err = r.onNewest(ctx, func(t *table.Table) error {
		report = Report{}
		if err := r.verifyFiles(ctx, t, &report); err != nil {
			return err
		}
		if len(report.Missing) > 0 && r.isOld(ctx, t) {
			return errAgain
		}
		orphans, err := planOrphans(ctx, t, age)
		report.Orphans = slices.Sorted(slices.Values(orphans.Files()))
		return err
	})
	if isMissing(err) {
		return Report{}, nil
	}
	return report, err
}

// verifyFiles reads all data files that are there.
func (r *relation[R]) verifyFiles(ctx context.Context, t *table.Table, report *Report) error {
	tasks, err := t.Scan().PlanFiles(ctx)
	if err != nil {
		return err
	}
	files, err := t.FS(ctx)
	if err != nil {
		return err
	}
	report.Files = len(tasks)
	tasks = slices.DeleteFunc(tasks, func(task table.FileScanTask) bool {
		gone := missingOf(files, task)
		report.Missing = append(report.Missing, gone...)
		return len(gone) > 0
	})
	slices.Sort(report.Missing)
	report.Missing = slices.Compact(report.Missing)
	return r.verifyRows(ctx, t, tasks, report)
}

// missingOf are the files of a task that are gone.
func missingOf(files io.IO, task table.FileScanTask) (gone []string) {
	for _, f := range slices.Concat([]iceberg.DataFile{task.File}, task.DeleteFiles, task.EqualityDeleteFiles, task.DeletionVectorFiles) {
		if !exists(files, f.FilePath()) {
			gone = append(gone, f.FilePath())
		}
	}
	return gone
}

// verifyRows reads all values of the tasks and counts the keys.
func (r *relation[R]) verifyRows(ctx context.Context, t *table.Table, tasks []table.FileScanTask, report *Report) error {
	all := selection[R]{fields: slices.Clone(r.fields), filter: iceberg.AlwaysTrue{}}
	for i := range all.fields {
		all.fields[i].derived = false // other engines read them
	}
	damaged := make([]error, len(tasks))
	read := func(ctx context.Context, i int, yield func([]R) error) error {
		rows := int64(0)
		err := readTask(ctx, t, tasks[i], all, func(some []R) error {
			rows += int64(len(some))
			return yield(some)
		})
		switch stored := tasks[i].File.Count(); {
		case ctx.Err() != nil, isGone(err):
			return err
		case err == nil && !hasDeletes(tasks[i]) && rows != stored:
			err = fmt.Errorf("%s: has %d rows, and the table says %d", tasks[i].File.FilePath(), rows, stored)
		}
		damaged[i] = err
		return nil
	}
	count := make(map[analysis.Key]int)
	err := inOrder(ctx, len(tasks), read, func(rows []R) error {
		report.Rows += int64(len(rows))
		for i := range rows {
			count[r.key(&rows[i])]++
		}
		return nil
	})
	for _, err := range damaged {
		if err != nil {
			report.Unreadable = append(report.Unreadable, err.Error())
		}
	}
	for k, n := range count {
		if n > 1 {
			report.Duplicates = append(report.Duplicates, k)
		}
	}
	return err
}

func exists(files io.IO, path string) bool {
	f, err := files.Open(path)
	if err != nil {
		return !isGone(err)
	}
	_ = f.Close()
	return true
}

// walks is how often a folder is walked, in which others remove files.
const walks = 10

// planOrphans finds the files older than age that no snapshot of t uses.
func planOrphans(ctx context.Context, t *table.Table, age time.Duration) (plan table.OrphanCleanupPlan, err error) {
	for range walks {
		plan, err = t.PlanOrphanFiles(ctx, table.WithFilesOlderThan(age))
		if !isGone(err) {
			break
		}
	}
	return plan, err
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

func (r *relation[R]) clean(ctx context.Context, age time.Duration) (removed []string, err error) {
	err = r.onNewest(ctx, func(t *table.Table) error {
		plan, err := planOrphans(ctx, t, age)
		if err != nil {
			return err
		}
		done, err := t.ExecuteOrphanCleanup(ctx, plan)
		removed = slices.Sorted(slices.Values(done.DeletedFiles))
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	return removed, err
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
