package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
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
	NotShownSafe Prospect = "not_shown_safe" // the largest measured need is above it, or was not measured, or no node has it
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
	cut      string     // what it takes away, "" when nothing
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
// properties only, "" for one that is taken out. Memory is looked at as the heap of
// one slot, and executors as slots, under all that is proposed; two cuts together
// are shown safe by nothing, because each was measured with the other as it is.
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
	a.together()
	if len(changes) > 0 {
		a.Effect = effectOf(p, changes, nil, pol)
	}
	return a
}

// together takes back what was said of one cut where another comes with it.
func (a *Assessment) together() {
	var cuts []string
	for _, c := range a.Changes {
		if c.cut != "" && !slices.Contains(cuts, c.cut) {
			cuts = append(cuts, c.cut)
		}
	}
	for i := range a.Changes {
		c := &a.Changes[i]
		if len(cuts) > 1 && c.cut != "" && (c.Prospect == Improves || c.Prospect == Harmless) {
			c.say(NotShownSafe, "it would be safe by itself, but "+strings.Join(cuts, " and ")+" get less together, and each was measured with the other as it is", c.Evidence...)
		}
	}
}

func (p *Profile) assess(c *Assessed, proposed Conf, pol Policy) {
	after := proposed.over(p.Conf())
	prop, known := FindProperty(c.Key)
	switch {
	case !known:
		c.say(Unknown, "no rule knows what it does")
	case strings.HasPrefix(prop.Column, "wrong_"):
		c.say(NoEffect, prop.Doc)
	case p.setByCode([]Change{{Key: c.Key}}) != "":
		c.say(NoEffect, "the application sets it itself")
	case p.withoutEffect([]Change{{Key: c.Key}}) != "":
		c.say(NoEffect, p.withoutEffect([]Change{{Key: c.Key}}))
	case p.Conf().canonical(prop) == after.canonical(prop):
		c.say(NoEffect, "the runs had this value")
	case unsized[prop.Name]:
		c.say(Harmless, "it changes what is measured, not how the job runs")
	case p.beyondNode(prop.Name, proposed, pol) != "":
		c.say(NotShownSafe, p.beyondNode(prop.Name, proposed, pol))
	default:
		p.assessSize(c, prop.Name, after, pol)
	}
}

// ofContainer are the properties that size an executor's container.
var ofContainer = []string{
	keyMemory, keyOverhead, keyFactor, keyPodFactor, keyEMRFactor, keyPySpark, keyOffHeap, keyOffHeapSize,
}

// beyondNode says why no node has what is proposed for an executor, or for the
// driver, whichever the property sizes; "" when one may have it.
func (p *Profile) beyondNode(key string, proposed Conf, pol Policy) string {
	if key != keyDriver && !slices.Contains(ofContainer, key) {
		return ""
	}
	var changes []Change
	for k, to := range proposed {
		if strings.HasPrefix(k, "spark.driver.") == (key == keyDriver) {
			changes = append(changes, Change{Key: k, To: to})
		}
	}
	return p.misfit(changes, pol)
}

func (p *Profile) assessSize(c *Assessed, key string, after Conf, pol Policy) {
	switch key {
	case keyMemory:
		p.assessHeap(c, after, pol)
	case keyCores:
		p.assessCores(c, after, pol)
	case keyDriver:
		p.assessDriver(c, after, pol)
	case keyOverhead, keyFactor, keyPodFactor, keyEMRFactor:
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

// over is the configuration with the properties of c on top, which may be
// aliases; "" takes one out.
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

// slotsOf is how many tasks an executor of a configuration runs at a time.
func (p *Profile) slotsOf(c Conf) int64 {
	cores := c.Int(keyCores)
	if !cores.OK {
		return slots(p)
	}
	return max(1, min(cores.V, maxSlots)/max(1, c.Int("spark.task.cpus").Or(1)))
}

// allSlots is how many tasks the application can run at a time; missing where
// nothing bounds the executors.
func (p *Profile) allSlots(c Conf) Opt[int64] {
	n := Some(c.instances())
	if c.Bool(keyDynamic).V {
		n = c.Int(keyMaxExecs)
	}
	return Opt[int64]{V: min(n.V, math.MaxInt32) * p.slotsOf(c), OK: n.OK && p.Newest().Platform() != Standalone}
}

// heapPerSlot is the heap that a task can count on, in bytes.
func (p *Profile) heapPerSlot(c Conf) int64 { return c.Bytes(keyMemory).V / p.slotsOf(c) }

// againstLess says why the runs do not show that anything can go, whatever the
// peaks; "" when they may.
func (p *Profile) againstLess(pol Policy) string {
	if s := symptom(p, pol); s != "" {
		return s
	}
	return p.tooFew(pol)
}

// tooFew says why the runs are too few, or over too little time, to show that
// anything can go; how long they take does not matter for that.
func (p *Profile) tooFew(pol Policy) string {
	if sound := p.sound(); len(sound) < pol.MinRunsShrink || p.Span() < pol.MinHistory {
		return tooLittleToShrink(p, sound, pol)
	}
	return ""
}

// assessCores judges other cores of an executor: where the application keeps the
// slots that it fills, by what heap a slot has then.
func (p *Profile) assessCores(c *Assessed, after Conf, pol Policy) {
	had, left, most := p.allSlots(p.Conf()), p.allSlots(after), maxOf(p.Runs, peakTasks)
	if left.OK && (!had.OK || left.V < had.V) {
		c.cut = "the executors' slots"
		switch {
		case p.heapPerSlot(after) < p.heapPerSlot(p.Conf()): // what is worse
		case !most.OK:
			c.say(Unknown, "slots go, and how many tasks ran at a time was not measured")
			return
		case most.V > left.V:
			c.sayFewerSlots(most.V, left.V)
			return
		case p.reserves(after) < 1 && p.heldBack(had.Or(left.V), left.V, pol) != "":
			c.say(NotShownSafe, p.heldBack(had.Or(left.V), left.V, pol))
			return
		}
	}
	p.assessHeap(c, after, pol)
}

func peakTasks(r *Run) Opt[int64] { return r.PeakTasks }

func (c *Assessed) sayFewerSlots(most, left int64) {
	c.say(Slows, fmt.Sprintf("up to %d tasks ran at a time, and %s: how much longer the runs take was not simulated", most, plural(int(left), "slot")+" stay"),
		Evidence{"peak_tasks", "most tasks at a time, all runs", float64(most), "count"})
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
		c.cut = "the heap of a task"
		p.assessLessHeap(c, after, now, before, pol)
	case now > before && p.reserves(after) <= 1:
		c.say(Harmless, "a task has more heap, and no more is reserved")
	case now > before:
		c.say(Wastes, "nothing in the runs asks for more memory: "+p.wasted(after, pol))
	default:
		c.say(Harmless, "a task has as much heap as before")
	}
}

// assessLessHeap compares the heap that a slot keeps with the largest measured
// need of one.
func (p *Profile) assessLessHeap(c *Assessed, after Conf, now, before int64, pol Policy) {
	peak := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.PeakHeap })
	sound := p.sampledSince(p.sound(), coverage, pol, heapSettings...)
	ev := []Evidence{{"peak_heap_bytes", "peak heap, largest", float64(peak.V), "bytes"}}
	share := float64(now) / float64(max(1, before)) // of the heap that a task keeps
	left := int64(share * float64(p.Conf().Bytes(keyMemory).V))
	switch low := minOf(sound, coverage); {
	case symptom(p, pol) != "":
		c.say(NotShownSafe, symptom(p, pol))
	case !peak.OK || len(measured(sound, coverage)) < len(sound) || low.V < pol.MinCoverage:
		c.say(NotShownSafe, "its need was not measured: "+p.howToMeasure(pol))
	case p.tooFew(pol) != "":
		c.say(NotShownSafe, p.tooFew(pol), ev...)
	case watchedTooLittle(sound, pol) != "":
		c.say(NotShownSafe, watchedTooLittle(sound, pol), ev...)
	case left < neededHeap(p, peak.V):
		c.say(NotShownSafe, fmt.Sprintf("the largest peak of %s would leave less than its margin in %s", plural(len(p.Runs), "run"), FormatMemory(left)), ev...)
	case p.overheadFalls(after, pol):
		c.say(NotShownSafe, fmt.Sprintf("an overhead that is not set follows the heap, from %s to %s, and what lies outside the heap does not", FormatMemory(p.overhead(p.Conf())), FormatMemory(p.overhead(after))), ev...)
	default:
		c.say(Improves, "the largest peak keeps its margin", ev...)
	}
}

// lacksHeap says by what the runs lack heap; "" when they do not.
func (p *Profile) lacksHeap(pol Policy) string {
	if hit, what, _ := oomRuns(p); hit > 0 {
		return fmt.Sprintf("%s in %d of %s", what, hit, plural(len(p.Runs), "run"))
	}
	for _, r := range []*Rule{&spill, &gcPressure} {
		if missing(r.Needs, p.Runs, len(p.Runs)) != "" {
			continue
		}
		if f := r.eval(p, pol); f.Status == Advises {
			return f.Reason
		}
	}
	return ""
}

// reserves is the factor of memory reserved, for runs that take as long.
func (p *Profile) reserves(after Conf) float64 {
	return p.moreExecutors(after) * float64(p.container(after)) / float64(max(1, p.container(p.Conf())))
}

// wasted is what more or larger containers reserve in addition.
func (p *Profile) wasted(after Conf, pol Policy) string {
	perRun := medianOf(p.Runs, gbHours).V * (p.reserves(after) - 1)
	if month := perRun * cadence(p, pol); month > 0 {
		return fmt.Sprintf("it would reserve %.1f GiB x hours more in a month", month)
	}
	return fmt.Sprintf("it would reserve %.2f GiB x hours more in a run", perRun)
}

// assessDriver judges another heap of the driver.
func (p *Profile) assessDriver(c *Assessed, after Conf, pol Policy) {
	died, unexplained := count(p.Runs, driverOutOfHeap), count(p.Runs, driverDied)
	switch more := after.Bytes(keyDriver).V > p.Conf().Bytes(keyDriver).V; {
	case died > 0 && more:
		c.say(Improves, fmt.Sprintf("the driver died of its heap in %s", plural(died, "run")))
	case died > 0:
		c.say(RisksOOM, fmt.Sprintf("the driver already died of its heap in %s", plural(died, "run")))
	case unexplained > 0 && more:
		c.say(Unknown, fmt.Sprintf("the driver ended by itself in %s, and no log says of what", plural(unexplained, "run")))
	case unexplained > 0:
		c.say(NotShownSafe, fmt.Sprintf("the driver ended by itself in %s, and no log says of what", plural(unexplained, "run")))
	case more:
		c.say(Wastes, "no log says that the driver died of its heap")
	default:
		p.assessLessDriver(c, after, pol)
	}
}

func (p *Profile) assessLessDriver(c *Assessed, after Conf, pol Policy) {
	sound := p.sampledSince(p.sound(), driverCoverage, pol, keyStageMetrics)
	peak := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.DriverPeakHeap })
	ev := []Evidence{{"driver_peak_heap_bytes", "peak heap of the driver, largest", float64(peak.V), "bytes"}}
	switch now := after.Bytes(keyDriver).V; {
	case !peak.OK || len(measured(sound, driverCoverage)) < len(sound) || minOf(sound, driverCoverage).V < pol.MinCoverage:
		c.say(NotShownSafe, "its need was not measured, or not well; set "+keyStageMetrics+"=true to measure it")
	case p.tooFew(pol) != "":
		c.say(NotShownSafe, p.tooFew(pol), ev...)
	case watchedTooLittle(sound, pol) != "":
		c.say(NotShownSafe, watchedTooLittle(sound, pol), ev...)
	case now < int64(float64(peak.V)*heapMargin)+reservedHeap:
		c.say(NotShownSafe, fmt.Sprintf("the largest peak of %s would leave less than its margin in %s", plural(len(p.Runs), "run"), FormatMemory(now)), ev...)
	default:
		c.say(Improves, "the largest peak keeps its margin", ev...)
	}
}

func (p *Profile) assessOverhead(c *Assessed, after Conf, pol Policy) {
	before, now := p.overhead(p.Conf()), p.overhead(after)
	kills, signals := count(p.Runs, killedContainer) > 0, count(p.Runs, killedBySignal)
	switch {
	case now == before:
		c.say(Harmless, "the overhead stays")
	case now > before && kills:
		c.say(Improves, "containers were killed for their memory")
	case now > before && signals > 0:
		c.say(Unknown, fmt.Sprintf("executors were killed by a signal in %s, and no log says whether their containers were too small", plural(signals, "run")))
	case now > before:
		c.say(Wastes, "no container was killed for its memory: "+p.wasted(after, pol))
	case kills:
		c.say(RisksOOM, "containers were already killed for their memory")
	default:
		c.cut = "memory outside the heap"
		p.assessLessOverhead(c, now, pol)
	}
}

func killedBySignal(r *Run) bool { return r.ExecutorsLost[LossSignal] > 0 }

func (p *Profile) assessLessOverhead(c *Assessed, now int64, pol Policy) {
	used := maxOf(p.witnesses(), outsideHeap)
	ev := []Evidence{{"peak_jvm_rss_bytes", "resident memory outside the heap, largest", float64(used.V), "bytes"}}
	switch {
	case p.againstLess(pol) != "":
		c.say(NotShownSafe, p.againstLess(pol))
	case p.holdsOutside(now, pol):
		c.say(Harmless, "what was measured outside the heap keeps its margin", ev...)
	default:
		c.say(NotShownSafe, "memory outside the heap was not measured, or comes near it")
	}
}

// assessExecutors judges another number of executors, as the slots that they
// have: by simulation, else by what never had a task.
func (p *Profile) assessExecutors(c *Assessed, after Conf, pol Policy) {
	n, to := p.Conf().instances(), p.likeToday(after.instances(), after)
	switch {
	case after.Bool(keyDynamic).V:
		c.say(Harmless, "it is only the first number under dynamic allocation")
		return
	case p.Conf().Bool(keyDynamic).V:
		c.say(Unknown, "the runs took executors as they needed them: what they do with a number that stays is not known")
		return
	case to == n:
		c.say(Harmless, "the application keeps its slots")
		return
	case to < n:
		c.cut = "the executors' slots"
		if why := p.heldBack(n, to, pol); why != "" {
			c.say(NotShownSafe, why)
			return
		}
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

// heldBack says why executors that never had a task may be needed all the same,
// n of them or of their slots as against to; "" when they may go.
func (p *Profile) heldBack(n, to int64, pol Policy) string {
	if why := cmp.Or(p.againstLess(pol), p.holdsTooMuch(n, to)); why != "" {
		return why + ": it is not shown that executors can go"
	}
	return ""
}

// likeToday is how many of today's executors have as many slots as n of a
// configuration.
func (p *Profile) likeToday(n int64, c Conf) int64 {
	return min(n, math.MaxInt32) * p.slotsOf(c) / p.slotsOf(p.Conf())
}

func (p *Profile) assessUnsimulated(c *Assessed, n, to int64, why string) {
	most := maxOf(p.Runs, peakTasks)
	filled := (most.V + slots(p) - 1) / slots(p)
	ev := []Evidence{{"peak_tasks", "most tasks at a time, all runs", float64(most.V), "count"}}
	switch {
	case most.OK && to > n && filled < n:
		c.say(Wastes, fmt.Sprintf("the most tasks at a time fill %d of %d executors", filled, n), ev...)
	case most.OK && to < n && filled <= to:
		c.say(Improves, fmt.Sprintf("the most tasks at a time fill %d of %d executors", filled, n), ev...)
	case most.OK && to < n:
		c.sayFewerSlots(most.V, to*slots(p))
	default:
		c.say(Unknown, why, ev...)
	}
}

// assessMost judges another bound of dynamic allocation, as today's executors
// that have as many slots.
func (p *Profile) assessMost(c *Assessed, after Conf) {
	peak := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakExecutors })
	ev := []Evidence{{"peak_executors", "most executors at a time, all runs", float64(peak.V), "count"}}
	was := Some(p.Conf().instances())
	if p.Conf().Bool(keyDynamic).V {
		was = p.Conf().Int(keyMaxExecs)
	}
	to := after.Int(keyMaxExecs)
	to.V = p.likeToday(to.V, after)
	switch {
	case !after.Bool(keyDynamic).V:
		c.say(NoEffect, "executors are not allocated dynamically")
	case !peak.OK:
		c.say(Unknown, "the number of executors was not measured")
	case to.OK && to.V < peak.V:
		c.cut = "the executors' slots"
		c.say(Slows, fmt.Sprintf("runs took up to %d executors at a time", peak.V), ev...)
	case !was.OK || was.V > peak.V:
		c.say(Harmless, "no run came near it", ev...)
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
	case now < before && !spilled.OK:
		c.say(NotShownSafe, "larger partitions hold more at a time, and spill was not measured")
	case now < before:
		c.cut = "shuffles in partitions"
		p.assessLarger(c, before, now, pol)
	case p.adaptive():
		c.say(Harmless, "adaptive execution merges small partitions")
	default:
		c.say(Harmless, "nothing is spilled")
	}
}

// assessLarger judges fewer partitions by what a task would read of the largest
// shuffle. Adaptive execution does not help: it merges partitions and, but for
// skewed joins, splits none. What was read is compressed, so more than the policy
// wants in a partition is shown safe by nothing.
func (p *Profile) assessLarger(c *Assessed, before, now int64, pol Policy) {
	shuffle := p.largestShuffle()
	each := shuffle.V / max(1, now)
	ev := []Evidence{{"shuffle_read_bytes", "read by a task of the largest shuffle, at most", float64(each), "bytes"}}
	switch {
	case float64(now) >= float64(before)*(1-pol.DeadBand):
		c.say(Harmless, "nothing is spilled, and the partitions grow little")
	case !shuffle.OK:
		c.say(NotShownSafe, "larger partitions hold more at a time, and how much is shuffled was not measured")
	case each > pol.WantedPartition:
		c.say(NotShownSafe, fmt.Sprintf("a task would read up to %s after a shuffle, and nobody measured what that takes in memory", FormatMemory(each)), ev...)
	default:
		c.say(Harmless, fmt.Sprintf("nothing is spilled, and a task would read %s at most after a shuffle", FormatMemory(each)), ev...)
	}
}

// largestShuffle bounds what one stage reads of shuffles: by the stages of the
// runs with a profile, else by all stages of a run together.
func (p *Profile) largestShuffle() Opt[int64] {
	if len(p.Details) == 0 || p.heaviestUnknown() != "" {
		return maxOf(p.Runs, func(r *Run) Opt[int64] { return r.ShuffleRead })
	}
	var most int64
	for _, d := range p.Details {
		for _, s := range d.Stages {
			most = max(most, s.ShuffleRead)
		}
	}
	return Some(most)
}
