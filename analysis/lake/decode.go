package lake

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/sparktune/sparktune/analysis"
)

// decode reads a batch into rows, which has one zero R per row. Columns that
// are not among fs, and derived ones, are skipped.
func decode[R any](batch arrow.RecordBatch, fs []field[R], rows []R) error {
	for _, f := range fs {
		at := batch.Schema().FieldIndices(f.column)
		if f.derived {
			continue
		}
		if len(at) == 0 {
			decodeNulls(f, rows)
			continue
		}
		if err := decodeColumn(batch.Column(at[0]), 0, f, rows); err != nil {
			return err
		}
	}
	return nil
}

// decodeColumn reads what col has from offset on into one field of rows.
func decodeColumn[R any](col arrow.Array, offset int, f field[R], rows []R) error {
	for i := range rows {
		if col.IsNull(offset + i) {
			f.setNull(&rows[i])
			continue
		}
		if err := readValue(f.value(&rows[i]), col, offset+i); err != nil {
			return fmt.Errorf("column %s: %w", f.column, err)
		}
	}
	return nil
}

// decodeNulls is decodeColumn of a column that has no values.
func decodeNulls[R any](f field[R], rows []R) {
	for i := range rows {
		f.setNull(&rows[i])
	}
}

// readValue sets what p points to; the types are those of [field].
func readValue(p any, col arrow.Array, i int) error {
	switch v := p.(type) {
	case *string:
		return set(v, col, i, text, same)
	case *bool:
		return set(v, col, i, boolean, same)
	case *int64:
		return set(v, col, i, integer, same)
	case *time.Time:
		return set(v, col, i, instant, same)
	case *analysis.Opt[bool]:
		return set(v, col, i, boolean, analysis.Some)
	case *analysis.Opt[int64]:
		return set(v, col, i, integer, analysis.Some)
	case *analysis.Opt[float64]:
		return set(v, col, i, float, analysis.Some)
	case *[]string:
		return readList(v, col, i, text)
	case *map[string]int64:
		return readMap(v, col, i, integer)
	case *analysis.Conf:
		return readMap(v, col, i, text)
	}
	return readNested(p, col, i)
}

// readNested is readValue for what only profiles have.
func readNested(p any, col arrow.Array, i int) error {
	switch v := p.(type) {
	case *float64:
		return set(v, col, i, float, same)
	case *[]int64:
		err := readList(v, col, i, integer)
		if len(*v) == 0 {
			*v = nil // as in a profile that was measured
		}
		return err
	case *analysis.Histogram:
		return readHistogram(v, col, i)
	case *[]analysis.StageProfile:
		return readStructs(v, stageFields, col, i)
	case *[]analysis.ExecutorStep:
		return readStructs(v, stepFields, col, i)
	case *[]analysis.Span:
		return readStructs(v, spanFields, col, i)
	}
	panic(fmt.Sprintf("unreachable except bug in the columns: %T", p))
}

// set converts value i of col into *p.
func set[T, V any](p *T, col arrow.Array, i int, read func(arrow.Array, int) (V, bool), convert func(V) T) error {
	v, ok := read(col, i)
	if !ok {
		return fmt.Errorf("has type %s, which does not fit %T", col.DataType(), *p)
	}
	*p = convert(v)
	return nil
}

func same[T any](v T) T { return v }

// The readers take the types of our table and, for foreign ones, what fits
// into them.

func text(col arrow.Array, i int) (string, bool) {
	a, ok := col.(interface{ Value(int) string })
	if !ok {
		return "", false
	}
	return strings.Clone(a.Value(i)), true // the batch is freed
}

func boolean(col arrow.Array, i int) (bool, bool) {
	a, ok := col.(*array.Boolean)
	return ok && a.Value(i), ok
}

func integer(col arrow.Array, i int) (int64, bool) {
	switch a := col.(type) {
	case *array.Int64:
		return a.Value(i), true
	case *array.Int32:
		return int64(a.Value(i)), true
	}
	return 0, false
}

func float(col arrow.Array, i int) (float64, bool) {
	switch a := col.(type) {
	case *array.Float64:
		return a.Value(i), true
	case *array.Float32:
		return float64(a.Value(i)), true
	}
	n, ok := integer(col, i)
	return float64(n), ok
}

func instant(col arrow.Array, i int) (time.Time, bool) {
	a, ok := col.(*array.Timestamp)
	if !ok {
		return time.Time{}, false
	}
	return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit), true
}

func readList[V any](p *[]V, col arrow.Array, i int, value func(arrow.Array, int) (V, bool)) error {
	list, ok := col.(array.ListLike)
	if !ok {
		return fmt.Errorf("has type %s, want a list", col.DataType())
	}
	from, to := list.ValueOffsets(i)
	values := make([]V, to-from)
	for j := range values {
		at := int(from) + j
		if list.ListValues().IsNull(at) {
			continue
		}
		if err := set(&values[j], list.ListValues(), at, value, same); err != nil {
			return err
		}
	}
	*p = values
	return nil
}

// readHistogram sorts: a map of another engine has no order.
func readHistogram(p *analysis.Histogram, col arrow.Array, i int) error {
	a, ok := col.(*array.Map)
	if !ok {
		return fmt.Errorf("has type %s, want a map", col.DataType())
	}
	from, to := a.ValueOffsets(i)
	h := make(analysis.Histogram, 0, to-from)
	for j := int(from); j < int(to); j++ {
		bucket, isInt := integer(a.Keys(), j)
		count, isCount := integer(a.Items(), j)
		if !isInt || !isCount {
			return fmt.Errorf("has type %s, want a map of numbers", col.DataType())
		}
		h = append(h, analysis.Bin{Bucket: int32(bucket), Count: count})
	}
	*p = h.Merge(nil)
	return nil
}

func readStructs[R any](p *[]R, fs []field[R], col arrow.Array, i int) error {
	list, ok := col.(array.ListLike)
	if !ok {
		return fmt.Errorf("has type %s, want a list", col.DataType())
	}
	structs, ok := list.ListValues().(*array.Struct)
	if !ok {
		return fmt.Errorf("has type %s, want a list of structs", col.DataType())
	}
	from, to := list.ValueOffsets(i)
	if from == to {
		return nil // as in a profile that was measured
	}
	rows := make([]R, to-from)
	of := structs.DataType().(*arrow.StructType)
	for _, f := range fs {
		if at, ok := of.FieldIdx(f.column); ok {
			if err := decodeColumn(structs.Field(at), int(from), f, rows); err != nil {
				return err
			}
		}
	}
	*p = rows
	return nil
}

func readMap[V any, M ~map[string]V](p *M, col arrow.Array, i int, value func(arrow.Array, int) (V, bool)) error {
	a, ok := col.(*array.Map)
	if !ok {
		return fmt.Errorf("has type %s, want a map", col.DataType())
	}
	from, to := a.ValueOffsets(i)
	m := make(M, to-from)
	for j := int(from); j < int(to); j++ {
		k, keyOK := text(a.Keys(), j)
		if !keyOK {
			return fmt.Errorf("has type %s, want text as keys", col.DataType())
		}
		if a.Items().IsNull(j) {
			continue
		}
		var v V
		if err := set(&v, a.Items(), j, value, same); err != nil {
			return err
		}
		m[k] = v
	}
	*p = m
	return nil
}
