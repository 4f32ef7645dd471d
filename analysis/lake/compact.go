package lake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
)

// CompactStats says what [Lake.Compact] did.
type CompactStats struct {
	Before, After int // files that were merged, and into how many
}

// Compact merges small files and those with deleted rows, month by month, and
// sorts what it merges, so that the tables read as if they had been written at
// once. It goes on while others write, and each group of files is a commit of
// its own: what was done stays done.
func (l *Lake) Compact(ctx context.Context) (CompactStats, error) {
	if l.runs.foreign {
		return CompactStats{}, l.explain(errReadOnly)
	}
	done, err := l.runs.compact(ctx, 1)
	if err == nil {
		var profiles CompactStats
		profiles, err = l.profiles.compact(ctx, 1)
		done.Before += profiles.Before
		done.After += profiles.After
	}
	if err != nil {
		return done, l.explain(err)
	}
	return done, nil
}

// compact merges groups of at least so many files.
func (r *relation[R]) compact(ctx context.Context, least int) (CompactStats, error) {
	var done CompactStats
	var t *table.Table
	var groups [][]table.FileScanTask
	err := r.onNewest(ctx, func(newest *table.Table) error {
		t = newest
		tasks, err := t.Scan().PlanFiles(ctx)
		if err == nil {
			groups, err = r.groups(ctx, t, tasks, least)
		}
		return err
	})
	if isMissing(err) {
		return done, nil
	}
	if err != nil {
		return done, err
	}
	for _, group := range groups {
		if len(group) < least {
			continue
		}
		files, err := r.merge(ctx, t, group)
		if err != nil {
			return done, err
		}
		if files > 0 {
			done.Before += len(group)
			done.After += files
		}
	}
	return done, nil
}

// groups are the files to merge, of months with at least so many. A file that
// alone is large enough and has no deletes is left alone, so compacting twice does
// nothing.
func (r *relation[R]) groups(ctx context.Context, t *table.Table, tasks []table.FileScanTask, least int) ([][]table.FileScanTask, error) {
	byPartition := make(map[string][]table.FileScanTask)
	for _, t := range tasks {
		if t.File.Count() < r.fileRows/2 || hasDeletes(t) {
			key := fmt.Sprint(t.File.SpecID(), t.File.Partition())
			byPartition[key] = append(byPartition[key], t)
		}
	}
	var out [][]table.FileScanTask
	for _, key := range slices.Sorted(maps.Keys(byPartition)) {
		part := byPartition[key]
		if len(part) < least {
			continue
		}
		rows, err := r.weigh(ctx, t, part)
		if err != nil {
			return nil, err
		}
		part = slices.DeleteFunc(part, func(t table.FileScanTask) bool {
			return rows[t.File.FilePath()] >= r.fileRows/2 && !hasDeletes(t)
		})
		out = append(out, pack(part, rows, r.fileRows)...)
	}
	return out, nil
}

// weigh is as how many rows each file counts, by its path: one with large rows
// takes the memory of more of them.
func (r *relation[R]) weigh(ctx context.Context, t *table.Table, tasks []table.FileScanTask) (map[string]int64, error) {
	files, err := t.FS(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]int64, len(tasks))
	for _, task := range tasks {
		n := task.File.Count()
		if r.rowValues > 0 && task.File.FileFormat() == iceberg.ParquetFile {
			values, err := countValues(files, task.File.FilePath())
			if err != nil {
				return nil, err
			}
			n = max(n, values/r.rowValues)
		}
		rows[task.File.FilePath()] = n
	}
	return rows, nil
}

// countValues reads from a file's footer how many values its columns have.
func countValues(files io.IO, path string) (int64, error) {
	raw, err := files.Open(path)
	if err != nil {
		return 0, err
	}
	defer raw.Close()
	f, err := file.NewParquetReader(raw)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, group := range f.MetaData().RowGroups {
		for _, column := range group.Columns {
			n += column.GetMetaData().GetNumValues()
		}
	}
	return n, nil
}

func hasDeletes(t table.FileScanTask) bool {
	return len(t.DeleteFiles)+len(t.EqualityDeleteFiles)+len(t.DeletionVectorFiles) > 0
}

// pack fills groups of at most fileRows rows, smallest files first, and drops
// a group that is one clean file. rows says as how many a file counts.
func pack(tasks []table.FileScanTask, rows map[string]int64, fileRows int64) [][]table.FileScanTask {
	count := func(t table.FileScanTask) int64 { return rows[t.File.FilePath()] }
	slices.SortFunc(tasks, func(a, b table.FileScanTask) int {
		return cmp.Or(cmp.Compare(count(a), count(b)), cmp.Compare(a.File.FilePath(), b.File.FilePath()))
	})
	var out [][]table.FileScanTask
	for len(tasks) > 0 {
		n, sum := 1, count(tasks[0])
		for n < len(tasks) && sum+count(tasks[n]) <= fileRows {
			sum += count(tasks[n])
			n++
		}
		if n > 1 || hasDeletes(tasks[0]) {
			out = append(out, tasks[:n])
		}
		tasks = tasks[n:]
	}
	return out
}

// merge writes the rows of a group again and swaps the files; 0 when another
// process changed the group meanwhile, which is left to the next Compact.
func (r *relation[R]) merge(ctx context.Context, t *table.Table, group []table.FileScanTask) (int, error) {
	rows, err := sorted(ctx, t, group, r.sort)
	if isGone(err) && r.isOld(ctx, t) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer rows.Release()
	files, err := writeFiles(ctx, t, rows)
	if err != nil {
		remove(ctx, t, files)
		return 0, err
	}
	done, used := lost, false
	err = retry(ctx, func() (err error) {
		done, err = r.swap(ctx, group, files)
		used = used || done != lost // by an attempt that may be there
		return err
	})
	if !used {
		remove(context.WithoutCancel(ctx), t, files)
	}
	if done != committed || err != nil {
		return 0, err
	}
	return len(files), nil
}

// swap replaces the files of a group in the newest state, where that still has
// them, with the same deletes. It is lost without an error where it has not.
func (r *relation[R]) swap(ctx context.Context, group []table.FileScanTask, files []iceberg.DataFile) (outcome, error) {
	t, err := r.table(ctx)
	if err != nil {
		return lost, again(err)
	}
	tasks, err := t.Scan().PlanFiles(ctx)
	if err != nil {
		return lost, r.againIfOld(ctx, t, err)
	}
	if !contains(tasks, group) {
		return lost, nil
	}
	tx := t.NewTransaction()
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil {
		return lost, err
	}
	result := table.CompactionGroupResult{
		NewDataFiles:        files,
		SafePosDeletes:      table.CollectSafePositionDeletes(group),
		SafeDeletionVectors: table.CollectSafeDeletionVectors(group),
	}
	for _, g := range group {
		result.OldDataFiles = append(result.OldDataFiles, g.File)
	}
	if err := tx.NewRewrite(nil).ApplyResult(result).Commit(ctx); err != nil {
		return lost, r.againIfOld(ctx, t, err)
	}
	return r.tryCommit(ctx, t, tx, false)
}

// contains says whether tasks has each task of group, with equal deletes.
func contains(tasks, group []table.FileScanTask) bool {
	have := make(map[string]bool, len(tasks))
	for _, t := range tasks {
		have[identity(t)] = true
	}
	return !slices.ContainsFunc(group, func(t table.FileScanTask) bool { return !have[identity(t)] })
}

// identity names a file and what is deleted of it.
func identity(t table.FileScanTask) string {
	paths := []string{t.File.FilePath()}
	for _, d := range slices.Concat(t.DeleteFiles, t.EqualityDeleteFiles, t.DeletionVectorFiles) {
		paths = append(paths, d.FilePath())
	}
	slices.Sort(paths[1:])
	return fmt.Sprintf("%q", paths)
}

// sorted reads a group into one table, in the order of columns.
func sorted(ctx context.Context, t *table.Table, group []table.FileScanTask, columns []string) (arrow.Table, error) {
	schema, batches, err := t.Scan().ReadTasks(ctx, group)
	if err != nil {
		return nil, err
	}
	var all []arrow.RecordBatch
	defer func() {
		for _, b := range all {
			b.Release()
		}
	}()
	for b, err := range batches {
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	rows := array.NewTableFromRecords(schema, all)
	defer rows.Release()
	return compute.SortTable(ctx, rows, sortKeys(schema, columns))
}

func sortKeys(schema *arrow.Schema, columns []string) []compute.SortKey {
	var keys []compute.SortKey
	for _, name := range columns {
		for _, i := range schema.FieldIndices(name) {
			keys = append(keys, compute.SortKey{
				ColumnIndex: i, Order: compute.SortOrderAscending, NullPlacement: compute.SortNullsAtStart,
			})
		}
	}
	return keys
}

// writeFiles writes the rows as data files of t, which does not know them yet.
func writeFiles(ctx context.Context, t *table.Table, rows arrow.Table) ([]iceberg.DataFile, error) {
	batches := array.NewTableReader(rows, 0)
	defer batches.Release()
	var files []iceberg.DataFile
	for f, err := range table.WriteRecords(ctx, t, rows.Schema(), array.IterFromReader(batches), table.WithClusteredWrite()) {
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}
