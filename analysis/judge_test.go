package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// With nothing to blame, about one of 100 comparisons is worse by more than noise,
// however few the runs are, and also where their figures lean to one side.
func TestByNoise(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) float64{
		"normal":      (*rand.Rand).NormFloat64,
		"exponential": (*rand.Rand).ExpFloat64,
	} {
		rnd := rand.New(rand.NewPCG(1, 2))
		for _, n := range []struct{ before, after int }{{3, 3}, {5, 3}, {3, 5}, {35, 3}, {4, 4}, {5, 5}, {10, 10}, {35, 5}} {
			const tries = 20_000
			beyond := 0
			for range tries {
				x, y := make([]float64, n.before), make([]float64, n.after)
				for i := range x {
					x[i] = draw(rnd)
				}
				for i := range y {
					y[i] = draw(rnd)
				}
				if middle(y)-middle(x) > math.Log(byNoise(x, y)) {
					beyond++
				}
			}
			if rate := float64(beyond) / tries; rate > 0.013 {
				t.Errorf("%s, %d and %d runs: %.2f %% are beyond the noise", name, n.before, n.after, 100*rate)
			}
		}
	}
}

// What runs promise, the median of as many to come keeps in nine of ten cases at least.
func TestUsualNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const tries = 20_000
	for _, n := range []int{3, 4, 5, 10, 35} {
		kept := 0
		for range tries {
			v, next := make([]float64, n), make([]float64, n)
			for i := range v {
				v[i], next[i] = rnd.NormFloat64(), rnd.NormFloat64()
			}
			if math.Abs(middle(next)-middle(v)) <= math.Log(usualNoise(v)) {
				kept++
			}
		}
		if rate := float64(kept) / tries; rate < 0.9 {
			t.Errorf("%d runs: %.1f %% are kept", n, 100*rate)
		}
	}
}
