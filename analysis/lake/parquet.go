package lake

import (
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A parquetFile reads parts of the columns of an open file. Columns go by their
// place among the top-level ones.
type parquetFile struct {
	file   *file.Reader
	arrow  *pqarrow.FileReader // for what is not flat
	places map[int]int         // Iceberg's field ids to places
	leaves map[int]bool        // all, as arrow wants them
}

// openParquet reads the footer. A file without field ids is errPlain.
func openParquet(r parquet.ReaderAtSeeker) (*parquetFile, error) {
	props := parquet.NewReaderProperties(&buffers)
	rd, err := file.NewParquetReader(r, file.WithReadProps(props))
	if err != nil {
		return nil, err
	}
	ar, err := pqarrow.NewFileReader(rd, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	f := &parquetFile{file: rd, arrow: ar, places: make(map[int]int), leaves: make(map[int]bool)}
	for i, top := range ar.Manifest.Fields {
		text, _ := top.Field.Metadata.GetValue("PARQUET:field_id")
		id, err := strconv.Atoi(text)
		if err != nil || id < 0 {
			return nil, errPlain
		}
		f.places[id] = i
	}
	for i := range rd.MetaData().Schema.NumColumns() {
		f.leaves[i] = true
	}
	return f, nil
}

func (f *parquetFile) rowGroups() []int {
	groups := make([]int, f.file.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	return groups
}

func (f *parquetFile) rows(group int) int64 { return f.file.MetaData().RowGroups[group].NumRows }

// isNull says whether a column is known to be NULL in all rows of a row group.
func (f *parquetFile) isNull(group, place int) bool {
	top := f.arrow.Manifest.Fields[place]
	if !top.IsLeaf() {
		return false
	}
	chunk := f.file.MetaData().RowGroups[group].Columns[top.ColIndex].MetaData
	return chunk != nil && chunk.Statistics != nil && chunk.Statistics.NullCount != nil && *chunk.Statistics.NullCount == chunk.NumValues
}

// A span is some rows of a row group, one after the other.
type span struct{ from, n int64 }

// longest is the most rows of a span.
func longest(spans []span) int64 {
	var n int64
	for _, s := range spans {
		n = max(n, s.n)
	}
	return n
}

// with adds a row behind spans.
func with(spans []span, row int64) []span {
	if last := len(spans) - 1; last >= 0 && spans[last].from+spans[last].n == row {
		spans[last].n++
		return spans
	}
	return append(spans, span{row, 1})
}

// read hands the values of a column in spans, which are sorted, to visit. The
// array is only valid during the call.
func (f *parquetFile) read(ctx context.Context, group, place int, spans []span, visit func(arrow.Array) error) error {
	values, err := readLeaves(f.file.RowGroup(group), &f.arrow.Manifest.Fields[place], spans)
	if err == nil {
		defer values.Release()
		return visit(values)
	}
	if !errors.Is(err, errDeep) {
		return err
	}
	column, err := f.arrow.GetFieldReader(ctx, place, f.leaves, []int{group})
	if err != nil {
		return err
	}
	defer column.Release()
	return readDeep(column, spans, visit)
}

func readDeep(column *pqarrow.ColumnReader, spans []span, visit func(arrow.Array) error) error {
	var at int64
	for _, s := range spans {
		// Not SeekToRow: it counts values as rows.
		if s.from > at {
			skipped, err := column.NextBatch(s.from - at)
			if err != nil {
				return err
			}
			skipped.Release()
		}
		values, err := column.NextBatch(s.n)
		if err != nil {
			return err
		}
		at = s.from + s.n
		for _, chunk := range values.Chunks() {
			if err := visit(chunk); err != nil {
				values.Release()
				return err
			}
		}
		values.Release()
	}
	return nil
}

// bounds are what the footer says of the values in a row group.
type bounds struct {
	file  *parquetFile
	group int
	at    map[string]int // fields to places
}

// texts are a least and a greatest value of a field; ok is false when that is
// not known.
func (b bounds) texts(name string) (least, greatest string, ok bool) {
	low, high, ok := b.extremes(name, parquet.Types.ByteArray)
	return string(low), string(high), ok
}

// times is texts for a field that is a time.
func (b bounds) times(name string) (first, last time.Time, ok bool) {
	low, high, ok := b.extremes(name, parquet.Types.Int64)
	if !ok || len(low) != 8 || len(high) != 8 {
		return time.Time{}, time.Time{}, false
	}
	of, ok := b.file.arrow.Manifest.Fields[b.at[name]].Field.Type.(*arrow.TimestampType)
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	at := func(stored []byte) time.Time {
		return arrow.Timestamp(binary.LittleEndian.Uint64(stored)).ToTime(of.Unit)
	}
	return at(low), at(high), true
}

// extremes reads the footer itself: Arrow copies all that is known of a column.
func (b bounds) extremes(name string, of parquet.Type) (low, high []byte, ok bool) {
	place, ok := b.at[name]
	if !ok || !b.file.arrow.Manifest.Fields[place].IsLeaf() {
		return nil, nil, false
	}
	chunk := b.file.file.MetaData().RowGroups[b.group].Columns[b.file.arrow.Manifest.Fields[place].ColIndex].MetaData
	if chunk == nil || parquet.Type(chunk.Type) != of || chunk.Statistics == nil {
		return nil, nil, false
	}
	low, high = chunk.Statistics.MinValue, chunk.Statistics.MaxValue
	return low, high, low != nil && high != nil
}

// buffers keeps those of pages for the next column: opening one takes three.
var buffers recycler

// A recycler is an allocator that hands out again what was freed. It has a pool
// per power of two.
type recycler [bits.UintSize]sync.Pool

func (r *recycler) Allocate(size int) []byte {
	class := bits.Len(uint(max(size, 1) - 1))
	if b, ok := r[class].Get().(*[]byte); ok {
		clear((*b)[:size])
		return (*b)[:size]
	}
	return make([]byte, size, 1<<class)
}

func (r *recycler) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	bigger := r.Allocate(size)
	copy(bigger, b)
	r.Free(b)
	return bigger
}

func (r *recycler) Free(b []byte) {
	if c := cap(b); c > 0 && c&(c-1) == 0 {
		b = b[:0]
		r[bits.Len(uint(c-1))].Put(&b)
	}
}
