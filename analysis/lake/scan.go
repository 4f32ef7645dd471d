package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"golang.org/x/sync/errgroup"
)

// A selection says which rows of a table are read, and what of them.
type selection[R any] struct {
	// fields are read; one that the table lacks stays missing.
	fields []field[R]
	// filter chooses files, and may let more rows through than keep.
	filter iceberg.BooleanExpression
	// mayHold says of a row group whether keep can want a row of it; nil says
	// so of all.
	mayHold func(bounds) bool
	// keep says of a row that has the fields keys, names of fields, whether it
	// is wanted; nil wants all.
	keep func(*R) bool
	keys []string
}

// wants is keep, also when there is none.
func (s selection[R]) wants(row *R) bool { return s.keep == nil || s.keep(row) }

// scan hands the selected rows to visit, in the order of files and rows, some
// at a time.
//
// iceberg-go plans which files to read. A file that is as our own writer, Spark
// and pyiceberg leave it is read by [parquetFile], which decodes of a row group
// what is wanted; iceberg-go reads all others: those with deletes, without
// field ids, or with columns that are computed.
func scan[R any](ctx context.Context, t *table.Table, s selection[R], visit func([]R)) error {
	tasks, err := s.scanOf(t).PlanFiles(ctx)
	if err != nil {
		return err
	}
	read := func(ctx context.Context, i int, yield func([]R) error) error {
		return readTask(ctx, t, tasks[i], s, yield)
	}
	return inOrder(ctx, len(tasks), read, func(rows []R) error { visit(rows); return nil })
}

// readTask reads one file; an error names it.
func readTask[R any](ctx context.Context, t *table.Table, task table.FileScanTask, s selection[R], yield func([]R) error) error {
	files, err := t.FS(ctx)
	if err != nil {
		return err
	}
	err = readParquet(ctx, t, files, task, s, yield)
	if errors.Is(err, errPlain) {
		err = readPlain(ctx, t, []table.FileScanTask{task}, s, yield)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", task.File.FilePath(), err)
	}
	return nil
}

// scanOf is the selection as iceberg-go reads it.
func (s selection[R]) scanOf(t *table.Table) *table.Scan {
	sc := t.Schema() // a copy each time
	var names []string
	for _, f := range s.fields {
		if _, ok := sc.FindFieldByName(f.column); ok {
			names = append(names, f.column)
		}
	}
	return t.Scan(table.WithRowFilter(s.filter), table.WithSelectedFields(names...))
}

// readPlain reads files by iceberg-go.
func readPlain[R any](ctx context.Context, t *table.Table, tasks []table.FileScanTask, s selection[R], yield func([]R) error) error {
	_, batches, err := s.scanOf(t).ReadTasks(ctx, tasks)
	if err != nil {
		return err
	}
	for batch, err := range batches {
		if err != nil {
			return err
		}
		rows := make([]R, batch.NumRows())
		err := decode(batch, s.fields, rows)
		batch.Release()
		if err != nil {
			return err
		}
		wanted := slices.DeleteFunc(rows, func(r R) bool { return !s.wants(&r) })
		if err := yield(wanted); err != nil {
			return err
		}
	}
	return nil
}

// errPlain says that a file must be read by iceberg-go.
var errPlain = errors.New("not a plain Parquet file")

// readParquet reads one file by [parquetFile].
func readParquet[R any](ctx context.Context, t *table.Table, files io.IO, task table.FileScanTask, s selection[R], yield func([]R) error) error {
	if !whole(task) {
		return errPlain
	}
	raw, err := files.Open(task.File.FilePath())
	if err != nil {
		return err
	}
	defer raw.Close()
	f, err := openParquet(raw)
	if err != nil {
		return err
	}
	at, err := locate(f, t, s.fields)
	if err != nil {
		return err
	}
	groups := slices.DeleteFunc(f.rowGroups(), func(g int) bool {
		return s.mayHold != nil && !s.mayHold(bounds{f, g, at})
	})
	var scratch sync.Pool
	read := func(ctx context.Context, i int, yield func([]R) error) error {
		rows, err := readGroup(ctx, f, groups[i], at, s, &scratch)
		if err != nil || len(rows) == 0 {
			return err
		}
		return yield(rows)
	}
	return inOrder(ctx, len(groups), read, yield)
}

// whole says whether a task is a Parquet file of which nothing is deleted.
func whole(t table.FileScanTask) bool {
	return t.File.FileFormat() == iceberg.ParquetFile && !hasDeletes(t) && len(t.File.KeyMetadata()) == 0 &&
		t.Start == 0 && (t.Length == 0 || t.Length == t.File.FileSizeBytes())
}

// locate finds the fields in a file, by their ids in the table: name to place.
// A field without a place is NULL in all rows of the file.
func locate[R any](f *parquetFile, t *table.Table, fs []field[R]) (map[string]int, error) {
	columns := t.Schema().Fields()
	at := make(map[string]int, len(fs))
	for _, want := range fs {
		i := slices.IndexFunc(columns, func(c iceberg.NestedField) bool { return c.Name == want.column })
		if i < 0 {
			continue
		}
		place, ok := f.places[columns[i].ID]
		switch {
		case ok:
			at[want.name] = place
		case columns[i].InitialDefault != nil || isPartition(t, columns[i].ID):
			return nil, errPlain
		}
	}
	return at, nil
}

// isPartition says whether the values of a column may be in the manifests only.
func isPartition(t *table.Table, id int) bool {
	for _, spec := range t.Metadata().PartitionSpecs() {
		for _, p := range spec.Fields() {
			if _, plain := p.Transform.(iceberg.IdentityTransform); plain && slices.Contains(p.SourceIDs, id) {
				return true
			}
		}
	}
	return false
}

// readGroup reads the wanted rows of a row group: of all rows the keys, of the
// wanted ones the rest. scratch has slices of R for the former.
func readGroup[R any](ctx context.Context, f *parquetFile, g int, at map[string]int, s selection[R], scratch *sync.Pool) ([]R, error) {
	all := []span{{0, f.rows(g)}}
	if s.keep == nil {
		rows := make([]R, f.rows(g))
		return rows, readFields(ctx, f, g, at, s.fields, all, rows)
	}
	rows, _ := scratch.Get().([]R)
	rows = slices.Grow(rows[:0], int(f.rows(g)))[:f.rows(g)]
	defer func() { clear(rows); scratch.Put(rows) }() //nolint:staticcheck // a header per row group
	isKey := func(fd field[R]) bool { return slices.Contains(s.keys, fd.name) }
	if err := readFields(ctx, f, g, at, pick(s.fields, isKey), all, rows); err != nil {
		return nil, err
	}
	var wanted []span
	var kept []R
	for i := range rows {
		if s.keep(&rows[i]) {
			wanted, kept = with(wanted, int64(i)), append(kept, rows[i])
		}
	}
	rest := pick(s.fields, func(fd field[R]) bool { return !isKey(fd) })
	return kept, readFields(ctx, f, g, at, rest, wanted, kept)
}

// readFields reads the fields fs of the rows in spans into rows.
func readFields[R any](ctx context.Context, f *parquetFile, g int, at map[string]int, fs []field[R], spans []span, rows []R) error {
	if len(spans) == 0 {
		return nil
	}
	for _, fd := range fs {
		place, ok := at[fd.name]
		if fd.derived {
			continue
		}
		if !ok || f.isNull(g, place) {
			decodeNulls(fd, rows)
			continue
		}
		left := rows
		err := f.read(ctx, g, place, spans, func(col arrow.Array) error {
			n := col.Len()
			err := decodeColumn(col, 0, fd, left[:n])
			left = left[n:]
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inOrder calls produce for 0 to n-1, as many at once as there are processors,
// and visit with what they yield in the order of a loop.
func inOrder[T any](ctx context.Context, n int, produce func(ctx context.Context, i int, yield func(T) error) error, visit func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]chan T, n)
	for i := range results {
		results[i] = make(chan T, 1)
	}
	var producing errgroup.Group
	producing.Go(func() error {
		workers, ctx := errgroup.WithContext(ctx)
		workers.SetLimit(runtime.GOMAXPROCS(0))
		for i := range n {
			workers.Go(func() error {
				defer close(results[i])
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return produce(ctx, i, func(v T) error {
					select {
					case results[i] <- v:
						return nil
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				})
			})
		}
		return workers.Wait()
	})
	var failed error
	for i := range results {
		for v := range results[i] {
			if failed != nil {
				continue // whoever produces must not wait for ever
			}
			if failed = visit(v); failed != nil {
				cancel(failed)
			}
		}
	}
	return cmp.Or(failed, producing.Wait())
}
