package eventlog

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Quantiles are those of the sorted values while there is room for them, and
// within 0.4 % of them beyond.
func TestDist(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct{ n, room int }{{1, 0}, {2, 0}, {1001, 0}, {5000, 1 << 20}, {5000, 0}, {200_000, 1 << 20}} {
		var d dist
		room := tc.room
		values := make([]int64, tc.n)
		for i := range values {
			values[i] = int64(rng.ExpFloat64() * 1000 * float64(1+i%7))
			d.add(values[i], &room)
		}
		slices.Sort(values)
		exact := tc.n <= fewExact || tc.n <= maxExact && tc.room > 0
		for _, q := range []int64{1, 50, 95, 99, 100} {
			want := values[(int64(tc.n)*q+99)/100-1]
			got := d.quantile(q, 100)
			if diff := max(got-want, want-got); exact && diff != 0 || float64(diff) > 0.004*float64(want) {
				t.Errorf("%d values: quantile %d is %d, not %d", tc.n, q, got, want)
			}
		}
		if d.n != int64(tc.n) || d.min != values[0] || d.max != values[tc.n-1] {
			t.Errorf("%d values: %d from %d to %d", tc.n, d.n, d.min, d.max)
		}
		if d.free(&room); room != tc.room {
			t.Errorf("%d values: room for %d is lost", tc.n, tc.room-room)
		}
	}
	var empty dist
	if empty.median() != 0 || empty.quantile(99, 100) != 0 {
		t.Error("an empty dist has a quantile")
	}
}

func TestHistogramBuckets(t *testing.T) {
	for _, v := range []int64{0, 1, 127, 128, 129, 255, 256, 257, 1 << 20, 1<<40 + 12345, 1<<63 - 1} {
		row, col := bucket(v)
		if got := middle(row, col); float64(max(got-v, v-got)) > float64(v)/256 {
			t.Errorf("%d is taken for %d", v, got)
		}
	}
}
