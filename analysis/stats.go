package analysis

import (
	"slices"
)

// A number is a measurement: a count, bytes, a time, a ratio. None is negative.
type number interface{ ~int64 | ~float64 }

// measured are the values that f gives for the runs that have one.
func measured[T number](runs []*Run, f func(*Run) Opt[T]) []T {
	out := make([]T, 0, len(runs))
	for _, r := range runs {
		if v := f(r); v.OK && v.V >= 0 && v.V-v.V == 0 { // neither NaN nor infinite
			out = append(out, v.V)
		}
	}
	return out
}

// maxOf is the largest measured value; missing when no run has one.
func maxOf[T number](runs []*Run, f func(*Run) Opt[T]) Opt[T] {
	v := measured(runs, f)
	if len(v) == 0 {
		return Opt[T]{}
	}
	return Some(slices.Max(v))
}

// minOf is the smallest measured value; missing when no run has one.
func minOf[T number](runs []*Run, f func(*Run) Opt[T]) Opt[T] {
	v := measured(runs, f)
	if len(v) == 0 {
		return Opt[T]{}
	}
	return Some(slices.Min(v))
}

// medianOf is the median of the measured values, the lower of the middle two
// when their number is even, so that it is always a value that was measured.
func medianOf[T number](runs []*Run, f func(*Run) Opt[T]) Opt[T] {
	v := measured(runs, f)
	if len(v) == 0 {
		return Opt[T]{}
	}
	slices.Sort(v)
	return Some(v[(len(v)-1)/2])
}

// count is how many runs f holds for.
func count(runs []*Run, f func(*Run) bool) int {
	n := 0
	for _, r := range runs {
		if f(r) {
			n++
		}
	}
	return n
}

// pick are the runs that f holds for.
func pick(runs []*Run, f func(*Run) bool) []*Run {
	out := make([]*Run, 0, len(runs))
	for _, r := range runs {
		if f(r) {
			out = append(out, r)
		}
	}
	return out
}
