package analysis

import (
	"fmt"
	"slices"
)

var filledHeap = Rule{
	Name:  "filled_heap",
	Title: "a heap that its collector fills",
	Doc: `The heap is measured and its peak is high, but nothing says that the peak is
needed: garbage collection below 2 % of the run time in every run, no major
collection, and execution and storage memory together below 30 % of their region.
A collector fills the heap it is given, so the need is not shown, neither way.

Only trying tells. Where the policy allows probes (max_probe), the heap is cut by
that share: a step to find out, whose verdict after the merge is mandatory, and the
next comes only after as many runs and as long a history as the first. Without that
nothing is proposed.`,
	Needs: slices.Concat([]string{"peak_heap_bytes", "heap_coverage", "major_gc_count", "unified_region_bytes", "peak_on_heap_unified_bytes"}, symptoms, soundness),
	Keys:  []string{keyMemory, keyOverhead},
	eval:  evalFilledHeap,
}

const (
	idleGC      = 0.02
	idleUnified = 0.3
)

func evalFilledHeap(p *Profile, pol Policy) Finding {
	runs, no := p.shrinkable(pol)
	if no != nil {
		return *no
	}
	if _, no = p.watched(runs, pol); no != nil {
		return *no
	}
	heap := p.Conf().Bytes(keyMemory)
	peak := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakHeap })
	ev := []Evidence{{"peak_heap_bytes", "peak heap, largest", float64(peak.V), "bytes"}}
	switch {
	case float64(leastHeap(p, peak.V, pol)) <= float64(heap.V)*(1-pol.DeadBand):
		return silent("its peak shows that it is larger than needed", ev...)
	case count(p.witnesses(), looksUnneeded) < len(p.witnesses()):
		return silent("some run collects garbage or holds data as if the heap were needed", ev...)
	case pol.MaxProbe <= 0:
		return silent("the heap is filled by its collector, so its need is not shown; the policy allows no probe (max_probe)", ev...)
	}
	to := roundUp(max(pol.MinHeap, int64(float64(heap.V)*(1-pol.MaxProbe))), pol.MemoryStep)
	if to >= heap.V {
		return silent("a step of the policy's size is no step down", ev...)
	}
	return advises(fmt.Sprintf("the heap is filled by its collector in %s, so only a probe tells what it needs", plural(len(runs), "run")), ev,
		p.lessHeap(Change{Key: keyMemory, To: FormatMemory(to), Purpose: Probing, Confidence: Low}, pol)...)
}

// looksUnneeded says whether nothing but its peak speaks for a run's heap.
func looksUnneeded(r *Run) bool {
	return r.GCShare().OK && r.GCShare().V <= idleGC && r.MajorGCCount.OK && r.MajorGCCount.V == 0 &&
		r.onHeapRegion().V > 0 && r.PeakOnHeapUnified.OK && float64(r.PeakOnHeapUnified.V) <= idleUnified*float64(r.onHeapRegion().V)
}
