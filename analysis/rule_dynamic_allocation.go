package analysis

import (
	"fmt"
	"slices"
	"strconv"
)

var dynamicAllocation = Rule{
	Name:  "dynamic_allocation",
	Title: "bounds of dynamic allocation",
	Doc: `Executors are allocated dynamically, and a bound is too high.

The lower bound comes down to the executors that the most tasks at a time ever
filled, over the policy's history, by at most half at a time: those above it were
kept without work. The upper bound comes down where the latest complete runs,
replayed with fewer executors at a time, are neither slower nor dearer than the
policy's goal allows. min <= initial <= max is kept. Nothing goes with any symptom
that forbids a smaller heap, or where what the executors held in memory would not
fit into those that stay.`,
	Needs:    slices.Concat([]string{"peak_tasks", "peak_executors"}, symptoms, soundness),
	Keys:     []string{keyMaxExecs, keyMinExecs},
	concerns: unlessConf(keyDynamic, "executors are not allocated dynamically"),
	eval:     evalDynamicAllocation,
}

func evalDynamicAllocation(p *Profile, pol Policy) Finding {
	runs, no := p.shrinkable(pol)
	if no != nil {
		return *no
	}
	if f, idle := p.lowerMin(runs, pol); idle {
		return f
	}
	return p.lowerMax(runs, pol)
}

// unlessConf is a concern only of jobs that have a switch on.
func unlessConf(key, why string) func(*Profile, Policy) string {
	return func(p *Profile, _ Policy) string {
		if p.Conf().Bool(key).V {
			return ""
		}
		return why
	}
}

// lowerMin takes executors away that were held without work; idle says whether
// any were.
func (p *Profile) lowerMin(runs []*Run, pol Policy) (f Finding, idle bool) {
	least := p.Conf().Int(keyMinExecs).V
	most := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakTasks })
	if missing([]string{"peak_tasks"}, runs, 1) != "" {
		return Finding{}, false
	}
	to := max(1, (most.V+slots(p)-1)/slots(p), (least+1)/2)
	if float64(to) > float64(least)*(1-pol.DeadBand) {
		return Finding{}, false
	}
	reason := fmt.Sprintf("at least %d executors are kept, and the most tasks at a time fill fewer", least)
	ev := []Evidence{{"peak_tasks", "most tasks at a time, all runs", float64(most.V), "count"}}
	if why := p.holdsTooMuch(least, to); why != "" {
		return silent(reason+"; but "+why, ev...), true
	}
	return advises(reason, ev,
		Change{Key: keyMinExecs, To: strconv.FormatInt(to, 10), Confidence: High}), true
}

// lowerMax bounds what an application may take.
func (p *Profile) lowerMax(runs []*Run, pol Policy) Finding {
	peak := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakExecutors }).V
	ev := []Evidence{{"peak_executors", "most executors at a time, all runs", float64(peak), "count"}}
	most := p.Conf().Int(keyMaxExecs)
	switch {
	case !most.OK:
		return silent(fmt.Sprintf("no upper bound is set: a run that goes wrong can take the whole queue; no run took more than %s", plural(int(peak), "executor")), ev...)
	case p.heaviestUnknown() != "":
		return silent(p.heaviestUnknown(), ev...)
	}
	o, why := p.look(pol, (*Simulation).Capped, func(s *Simulation) Prediction { return s.Capped(most.V) })
	if why != "" {
		return unmeasured(why, ev...)
	}
	floor := max(1, p.Conf().Int(keyMinExecs).V, p.Conf().Int(keyInitial).V, (most.V+1)/2)
	f := o.best(most.V, floor, most.V, pol.Goal)
	ev = append(ev, o.evidence(f)...)
	if float64(f.Executors) > float64(most.V)*(1-pol.DeadBand) || pol.Goal.worth(f) > 1-pol.DeadBand/2 {
		return silent("replayed with fewer executors at a time the runs gain too little", ev...)
	}
	reason := fmt.Sprintf("replayed with at most %d executors at a time instead of %d the runs keep within the policy's goal", f.Executors, most.V)
	if why := p.holdsTooMuch(most.V, f.Executors); why != "" {
		return silent(reason+"; but "+why, ev...)
	}
	return advises(reason, ev,
		Change{Key: keyMaxExecs, To: strconv.FormatInt(f.Executors, 10), Confidence: Medium}).simulated(f.widened(o.worst))
}
