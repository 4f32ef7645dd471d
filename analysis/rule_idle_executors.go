package analysis

import (
	"fmt"
	"strconv"
)

var idleExecutors = Rule{
	Name:  "idle_executors",
	Title: "more executors than tasks at any time",
	Doc: `A static number of executors, of which some can never have had a task: the most
tasks that ever ran at a time, over the policy's history, need fewer.

The new number is the one that those tasks fill, at most half of the executors
going at a time; no task ever waited for the ones that go. Cached data and
shuffle files then live on fewer executors: memory is never cut in the same
step, and where anything was spilled or an executor was lost the number stays. Executors
that were used for a part of the run only are a question for a simulation.`,
	Needs: []string{"peak_tasks", "executors_lost", "memory_spilled_bytes"},
	Keys:  []string{keyInstances},
	eval:  evalIdleExecutors,
}

func evalIdleExecutors(p *Profile, pol Policy) Finding {
	n := p.Conf().Int(keyInstances)
	switch {
	case p.Conf().Bool("spark.dynamicAllocation.enabled").V:
		return silent("executors are allocated dynamically")
	case !n.OK:
		return silent("the number of executors is not set")
	}
	if s := symptom(p, pol); s != "" {
		return silent(s + ": no executor is taken away")
	}
	runs := p.sound()
	if why := tooLittleToShrink(p, runs, pol); why != "" {
		return silent(why)
	}
	if c := missing([]string{"peak_tasks"}, runs, 1); c != "" {
		return unmeasured("some runs have no value of " + c)
	}
	most := maxOf(runs, func(r *Run) Opt[int64] { return r.PeakTasks })
	ev := []Evidence{
		{"peak_tasks", "most tasks at a time, all runs", float64(most.V), "count"},
		{"executor_cores", "tasks that one executor runs at a time", float64(slots(p)), "count"},
	}
	to := max(1, (most.V+slots(p)-1)/slots(p))
	reason := fmt.Sprintf("the most tasks at a time fill %d of %d executors, over %s", to, n.V, plural(len(runs), "run"))
	if float64(to) > float64(n.V)*(1-pol.DeadBand) {
		return silent(reason, ev...)
	}
	return advises(reason, ev, Change{Key: keyInstances, To: strconv.FormatInt(max(to, (n.V+1)/2), 10), Confidence: High})
}
