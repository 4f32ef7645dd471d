package analysis

import "fmt"

var speculation = Rule{
	Name:  "speculation",
	Title: "speculative execution",
	Doc: `Speculation is on and starts more than one task in twenty twice, or it is off
while one task that read no more than the others dominates a stage (a slow host)
in at least half of the runs.

A second copy of a task writes its side effects a second time where the sink does
not commit once, so a person decides.`,
	Needs:  []string{"tasks", "tasks_speculative"},
	Keys:   []string{keySpeculation},
	Advice: true,
	eval:   evalSpeculation,
}

func evalSpeculation(p *Profile, pol Policy) Finding {
	share := medianOf(p.Runs, func(r *Run) Opt[float64] {
		return Opt[float64]{V: float64(r.TasksSpeculative.V) / float64(max(1, r.Tasks.V)), OK: r.Tasks.OK && r.TasksSpeculative.OK}
	})
	ev := []Evidence{{"tasks_speculative", "share of tasks started twice, median", share.V, "ratio"}}
	on := p.Conf().Bool(keySpeculation).V
	slow := count(p.Runs, func(r *Run) bool { return isSkewed(r, pol) && r.SkewBytesRatio.OK && r.SkewBytesRatio.V < 2 })
	switch {
	case on && share.V > 0.05:
		return advises("many tasks are started twice: the work is uneven rather than the hosts", ev, Change{Key: keySpeculation, To: "false", Confidence: Low})
	case on:
		return silent("speculation is on and starts few tasks twice", ev...)
	case slow > 0 && 2*slow >= len(p.Runs):
		return advises(fmt.Sprintf("a task that read no more than the others dominates a stage in %d of %s: where every sink commits once, a second copy could help", slow, plural(len(p.Runs), "run")),
			ev, Change{Key: keySpeculation, To: "true", Confidence: Low})
	}
	return silent("no slow host was seen", ev...)
}
