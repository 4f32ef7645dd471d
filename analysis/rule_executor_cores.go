package analysis

import (
	"fmt"
	"strconv"
)

var executorCores = Rule{
	Name:  "executor_cores",
	Title: "cores of an executor",
	Doc: `More tasks than the policy's many_cores share one heap while garbage collection takes
at least its max_gc_shrink of the run time; or at least one_core_executors of one core
each pay for a JVM, its overhead and its own copy of every broadcast table per task.

Four or five tasks are what most agree on (wanted_cores), each with its
spark.task.cpus, and with the number of slots of the application and the memory of a
slot kept; where the platform chooses the number of executors, nothing would keep
them. It moves cache, disk and network
as well, so it is advice; under a full heap heap_oom writes it. Source: AWS, Data
Mechanics, Dr. Elephant (4 to 10).`,
	Needs:  []string{"executor_cores"},
	Keys:   []string{keyCores, keyInstances, keyMaxExecs, keyMinExecs, keyInitial, keyMemory},
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
	switch many := slots(p); {
	case many > max(pol.ManyCores, pol.WantedCores) && gc.V >= pol.MaxGCShrink && p.platformChooses():
		return silent(fmt.Sprintf("%d tasks share one heap, but the platform chooses the number of executors, and with fewer cores each the slots might go", many), ev...)
	case many > max(pol.ManyCores, pol.WantedCores) && gc.V >= pol.MaxGCShrink:
		return advises(fmt.Sprintf("%d tasks share one heap and its garbage collection", many), ev, p.sameSlots(cores, pol)...)
	case cores == 1 && pol.WantedCores > 1 && peak.V >= pol.OneCoreExecutors:
		return advises(fmt.Sprintf("%d executors of one core each pay for as many JVMs", peak.V), ev, p.sameSlots(cores, pol)...)
	}
	return silent(fmt.Sprintf("%s an executor", plural(int(cores), "core")), ev...)
}

// sameSlots are executors of the wanted cores with the slots of the application
// and the memory of a slot kept.
func (p *Profile) sameSlots(cores int64, pol Policy) []Change {
	wanted := pol.WantedCores * min(cores, p.Conf().taskCPUs())
	changes := []Change{{Key: keyCores, To: strconv.FormatInt(wanted, 10), Confidence: Low}}
	for key, n := range p.executorNumbers() {
		if to := (n*cores + wanted - 1) / wanted; to != n {
			changes = append(changes, Change{Key: key, To: strconv.FormatInt(max(1, to), 10), Confidence: Low})
		}
	}
	if heap := p.Conf().Bytes(keyMemory); heap.OK && heap.V > 0 {
		to := roundUp(max(pol.MinHeap, min(pol.MaxHeap, int64(float64(heap.V)/float64(cores)*float64(wanted)))), pol.MemoryStep)
		changes = append(changes, Change{Key: keyMemory, To: FormatMemory(to), Confidence: Low})
	}
	return changes
}
