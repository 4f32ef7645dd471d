package lake

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// errDeep says that a column is more than readLeaves can.
var errDeep = errors.New("neither values, lists nor maps of values")

// readLeaves reads the rows in spans of a column that holds values, lists of
// values or maps of them; all others are errDeep. It does what Arrow's reader
// of columns does, which has no way to leave rows out.
func readLeaves(group *file.RowGroupReader, top *pqarrow.SchemaField, spans []span) (arrow.Array, error) {
	b := array.NewBuilder(&buffers, top.Field.Type)
	defer b.Release()
	ls := lists{nullable: top.Field.Nullable}
	var err error
	switch b := b.(type) {
	case *array.ListBuilder:
		if err = readLeaf(group, &top.Children[0], spans, &ls, b.ValueBuilder()); err == nil {
			b.AppendValues(ls.offsets, ls.valid)
		}
	case *array.MapBuilder:
		entry := top.Children[0].Children
		same := ls // as those of the keys
		err = readLeaf(group, &entry[0], spans, &ls, b.KeyBuilder())
		if err == nil {
			err = readLeaf(group, &entry[1], spans, &same, b.ItemBuilder())
		}
		if err == nil {
			b.AppendValues(ls.offsets, ls.valid)
		}
	default:
		err = readLeaf(group, top, spans, nil, b)
	}
	if err != nil {
		return nil, err
	}
	return b.NewArray(), nil
}

// readLeaf appends the values of a leaf to b and, unless ls is nil, their
// division into lists to ls.
func readLeaf(group *file.RowGroupReader, field *pqarrow.SchemaField, spans []span, ls *lists, b array.Builder) error {
	if !field.IsLeaf() {
		return errDeep
	}
	chunk, err := group.Column(field.ColIndex)
	if err != nil {
		return err
	}
	defer chunk.Close()
	switch c := chunk.(type) {
	case *file.Int64ColumnChunkReader:
		switch b := b.(type) {
		case *array.Int64Builder:
			return readValues(c, spans, ls, b, b.Append)
		case *array.TimestampBuilder:
			return readValues(c, spans, ls, b, func(v int64) { b.Append(arrow.Timestamp(v)) })
		}
	case *file.Int32ColumnChunkReader:
		if b, ok := b.(*array.Int32Builder); ok {
			return readValues(c, spans, ls, b, b.Append)
		}
	case *file.Float64ColumnChunkReader:
		if b, ok := b.(*array.Float64Builder); ok {
			return readValues(c, spans, ls, b, b.Append)
		}
	case *file.Float32ColumnChunkReader:
		if b, ok := b.(*array.Float32Builder); ok {
			return readValues(c, spans, ls, b, b.Append)
		}
	case *file.BooleanColumnChunkReader:
		if b, ok := b.(*array.BooleanBuilder); ok {
			return readValues(c, spans, ls, b, b.Append)
		}
	case *file.ByteArrayColumnChunkReader:
		if b, ok := b.(*array.StringBuilder); ok {
			return readValues(c, spans, ls, b, func(v parquet.ByteArray) { b.BinaryBuilder.Append(v) })
		}
	}
	return errDeep
}

// A leaf is one of Arrow's readers of a column in a row group. It reads within
// a page, since the texts of one are overwritten by the next.
type leaf[T any] interface {
	Descriptor() *schema.Column
	HasNext() bool
	Err() error
	Skip(rows int64) (int64, error)
	ReadBatchInPage(n int64, values []T, definition, repetition []int16) (levels int64, read int, err error)
}

// leafBatch is how many values are read at once.
const leafBatch = 512

func readValues[T any](c leaf[T], spans []span, ls *lists, b array.Builder, add func(T)) error {
	repeated, defined := c.Descriptor().MaxRepetitionLevel(), c.Descriptor().MaxDefinitionLevel()
	switch {
	case ls == nil && repeated == 0 && defined <= 1:
		return readFlat(c, spans, b, add)
	case ls != nil && repeated == 1 && defined-ls.level() <= 2:
		return readLists(c, spans, ls, b, add)
	}
	return errDeep
}

// readFlat reads a value or NULL per row.
func readFlat[T any](c leaf[T], spans []span, b array.Builder, add func(T)) error {
	nullable := c.Descriptor().MaxDefinitionLevel() > 0
	most := min(leafBatch, longest(spans))
	values, defined := make([]T, most), make([]int16, most)
	var row int64
	for _, s := range spans {
		if _, err := c.Skip(s.from - row); err != nil {
			return err
		}
		for row = s.from; row < s.from+s.n; {
			if !c.HasNext() {
				return fmt.Errorf("row %d: %w", row, cmp.Or(c.Err(), io.ErrUnexpectedEOF))
			}
			n, _, err := c.ReadBatchInPage(min(most, s.from+s.n-row), values, defined, nil)
			if err != nil {
				return err
			}
			next := 0
			for i := range n {
				if nullable && defined[i] == 0 {
					b.AppendNull()
					continue
				}
				add(values[next])
				next++
			}
			row += n
		}
	}
	return nil
}

// lists are rows of lists or maps, without what is in them.
type lists struct {
	nullable bool
	offsets  []int32 // where each begins
	valid    []bool
}

// level is the definition level of an empty list; that of NULL is below.
func (ls *lists) level() int16 {
	if ls.nullable {
		return 1
	}
	return 0
}

// readLists reads any number of values per row. There is no skipping: the
// levels say where a row begins.
func readLists[T any](c leaf[T], spans []span, ls *lists, b array.Builder, add func(T)) error {
	full, empty := c.Descriptor().MaxDefinitionLevel(), ls.level()
	values, defined, repeated := make([]T, leafBatch), make([]int16, leafBatch), make([]int16, leafBatch)
	row, wanted := int64(-1), false
	for len(spans) > 0 && c.HasNext() {
		n, _, err := c.ReadBatchInPage(leafBatch, values, defined, repeated)
		if err != nil {
			return err
		}
		next := 0
		for i := range n {
			if repeated[i] == 0 {
				row++
				if len(spans) > 0 && row == spans[0].from+spans[0].n {
					spans = spans[1:]
				}
				if wanted = len(spans) > 0 && row >= spans[0].from; wanted {
					ls.offsets = append(ls.offsets, int32(b.Len()))
					ls.valid = append(ls.valid, defined[i] >= empty)
				}
			}
			has := defined[i] == full
			switch {
			case wanted && has:
				add(values[next])
			case wanted && defined[i] > empty:
				b.AppendNull()
			}
			if has {
				next++
			}
		}
	}
	return c.Err()
}
