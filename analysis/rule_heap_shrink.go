package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

var overProvisionedHeap = Rule{
	Name:  "over_provisioned_heap",
	Title: "more heap than needed",
	Doc: `The executors' heap was never near its size, measured well, over the policy's
history, in runs without any symptom (out of memory, container kill, an executor
lost for an unknown reason, spill, garbage collection), whose input does not grow
steadily by more than a quarter. Symptoms and peaks are those
of every run with the configuration, failed, incomplete, of another environment and
with other queries included.

A peak of used heap contains garbage: it is an upper bound of need, so it may
justify a cut and never a growth. A collector fills the heap it is given, so a
high peak says nothing. New heap: largest peak x 1.25 + 300 MiB, and room for
the largest unified memory x 1.25; rounded up. One proposal takes the policy's share
away, and the same share again of what is left while half as much again as the need
stays: far above its need a heap has more to give, and less to be wrong about. An
overhead that is not set follows the heap, and what lies outside the heap does not:
where it would fall, and was not measured to be enough, today's is written beside it.
Source: Dr. Elephant's tuning branch, gates corrected; the second share, the lab's own
runs.

Without coverage the heap is Unmeasured: a peak of 1 task in 235 is no peak. Where
its measurement was turned on lately, the runs since then have to be enough.
spark.executor.metrics.pollingInterval=1s turns the measurement on, and where
tasks are shorter spark.eventLog.logStageExecutorMetrics=true.`,
	Needs: slices.Concat(symptoms, soundness),
	Keys:  []string{keyMemory, keyOverhead},
	eval:  evalOverProvisionedHeap,
}

// symptoms are the columns of what forbids taking memory away. They must be
// known of every run: a symptom that was not measured is not absent.
var symptoms = []string{"heap_oom_tasks", "executors_lost", "memory_spilled_bytes", "gc_ms", "run_ms"}

// shrinkable are the runs that justify taking something away; without them, a
// Finding says why nothing is.
func (p *Profile) shrinkable(pol Policy) ([]*Run, *Finding) {
	no := func(f Finding) ([]*Run, *Finding) { return nil, &f }
	if s := symptom(p, pol); s != "" {
		return no(silent(s + ": nothing is taken away"))
	}
	runs := p.sound()
	if why := tooLittleToShrink(p, runs, pol); why != "" {
		return no(silent(why))
	}
	if by := growth(runs); by > heapMargin {
		return no(silent(fmt.Sprintf("the input grows, to %.1f times in these runs, and what is not needed yet may be: nothing is taken away", by)))
	}
	if c := missing(symptoms, runs, 1); c != "" {
		return no(unmeasured("some runs have no value of " + c))
	}
	return runs, nil
}

func evalOverProvisionedHeap(p *Profile, pol Policy) Finding {
	runs, no := p.shrinkable(pol)
	if no != nil {
		return *no
	}
	coverageEv, no := p.watched(runs, pol)
	if no != nil {
		return *no
	}
	peak := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakHeap })
	heap := p.Conf().Bytes(keyMemory)
	if !peak.OK || !heap.OK {
		return unmeasured(p.howToMeasure(pol), coverageEv)
	}
	ev := []Evidence{{"peak_heap_bytes", "peak heap, largest", float64(peak.V), "bytes"}, coverageEv}
	goal := leastHeap(p, peak.V, pol)
	if float64(goal) > float64(heap.V)*(1-pol.DeadBand) {
		return silent(fmt.Sprintf("what the largest peak needs is within %.0f %% of the heap: right as it is, or filled by the collector", 100*pol.DeadBand), ev...)
	}
	// The dead band is about the goal: a step on the way to it may be smaller.
	need := neededHeap(p, peak.V)
	to := max(goal, pol.stepDown(heap.V, need))
	changes := p.lessHeap(Change{Key: keyMemory, To: FormatMemory(to), Confidence: High}, pol)
	if p.container(p.changed(changes)) == p.container(p.Conf()) {
		return silent("the platform rounds the smaller container up to the one of today", ev...)
	}
	reason := fmt.Sprintf("largest heap peak is %.0f %% of the heap, and no symptom in %s", 100*float64(peak.V)/float64(heap.V), plural(len(runs), "run"))
	f := advises(reason, ev, changes...)
	if need = roundUp(need, pol.MemoryStep); to > need {
		return f.railed("the measured need is %s; %s, and leaves at least %s", FormatMemory(need), pol.oneStep(), FormatMemory(pol.MinHeap))
	}
	return f
}

// ample is how many times its need a heap has to keep for a proposal to take a
// second share.
const ample = 1.5

// stepDown is the smallest heap that one proposal may leave, in bytes, of one
// that needs so much. Where the share is less than the policy's step of memory, it
// is that step: rounding up would take nothing. Half the heap stays in any case.
func (pol Policy) stepDown(heap, need int64) int64 {
	once := float64(heap) * (1 - pol.MaxShrink)
	twice := max(once*(1-pol.MaxShrink), ample*float64(need))
	to := roundUp(max(int64(min(once, twice)), heap/2), pol.MemoryStep)
	if to >= heap {
		to = roundUp(max(heap-pol.MemoryStep, heap/2), pol.MemoryStep)
	}
	return to
}

// oneStep says how far one proposal goes.
func (pol Policy) oneStep() string {
	return fmt.Sprintf("one proposal takes at most %.0f %% or %s away, %.0f %% where %v times the need stays", 100*pol.MaxShrink, FormatMemory(pol.MemoryStep), 100*min(0.5, 1-(1-pol.MaxShrink)*(1-pol.MaxShrink)), ample)
}

// watched is how well the heap was sampled in the runs that are to show what it
// needs: those since it is measured, which have to be as many, over as long a time,
// as anything that is taken away asks for. What was there before is a witness, and
// no reason to wait until the last of it is forgotten.
func (p *Profile) watched(runs []*Run, pol Policy) (Evidence, *Finding) {
	runs = p.sampledSince(runs, coverage, pol, heapSettings...)
	low := minOf(runs, coverage)
	ev := Evidence{"heap_coverage", "run time with heap samples, least", low.V, "ratio"}
	no := func(reason string) (Evidence, *Finding) {
		f := unmeasured(reason, ev)
		return ev, &f
	}
	if len(measured(runs, coverage)) < len(runs) || low.V < pol.MinCoverage {
		return no(p.howToMeasure(pol))
	}
	if why := watchedTooLittle(runs, pol); why != "" {
		return no(why)
	}
	return ev, nil
}

// heapSettings are the properties that turn the measurement of the heap on.
var heapSettings = []string{keyPolling, keyStageMetrics}

// sampledSince are the runs, in the order of their starts, after the last one that
// was not sampled because its settings were not yet those of the newest run. Where
// that leaves none, all of them.
func (p *Profile) sampledSince(runs []*Run, sampled func(*Run) Opt[float64], pol Policy, settings ...string) []*Run {
	for i, r := range slices.Backward(runs) {
		if s := sampled(r); (!s.OK || s.V < pol.MinCoverage) && p.otherwise(r, settings) && i+1 < len(runs) {
			return runs[i+1:]
		}
	}
	return runs
}

// otherwise says whether one of the settings of a run was not that of the newest.
func (p *Profile) otherwise(r *Run, settings []string) bool {
	return slices.ContainsFunc(settings, func(key string) bool {
		prop, _ := FindProperty(key)
		return r.Conf.canonical(prop) != p.Conf().canonical(prop)
	})
}

// watchedTooLittle says that measured runs are too few, or over too little time,
// for anything to be taken away; "" when they are enough.
func watchedTooLittle(runs []*Run, pol Policy) string {
	if len(runs) >= pol.MinRunsShrink && span(runs) >= pol.MinHistory {
		return ""
	}
	return fmt.Sprintf("measured since %s in %s; %d over %s needed before anything is taken away",
		runs[0].Start.Format(time.DateOnly), plural(len(runs), "complete and successful run"), pol.MinRunsShrink, days(pol.MinHistory))
}

// steadily is the least share of pairs of runs, beyond those that fell, whose
// later one read more, for the input to grow: Kendall's tau. Weeks with a quiet
// Sunday have a third.
const steadily = 0.7

// growth is how many times as much the newest third of runs, which are in the order
// of their starts, read as the oldest did, by their medians, where the input grew
// steadily; else 1, also where it is not known of every run.
func growth(runs []*Run) float64 {
	n := len(runs)
	inputs := make([]int64, n)
	rose := 0
	for i, r := range runs {
		if inputs[i] = r.InputBytes.V; inputs[i] <= 0 {
			return 1
		}
		for _, before := range inputs[:i] {
			rose += cmp.Compare(inputs[i], before)
		}
	}
	if n < 3 || float64(rose) < steadily*float64(n*(n-1)/2) {
		return 1
	}
	middle := func(of []int64) float64 {
		of = slices.Sorted(slices.Values(of))
		return float64(of[len(of)/2])
	}
	return middle(inputs[n-n/3:]) / middle(inputs[:n/3])
}

// lessHeap is a smaller heap and what keeps the memory outside it: an overhead
// that is not set follows the heap, and is written out where it would fall.
func (p *Profile) lessHeap(heap Change, pol Policy) []Change {
	if !p.overheadFalls(p.changed([]Change{heap}), pol) {
		return []Change{heap}
	}
	now := FormatMemory(p.overhead(p.Conf()))
	return []Change{heap, {Key: keyOverhead, To: now, Purpose: Keeping, Confidence: heap.Confidence}}
}

// overheadFalls says whether an overhead that is not set would follow a smaller
// heap, by more than the dead band and below what was measured to be enough.
func (p *Profile) overheadFalls(after Conf, pol Policy) bool {
	now, to := p.overhead(p.Conf()), p.overhead(after)
	return !after.set(keyOverhead) && float64(to) < float64(now)*(1-pol.DeadBand) && !p.holdsOutside(to, pol)
}

// holdsOutside says whether an overhead was measured to hold, with its margin,
// what lies outside the heap.
func (p *Profile) holdsOutside(overhead int64, pol Policy) bool {
	runs := p.witnesses()
	sampled := func(r *Run) Opt[float64] { return r.RSSCoverage }
	used := maxOf(runs, outsideHeap)
	return used.OK && len(measured(runs, sampled)) == len(runs) && minOf(runs, sampled).V >= pol.MinCoverage &&
		float64(used.V)*heapMargin <= float64(overhead)
}

// symptom is what forbids taking memory away, from any run with the
// configuration; "" when there is none.
func symptom(p *Profile, pol Policy) string {
	for _, s := range []struct {
		what string
		has  func(*Run) bool
	}{
		{"heap out of memory", outOfHeap},
		{"container kills", func(r *Run) bool { return r.ExecutorsLost[LossContainerMemory] > 0 }},
		{"executors killed by a signal", func(r *Run) bool { return r.ExecutorsLost[LossSignal] > 0 }},
		{"executors lost for an unknown reason", func(r *Run) bool { return r.ExecutorsLost[LossUnclear] > 0 }},
		{"spill", func(r *Run) bool { return spilledShare(r) > pol.MaxSpillShrink }},
		{"garbage collection", func(r *Run) bool { return r.GCShare().V > pol.MaxGCShrink }},
	} {
		if n := count(p.witnesses(), s.has); n > 0 {
			return fmt.Sprintf("%s in %s", s.what, plural(n, "run"))
		}
	}
	return ""
}

// spilledShare is the bytes spilled over the largest flow of the application.
func spilledShare(r *Run) float64 {
	if r.MemorySpilled.V == 0 {
		return 0
	}
	data := max(r.InputBytes.V, r.OutputBytes.V, r.ShuffleRead.V, r.ShuffleWrite.V, 1)
	return float64(r.MemorySpilled.V) / float64(data)
}

func tooLittleToShrink(p *Profile, sound []*Run, pol Policy) string {
	if len(sound) < pol.MinRunsShrink {
		return fmt.Sprintf("%s complete and successful, %d needed before anything is taken away", plural(len(sound), "run"), pol.MinRunsShrink) +
			p.whenEnough(len(sound), pol.MinRunsShrink, pol.MinHistory, pol)
	}
	if covered := span(sound); covered < pol.MinHistory {
		return fmt.Sprintf("the runs of this configuration cover %s, %s needed before anything is taken away, so that month end is inside", days(covered), days(pol.MinHistory)) +
			p.whenEnough(len(sound), pol.MinRunsShrink, pol.MinHistory, pol)
	}
	return p.tooShort(pol)
}

func coverage(r *Run) Opt[float64] { return r.HeapCoverage }

// howToMeasure says what is missing, and the one line that turns it on.
func (p *Profile) howToMeasure(pol Policy) string {
	missing := fmt.Sprintf("the heap was sampled during less than %.0f %% of the run time in some runs; ", 100*pol.MinCoverage)
	if line := p.measures(pol); line != nil {
		return missing + fmt.Sprintf("set %s=%s to measure it", line.Key, line.To)
	}
	return missing + "what measures it is on, or is not to be had: it takes more runs, or Spark 3.0"
}

// leastHeap is the smallest heap that may ever be written, in bytes: the need,
// or the policy's floor.
func leastHeap(p *Profile, peak int64, pol Policy) int64 {
	return roundUp(max(neededHeap(p, peak), pol.MinHeap), pol.MemoryStep)
}

// neededHeap is what the largest peak and the largest unified memory need with
// their margin, in bytes.
func neededHeap(p *Profile, peak int64) int64 {
	need := int64(float64(peak)*heapMargin) + reservedHeap
	if unified := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakOnHeapUnified }); unified.OK {
		fraction := p.Conf().Float("spark.memory.fraction").Or(0.6)
		need = max(need, int64(float64(unified.V)*heapMargin/max(fraction, 0.05))+reservedHeap)
	}
	return need
}
