package analysis

import (
	"fmt"
	"slices"
)

var gcPressure = Rule{
	Name:  "gc_pressure",
	Title: "time lost to garbage collection",
	Doc: `At least the policy's share of task run time went into garbage collection in at
least half of the runs, and the application is worth the change. Runs that failed
with an exception of their own code are not looked at.

The heap takes one step of the ladder (see heap_oom). Where the heap was well
sampled and never half full, collection has another cause (start-up of short
executors, allocation rate) and memory would not help; likewise where another heap
was tried and the larger of both took no fifth off the share. A low share is never
a reason to take memory away: that and the opposite would oscillate. Source: Dr.
Elephant and TuneIn (0.10); what was tried, by the lab's own runs.`,
	Needs: []string{"gc_ms", "run_ms"},
	Keys:  []string{keyCores, keyInstances, keyMaxExecs, keyMinExecs, keyMemory},
	eval:  evalGCPressure,
}

func evalGCPressure(p *Profile, pol Policy) Finding {
	runs, why := p.telling(pol)
	if why != "" {
		return silent(why)
	}
	bad := pick(runs, func(r *Run) bool { return r.GCShare().V >= pol.MinGC })
	median := medianOf(runs, (*Run).GCShare)
	ev := []Evidence{{"gc_ms", "share of run time in garbage collection, median", median.V, "ratio"}}
	if 2*len(bad) < len(runs) || len(bad) == 0 {
		return silent(fmt.Sprintf("garbage collection above %.0f %% in %d of %s", 100*pol.MinGC, len(bad), plural(len(runs), "run")), ev...)
	}
	if why := p.tooShort(pol); why != "" {
		return silent(why, ev...)
	}
	if roomy(bad, p.Conf().Bytes(keyMemory), pol) {
		return silent("the heap was well sampled and never half full: its garbage collection has another cause than its size", ev...)
	}
	if tried := heapDidNotHelp(p, median); tried != "" {
		return silent(tried, ev...)
	}
	reason := fmt.Sprintf("garbage collection above %.0f %% in %d of %s", 100*pol.MinGC, len(bad), plural(len(runs), "run"))
	changes := moreHeapPerTask(p, pol, confidenceOf(len(bad), len(runs)))
	if changes == nil {
		return silent(reason+atLargest(p, pol), ev...)
	}
	return advises(reason, ev, changes...)
}

// otherHeap is how many times another heap is larger or smaller, for what was
// tried with it to count, and lessGC what a larger heap has to make of the share.
const (
	otherHeap = 1.25
	lessGC    = 0.8
)

// heapDidNotHelp says that another heap was tried and collected about as much;
// "" when none was, or when it helped.
func heapDidNotHelp(p *Profile, share Opt[float64]) string {
	heap := p.Conf().Bytes(keyMemory)
	for _, r := range slices.Backward(p.Earlier) {
		other := r.Conf.Bytes(keyMemory)
		if !heap.OK || !other.OK || r.Conf.Int(keyCores) != p.Conf().Int(keyCores) {
			continue
		}
		then := medianOf(pick(p.Earlier, func(e *Run) bool { return sameCohort(e, r) }), (*Run).GCShare)
		larger, smaller := share.V, then.V
		factor := float64(heap.V) / float64(max(other.V, 1))
		if factor < 1 {
			larger, smaller, factor = then.V, share.V, 1/factor
		}
		if then.OK && factor >= otherHeap && larger > lessGC*smaller {
			return fmt.Sprintf("with a heap of %s garbage collection took %.0f %%, as it does with %s: it has another cause", FormatMemory(other.V), 100*then.V, p.effective(keyMemory))
		}
	}
	return ""
}

// roomy says whether the heap was sampled well and stayed below half its size.
func roomy(runs []*Run, heap Opt[int64], pol Policy) bool {
	peak := maxOf(runs, func(r *Run) Opt[int64] { return r.PeakHeap })
	low := minOf(runs, coverage)
	return peak.OK && heap.OK && low.V >= pol.MinCoverage && 2*peak.V < heap.V
}
