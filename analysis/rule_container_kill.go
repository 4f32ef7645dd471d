package analysis

import "fmt"

var containerKill = Rule{
	Name:  "container_kill",
	Title: "container over its memory limit",
	Doc: `The platform killed executors because their containers outgrew their limit:
memory outside the heap (Python workers, native libraries, network buffers).

The overhead grows by max(policy's step, 25 %), or to the measured resident
memory x 1.15 that lies beyond the heap, the off-heap memory and Python's own, where
the process tree was sampled, the container by at most the policy's factor; it never
shrinks here. spark.executor.pyspark.memory is never written: it is a hard
limit of each Python worker, not a request. The tasks that a kill takes along
carry no metrics at all. Source: TuneIn (+1 GB on kill), corrected.`,
	Needs: []string{"executors_lost"},
	Keys:  []string{keyOverhead},
	eval:  evalContainerKill,
}

func evalContainerKill(p *Profile, pol Policy) Finding {
	hit := count(p.Runs, func(r *Run) bool { return r.ExecutorsLost[LossContainerMemory] > 0 })
	if hit == 0 {
		return silent(fmt.Sprintf("no container was killed for its memory in %s", plural(len(p.Runs), "run")))
	}
	reason := fmt.Sprintf("containers were killed for their memory in %d of %s", hit, plural(len(p.Runs), "run"))
	var kills float64
	for _, r := range p.Runs {
		kills += float64(r.ExecutorsLost[LossContainerMemory])
	}
	ev := []Evidence{
		{"executors_lost", "containers killed for their memory, all runs", kills, "count"},
		{"executors_lost", "runs with such a kill", float64(hit), "count"},
	}
	to := moreOverhead(p, pol)
	if to > pol.MaxOverhead {
		return silent(fmt.Sprintf("%s, but the overhead would pass the policy's largest, %s: a person has to look at the job", reason, FormatMemory(pol.MaxOverhead)), ev...)
	}
	return advises(reason, ev, Change{Key: keyOverhead, To: FormatMemory(to), Confidence: confidenceOf(hit, len(p.Runs))}).
		railed("the overhead grows by %s or a quarter at least, the container by %.3g times at most", FormatMemory(pol.OverheadStep), pol.MaxGrow)
}

// moreOverhead is the overhead after one step up, in bytes; the container grows
// by the policy's factor at most.
func moreOverhead(p *Profile, pol Policy) int64 {
	cur := p.overhead(p.Conf())
	to := cur + max(pol.OverheadStep, cur/4)
	if least := maxOf(p.Runs, leastOverhead); least.OK {
		to = max(to, least.V*115/100)
	}
	most := cur + int64(float64(p.container(p.Conf()))*(pol.MaxGrow-1))
	return roundUp(min(to, most), pol.MemoryStep)
}

// leastOverhead is the resident memory of an executor's processes beyond the heap,
// the off-heap memory and Python's own, for which the container has room without
// any overhead, in bytes. They are hardly ever full, so this is a lower bound.
func leastOverhead(r *Run) Opt[int64] {
	c := r.Container(r.Conf).V
	return residentBeyond(r, c.Heap, c.OffHeap)
}

// outsideHeap is the resident memory of an executor's processes beside what was
// measured of its heap, of the off-heap memory and of Python's own, in bytes. What
// the JVM keeps of a heap that it does not fill counts too, so this is an upper
// bound.
func outsideHeap(r *Run) Opt[int64] {
	return residentBeyond(r, max(0, r.PeakHeap.V), max(0, min(r.PeakOffHeapUnified.V, r.Container(r.Conf).V.OffHeap)))
}

// residentBeyond is what the processes hold beside so much in the JVM, and beside
// what the container has for Python.
func residentBeyond(r *Run, heap, offHeap int64) Opt[int64] {
	if !r.PeakJVMRSS.OK && !r.PeakPythonRSS.OK {
		return Opt[int64]{}
	}
	jvm := max(0, r.PeakJVMRSS.V-heap-offHeap)
	python := max(0, r.PeakPythonRSS.V-r.pySpark(r.Conf).V)
	return Some(jvm + python + r.PeakOtherRSS.V)
}
