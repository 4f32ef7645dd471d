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
		at := batch.Schema().FieldIndices(f.name)
		if f.derived || len(at) == 0 {
			continue
		}
		col := batch.Column(at[0])
		for i := range runs {
			if col.IsNull(i) {
				continue
			}
			if err := readValue(f.value(&runs[i]), col, i); err != nil {
				return fmt.Errorf("column %s: %w", f.name, err)
			}
		}
	}
	return nil
}

// readValue sets what p points to; the types are those of [analysis.Column].
func readValue(p any, col arrow.Array, i int) error {
	switch v := p.(type) {
	case *string:
		return set(v, col, i, strings.Clone)
	case *bool:
		return set(v, col, i, same)
	case *int64:
		return set(v, col, i, same)
	case *time.Time:
		return set(v, col, i, utc)
	case *analysis.Opt[bool]:
		return set(v, col, i, analysis.Some)
	case *analysis.Opt[int64]:
		return set(v, col, i, analysis.Some)
	case *analysis.Opt[float64]:
		return set(v, col, i, analysis.Some)
	case *[]string:
		return readList(v, col, i)
	case *map[string]int64:
		return readMap(v, col, i, same)
	case *analysis.Conf:
		return readMap(v, col, i, strings.Clone)
	}
	panic(fmt.Sprintf("unreachable except bug in analysis.Columns: %T", p))
}

// A valuer is an Arrow array of values of type T.
type valuer[T any] interface{ Value(int) T }

// set converts value i of col into *p.
func set[T, V any](p *T, col arrow.Array, i int, convert func(V) T) error {
	a, ok := col.(valuer[V])
	if !ok {
		return fmt.Errorf("has type %s, which does not fit %T", col.DataType(), *p)
	}
	*p = convert(a.Value(i))
	return nil
}

func same[T any](v T) T { return v }

func utc(t arrow.Timestamp) time.Time { return time.UnixMicro(int64(t)).UTC() }

func readList(p *[]string, col arrow.Array, i int) error {
	list, ok := col.(array.ListLike)
	if !ok {
		return fmt.Errorf("has type %s, want a list of text", col.DataType())
	}
	from, to := list.ValueOffsets(i)
	texts := make([]string, to-from)
	for j := range texts {
		if list.ListValues().IsNull(int(from) + j) {
			continue
		}
		if err := set(&texts[j], list.ListValues(), int(from)+j, strings.Clone); err != nil {
			return err
		}
	}
	*p = texts
	return nil
}

func readMap[V any, M ~map[string]V](p *M, col arrow.Array, i int, convert func(V) V) error {
	a, ok := col.(*array.Map)
	if !ok {
		return fmt.Errorf("has type %s, want a map", col.DataType())
	}
	from, to := a.ValueOffsets(i)
	m := make(M, to-from)
	for j := int(from); j < int(to); j++ {
		if a.Items().IsNull(j) {
			continue
		}
		var k string
		var v V
		if err := set(&k, a.Keys(), j, strings.Clone); err != nil {
			return err
		}
		if err := set(&v, a.Items(), j, convert); err != nil {
			return err
		}
		m[k] = v
	}
	*p = m
	return nil
}
