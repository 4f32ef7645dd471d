package analysis

import (
	"math"
	"slices"
	"time"
)

// An Effect is what the changes are expected to do to what is reserved, per run,
// on runs as they were. A duration is predicted only where it was simulated.
type Effect struct {
	ContainerBefore int64   `json:"container_before_bytes"` // of one executor, as the platform rounds it
	ContainerAfter  int64   `json:"container_after_bytes"`
	GBHoursBefore   float64 `json:"gb_hours_before"` // median per run, GiB x hours over all executors
	GBHoursAfter    float64 `json:"gb_hours_after"`
	GBHoursLow      float64 `json:"gb_hours_low"` // smallest and largest run, before
	GBHoursHigh     float64 `json:"gb_hours_high"`
	// RunsPerMonth is the observed cadence; 0 when the runs cover less than a
	// week, from which no cadence can be told.
	RunsPerMonth float64 `json:"runs_per_month"`
	FailedRuns   int     `json:"failed_runs"` // of the cohort: what growth is weighed against
	// CoreHoursBefore and the others are the median per run; 0 is not measured.
	CoreHoursBefore float64 `json:"core_hours_before,omitempty"`
	CoreHoursAfter  float64 `json:"core_hours_after,omitempty"`
	// Expected bounds the GB-hours of the next run. It is nil where a change is to
	// end a symptom: how long the job takes without it nobody knows.
	Expected *Interval `json:"gb_hours_expected,omitempty"`
	// Duration is what the simulation says; nil where it was not asked.
	Duration *Durations `json:"duration,omitempty"`
	Money    *Money     `json:"money,omitempty"`
}

// Durations are a predicted duration: the median before and after in milliseconds,
// and the interval in which the next run is expected.
type Durations struct {
	Before float64 `json:"before_ms"`
	After  float64 `json:"after_ms"`
	Low    float64 `json:"low_ms"`
	High   float64 `json:"high_ms"`
}

// An Interval is where a figure of the next run is expected.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Money is what a run costs, where what is reserved is what is paid for, or by
// the dominant share of a stated node.
type Money struct {
	Before float64 `json:"before"` // per run
	After  float64 `json:"after"`
	Basis  string  `json:"basis"`
}

// effectOf weighs what is reserved before and after. It is nil where the
// lifetimes of executors were not measured.
func effectOf(p *Profile, changes []Change, f *Forecast, pol Policy) *Effect {
	before := medianOf(p.Runs, gbHours)
	if !before.OK {
		return nil
	}
	after := p.changed(changes)
	e := &Effect{
		ContainerBefore: p.container(p.Conf()),
		ContainerAfter:  p.container(after),
		GBHoursBefore:   before.V,
		GBHoursLow:      minOf(p.Runs, gbHours).V,
		GBHoursHigh:     maxOf(p.Runs, gbHours).V,
		RunsPerMonth:    cadence(p, pol),
		FailedRuns:      p.FailedRuns(),
		CoreHoursBefore: medianOf(p.Runs, coreHours).V,
	}
	executors, cores := p.moreExecutors(after), coresFactor(p.Conf(), after)
	container := float64(e.ContainerAfter) / float64(max(1, e.ContainerBefore))
	switch {
	case f != nil:
		executors = f.Cost
		e.Duration = p.duration(f)
		e.Expected = p.usual(gbHours).times(container*f.Cost*f.Low/f.Duration, container*max(f.MostCost, f.Cost*f.High/f.Duration))
	case onlyLessMemory(changes):
		e.Expected = p.usual(gbHours).times(container, container)
	}
	e.GBHoursAfter = e.GBHoursBefore * (executors * container)
	e.CoreHoursAfter = e.CoreHoursBefore * executors * cores
	e.Money = e.price(p.Newest().Platform(), p.coresOf(p.Conf()), p.coresOf(after), pol)
	if !e.told() {
		return nil
	}
	return e
}

// told says whether all of it are numbers that can be told.
func (e *Effect) told() bool {
	ok := isFinite(e.GBHoursBefore, e.GBHoursAfter, e.GBHoursLow, e.GBHoursHigh, e.RunsPerMonth, e.CoreHoursBefore, e.CoreHoursAfter)
	if x := e.Expected; x != nil {
		ok = ok && isFinite(x.Low, x.High)
	}
	if d := e.Duration; d != nil {
		ok = ok && isFinite(d.Before, d.After, d.Low, d.High)
	}
	if m := e.Money; m != nil {
		ok = ok && isFinite(m.Before, m.After)
	}
	return ok
}

// duration is that of the next run: what the simulation says of the simulated
// runs, over the runs as they vary anyway.
func (p *Profile) duration(f *Forecast) *Durations {
	median := medianOf(p.Runs, millis).V
	next := p.usual(millis).times(f.Low, f.High)
	return &Durations{Before: median, After: median * f.Duration, Low: next.Low, High: next.High}
}

// usual is how far a figure of the next run may be from the runs, were nothing
// changed: their extremes, and what chance would do to as many.
func (p *Profile) usual(of func(*Run) Opt[float64]) *Interval {
	low, high := minOf(p.Runs, of).V, maxOf(p.Runs, of).V
	if v := logs(p.Runs, of); len(v) > 0 {
		m, bound := middle(v), usualNoise(v)
		low, high = min(low, math.Exp(m)/bound), max(high, math.Exp(m)*bound)
	}
	return &Interval{low, high}
}

func (i *Interval) times(low, high float64) *Interval {
	return &Interval{i.Low * low, i.High * high}
}

// onlyLessMemory says whether all that changes is memory that was not needed: a
// job takes as long without it.
func onlyLessMemory(changes []Change) bool {
	return !slices.ContainsFunc(changes, func(c Change) bool {
		from, to := ParseBytes(c.Effective, mib), ParseBytes(c.To, mib)
		return c.Key != keyMemory && c.Key != keyOverhead || !from.OK || to.V > from.V && c.Purpose != Keeping
	})
}

// price is what a run costs before and after; nil where nobody said what is
// paid for.
func (e *Effect) price(on Platform, coresBefore, coresAfter int64, pol Policy) *Money {
	switch {
	case pol.NodePrice > 0 && pol.NodeCores > 0 && pol.NodeMemory > 0:
		share := func(cores, gb float64) float64 {
			return pol.NodePrice * max(cores/pol.NodeCores, gb*gib/float64(pol.NodeMemory))
		}
		return &Money{share(e.CoreHoursBefore, e.GBHoursBefore), share(e.CoreHoursAfter, e.GBHoursAfter), "dominant share of the stated node; saved only when nodes leave"}
	case on.billsContainers() && pol.CoreHourPrice+pol.GBHourPrice > 0:
		sum := func(cores, gb float64) float64 { return cores*pol.CoreHourPrice + gb*pol.GBHourPrice }
		before := e.GBHoursBefore * on.billed(e.ContainerBefore, coresBefore)
		after := e.GBHoursAfter * on.billed(e.ContainerAfter, coresAfter)
		return &Money{sum(e.CoreHoursBefore, before), sum(e.CoreHoursAfter, after), "cores and memory of the containers"}
	}
	return nil
}

// moreExecutors is the factor by which the number of executors changes. Where
// they come with the work, or fill a standalone cluster, halved cores are twice
// the executors; otherwise there are as many as are asked for.
func (p *Profile) moreExecutors(after Conf) float64 {
	before := p.Conf()
	if before.Bool(keyDynamic).V || after.Bool(keyDynamic).V || p.Newest().Platform() == Standalone {
		return 1 / coresFactor(before, after)
	}
	x, y := before.instances(), after.instances()
	if x <= 0 || y <= 0 {
		return 1
	}
	return float64(y) / float64(x)
}

// instances is the static number of executors, that of YARN and Kubernetes where
// none is set.
func (c Conf) instances() int64 { return c.Int(keyInstances).Or(2) }

// coresFactor is the factor by which the cores of an executor change.
func coresFactor(before, after Conf) float64 {
	if x, y := before.Int(keyCores), after.Int(keyCores); x.V > 0 && y.V > 0 {
		return float64(y.V) / float64(x.V)
	}
	return 1
}

func gbHours(r *Run) Opt[float64] {
	return Opt[float64]{V: r.MemoryByteMs.V / gib / float64(time.Hour.Milliseconds()), OK: r.MemoryByteMs.OK}
}

func coreHours(r *Run) Opt[float64] {
	return Opt[float64]{V: float64(r.CoreMs.V) / float64(time.Hour.Milliseconds()), OK: r.CoreMs.OK}
}

// cadence is the runs per 30 days, 0 when they cover too little to know.
func cadence(p *Profile, pol Policy) float64 {
	if p.Span() < max(pol.MinCadence, 1) || len(p.Runs) < 2 {
		return 0
	}
	return float64(len(p.Runs)-1) * 30 * 24 * float64(time.Hour) / float64(p.Span())
}

// A Total is what all proposals of a repository are expected to save in a month.
type Total struct {
	Jobs      int     `json:"jobs"`
	GBHours   float64 `json:"gb_hours"` // less is saved
	CoreHours float64 `json:"core_hours"`
	Money     float64 `json:"money,omitempty"`
}

// Sum adds the savings of a month up. Each job counts once, with the one cause
// chain that its advice has, so that no saving is counted twice; a job without a
// known cadence does not count.
func Sum(advice []Advice) Total {
	var t Total
	seen := make(map[string]bool)
	for _, a := range advice {
		if e := a.Effect; e != nil && e.RunsPerMonth > 0 && !seen[a.Job] {
			seen[a.Job] = true
			t.Jobs++
			t.GBHours += (e.GBHoursBefore - e.GBHoursAfter) * e.RunsPerMonth
			t.CoreHours += (e.CoreHoursBefore - e.CoreHoursAfter) * e.RunsPerMonth
			if e.Money != nil {
				t.Money += (e.Money.Before - e.Money.After) * e.RunsPerMonth
			}
		}
	}
	return t
}
