package analysis

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
)

// Cohort names the cohort's configuration: the same name for runs that may be
// pooled, whichever way their values are spelled, and another one as soon as a
// property that sizes the job differs. "" without runs.
func (p *Profile) Cohort() string {
	if len(p.Runs) == 0 {
		return ""
	}
	return cohortOf(p.Conf())
}

func cohortOf(c Conf) string {
	h := sha256.New()
	for i := range Properties {
		p := &Properties[i]
		if v := c.canonical(p); !unsized[p.Name] && v != (Conf{}).canonical(p) { // so that a property that is read from now on renames nothing
			h.Write([]byte(p.Name + "=" + v + "\n")) // never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// A Statistic is one figure over the runs of a cohort that have it.
type Statistic struct {
	Metric string  `json:"metric"` // a column of the table
	Label  string  `json:"label"`  // for people
	Unit   string  `json:"unit"`
	Runs   int     `json:"runs"`
	Median float64 `json:"median"` // the lower of the middle two
	P95    float64 `json:"p95"`    // nearest rank
	Max    float64 `json:"max"`
	// CV is the standard deviation over the mean: how alike the runs are.
	CV float64 `json:"cv"`
}

// statistics are the figures of a cohort that a person asks for first. What
// grows with the data is there per byte of it too.
var statistics = []struct {
	metric, label, unit string
	of                  func(*Run) Opt[float64]
}{
	{"end_ts", "duration", "ms", millis},
	{"end_ts", "duration per GiB of input", "ms", perInput(millis)},
	{"input_bytes", "input", "bytes", func(r *Run) Opt[float64] { return toFloat(r.InputBytes) }},
	{"memory_byte_ms", "memory reserved", "GiB·h", gbHours},
	{"memory_byte_ms", "memory reserved per GiB of input", "GiB·h", perInput(gbHours)},
	{"core_ms", "cores reserved", "core·h", coreHours},
	{"peak_heap_bytes", "peak heap", "bytes", func(r *Run) Opt[float64] { return toFloat(r.PeakHeap) }},
	{"heap_coverage", "run time with heap samples", "ratio", coverage},
	{"gc_ms", "share of run time in garbage collection", "ratio", (*Run).GCShare},
	{"memory_spilled_bytes", "memory spilled", "bytes", func(r *Run) Opt[float64] { return toFloat(r.MemorySpilled) }},
}

func millis(r *Run) Opt[float64] {
	d := r.Duration()
	return Opt[float64]{V: float64(d.V.Milliseconds()), OK: d.OK}
}

func toFloat(v Opt[int64]) Opt[float64] { return Opt[float64]{V: float64(v.V), OK: v.OK} }

func perInput(of func(*Run) Opt[float64]) func(*Run) Opt[float64] {
	return func(r *Run) Opt[float64] {
		v := of(r)
		return Opt[float64]{V: v.V * gib / float64(max(1, r.InputBytes.V)), OK: v.OK && r.InputBytes.V > 0}
	}
}

// Statistics are the figures of the cohort's runs, those that no run has left
// out.
func (p *Profile) Statistics() []Statistic {
	var out []Statistic
	for _, s := range statistics {
		v := measured(p.Runs, s.of)
		if len(v) == 0 {
			continue
		}
		slices.SortFunc(v, cmp.Compare)
		out = append(out, Statistic{s.metric, s.label, s.unit, len(v), v[(len(v)-1)/2], v[(95*len(v)+99)/100-1], v[len(v)-1], variation(v)})
	}
	return out
}

// variation is the coefficient of variation; 0 where it cannot be told.
func variation(v []float64) float64 {
	var mean, square float64
	for i, x := range v { // Welford: the sum of squares of large figures overflows
		d := x - mean
		mean += d / float64(i+1)
		square += d * (x - mean)
	}
	cv := math.Sqrt(square/float64(len(v))) / mean
	if !isFinite(cv) {
		return 0
	}
	return cv
}
