package analysis

import (
	"cmp"
	"math"
	"slices"
)

// A Simulation predicts how an application would have run with another number
// of executors: list scheduling of its measured task times over its graph of
// stages, with the executors' start-up and warm-up, the scheduling delay of every
// task and the driver's own time between stages. It knows nothing but a
// [RunProfile].
//
// A stage starts when the stages that it waited for have completed, after the
// same time as in the run; free slots take the tasks of the stage that was
// submitted first, as Spark's FIFO scheduler does. Times are milliseconds since
// the application's start, in float64 so that they scale.
type Simulation struct {
	stages   []simStage
	arrivals []float64 // of the executors, in order
	leaves   []leave
	slots    int64 // of one executor
	tail     float64
	measured Prediction // the run as it was
	err      Opt[float64]
	// Following is the share of the run time in stages whose number of tasks
	// follows the number of cores: what they do with other cores is a guess.
	Following float64
	asWork    *Simulation // with what is taken for warm-up as work; nil without any
}

// A simStage is a stage to be scheduled.
type simStage struct {
	tasks   []float64 // the slot time of each task, in the order of their launch
	warmUp  float64   // what the first task of each slot takes besides
	after   []int     // the stages that it waits for
	lag     float64   // from the completion of the last of them to its submission
	follows bool
}

// A leave is when slots went.
type leave struct {
	at    float64
	slots int64
}

// A Prediction is what a simulation says of one run with a number of executors.
type Prediction struct {
	Executors  int64   `json:"executors"`
	DurationMs float64 `json:"duration_ms"`
	ActiveMs   float64 `json:"active_ms"`   // of it, with at least one stage at work
	ExecutorMs float64 `json:"executor_ms"` // sum over executors of their lifetime
	// LowMs and HighMs bound the duration: stages that follow the cores keep their
	// tasks or are cut anew, and what is taken for the warm-up of executors is
	// that or work.
	LowMs  float64 `json:"low_ms"`
	HighMs float64 `json:"high_ms"`
}

// maxFailures is the share of task ends that may have failed: the work of tasks
// that went with their executor was not measured.
const maxFailures = 0.05

// NewSimulation prepares a run for simulation; why says what its profile lacks
// for it.
func NewSimulation(rp *RunProfile, conf Conf) (s *Simulation, why string) {
	if why := unfit(rp); why != "" {
		return nil, why
	}
	s = &Simulation{}
	s.executors(rp, max(1, conf.Int("spark.task.cpus").Or(1)))
	if len(s.arrivals) == 0 {
		return nil, "no executor registered"
	}
	o := newOrder(rp)
	slots := s.slots * int64(len(s.arrivals))
	var work, following float64
	for i := range rp.Stages {
		p := &rp.Stages[i]
		after, lag := o.before(i)
		st := simStage{tasks: mixed(taskTimes(p)), after: after, lag: lag, follows: followsCores(p, conf, slots)}
		work += float64(p.RunMs)
		if st.follows {
			following += float64(p.RunMs)
		}
		s.stages = append(s.stages, st)
	}
	s.Following = following / max(work, 1)
	s.measured, s.tail = s.measure(rp)
	s.warmUp(&rp.Stages[0])
	return s, ""
}

// apart is how many times as long as the longest of the others the first tasks of
// the slots have to take, to be told from tasks that just differ.
const apart = 1.2

// warmUp tells the time that new executors take to load classes, start workers
// and compile from the work of the first stage: where as many tasks as there were
// slots stand apart from all others, by more than these differ, and read no more.
// An executor less has one of them less. Without that the model would take a run
// on many executors for more work than it is.
func (s *Simulation) warmUp(first *StageProfile) {
	slots := 0
	for _, at := range s.arrivals {
		if at < float64(first.Completed) {
			slots += int(s.slots)
		}
	}
	times := taskTimes(first)
	n := len(times)
	if first.Failures > 0 || first.Merged > 1 || slots == 0 || n < 2*slots {
		return
	}
	others, early := times[:n-slots], times[n-slots:]
	usual, longest := others[len(others)/2], others[len(others)-1]
	reads := float64(first.Input+first.ShuffleRead) / float64(first.Succeeded)
	if early[0] < max(apart*longest, 2*longest-usual) || float64(first.SlowestBytes) > apart*reads {
		return
	}
	asWork := *s
	asWork.stages = slices.Clone(s.stages)
	s.asWork = &asWork
	s.stages[0].warmUp = mean(early) - usual
	for i := range early {
		early[i] = usual
	}
	// Classes are loaded while the first tasks are deserialized: that is theirs
	// too, unless there is more of it than they are longer.
	if d := float64(first.DeserMs); d/float64(slots) <= s.stages[0].warmUp {
		s.stages[0].warmUp += d / float64(slots)
		for i := range times {
			times[i] -= d / float64(n)
		}
	}
	s.stages[0].tasks = mixed(times)
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(1, len(v)))
}

// unfit says why a profile cannot be simulated.
func unfit(rp *RunProfile) string {
	var ends, failures int64
	for i := range rp.Stages {
		st := &rp.Stages[i]
		if st.Profile != rp.Stages[0].Profile {
			return "its stages ask for executors of several kinds"
		}
		if !st.sane() {
			return "its profile holds what cannot have been"
		}
		ends += st.Succeeded + st.Failures
		failures += st.Failures
	}
	switch {
	case ends == 0:
		return "it ran no task"
	case rp.Dropped > 0:
		return "it has more stages than a profile holds"
	case float64(failures) > maxFailures*float64(ends):
		return "too many of its tasks failed: their work was not measured"
	}
	return ""
}

// Bounds of what a simulation takes in: more tasks, executors or time than any
// application has are a broken profile, or a number that somebody mistyped.
const (
	maxTasks     = 50_000_000
	maxSimulated = 100_000 // executors
	maxSlots     = 1024
	maxTime      = 1 << 40 // ms, 35 years
)

// sane says whether a stage's figures can have been.
func (p *StageProfile) sane() bool {
	for _, v := range []int64{p.Submitted, p.Completed - p.Submitted, p.RunMs, p.RunMaxMs, p.DeserMs, p.DelayMs, p.Tasks, p.Succeeded, p.Failures, p.Input, p.ShuffleRead} {
		if v < 0 {
			return false
		}
	}
	var n int64
	for _, b := range p.RunHist {
		if b.Count < 0 || b.Count > maxTasks || b.Bucket < 0 || b.Bucket >= BucketOf(maxTime) {
			return false
		}
		n += b.Count
	}
	return n+p.Failures <= maxTasks && p.Failures <= maxTasks && p.Completed <= maxTime && p.RunMaxMs <= maxTime && p.RunMs <= 1<<52
}

// executors reads when executors came and went. All have the slots of the
// first: sizes are not mixed in one resource profile.
func (s *Simulation) executors(rp *RunProfile, taskCPUs int64) {
	for _, e := range rp.Executors {
		switch {
		case e.At < 0 || e.At > maxTime || e.Executors > maxSimulated || len(s.arrivals) > maxSimulated:
		case e.Executors > 0:
			s.slots = cmp.Or(s.slots, min(maxSlots, max(1, e.Cores/e.Executors/taskCPUs)))
			for range e.Executors {
				s.arrivals = append(s.arrivals, float64(e.At))
			}
		case e.Executors < 0:
			s.leaves = append(s.leaves, leave{float64(e.At), -e.Executors * max(1, s.slots)})
		}
	}
}

// An order knows which stages had completed when another was submitted.
type order struct {
	stages []StageProfile
	ends   []int         // by the time of completion
	byID   map[int64]int // the last entry of an ID
}

func newOrder(rp *RunProfile) order {
	o := order{stages: rp.Stages, ends: make([]int, len(rp.Stages)), byID: make(map[int64]int, len(rp.Stages))}
	for i := range o.ends {
		o.ends[i] = i
		o.byID[rp.Stages[i].ID] = i
	}
	slices.SortFunc(o.ends, func(a, b int) int {
		return cmp.Or(cmp.Compare(o.stages[a].Completed, o.stages[b].Completed), cmp.Compare(a, b))
	})
	return o
}

// before are the stages that stage i waited for: its parents, and the one that
// completed last before it was submitted, which is what the driver was waiting
// for. A stage before which none had completed waits for the application's
// start.
func (o order) before(i int) (after []int, lag float64) {
	st := &o.stages[i]
	n, _ := slices.BinarySearchFunc(o.ends, st.Submitted+1, func(j int, at int64) int { return cmp.Compare(o.stages[j].Completed, at) })
	for n > 0 && o.ends[n-1] >= i {
		n-- // of no length
	}
	if n > 0 {
		after = append(after, o.ends[n-1])
	}
	for _, id := range st.Parents {
		if j, ok := o.byID[id]; ok && j < i && o.stages[j].Completed <= st.Submitted && !slices.Contains(after, j) {
			after = append(after, j)
		}
	}
	var last int64
	for _, j := range after {
		last = max(last, o.stages[j].Completed)
	}
	return after, float64(st.Submitted - last)
}

// measure is the run as it was, and the time after its last stage.
func (s *Simulation) measure(rp *RunProfile) (p Prediction, tail float64) {
	var u union
	for i := range rp.Stages {
		u.add(float64(rp.Stages[i].Submitted), float64(rp.Stages[i].Completed))
	}
	span := float64(rp.SpanMs)
	return s.prediction(span, u.length, s.arrivals, s.leaves), max(0, span-u.until)
}

// prediction is one with certain bounds, of executors that came and left.
func (s *Simulation) prediction(duration, active float64, arrivals []float64, leaves []leave) Prediction {
	p := Prediction{Executors: int64(len(arrivals)), DurationMs: duration, ActiveMs: active, LowMs: duration, HighMs: duration}
	for _, at := range arrivals {
		p.ExecutorMs += max(0, duration-at)
	}
	for _, l := range leaves {
		p.ExecutorMs -= max(0, duration-l.at) * float64(l.slots) / float64(s.slots)
	}
	return p
}

// A union is the length of intervals that are added by their start.
type union struct{ length, until float64 }

func (u *union) add(from, to float64) {
	if to > u.until {
		u.length += to - max(from, u.until)
		u.until = to
	}
}

// taskTimes are how long each task of a stage holds its slot: what the
// histogram says, spread evenly over each bucket, scaled to the exact sum, with
// the longest exact; failed attempts by their mean; each with its share of the
// scheduling delay. They rise.
func taskTimes(p *StageProfile) []float64 {
	n := p.RunHist.Count()
	times := make([]float64, 0, n+p.Failures)
	var sum float64
	for _, b := range p.RunHist {
		lo, hi := BucketBounds(b.Bucket)
		hi = max(lo, min(hi, p.RunMaxMs))
		for i := range b.Count {
			t := float64(lo) + float64(hi+1-lo)*(float64(i)+0.5)/float64(b.Count)
			times = append(times, t)
			sum += t
		}
	}
	if last := len(times) - 1; last >= 0 {
		sum -= times[last]
		times[last] = float64(p.RunMaxMs)
		if rest := float64(p.RunMs - p.RunMaxMs); p.Failures == 0 && sum > 0 && rest > 0 {
			scale(times[:last], rest/sum)
		}
		sum += float64(p.RunMaxMs)
	}
	if lost := (float64(p.RunMs) - sum) / float64(max(1, p.Failures)); p.Failures > 0 {
		for range p.Failures {
			times = append(times, max(0, lost))
		}
	}
	delay := float64(p.DeserMs+p.DelayMs) / float64(max(1, len(times)))
	for i := range times {
		times[i] = min(times[i], float64(p.RunMaxMs)) + delay
	}
	slices.Sort(times)
	return times
}

func scale(times []float64, by float64) {
	for i := range times {
		times[i] *= by
	}
}

// mixed permutes values by steps of the golden ratio, so that any stretch of
// them is a sample of all: tasks of a stage have no order, and what a launch order
// would be worth, nobody promised.
func mixed(v []float64) []float64 {
	n := len(v)
	if n < 3 {
		return v
	}
	step := max(1, int(float64(n)*0.618))
	for gcd(step, n) != 1 {
		step++
	}
	out := make([]float64, n)
	at := 0
	for _, x := range v {
		out[at] = x
		at = (at + step) % n
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// followsCores says whether a stage would have had another number of tasks with
// other cores: as many as slots (spark.default.parallelism), an input that is
// split by the number of cores, or a shuffle that adaptive execution coalesced
// down to them.
func followsCores(p *StageProfile, conf Conf, slots int64) bool {
	set := conf.Int("spark.default.parallelism").OK
	switch {
	case p.Tasks < 2:
		return false
	case p.Tasks == slots || p.Tasks == max(2, slots):
		return !set
	case p.Input > 0:
		return !set && p.Tasks > slots && p.Tasks <= 2*slots && p.Input/p.Tasks < conf.Bytes("spark.sql.files.maxPartitionBytes").V*9/10
	case p.ShuffleRead > 0:
		return p.Tasks > slots && p.Tasks <= 2*slots && p.Tasks < conf.Int(keyPartitions).V
	}
	return false
}

// Measured is the run as it was.
func (s *Simulation) Measured() Prediction { return s.measured }

// Real is the run as it was, replayed with the executors that it had: what
// differs from the measured run is the model's error.
func (s *Simulation) Real() Prediction { return s.run(s.arrivals, s.leaves, 1) }

// Error is the model's own: how far the replay's executor-active time is from
// the measured one. Times in which only the driver worked are replayed as they
// were and do not count.
func (s *Simulation) Error() float64 {
	if !s.err.OK {
		s.err = Some(math.Abs(s.Real().ActiveMs-s.measured.ActiveMs) / max(s.measured.ActiveMs, 1))
	}
	return s.err.V
}

// At predicts a run with n executors that stay, and come as they came in the
// run.
func (s *Simulation) At(n int64) Prediction {
	n = min(max(n, 1), maxSimulated/s.slots+1)
	arrivals := s.arrivalsOf(n)
	p := s.bounded(arrivals, nil)
	if s.Following > 0 {
		p.include(s.run(arrivals, nil, float64(n)/float64(len(s.arrivals))))
	}
	p.Executors = n
	return p
}

// bounded is a run with what is taken for the warm-up as that, and as work.
func (s *Simulation) bounded(arrivals []float64, leaves []leave) Prediction {
	p := s.run(arrivals, leaves, 1)
	if s.asWork != nil {
		p.include(s.asWork.run(arrivals, leaves, 1))
	}
	return p
}

// include widens the bounds by another prediction's duration.
func (p *Prediction) include(other Prediction) {
	p.LowMs, p.HighMs = min(p.LowMs, other.DurationMs), max(p.HighMs, other.DurationMs)
}

// Capped predicts a run under dynamic allocation with at most n executors at a
// time: those that came in the run, as far as there is room. They leave when
// they left in the run; where less room makes it longer, that is too early, so
// the prediction is rather too long than too short.
func (s *Simulation) Capped(n int64) Prediction {
	n = max(n, 1)
	var arrivals []float64
	var leaves []leave
	rest := slices.Clone(s.leaves)
	var alive int64
	leaveBefore := func(at float64) {
		for len(rest) > 0 && rest[0].at <= at {
			gone := max(1, rest[0].slots/s.slots)
			if kept := min(alive, n) - min(alive-gone, n); kept > 0 {
				leaves = append(leaves, leave{rest[0].at, kept * s.slots})
			}
			alive -= gone
			rest = rest[1:]
		}
	}
	for _, at := range s.arrivals {
		leaveBefore(at)
		if alive++; alive <= n {
			arrivals = append(arrivals, at)
		}
	}
	leaveBefore(math.Inf(1))
	p := s.bounded(arrivals, leaves)
	p.Executors = n
	return p
}

// arrivalsOf are the starts of n executors: those of the run, and further ones
// at the pace at which these came.
func (s *Simulation) arrivalsOf(n int64) []float64 {
	have := len(s.arrivals)
	if n <= int64(have) {
		return s.arrivals[:n]
	}
	out := slices.Clone(s.arrivals)
	pace := (s.arrivals[have-1] - s.arrivals[0]) / float64(max(1, have-1))
	for i := int64(have); i < n; i++ {
		out = append(out, out[len(out)-1]+pace)
	}
	return out
}

// run schedules all stages; recut is the factor by which the stages that follow
// the cores have more tasks, each of which is as much smaller.
func (s *Simulation) run(arrivals []float64, leaves []leave, recut float64) Prediction {
	e := newEngine(s, arrivals, leaves, recut)
	e.schedule()
	busy := e.busy()
	return s.prediction(busy.until+s.tail, busy.length, arrivals, leaves)
}
