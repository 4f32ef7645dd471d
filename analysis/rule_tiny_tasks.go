package analysis

import (
	"fmt"
	"strconv"
)

var tinyTasks = Rule{
	Name:  "tiny_tasks",
	Title: "more shuffle partitions than data",
	Doc: `Adaptive execution is off, spark.sql.shuffle.partitions is above Spark's default of
200, about that many tasks ran below 100 ms, and they are nine tenths of all tasks:
the time goes into scheduling them.

A policy may set another number than 200 (many_partitions). Partitions are divided by
max_partition_step at most, and never so far that one would read more than
small_partition of shuffle or that an executor slot would have fewer than two. They
stay where anything was spilled, a run failed, or an executor ran out of heap, was
killed for its container's memory or by a signal: fewer partitions make larger tasks.
Turning adaptive execution on is the better cure and a person's choice, because it
changes plans. Source: DataFlint (tasks below 500 ms, more than 5,000), narrowed; the
number is measured (docs/lab.md, job tiny).`,
	Needs:    []string{"tiny_tasks", "tasks", "shuffle_read_bytes", "memory_spilled_bytes", "heap_oom_tasks", "executors_lost", "status"},
	Keys:     []string{keyPartitions},
	concerns: fewPartitions,
	eval:     evalTinyTasks,
}

func evalTinyTasks(p *Profile, pol Policy) Finding {
	cur := p.Conf().Int(keyPartitions).V
	if count(p.witnesses(), func(r *Run) bool { return r.MemorySpilled.V > 0 }) > 0 {
		return silent("something is spilled: partitions stay")
	}
	if n := count(p.witnesses(), mayLackMemory); n > 0 {
		return silent(fmt.Sprintf("%s failed or lost executors that may have lacked memory: fewer partitions make larger tasks", plural(n, "run")))
	}
	bad := pick(p.Runs, func(r *Run) bool { return mostlyTiny(r, cur) })
	tiny := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.TinyTasks })
	ev := []Evidence{
		{"tiny_tasks", "tasks below 100 ms, median", float64(tiny.V), "count"},
		{"tasks", "tasks, median", float64(medianOf(p.Runs, func(r *Run) Opt[int64] { return r.Tasks }).V), "count"},
	}
	if len(bad) < len(p.Runs) {
		return silent(fmt.Sprintf("mostly tiny tasks in %d of %s", len(bad), plural(len(p.Runs), "run")), ev...)
	}
	if why := p.tooShort(pol); why != "" {
		return silent(why, ev...)
	}
	to := fewerPartitions(p, cur, pol)
	if float64(to) > float64(cur)*(1-pol.DeadBand) {
		return silent("the shuffle is large enough for its partitions", ev...)
	}
	return advises(fmt.Sprintf("nine tenths of the tasks run below 100 ms in %s", plural(len(bad), "run")), ev,
		Change{Key: keyPartitions, To: strconv.FormatInt(to, 10), Confidence: High})
}

// fewPartitions says why there are none too many.
func fewPartitions(p *Profile, pol Policy) string {
	cur := p.Conf().Int(keyPartitions).V
	switch {
	case p.adaptive():
		return "adaptive execution merges small partitions"
	case cur <= pol.ManyPartitions:
		return fmt.Sprintf("%d shuffle partitions are not many", cur)
	}
	return ""
}

// mayLackMemory says whether larger tasks may be what a run dies of.
func mayLackMemory(r *Run) bool {
	return r.Status == StatusFailed || outOfHeap(r) || killedContainer(r) || r.ExecutorsLost[LossSignal] > 0
}

func mostlyTiny(r *Run, partitions int64) bool {
	return r.TinyTasks.V >= partitions*9/10 && 10*r.TinyTasks.V >= 9*r.Tasks.V
}

// fewerPartitions is bounded from below by the data and by the slots.
func fewerPartitions(p *Profile, cur int64, pol Policy) int64 {
	read := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.ShuffleRead })
	executors := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakExecutors })
	return roundPartitions(max(cur/pol.MaxPartitionStep, read.V/pol.SmallPartition, 2*slots(p)*executors.V))
}

// adaptive says whether adaptive query execution is on, by its default too: it
// is on since Spark 3.2.
func (p *Profile) adaptive() bool {
	if on := p.Conf().Bool("spark.sql.adaptive.enabled"); on.OK {
		return on.V
	}
	v := p.Newest().SparkVersion
	return v != "" && !older(v, 3, 2)
}
