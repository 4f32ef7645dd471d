package analysis

import (
	"fmt"
	"slices"
	"strconv"
)

var idleExecutors = Rule{
	Name:  "idle_executors",
	Title: "more executors than the work needs",
	Doc: `A static number of executors that fewer would do for.

Where run profiles are in the lake, the latest complete runs and the one with the
most work are simulated with fewer executors: the number is the one that the
policy's goal chooses among those that make no run slower or dearer than it
allows. Without them only executors go that can never have had a task: the most
tasks that ever ran at a time, over the policy's history, need fewer.

At most half of the executors go at a time. Cached data and shuffle files then
live on fewer of them: memory is never cut in the same step, and with any symptom
that forbids a smaller heap, or where what the executors held would not fit into
those that stay, the number stays.`,
	Needs:    slices.Concat([]string{"peak_tasks"}, symptoms, soundness),
	Keys:     []string{keyInstances},
	concerns: fixedExecutors,
	eval:     evalIdleExecutors,
}

func evalIdleExecutors(p *Profile, pol Policy) Finding {
	n := p.Conf().Int(keyInstances)
	if n.V < 2 {
		return silent("there is only one executor")
	}
	runs, no := p.shrinkable(pol)
	if no != nil {
		return *no
	}
	if c := missing([]string{"peak_tasks"}, runs, 1); c != "" {
		return unmeasured("some runs have no value of " + c)
	}
	return p.fewerExecutors(runs, n.V, pol)
}

// fixedExecutors says why a job has no number of executors to change.
func fixedExecutors(p *Profile, _ Policy) string {
	switch {
	case p.Conf().Bool(keyDynamic).V:
		return "executors are allocated dynamically"
	case !p.Conf().Int(keyInstances).OK:
		return "the number of executors is not set"
	}
	return ""
}

// fewerExecutors asks the simulation; without one, executors without a task.
func (p *Profile) fewerExecutors(runs []*Run, n int64, pol Policy) Finding {
	most := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakTasks })
	filled := max(1, (most.V+slots(p)-1)/slots(p))
	ev := []Evidence{
		{"peak_tasks", "most tasks at a time, all runs", float64(most.V), "count"},
		{"executor_cores", "tasks that one executor runs at a time", float64(slots(p)), "count"},
	}
	reason := fmt.Sprintf("the most tasks at a time fill %d of %d executors, over %s", filled, n, plural(len(runs), "run"))
	to := max(filled, (n+1)/2)
	f, simulated, ok := p.simulatedFewer(n, pol)
	ok = ok && f.Executors < to
	if ok {
		to = f.Executors
		ev = append(ev, simulated...)
		reason = fmt.Sprintf("simulated with %d of %d executors the runs are neither slower nor dearer than the policy's goal allows", to, n)
	}
	if float64(to) > float64(n)*(1-pol.DeadBand) {
		return silent(reason, ev...)
	}
	if why := p.holdsTooMuch(n, to); why != "" {
		return silent(reason+"; but "+why, ev...)
	}
	sure := High
	if missing([]string{"peak_on_heap_unified_bytes"}, runs, 1) != "" {
		sure = Medium // nobody saw what they held
	}
	found := advises(reason, ev, Change{Key: keyInstances, To: strconv.FormatInt(to, 10), Confidence: sure})
	if to > filled && to == (n+1)/2 {
		found = found.railed("at most half of the executors go at a time")
	}
	if ok {
		return found.simulated(f)
	}
	return found
}

// simulatedFewer is the goal's choice among fewer executors, where the
// simulation can tell.
func (p *Profile) simulatedFewer(n int64, pol Policy) (Forecast, []Evidence, bool) {
	if p.heaviestUnknown() != "" {
		return Forecast{}, nil, false
	}
	o, why := p.lookStatic(n, pol)
	if why != "" {
		return Forecast{}, nil, false
	}
	f := o.best(n, (n+1)/2, n, pol.Goal)
	return f.widened(o.worst), o.evidence(f), f.Executors < n && pol.Goal.worth(f) <= 1-pol.DeadBand/2
}

// lookStatic simulates a static number of executors.
func (p *Profile) lookStatic(n int64, pol Policy) (outlook, string) {
	return p.look(pol, (*Simulation).At, func(s *Simulation) Prediction { return s.At(n) })
}

// holdsTooMuch says that what the executors held in memory at their peak may
// not fit into fewer of them.
func (p *Profile) holdsTooMuch(n, to int64) string {
	overflows := func(held, room Opt[int64]) bool {
		return held.OK && room.OK && float64(held.V)*float64(n)/float64(max(1, to)) > float64(room.V)
	}
	runs := p.witnesses()
	onHeap := maxOf(runs, func(r *Run) Opt[int64] { return r.PeakOnHeapUnified })
	offHeap := maxOf(runs, func(r *Run) Opt[int64] { return r.PeakOffHeapUnified })
	if overflows(onHeap, minOf(runs, (*Run).onHeapRegion)) || overflows(offHeap, p.Newest().offHeapRegion()) {
		return "what they held in memory might not fit into those that stay"
	}
	return ""
}

// offHeapRegion is the off-heap memory of an executor, in bytes; none where it
// is off.
func (r *Run) offHeapRegion() Opt[int64] {
	if !r.Conf.Bool("spark.memory.offHeap.enabled").V {
		return Opt[int64]{}
	}
	return r.Conf.Bytes("spark.memory.offHeap.size")
}

// onHeapRegion is what execution and storage share on the heap, in bytes: the
// block manager's maximum has the off-heap memory in it.
func (r *Run) onHeapRegion() Opt[int64] {
	region := r.UnifiedRegion
	region.V -= r.offHeapRegion().V
	return Opt[int64]{V: region.V, OK: region.OK && region.V > 0}
}
