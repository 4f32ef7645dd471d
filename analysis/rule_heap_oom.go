package analysis

import (
	"fmt"
	"strconv"
)

var heapOOM = Rule{
	Name:  "heap_oom",
	Title: "Java heap out of memory",
	Doc: `Tasks died of java.lang.OutOfMemoryError.

A Java heap OOM on YARN ends its container with exit status 143, like a
termination from outside, and often before every task could report: so one
reported OutOfMemoryError in any run of the cohort names the cause, and lost
executors alone do not. Where no task could report at all, one and the same task
that took its executors along until the job failed, or until Spark on YARN stopped
the application for having lost too many, in at least half of the runs, says it
too: the tasks of an executor that was terminated from outside succeed elsewhere
at once.

One step of a ladder: with more slots than the policy's wanted_cores an executor
keeps its heap and halves them, where twice the executors keep the number of slots
of the application: an even number of them, and a number of executors that is set.
Otherwise the heap grows x 2 below 4 GiB, x 1.5 below 8 GiB, then x 1.25. Past the
policy's largest heap a person has to look at the job. Source: TuneIn's ladder.`,
	Needs: []string{"heap_oom_tasks"},
	Keys:  []string{keyCores, keyInstances, keyMaxExecs, keyMinExecs, keyMemory},
	eval:  evalHeapOOM,
}

func evalHeapOOM(p *Profile, pol Policy) Finding {
	hit, what, sure := oomRuns(p)
	if hit == 0 {
		return silent(fmt.Sprintf("no OutOfMemoryError in %s", plural(len(p.Runs), "run")) + unexplainedLosses(p))
	}
	reason := fmt.Sprintf("%s in %d of %s", what, hit, plural(len(p.Runs), "run"))
	ev := oomEvidence(p, hit)
	changes := moreHeapPerTask(p, pol, sure)
	if changes == nil {
		return silent(reason+atLargest(p, pol), ev...)
	}
	return advises(reason, ev, changes...)
}

// oomRuns counts the runs that ran out of heap, and says by what that is known.
func oomRuns(p *Profile) (hit int, what string, sure Confidence) {
	if n := count(p.Runs, outOfHeap); n > 0 {
		return n, "OutOfMemoryError", confidenceOf(n, len(p.Runs))
	}
	if n := count(p.Runs, diedOfOneTask); n >= 2 && 2*n >= len(p.Runs) {
		return n, "no OutOfMemoryError was reported, but one and the same task took its executors along until the job failed,", Medium
	}
	return 0, "", ""
}

// atLargest says why a step of the ladder is not taken.
func atLargest(p *Profile, pol Policy) string {
	return fmt.Sprintf(", but the heap is already at %s and the policy's largest is %s: a person has to look at the job", p.effective(keyMemory), FormatMemory(pol.MaxHeap))
}

func outOfHeap(r *Run) bool {
	return r.HeapOOMTasks.V > 0 || r.ExecutorsLost[LossHeapOOM] > 0
}

// diedOfOneTask says whether a signal killed the executors of one and the same
// task as often as Spark allows: until the task failed the job, or until so many
// executors were lost that Spark on YARN stopped the application: three at least
// (spark.yarn.max.executor.failures).
func diedOfOneTask(r *Run) bool {
	if r.MaxTaskLosses.V >= r.Conf.Int("spark.task.maxFailures").Or(4) {
		return r.ExecutorsLost[LossSignal] > 0
	}
	return r.Status == StatusFailed && r.MaxTaskLosses.V >= 2 && r.ExecutorsLost[LossSignal] >= 3
}

// unexplainedLosses says what was seen and is no proof.
func unexplainedLosses(p *Profile) string {
	n := count(p.Runs, func(r *Run) bool { return r.ExecutorsLost[LossSignal] > 0 })
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; executors were killed by a signal in %s, which a termination from outside does as well: their logs tell", plural(n, "run"))
}

func oomEvidence(p *Profile, hit int) []Evidence {
	var tasks float64
	for _, r := range p.Runs {
		tasks += float64(r.HeapOOMTasks.V)
	}
	ev := []Evidence{
		{"heap_oom_tasks", "tasks that ran out of heap, all runs", tasks, "count"},
		{"heap_oom_tasks", "runs with a heap OOM", float64(hit), "count"},
	}
	if failed := count(p.Runs, func(r *Run) bool { return r.Status == StatusFailed }); failed > 0 {
		ev = append(ev, Evidence{"status", "failed runs", float64(failed), "count"})
	}
	return ev
}

// moreHeapPerTask is one step of the ladder, nil at its end.
func moreHeapPerTask(p *Profile, pol Policy, sure Confidence) []Change {
	if slots(p) > pol.WantedCores && p.halves() {
		return fewerSlots(p, sure)
	}
	heap := p.Conf().Bytes(keyMemory)
	to := grown(heap.V, pol)
	if !heap.OK || to == 0 {
		return nil
	}
	return []Change{{Key: keyMemory, To: FormatMemory(to), Confidence: sure}}
}

// halves says whether twice the executors of half the cores have the slots of
// the application: not where an executor's slots have no half, where the platform
// chooses the number of executors, or where the first one is set, which is never
// written.
func (p *Profile) halves() bool {
	cores := p.Conf().Int(keyCores)
	_, first := p.executorNumbers()[keyInitial]
	return cores.OK && cores.V%(2*p.Conf().taskCPUs()) == 0 && !p.platformChooses() && !first
}

// fewerSlots halves the cores of an executor and doubles the executors, so
// that the application keeps its slots.
func fewerSlots(p *Profile, sure Confidence) []Change {
	half := p.Conf().Int(keyCores).V / 2
	changes := []Change{{Key: keyCores, To: strconv.FormatInt(half, 10), Confidence: sure}}
	for key, n := range p.executorNumbers() {
		changes = append(changes, Change{Key: key, To: strconv.FormatInt(2*n, 10), Confidence: sure})
	}
	return changes
}

func confidenceOf(hit, runs int) Confidence {
	switch {
	case hit == runs:
		return High
	case 2*hit >= runs:
		return Medium
	default:
		return Low
	}
}
