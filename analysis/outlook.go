package analysis

import (
	"cmp"
	"fmt"
	"slices"
)

// simulatedRuns is how many of the latest complete runs are simulated.
const simulatedRuns = 3

// Wanted names the runs whose [RunProfile] a simulation would read: the latest
// complete and successful ones, and the one of the cohort with the most work.
func (p *Profile) Wanted() []Key {
	if len(p.Runs) == 0 {
		return nil
	}
	sound := p.sound()
	var keys []Key
	for _, r := range sound[max(0, len(sound)-simulatedRuns):] {
		keys = append(keys, r.Key)
	}
	if len(sound) > simulatedRuns {
		if heaviest := slices.MaxFunc(sound, compareWork); !slices.Contains(keys, heaviest.Key) {
			keys = append(keys, heaviest.Key)
		}
	}
	return keys
}

func compareWork(a, b *Run) int { return cmp.Or(cmp.Compare(a.RunMs.V, b.RunMs.V), compareRuns(a, b)) }

// Attach hands the profile the details of its runs: those that are wanted,
// whatever else is there.
func (p *Profile) Attach(all map[Key]RunProfile) {
	for _, key := range p.Wanted() {
		if d, ok := all[key]; ok {
			p.Details = append(p.Details, &d)
		}
	}
}

// An outlook is what the simulated runs say of other numbers of executors.
type outlook struct {
	sims  []*Simulation
	today []Prediction // per run, with as many executors as today
	at    func(*Simulation, int64) Prediction
	worst float64 // the largest of the models' own errors
}

// maxFollowing is the share of run time in stages that follow the cores above
// which nothing is predicted for other cores.
const maxFollowing = 0.5

// look prepares the simulated runs; why says what is missing or too uncertain.
// at predicts a run with a number of executors, today with as many as it has.
func (p *Profile) look(pol Policy, at func(*Simulation, int64) Prediction, today func(*Simulation) Prediction) (o outlook, why string) {
	o.at = at
	o.sims, why = p.simulations()
	for _, s := range o.sims {
		o.worst = max(o.worst, s.Error())
	}
	switch {
	case why != "":
		return o, why
	case o.worst > pol.MaxModelError:
		why = fmt.Sprintf("the simulation is off by %.0f %% for a run as it was: no number of executors is told from it", 100*o.worst)
	case slices.ContainsFunc(o.sims, func(s *Simulation) bool { return s.Following > maxFollowing }):
		why = "most of the work is in stages whose number of tasks follows the cores: what they do with others is not known"
	}
	if why != "" {
		return o, why
	}
	for _, s := range o.sims {
		o.today = append(o.today, today(s))
	}
	return o, ""
}

// simulations are those of the details; why says what one lacks. They are
// prepared once: several rules ask.
func (p *Profile) simulations() (sims []*Simulation, why string) {
	if len(p.Details) == 0 {
		return nil, "no run profile is in the lake, so nothing was simulated"
	}
	if len(p.sims) == len(p.Details) {
		return p.sims, ""
	}
	for _, d := range p.Details {
		s, unfit := NewSimulation(d, p.Conf())
		if s == nil {
			return nil, "a run could not be simulated: " + unfit
		}
		sims = append(sims, s)
	}
	p.sims = sims
	return sims, ""
}

// A Forecast compares a number of executors with today's, over the simulated
// runs: factors of duration and of executor time.
type Forecast struct {
	Executors int64   `json:"executors"`
	Duration  float64 `json:"duration"` // median
	Cost      float64 `json:"cost"`     // median, of executor time: core-hours and GB-hours alike
	// Low and High bound the duration: over the runs, over what stages that
	// follow the cores may do, and the model's own error.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// MostCost is the largest factor of executor time of a run.
	MostCost float64 `json:"most_cost"`
}

func (o *outlook) forecast(n int64) Forecast {
	f := Forecast{Executors: n}
	var durations, costs []float64
	for i, s := range o.sims {
		p, q := o.at(s, n), o.today[i]
		durations = append(durations, p.DurationMs/max(q.DurationMs, 1))
		costs = append(costs, p.ExecutorMs/max(q.ExecutorMs, 1))
		low, high := p.LowMs/max(q.DurationMs, 1), p.HighMs/max(q.DurationMs, 1)
		if i == 0 {
			f.Low, f.High = low, high
		}
		f.Low, f.High, f.MostCost = min(f.Low, low), max(f.High, high), max(f.MostCost, costs[i])
	}
	f.Duration, f.Cost = lowerMedian(durations), lowerMedian(costs)
	return f
}

// widened is the interval of a forecast with the model's error on what changes.
func (f Forecast) widened(err float64) Forecast {
	f.Low -= err * max(f.Low-1, 1-f.Low)
	f.High += err * max(f.High-1, 1-f.High)
	return f
}

// A Goal says what a number of executors is chosen for.
type Goal string

// The goals.
const (
	Balanced Goal = "balanced" // not slower, nor dearer by more than the time is worth; then the best product of both
	Cost     Goal = "cost"     // the cheapest that is not much slower
	Speed    Goal = "speed"    // the fastest that is not much dearer
)

// Bounds of the goals: how much longer or dearer than today's a choice may be
// by prediction.
const (
	balancedBound = 1.05
	boldBound     = 1.25
	// timeWorth is what a share of the duration is worth, in executor time, to
	// the goal Balanced: a tenth less may be a fortieth dearer. With nothing but
	// balancedBound it kept one executor for two files, where two were 44 % faster
	// for 4 % more (the lab's starved_work; 9 % by the worst simulated run).
	timeWorth = 0.25
)

// allows says whether a forecast keeps within the goal's bounds.
func (g Goal) allows(f Forecast) bool {
	slower := balancedBound
	if g == Cost {
		slower = boldBound
	}
	return f.High <= slower && f.MostCost <= g.pays(f.High)
}

// pays is the largest factor of cost that a factor of duration is worth.
func (g Goal) pays(duration float64) float64 {
	switch g {
	case Speed:
		return boldBound
	case Balanced:
		return max(balancedBound, 1+timeWorth*(1-duration))
	case Cost:
	}
	return balancedBound
}

// worth is what the goal weighs, smaller is better.
func (g Goal) worth(f Forecast) float64 {
	switch g {
	case Cost:
		return f.Cost
	case Speed:
		return f.Duration
	case Balanced:
	}
	return f.Duration * f.Cost
}

// best is the number of executors from low to high that the goal chooses; ties
// go to the one nearest to today's, then to the smaller.
func (o *outlook) best(today, low, high int64, goal Goal) Forecast {
	choice := o.forecast(today)
	for _, n := range grid(low, high) {
		f := o.forecast(n)
		if goal.allows(f) && goal.worth(f) < goal.worth(choice)-1e-9 {
			choice = f
		}
	}
	return choice
}

// gridPoints is how many numbers of executors are tried at most.
const gridPoints = 24

// grid are whole numbers from low to high, in equal ratios where there are many.
func grid(low, high int64) []int64 {
	var out []int64
	for n := low; n <= high; {
		out = append(out, n)
		n = max(n+1, n*(gridPoints+2)/gridPoints)
	}
	return out
}

func lowerMedian(v []float64) float64 {
	slices.Sort(v)
	return v[(len(v)-1)/2]
}

// heaviestUnknown says that a run of the cohort had much more work than those
// that were simulated; "" when none had.
func (p *Profile) heaviestUnknown() string {
	var most int64
	for _, d := range p.Details {
		for _, r := range p.Runs {
			if r.Key == d.Key {
				most = max(most, r.RunMs.V)
			}
		}
	}
	if heaviest := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.RunMs }); float64(heaviest.V) > 1.25*float64(most) {
		return "the run with the most work is not among those that were simulated"
	}
	return ""
}

// evidence are the numbers that a forecast rests on.
func (o *outlook) evidence(f Forecast) []Evidence {
	f = f.widened(o.worst)
	return []Evidence{
		{"run_profiles", "duration over today's, predicted", f.Duration, "times"},
		{"run_profiles", "longest by prediction, over today's", f.High, "times"},
		{"run_profiles", "executor time over today's, predicted", f.Cost, "times"},
		{"run_profiles", "the model's own error on the runs as they were, largest", o.worst, "ratio"},
		{"run_profiles", "runs that were simulated", float64(len(o.sims)), "count"},
	}
}
