package lake

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// encode makes one batch of runs in the table's schema. A column of the table
// that is not among fs becomes NULL.
func encode(sc *iceberg.Schema, fs []field, runs []analysis.Run) (arrow.RecordBatch, error) {
	as, err := table.SchemaToArrowSchema(sc, nil, true, false)
	if err != nil {
		return nil, fmt.Errorf("schema of the table: %w", err)
	}
	byName := make(map[string]field, len(fs))
	for _, f := range fs {
		byName[f.column] = f
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, as)
	defer b.Release()
	for i, col := range as.Fields() {
		f, known := byName[col.Name]
		for j := range runs {
			if !known {
				b.Field(i).AppendNull()
				continue
			}
			appendValue(b.Field(i), f.value(&runs[j]), f.required)
		}
	}
	return b.NewRecordBatch(), nil
}

// appendValue appends what p points to; the types are those of
// [analysis.Column]. Missing, empty text and a zero time are NULL, except that
// a required text may be empty.
func appendValue(b array.Builder, p any, required bool) {
	switch v := p.(type) {
	case *string:
		appendIf(b.(*array.StringBuilder), *v, *v != "" || required)
	case *bool:
		b.(*array.BooleanBuilder).Append(*v)
	case *int64:
		b.(*array.Int64Builder).Append(*v)
	case *time.Time:
		appendIf(b.(*array.TimestampBuilder), arrow.Timestamp(v.UnixMicro()), !v.IsZero())
	case *analysis.Opt[bool]:
		appendIf(b.(*array.BooleanBuilder), v.V, v.OK)
	case *analysis.Opt[int64]:
		appendIf(b.(*array.Int64Builder), v.V, v.OK)
	case *analysis.Opt[float64]:
		appendIf(b.(*array.Float64Builder), v.V, v.OK)
	case *[]string:
		appendList(b.(*array.ListBuilder), *v)
	case *map[string]int64:
		appendMap[int64](b.(*array.MapBuilder), *v)
	case *analysis.Conf:
		appendMap[string](b.(*array.MapBuilder), *v)
	default:
		panic(fmt.Sprintf("unreachable except bug in analysis.Columns: %T", p))
	}
}

// An appender is an Arrow builder of values of type T.
type appender[T any] interface {
	Append(T)
	AppendNull()
}

func appendIf[T any](b appender[T], v T, ok bool) {
	if !ok {
		b.AppendNull()
		return
	}
	b.Append(v)
}

func appendList(b *array.ListBuilder, texts []string) {
	if texts == nil {
		b.AppendNull()
		return
	}
	b.Append(true)
	for _, s := range texts {
		b.ValueBuilder().(*array.StringBuilder).Append(s)
	}
}

// appendMap writes the entries in the order of their keys, so that equal runs
// are equal bytes.
func appendMap[V any, M ~map[string]V](b *array.MapBuilder, m M) {
	if m == nil {
		b.AppendNull()
		return
	}
	b.Append(true)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.KeyBuilder().(*array.StringBuilder).Append(k)
		b.ItemBuilder().(appender[V]).Append(m[k])
	}
}
