package lake

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/sparktune/sparktune/analysis"
)

// decode reads a batch into runs, which has one zero Run per row. Columns that
// are not among fs, and derived ones, are skipped.
func decode(batch arrow.RecordBatch, fs []field, runs []analysis.Run) error {
	for _, f := range fs {
		at := batch.Schema().FieldIndices(f.column)
		if f.derived || len(at) == 0 {
			continue
		}
		col := batch.Column(at[0])
		for i := range runs {
			if col.IsNull(i) {
				continue
			}
			if err := readValue(f.value(&runs[i]), col, i); err != nil {
				return fmt.Errorf("column %s: %w", f.column, err)
			}
		}
	}
	return nil
}

// readValue sets what p points to; the types are those of [analysis.Column].
func readValue(p any, col arrow.Array, i int) error {
	switch v := p.(type) {
	case *string:
		return set(v, col, i, text, same)
	case *bool:
		return set(v, col, i, flag, same)
	case *int64:
		return set(v, col, i, integer, same)
	case *time.Time:
		return set(v, col, i, instant, same)
	case *analysis.Opt[bool]:
		return set(v, col, i, flag, analysis.Some)
	case *analysis.Opt[int64]:
		return set(v, col, i, integer, analysis.Some)
	case *analysis.Opt[float64]:
		return set(v, col, i, float, analysis.Some)
	case *[]string:
		return readList(v, col, i)
	case *map[string]int64:
		return readMap(v, col, i, integer)
	case *analysis.Conf:
		return readMap(v, col, i, text)
	}
	panic(fmt.Sprintf("unreachable except bug in analysis.Columns: %T", p))
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

func flag(col arrow.Array, i int) (bool, bool) {
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

func readList(p *[]string, col arrow.Array, i int) error {
	list, ok := col.(array.ListLike)
	if !ok {
		return fmt.Errorf("has type %s, want a list of text", col.DataType())
	}
	from, to := list.ValueOffsets(i)
	texts := make([]string, to-from)
	for j := range texts {
		at := int(from) + j
		if list.ListValues().IsNull(at) {
			continue
		}
		if err := set(&texts[j], list.ListValues(), at, text, same); err != nil {
			return err
		}
	}
	*p = texts
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
