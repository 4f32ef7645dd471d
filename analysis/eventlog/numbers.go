package eventlog

import (
	"cmp"
	"math"
	"slices"

	"github.com/sparktune/sparktune/analysis"
)

func some(v int64) analysis.Opt[int64] { return analysis.Some(v) }

// positive is v, missing when it is not above zero: Spark writes 0 and -1 for
// memory that was not sampled.
func positive(v int64) analysis.Opt[int64] {
	if v <= 0 {
		return analysis.Opt[int64]{}
	}
	return some(v)
}

// ratio is a over b, missing when b is not above zero.
func ratio(a, b int64) analysis.Opt[float64] {
	if b <= 0 {
		return analysis.Opt[float64]{}
	}
	return analysis.Some(float64(a) / float64(b))
}

// A sum adds measurements that may be absurd: negative ones count as nothing,
// and it never overflows.
type sum int64

func (s *sum) add(v int64) {
	if v <= 0 {
		return
	}
	if int64(*s) > math.MaxInt64-v {
		*s = math.MaxInt64
		return
	}
	*s += sum(v)
}

// times multiplies without overflow; negative factors count as zero.
func times(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// counts is a small table of how often each of a few names occurred. Names
// beyond its bound count together.
type counts map[string]int64

const (
	maxCounts  = 16
	otherCount = "other"
)

func (c *counts) add(name string) {
	if *c == nil {
		*c = make(counts)
	}
	if _, ok := (*c)[name]; !ok && (len(*c) >= maxCounts || len(name) > maxID || name == "") {
		name = otherCount
	}
	(*c)[name]++
}

// mostCommon is the key with the highest count, the larger key on a tie.
func mostCommon(m map[int64]int64) (int64, bool) {
	best, ok := int64(0), false
	for k, n := range m {
		if !ok || cmp.Or(cmp.Compare(n, m[best]), cmp.Compare(k, best)) > 0 {
			best, ok = k, true
		}
	}
	return best, ok
}

// median of sorted or unsorted values; the mean of the middle two. It sorts.
func median(v []int64) float64 {
	slices.Sort(v)
	n := len(v)
	if n%2 == 1 {
		return float64(v[n/2])
	}
	return float64(v[n/2-1])/2 + float64(v[n/2])/2
}
