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

// encode makes one batch of rows in the table's schema. A column of the table
// that is not among fs becomes NULL.
func encode[R any](sc *iceberg.Schema, fs []field[R], rows []R) (arrow.RecordBatch, error) {
	as, err := table.SchemaToArrowSchema(sc, nil, true, false)
	if err != nil {
		return nil, fmt.Errorf("schema of the table: %w", err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, as)
	defer b.Release()
	for i, col := range as.Fields() {
		appendColumn(b.Field(i), col.Name, fs, rows)
	}
	return b.NewRecordBatch(), nil
}

func appendColumn[R any](b array.Builder, name string, fs []field[R], rows []R) {
	at := slices.IndexFunc(fs, func(f field[R]) bool { return f.column == name })
	for i := range rows {
		if at < 0 {
			b.AppendNull()
			continue
		}
		appendValue(b, fs[at].value(&rows[i]), fs[at].required)
	}
}

// appendValue appends what p points to; the types are those of [field]. Missing, empty text and a zero time are NULL, except that
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
	case *float64:
		b.(*array.Float64Builder).Append(*v)
	case *[]string:
		appendList(b.(*array.ListBuilder), *v)
	case *map[string]int64:
		appendMap[int64](b.(*array.MapBuilder), *v)
	case *analysis.Conf:
		appendMap[string](b.(*array.MapBuilder), *v)
	default:
		appendNested(b, p)
	}
}

// appendNested is appendValue for what only profiles have. An empty list there
// is a list, not NULL.
func appendNested(b array.Builder, p any) {
	switch v := p.(type) {
	case *[]int64:
		b.(*array.ListBuilder).Append(true)
		b.(*array.ListBuilder).ValueBuilder().(*array.Int64Builder).AppendValues(*v, nil)
	case *analysis.Histogram:
		appendHistogram(b.(*array.MapBuilder), *v)
	case *[]analysis.StageProfile:
		appendStructs(b.(*array.ListBuilder), stageFields, *v)
	case *[]analysis.ExecutorStep:
		appendStructs(b.(*array.ListBuilder), stepFields, *v)
	case *[]analysis.Span:
		appendStructs(b.(*array.ListBuilder), spanFields, *v)
	default:
		panic(fmt.Sprintf("unreachable except bug in the columns: %T", p))
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

func appendHistogram(b *array.MapBuilder, h analysis.Histogram) {
	b.Append(true)
	for _, bin := range h {
		b.KeyBuilder().(*array.Int32Builder).Append(bin.Bucket)
		b.ItemBuilder().(*array.Int64Builder).Append(bin.Count)
	}
}

func appendStructs[R any](b *array.ListBuilder, fs []field[R], rows []R) {
	b.Append(true)
	structs := b.ValueBuilder().(*array.StructBuilder)
	for range rows {
		structs.Append(true)
	}
	of := structs.Type().(*arrow.StructType)
	for i, f := range of.Fields() {
		appendColumn(structs.FieldBuilder(i), f.Name, fs, rows)
	}
}
