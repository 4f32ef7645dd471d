package analysis

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuckets(t *testing.T) {
	last := int32(-1)
	for v := range int64(1 << 20) {
		b := BucketOf(v)
		lo, hi := BucketBounds(b)
		if v < lo || v > hi || b < last || b > last+1 {
			t.Fatalf("%d is in bucket %d, %d to %d, after %d", v, b, lo, hi, last)
		}
		last = b
	}
	for _, v := range []int64{1 << 40, 1<<62 + 12345, 1<<63 - 1} {
		lo, hi := BucketBounds(BucketOf(v))
		if v < lo || v > hi || float64(hi-lo) > 0.125*float64(lo) {
			t.Errorf("%d is in %d to %d", v, lo, hi)
		}
	}
	if b := BucketOf(-5); b != 0 {
		t.Errorf("-5 is in bucket %d", b)
	}
}

func TestHistogramMerge(t *testing.T) {
	a, b := Histogram{{1, 2}, {5, 1}}, Histogram{{0, 1}, {5, 4}, {9, 1}}
	want := Histogram{{0, 1}, {1, 2}, {5, 5}, {9, 1}}
	for _, got := range []Histogram{a.Merge(b), b.Merge(a)} {
		if diff := cmp.Diff(want, got); diff != "" || got.Count() != 9 {
			t.Errorf("%d values, -want +got\n%s", got.Count(), diff)
		}
	}
	if diff := cmp.Diff(Histogram{{1, 2}, {5, 1}}, a); diff != "" {
		t.Errorf("a changed: %s", diff)
	}
}
