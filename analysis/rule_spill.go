package analysis

import (
	"fmt"
	"math"
	"strconv"
)

var spill = Rule{
	Name:  "spill",
	Title: "spill to disk",
	Doc: `The stage that spills most does so in at least half of the runs: at least the
policy's bytes, its ratio of the stage's data and its share of the run time. Runs
that failed with an exception of their own code are not looked at.

A skewed stage is left alone: more memory or more partitions do not split one
large key. Where the stage reads a shuffle and its tasks are as many as
spark.sql.shuffle.partitions, partitions grow first, so that one task's data
(what it spilled plus what it held) fits into its share of execution memory;
by the policy's max_partition_step at a time at most, never down. Where partitions
would not help, the heap takes one step of the ladder. Source: NVIDIA's AutoTuner
and TuneIn, sized by the data in memory rather than by compressed shuffle bytes.`,
	Needs: []string{"memory_spilled_bytes"},
	Keys:  []string{keyPartitions, keyCores, keyInstances, keyMaxExecs, keyMinExecs, keyMemory},
	eval:  evalSpill,
}

func evalSpill(p *Profile, pol Policy) Finding {
	runs, why := p.telling(pol)
	if why != "" {
		return silent(why)
	}
	known := count(runs, func(r *Run) bool { return r.MemorySpilled.OK })
	bad := pick(runs, func(r *Run) bool { return spillsBadly(r, pol) })
	if 2*len(bad) < known || len(bad) == 0 {
		return silent(littleSpill(runs, len(bad), known))
	}
	ev := spillEvidence(bad)
	if why := p.tooShort(pol); why != "" {
		return silent(why, ev...)
	}
	if 2*count(bad, func(r *Run) bool { return r.SpillStageSkewed.V }) >= len(bad) {
		return silent("spills in a skewed stage: one large key does not get smaller with more partitions or memory", ev...)
	}
	reason := fmt.Sprintf("spills in %d of %s", len(bad), plural(len(runs), "run"))
	sure := confidenceOf(len(bad), known)
	changes := morePartitions(p, bad, pol, sure)
	if changes == nil {
		changes = moreHeapPerTask(p, pol, sure)
	}
	if changes == nil {
		return silent(reason+atLargest(p, pol), ev...)
	}
	f := advises(reason, ev, changes...)
	if to := parseInt(changes[0].To, 1).V; changes[0].Key == keyPartitions && to == roundPartitions(p.Conf().Int(keyPartitions).V*pol.MaxPartitionStep) {
		f = f.railed("partitions grow by %d times at most at a time", pol.MaxPartitionStep)
	}
	return f
}

func littleSpill(runs []*Run, bad, known int) string {
	worst := maxOf(runs, func(r *Run) Opt[int64] { return r.SpillStageBytes })
	if worst.V == 0 {
		return fmt.Sprintf("no spill in %s", plural(known, "run"))
	}
	return fmt.Sprintf("spill worth a change in %d of %s", bad, plural(known, "run"))
}

func spillsBadly(r *Run, pol Policy) bool {
	return r.SpillStageBytes.V >= pol.MinSpill && r.SpillStageBytes.V > 0 &&
		r.SpillStageRatio.V >= pol.MinSpillRatio && r.SpillStageShare.V >= pol.MinSpillShare
}

func spillEvidence(bad []*Run) []Evidence {
	return []Evidence{
		{"spill_stage_bytes", "spilled by the worst stage, median", float64(medianOf(bad, func(r *Run) Opt[int64] { return r.SpillStageBytes }).V), "bytes"},
		{"spill_stage_ratio", "its spill over its data, median", medianOf(bad, func(r *Run) Opt[float64] { return r.SpillStageRatio }).V, "times"},
		{"spill_stage_share", "its share of the run time, median", medianOf(bad, func(r *Run) Opt[float64] { return r.SpillStageShare }).V, "ratio"},
	}
}

// morePartitions is the change that makes one task's data fit, nil when the
// stage's tasks do not follow spark.sql.shuffle.partitions or would fit.
func morePartitions(p *Profile, bad []*Run, pol Policy, sure Confidence) []Change {
	cur := p.Conf().Int(keyPartitions).V
	if !followsPartitions(bad, cur) {
		return nil
	}
	need := maxOf(bad, func(r *Run) Opt[int64] { return partitionsNeeded(r, taskMemory(p)) })
	to := min(need.V, cur*pol.MaxPartitionStep)
	to = roundPartitions(to)
	if to <= cur || to > pol.MaxPartitions {
		return nil
	}
	return []Change{{Key: keyPartitions, To: strconv.FormatInt(to, 10), Confidence: sure}}
}

// followsPartitions says whether the stage's tasks are as many as the setting
// in every run. Fewer tasks mean that AQE coalesced them, or that a number is
// given in the code; either way the setting does not decide.
func followsPartitions(bad []*Run, partitions int64) bool {
	return partitions > 0 && count(bad, func(r *Run) bool {
		return r.SpillStageShuffle.V > 0 && r.SpillStageTasks.V == partitions
	}) == len(bad)
}

// spillMargin is the room over the data that a task held: a task is sure of
// half its share of execution memory only while its neighbours have theirs.
const spillMargin = 1.5

// partitionsNeeded is the number of tasks whose data would fit. What was in
// memory is what was spilled plus what each task held; Memory Bytes Spilled is
// cumulative over merges, so this is an upper bound.
func partitionsNeeded(r *Run, perTask int64) Opt[int64] {
	if perTask <= 0 || !r.SpillStageBytes.OK {
		return Opt[int64]{}
	}
	data := float64(r.SpillStageBytes.V) + float64(r.SpillStageTasks.V)*float64(perTask)
	return Some(int64(math.Ceil(spillMargin * data / float64(perTask))))
}

// roundPartitions rounds up to two leading digits: 643 is 650.
func roundPartitions(n int64) int64 {
	step := int64(1)
	for n/step >= 100 {
		step *= 10
	}
	return roundUp(n, step)
}

// tooShort says why the job is not worth a change of its speed or cost; "" when
// it is.
func (p *Profile) tooShort(pol Policy) string {
	if d := p.MedianDuration(); d.OK && d.V < pol.MinDuration {
		return fmt.Sprintf("its median duration is below the policy's %s: too little to gain", pol.MinDuration)
	}
	return ""
}
