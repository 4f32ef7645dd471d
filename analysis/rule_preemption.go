package analysis

import "fmt"

var preemption = Rule{
	Name:  "preemption",
	Title: "executors taken away by the platform",
	Doc: `The platform took executors away, by preemption or with their node, in at least
half of the runs, and said so. Work was done twice; no size of the executors
changes that. A queue with guaranteed capacity, nodes that are not reclaimed, or
decommissioning (spark.decommission.enabled) do.

An executor that was ended by a bare signal is not counted: a full heap looks the
same (see heap_oom).`,
	Needs:  []string{"executors_lost"},
	Advice: true,
	eval:   evalPreemption,
}

func evalPreemption(p *Profile, _ Policy) Finding {
	hit := count(p.Runs, func(r *Run) bool { return r.ExecutorsLost[LossPreempted] > 0 })
	reason := fmt.Sprintf("executors were taken away in %d of %s", hit, plural(len(p.Runs), "run"))
	if hit == 0 || 2*hit < len(p.Runs) {
		return silent(reason)
	}
	most := maxOf(p.Runs, func(r *Run) Opt[int64] { return Some(r.ExecutorsLost[LossPreempted]) })
	return advises(reason+": guaranteed capacity or decommissioning help, sizes do not",
		[]Evidence{{"executors_lost", "executors taken away, most in a run", float64(most.V), "count"}})
}
