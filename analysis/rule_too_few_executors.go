package analysis

import (
	"fmt"
	"slices"
	"strconv"
)

var tooFewExecutors = Rule{
	Name:  "too_few_executors",
	Title: "work that waits for executors",
	Doc: `A static number of executors whose slots were all taken in every complete run,
while the longest chain of tasks is below half of the duration: work waited for
slots.

The latest complete runs are simulated with more executors, at most twice as
many and at most the policy's number; the number is the one that the policy's
goal chooses, and only where it gains more than the dead band. Executors take
time to start, so on short runs more of them can be dearer than they are worth:
the simulation starts them at the pace at which those of the run came. Without
run profiles nothing is said.`,
	Needs:    slices.Concat([]string{"peak_tasks", "critical_path_ms", "executors_lost", "memory_spilled_bytes"}, soundness),
	Keys:     []string{keyInstances},
	concerns: fixedExecutors,
	eval:     evalTooFewExecutors,
}

func evalTooFewExecutors(p *Profile, pol Policy) Finding {
	n := p.Conf().Int(keyInstances)
	if s := symptom(p, pol); s != "" {
		return silent(s + ": that comes first")
	}
	runs := p.sound()
	if len(runs) < pol.MinRuns {
		return silent(fmt.Sprintf("%s complete and successful, %d needed", plural(len(runs), "run"), pol.MinRuns))
	}
	if why := p.tooShort(pol); why != "" {
		return silent(why)
	}
	all := n.V * slots(p)
	full := count(runs, func(r *Run) bool { return r.PeakTasks.V >= all && chainIsShort(r) })
	if full < len(runs) {
		return silent(fmt.Sprintf("work waited for slots in %d of %s", full, plural(len(runs), "run")))
	}
	o, why := p.lookStatic(n.V, pol)
	if why != "" {
		return unmeasured(why)
	}
	most := min(2*n.V, pol.MaxExecutors)
	f := o.best(n.V, n.V, most, pol.Goal)
	if f.Executors == n.V || pol.Goal.worth(f) > 1-pol.DeadBand {
		return silent("work waited for slots, but more executors would not be worth what they cost"+o.forSpeed(n.V, most, pol), o.evidence(f)...)
	}
	ev := o.evidence(f)
	return advises(fmt.Sprintf("all slots were taken in %s, and simulated with %d executors instead of %d they are faster by more than they cost", plural(full, "run"), f.Executors, n.V),
		ev, Change{Key: keyInstances, To: strconv.FormatInt(f.Executors, 10), Confidence: Medium}).simulated(f.widened(o.worst))
}

// forSpeed says what the goal speed would choose where today's does not; "" when
// that is nothing.
func (o *outlook) forSpeed(today, most int64, pol Policy) string {
	f := o.best(today, today, most, Speed)
	if pol.Goal == Speed || f.Executors == today || f.Duration > 1-pol.DeadBand {
		return ""
	}
	return fmt.Sprintf(": %d instead of %d take %.2f times as long for %.2f times the executor time, which is for the goal %s", f.Executors, today, f.Duration, f.Cost, Speed)
}

// chainIsShort says whether more slots could make the run much shorter.
func chainIsShort(r *Run) bool {
	d := r.Duration()
	return d.OK && r.CriticalPathMs.OK && 2*r.CriticalPathMs.V <= d.V.Milliseconds()
}
