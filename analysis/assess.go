package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Prospect is what somebody's change of a property will do to a job, as far
// as its runs tell.
type Prospect string

// The prospects, the worst last.
const (
	NoEffect     Prospect = "no_effect"      // the job runs as before
	Improves     Prospect = "improves"       // the runs ask for it
	Harmless     Prospect = "harmless"       // nothing in the runs speaks against it
	Unknown      Prospect = "unknown"        // nobody measured what it depends on
	Wastes       Prospect = "wastes"         // it reserves more, and nothing in the runs asks for it
	Slows        Prospect = "slows"          // the runs would take longer, by prediction
	NotShownSafe Prospect = "not_shown_safe" // the largest measured need is above it, or was not measured
	RisksOOM     Prospect = "risks_oom"      // it takes memory from a job that already lacks it
)

// urgency orders the prospects.
var urgency = []Prospect{NoEffect, Improves, Harmless, Unknown, Wastes, Slows, NotShownSafe, RisksOOM}

// An Assessed is one changed property and its prospect.
type Assessed struct {
	Key      string     `json:"key"`
	From     string     `json:"from"` // what held in the runs
	To       string     `json:"to"`   // "" when the property goes: its default holds
	Prospect Prospect   `json:"prospect"`
	Reason   string     `json:"reason"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// An Assessment is what a change of a job's configuration will do.
type Assessment struct {
	Job     string     `json:"job"`
	Runs    int        `json:"runs"`
	Changes []Assessed `json:"changes"` // sorted by key
	Effect  *Effect    `json:"effect,omitempty"`
}

// Worst is the most urgent prospect of its changes.
func (a *Assessment) Worst() Prospect {
	worst := NoEffect
	for _, c := range a.Changes {
		if slices.Index(urgency, c.Prospect) > slices.Index(urgency, worst) {
			worst = c.Prospect
		}
	}
	return worst
}

// Assess answers what a proposed configuration will do to a job: the same
// machinery as [Advise], in the other direction. Proposed holds the changed
// properties only, "" for one that is taken out. Each property is looked at by
// itself, memory as the heap of one slot.
func Assess(p *Profile, proposed Conf, pol Policy) Assessment {
	a := Assessment{Job: p.Job, Runs: len(p.Runs), Changes: []Assessed{}}
	why := p.abstain(pol)
	var changes []Change
	for _, key := range slices.Sorted(maps.Keys(proposed)) {
		c := Assessed{Key: key, To: proposed[key], Prospect: Unknown, Reason: why}
		if why == "" {
			c.From = p.effective(key)
			changes = append(changes, Change{Key: key, To: c.To})
			p.assess(&c, proposed, pol)
		}
		a.Changes = append(a.Changes, c)
	}
	if len(changes) > 0 {
		a.Effect = effectOf(p, changes, nil, pol)
	}
	return a
}

func (p *Profile) assess(c *Assessed, proposed Conf, pol Policy) {
	after := p.with(proposed)
	prop, known := FindProperty(c.Key)
	switch {
	case !known:
		c.say(Unknown, "no rule knows what it does")
	case strings.HasPrefix(prop.Column, "wrong_"):
		c.say(NoEffect, prop.Doc)
	case p.setByCode([]Change{{Key: c.Key}}) != "":
		c.say(NoEffect, "the application sets it itself")
	case p.Conf().canonical(prop) == after.canonical(prop):
		c.say(NoEffect, "the runs had this value")
	case unsized[prop.Name]:
		c.say(Harmless, "it changes what is measured, not how the job runs")
	default:
		p.assessSize(c, prop.Name, after, pol)
	}
}

func (p *Profile) assessSize(c *Assessed, key string, after Conf, pol Policy) {
	switch key {
	case keyMemory, keyCores:
		p.assessHeap(c, after, pol)
	case keyOverhead, "spark.executor.memoryOverheadFactor":
		p.assessOverhead(c, after, pol)
	case "spark.executor.pyspark.memory":
		c.say(NotShownSafe, "it is a hard limit of each Python worker: one that needs more dies")
	case keyInstances:
		p.assessExecutors(c, after, pol)
	case keyMaxExecs:
		p.assessMost(c, after)
	case keyPartitions:
		p.assessPartitions(c, after, pol)
	default:
		c.say(Unknown, "the runs do not tell what it does")
	}
}

func (c *Assessed) say(what Prospect, reason string, ev ...Evidence) {
	c.Prospect, c.Reason, c.Evidence = what, reason, finite(ev)
}

// with is the configuration after a change; aliases count as the property.
func (p *Profile) with(proposed Conf) Conf {
	return proposed.over(p.Conf())
}

// over is the configuration with the properties of c on top; "" takes one out.
func (c Conf) over(base Conf) Conf {
	after := Conf{}
	maps.Copy(after, base)
	for key, v := range c {
		if prop, ok := FindProperty(key); ok {
			key = prop.Name
		}
		if v == "" {
			delete(after, key)
		} else {
			after[key] = v
		}
	}
	return after
}

// heapPerSlot is the heap that a task can count on, in bytes.
func (p *Profile) heapPerSlot(c Conf) int64 {
	cores := c.Int(keyCores).Or(slots(p))
	return c.Bytes(keyMemory).V / max(1, cores/max(1, c.Int("spark.task.cpus").Or(1)))
}

// assessHeap judges a change of the heap, or of how many tasks share it.
func (p *Profile) assessHeap(c *Assessed, after Conf, pol Policy) {
	before, now := p.heapPerSlot(p.Conf()), p.heapPerSlot(after)
	lack := p.lacksHeap(pol)
	switch {
	case now > before && lack != "":
		c.say(Improves, "the runs lack memory: "+lack)
	case now < before && lack != "":
		c.say(RisksOOM, "the runs already lack memory: "+lack)
	case now < before:
		p.assessLessHeap(c, now, before, pol)
	case now > before:
		c.say(Wastes, "nothing in the runs asks for more memory: "+p.wasted(after, pol))
	default:
		c.say(Harmless, "a task has as much heap as before")
	}
}

// assessLessHeap compares the heap that a slot keeps with the largest measured
// need of one.
func (p *Profile) assessLessHeap(c *Assessed, now, before int64, pol Policy) {
	peak := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakHeap })
	sound := p.sound()
	ev := []Evidence{{"peak_heap_bytes", "peak heap, largest", float64(peak.V), "bytes"}}
	share := float64(now) / float64(max(1, before)) // of the heap that a task keeps
	left := int64(share * float64(p.Conf().Bytes(keyMemory).V))
	switch low := minOf(sound, coverage); {
	case symptom(p, pol) != "":
		c.say(NotShownSafe, symptom(p, pol))
	case !peak.OK || len(measured(sound, coverage)) < len(sound) || low.V < pol.MinCoverage:
		c.say(NotShownSafe, "its need was not measured: "+p.howToMeasure(pol))
	case len(sound) < pol.MinRunsShrink || p.Span() < pol.MinHistory:
		c.say(NotShownSafe, tooLittleToShrink(p, sound, pol), ev...)
	case left < int64(float64(peak.V)*heapMargin)+reservedHeap:
		c.say(NotShownSafe, fmt.Sprintf("the largest peak of %s would leave less than its margin in %s", plural(len(p.Runs), "run"), FormatMemory(left)), ev...)
	default:
		c.say(Improves, "the largest peak keeps its margin", ev...)
	}
}

// lacksHeap says by what the runs lack heap; "" when they do not.
func (p *Profile) lacksHeap(pol Policy) string {
	for _, r := range []*Rule{&heapOOM, &spill, &gcPressure} {
		if missing(r.Needs, p.Runs, len(p.Runs)) != "" {
			continue
		}
		if f := r.eval(p, pol); f.Status == Advises {
			return f.Reason
		}
	}
	return ""
}

// wasted is what a larger container reserves in addition.
func (p *Profile) wasted(after Conf, pol Policy) string {
	perRun := medianOf(p.Runs, gbHours).V * (float64(p.container(after))/float64(max(1, p.container(p.Conf()))) - 1)
	if month := perRun * cadence(p, pol); month > 0 {
		return fmt.Sprintf("it would reserve %.1f GiB x hours more in a month", month)
	}
	return fmt.Sprintf("it would reserve %.2f GiB x hours more in a run", perRun)
}

func (p *Profile) assessOverhead(c *Assessed, after Conf, pol Policy) {
	kills := containerKill.eval(p, pol).Status == Advises
	used := maxOf(p.Runs, outsideHeap)
	ev := []Evidence{{"peak_jvm_rss_bytes", "resident memory outside the heap, largest", float64(used.V), "bytes"}}
	switch before, now := p.overhead(p.Conf()), p.overhead(after); {
	case now > before && kills:
		c.say(Improves, "containers were killed for their memory")
	case now > before:
		c.say(Wastes, "no container was killed for its memory: "+p.wasted(after, pol))
	case now < before && kills:
		c.say(RisksOOM, "containers were already killed for their memory")
	case now < before && used.OK && minOf(p.Runs, func(r *Run) Opt[float64] { return r.RSSCoverage }).V >= pol.MinCoverage && float64(used.V)*heapMargin <= float64(now):
		c.say(Harmless, "what was measured outside the heap keeps its margin", ev...)
	case now < before:
		c.say(NotShownSafe, "memory outside the heap was not measured, or comes near it")
	default:
		c.say(Harmless, "the overhead stays")
	}
}

// assessExecutors judges another number of executors: by simulation, else by
// what never had a task.
func (p *Profile) assessExecutors(c *Assessed, after Conf, pol Policy) {
	n, to := p.Conf().Int(keyInstances).Or(2), after.Int(keyInstances).Or(2)
	if p.Conf().Bool(keyDynamic).V {
		c.say(Harmless, "it is only the first number under dynamic allocation")
		return
	}
	o, why := p.lookStatic(n, pol)
	if why != "" {
		p.assessUnsimulated(c, n, to, why)
		return
	}
	f := o.forecast(to).widened(o.worst)
	ev := o.evidence(f)
	switch {
	case f.High > balancedBound && f.Duration > balancedBound:
		c.say(Slows, fmt.Sprintf("simulated, the runs take %.2f times as long for %.2f times the executor time", f.Duration, f.Cost), ev...)
	case f.Cost > balancedBound && f.Duration*f.Cost > balancedBound:
		c.say(Wastes, fmt.Sprintf("simulated, the runs take %.2f times the executor time for %.2f times the duration", f.Cost, f.Duration), ev...)
	case pol.Goal.worth(f) < 1-pol.DeadBand/2:
		c.say(Improves, fmt.Sprintf("simulated, the runs take %.2f times as long for %.2f times the executor time", f.Duration, f.Cost), ev...)
	default:
		c.say(Harmless, "simulated, little changes", ev...)
	}
}

func (p *Profile) assessUnsimulated(c *Assessed, n, to int64, why string) {
	most := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakTasks })
	filled := (most.V + slots(p) - 1) / slots(p)
	ev := []Evidence{{"peak_tasks", "most tasks at a time, all runs", float64(most.V), "count"}}
	switch {
	case most.OK && to > n && filled < n:
		c.say(Wastes, fmt.Sprintf("the most tasks at a time fill %d of %d executors", filled, n), ev...)
	case most.OK && to < n && filled <= to:
		c.say(Improves, fmt.Sprintf("the most tasks at a time fill %d of %d executors", filled, n), ev...)
	default:
		c.say(Unknown, why, ev...)
	}
}

func (p *Profile) assessMost(c *Assessed, after Conf) {
	peak := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakExecutors })
	ev := []Evidence{{"peak_executors", "most executors at a time, all runs", float64(peak.V), "count"}}
	switch to := after.Int(keyMaxExecs); {
	case !p.Conf().Bool(keyDynamic).V:
		c.say(NoEffect, "executors are not allocated dynamically")
	case !peak.OK:
		c.say(Unknown, "the number of executors was not measured")
	case !to.OK || to.V >= peak.V && p.Conf().Int(keyMaxExecs).Or(to.V+1) > peak.V:
		c.say(Harmless, "no run came near it", ev...)
	case to.V < peak.V:
		c.say(Slows, fmt.Sprintf("runs took up to %d executors at a time", peak.V), ev...)
	default:
		c.say(Unknown, "runs reached the present bound: what they would take beyond it is not known", ev...)
	}
}

func (p *Profile) assessPartitions(c *Assessed, after Conf, pol Policy) {
	before, now := p.Conf().Int(keyPartitions).V, after.Int(keyPartitions).V
	spills := missing(spill.Needs, p.Runs, len(p.Runs)) == "" && spill.eval(p, pol).Status == Advises
	spilled := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.MemorySpilled })
	switch {
	case now > before && spills:
		c.say(Improves, "a large stage spills: smaller partitions fit")
	case now < before && spilled.V > 0:
		c.say(RisksOOM, "some runs spill already, and larger partitions hold more at a time")
	case p.adaptive():
		c.say(Harmless, "adaptive execution merges small partitions")
	case now < before && !spilled.OK:
		c.say(NotShownSafe, "larger partitions hold more at a time, and spill was not measured")
	default:
		c.say(Harmless, "nothing is spilled")
	}
}
