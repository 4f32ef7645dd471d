package lake

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// fileRows is how many rows a compacted file has at most, half of it the
// least. It bounds memory: a file is sorted as a whole.
const fileRows = 100_000

// CompactStats says what [Lake.Compact] did.
type CompactStats struct {
	Before, After int // files that were merged, and into how many
}

// Compact merges small files and those with deleted rows, month by month, and
// sorts what it merges by job, so that the table reads as if it had been
// written at once. It goes on while others write, and each group of files is a
// commit of its own: what was done stays done.
func (l *Lake) Compact(ctx context.Context) (CompactStats, error) {
	var done CompactStats
	if l.foreign {
		return done, l.explain(errReadOnly)
	}
	t, err := l.table(ctx)
	if err != nil {
		return done, l.explain(err)
	}
	tasks, err := t.Scan().PlanFiles(ctx)
	if err != nil {
		return done, l.explain(err)
	}
	for _, group := range groups(tasks) {
		files, err := l.merge(ctx, t, group)
		if err != nil {
			return done, l.explain(err)
		}
		if files > 0 {
			done.Before += len(group)
			done.After += files
		}
	}
	return done, nil
}

// groups are the files to merge. A file that alone is large enough and has no
// deletes is left alone, so compacting twice does nothing.
func groups(tasks []table.FileScanTask) [][]table.FileScanTask {
	byPartition := make(map[string][]table.FileScanTask)
	var keys []string
	for _, t := range tasks {
		if t.File.Count() >= fileRows/2 && !hasDeletes(t) {
			continue
		}
		key := fmt.Sprint(t.File.SpecID(), t.File.Partition())
		if byPartition[key] == nil {
			keys = append(keys, key)
		}
		byPartition[key] = append(byPartition[key], t)
	}
	slices.Sort(keys)
	var out [][]table.FileScanTask
	for _, key := range keys {
		out = append(out, pack(byPartition[key])...)
	}
	return out
}

func hasDeletes(t table.FileScanTask) bool {
	return len(t.DeleteFiles)+len(t.EqualityDeleteFiles)+len(t.DeletionVectorFiles) > 0
}

// pack fills groups of at most fileRows rows, smallest files first, and drops
// a group that is one clean file.
func pack(tasks []table.FileScanTask) [][]table.FileScanTask {
	slices.SortFunc(tasks, func(a, b table.FileScanTask) int {
		return cmp.Or(cmp.Compare(a.File.Count(), b.File.Count()), cmp.Compare(a.File.FilePath(), b.File.FilePath()))
	})
	var out [][]table.FileScanTask
	for len(tasks) > 0 {
		n, rows := 1, tasks[0].File.Count()
		for n < len(tasks) && rows+tasks[n].File.Count() <= fileRows {
			rows += tasks[n].File.Count()
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
func (l *Lake) merge(ctx context.Context, t *table.Table, group []table.FileScanTask) (int, error) {
	rows, err := sorted(ctx, t, group)
	if err != nil {
		return 0, err
	}
	defer rows.Release()
	files, err := writeFiles(ctx, t, rows)
	if err != nil {
		remove(ctx, t, files)
		return 0, err
	}
	swapped := false
	err = retry(ctx, func() (err error) {
		swapped, err = l.swap(ctx, group, files)
		return err
	})
	if !swapped || err != nil {
		remove(ctx, t, files)
		return 0, err
	}
	return len(files), nil
}

// swap replaces the files of a group in the newest state, where that still has
// them, with the same deletes.
func (l *Lake) swap(ctx context.Context, group []table.FileScanTask, files []iceberg.DataFile) (bool, error) {
	t, err := l.table(ctx)
	if err != nil {
		return false, again(err)
	}
	tasks, err := t.Scan().PlanFiles(ctx)
	if err != nil {
		return false, err
	}
	if !contains(tasks, group) {
		return false, nil
	}
	tx := t.NewTransaction()
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil {
		return false, err
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
		return false, err
	}
	lost, err := l.tryCommit(ctx, t, tx)
	if lost != nil {
		discard(ctx, t, *lost, false)
	}
	return err == nil, err
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

// sorted reads a group into one table, in the order of sortColumns.
func sorted(ctx context.Context, t *table.Table, group []table.FileScanTask) (arrow.Table, error) {
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
	return compute.SortTable(ctx, rows, sortKeys(schema))
}

func sortKeys(schema *arrow.Schema) []compute.SortKey {
	var keys []compute.SortKey
	for _, name := range sortColumns {
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
