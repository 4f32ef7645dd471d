package analysis

import "fmt"

var gcPressure = Rule{
	Name:  "gc_pressure",
	Title: "time lost to garbage collection",
	Doc: `At least the policy's share of task run time went into garbage collection in at
least half of the runs, and the application is worth the change.

The heap takes one step of the ladder (see heap_oom). Where the heap was well
sampled and never half full, collection has another cause (start-up of short
executors, allocation rate) and memory would not help. A low share is never a
reason to take memory away: that and the opposite would oscillate. Source: Dr.
Elephant and TuneIn (0.10).`,
	Needs: []string{"gc_ms", "run_ms"},
	Keys:  []string{keyCores, keyInstances, keyMaxExecs, keyMinExecs, keyMemory},
	eval:  evalGCPressure,
}

func evalGCPressure(p *Profile, pol Policy) Finding {
	bad := pick(p.Runs, func(r *Run) bool { return r.GCShare().V >= pol.MinGC })
	median := medianOf(p.Runs, (*Run).GCShare)
	ev := []Evidence{{"gc_ms", "share of run time in garbage collection, median", median.V, "ratio"}}
	if 2*len(bad) < len(p.Runs) || len(bad) == 0 {
		return silent(fmt.Sprintf("garbage collection above %.0f %% in %d of %s", 100*pol.MinGC, len(bad), plural(len(p.Runs), "run")), ev...)
	}
	if why := p.tooShort(pol); why != "" {
		return silent(why, ev...)
	}
	if roomy(bad, p.Conf().Bytes(keyMemory), pol) {
		return silent("the heap was well sampled and never half full: its garbage collection has another cause than its size", ev...)
	}
	reason := fmt.Sprintf("garbage collection above %.0f %% in %d of %s", 100*pol.MinGC, len(bad), plural(len(p.Runs), "run"))
	changes := moreHeapPerTask(p, pol, confidenceOf(len(bad), len(p.Runs)))
	if changes == nil {
		return silent(reason+atLargest(p, pol), ev...)
	}
	return advises(reason, ev, changes...)
}

// roomy says whether the heap was sampled well and stayed below half its size.
func roomy(runs []*Run, heap Opt[int64], pol Policy) bool {
	peak := maxOf(runs, func(r *Run) Opt[int64] { return r.PeakHeap })
	low := minOf(runs, coverage)
	return peak.OK && heap.OK && low.V >= pol.MinCoverage && 2*peak.V < heap.V
}
