package eventlog

import (
	"math/bits"
	"slices"
)

// A dist is the distribution of one measure over tasks: every value while
// there is room, a log histogram when there is not. Extremes are exact in both.
type dist struct {
	n     int64
	max   int64
	min   int64
	exact []int64
	hist  *histogram
	// middle is the exact median of the first condensed values.
	middle    float64
	condensed int64
}

// A dist keeps fewExact values in any case, and up to maxExact while the room
// that it shares with others lasts.
const (
	fewExact = 1 << 10
	maxExact = 1 << 16
)

// add takes a value in; room is how many more values all dists may keep.
func (d *dist) add(v int64, room *int) {
	v = max(v, 0)
	if d.n == 0 || v < d.min {
		d.min = v
	}
	d.n++
	d.max = max(d.max, v)
	if n := len(d.exact); d.hist == nil && n >= fewExact && (n >= maxExact || *room <= 0) {
		d.spill(room)
	}
	if d.hist != nil {
		*room -= d.hist.add(v)
		return
	}
	d.exact = append(d.exact, v)
	*room--
}

func (d *dist) spill(room *int) {
	h := new(histogram)
	for _, v := range d.exact {
		*room -= h.add(v)
	}
	d.free(room)
	d.hist = h
}

// condense keeps the median instead of the values, and a histogram should more
// of them come.
func (d *dist) condense(room *int) {
	if len(d.exact) > fewExact {
		d.middle, d.condensed = median(d.exact), d.n
		d.spill(room)
	}
}

// free gives the room back.
func (d *dist) free(room *int) {
	*room += len(d.exact)
	if d.hist != nil {
		*room += d.hist.size()
	}
	d.exact = nil
}

// median is 0 for an empty dist. It is exact while the values are kept, and where
// none came after they were condensed.
func (d *dist) median() float64 {
	switch {
	case d.n == 0:
		return 0
	case d.hist == nil:
		return median(d.exact)
	case d.n == d.condensed:
		return d.middle
	}
	return float64(d.quantile(1, 2))
}

// quantile is the value of nearest rank to num/den; 0 for an empty dist.
func (d *dist) quantile(num, den int64) int64 {
	if d.n == 0 {
		return 0
	}
	rank := (d.n*num + den - 1) / den
	if d.hist == nil {
		slices.Sort(d.exact)
		return d.exact[rank-1]
	}
	return min(max(d.hist.rank(rank), d.min), d.max)
}

// A histogram counts values in buckets of 1/128 of a power of two: a quantile
// is within 0.4 % of the true one, at any size. Rows are made when needed, so
// that it costs about 5 KB for what tasks really do.
type histogram struct {
	rows [64 - mantissa]*[1 << mantissa]uint32
}

const mantissa = 7

// bucket is the row and column of v: row 0 holds 0..127 exactly, row r the
// values of bit length mantissa+r.
func bucket(v int64) (row, col int) {
	row = max(bits.Len64(uint64(v))-mantissa, 0)
	if row == 0 {
		return 0, int(v)
	}
	return row, int(v>>(row-1)) & (1<<mantissa - 1)
}

// rowSize is the room that a row takes, in values.
const rowSize = 1 << mantissa * 4 / 8

// add takes a value in and gives the room that this took.
func (h *histogram) add(v int64) int {
	row, col := bucket(v)
	took := 0
	if h.rows[row] == nil {
		h.rows[row] = new([1 << mantissa]uint32)
		took = rowSize
	}
	h.rows[row][col]++
	return took
}

// size is the room that the rows take.
func (h *histogram) size() int {
	n := 0
	for _, row := range h.rows {
		if row != nil {
			n += rowSize
		}
	}
	return n
}

// rank is the middle of the bucket that holds the value of this rank, from 1.
func (h *histogram) rank(rank int64) int64 {
	for row, cols := range h.rows {
		if cols == nil {
			continue
		}
		for col, n := range cols {
			if rank -= int64(n); rank <= 0 {
				return middle(row, col)
			}
		}
	}
	return 0 // unreachable except bug in this package: ranks end at n
}

func middle(row, col int) int64 {
	if row == 0 {
		return int64(col)
	}
	width := int64(1) << (row - 1)
	return int64(1<<mantissa+col)<<(row-1) + width/2
}
