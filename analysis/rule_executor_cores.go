package analysis

import (
	"fmt"
	"strconv"
)

var executorCores = Rule{
	Name:  "executor_cores",
	Title: "cores of an executor",
	Doc: `More than the policy's many_cores share one heap while garbage collection takes at
least its max_gc_shrink of the run time; or at least one_core_executors of one core
each pay for a JVM, its overhead and its own copy of every broadcast table per task.

Four or five cores are what most agree on (wanted_cores), with the number of slots
of the application and the memory of a slot kept. It moves cache, disk and network
as well, so it is advice; under a full heap heap_oom writes it. Source: AWS, Data
Mechanics, Dr. Elephant (4 to 10).`,
	Needs:  []string{"executor_cores"},
	Keys:   []string{keyCores, keyInstances, keyMemory},
	Advice: true,
	eval:   evalExecutorCores,
}

func evalExecutorCores(p *Profile, pol Policy) Finding {
	cores := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.ExecutorCores }).V
	gc := medianOf(p.Runs, (*Run).GCShare)
	peak := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakExecutors })
	ev := []Evidence{
		{"executor_cores", "cores of an executor", float64(cores), "count"},
		{"gc_ms", "share of run time in garbage collection, median", gc.V, "ratio"},
	}
	switch {
	case cores > max(pol.ManyCores, pol.WantedCores) && gc.V >= pol.MaxGCShrink:
		return advises(fmt.Sprintf("%d tasks share one heap and its garbage collection", cores), ev, p.sameSlots(cores, pol)...)
	case cores == 1 && pol.WantedCores > 1 && peak.V >= pol.OneCoreExecutors:
		return advises(fmt.Sprintf("%d executors of one core each pay for as many JVMs", peak.V), ev, p.sameSlots(cores, pol)...)
	}
	return silent(fmt.Sprintf("%s an executor", plural(int(cores), "core")), ev...)
}

// sameSlots are executors of the wanted cores with the slots of the application
// and the memory of a slot kept.
func (p *Profile) sameSlots(cores int64, pol Policy) []Change {
	c := p.Conf()
	changes := []Change{{Key: keyCores, To: strconv.FormatInt(pol.WantedCores, 10), Confidence: Low}}
	if n := c.Int(keyInstances); n.OK && n.V > 0 {
		changes = append(changes, Change{Key: keyInstances, To: strconv.FormatInt(max(1, (n.V*cores+pol.WantedCores-1)/pol.WantedCores), 10), Confidence: Low})
	}
	if heap := c.Bytes(keyMemory); heap.OK && heap.V > 0 {
		to := roundUp(max(pol.MinHeap, min(pol.MaxHeap, int64(float64(heap.V)/float64(cores)*float64(pol.WantedCores)))), pol.MemoryStep)
		changes = append(changes, Change{Key: keyMemory, To: FormatMemory(to), Confidence: Low})
	}
	return changes
}
