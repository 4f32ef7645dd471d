package eventlog

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/sparktune/sparktune/analysis"
)

type executorAdded struct {
	Timestamp int64
	ID        string       `json:"Executor ID"`
	Info      executorInfo `json:"Executor Info"`
}

type executorInfo struct {
	Cores   int64 `json:"Total Cores"`
	Profile int64 `json:"Resource Profile Id"`
}

type executorRemoved struct {
	Timestamp int64
	ID        string `json:"Executor ID"`
	Reason    string `json:"Removed Reason"`
}

type blockManagerAdded struct {
	Timestamp int64
	ID        blockManagerID `json:"Block Manager ID"`
	Memory    int64          `json:"Maximum Memory"`
}

type blockManagerID struct {
	Executor string `json:"Executor ID"`
}

// An executor is one that registered, or one whose removal was reported.
type executor struct {
	added, removed int64 // milliseconds; 0 is missing
	cores          int64
	profile        int64
	registered     bool
	used           bool // a task ended on it
	heapOOM        bool // a task on it reported that the heap was full
	otherOOM       bool // or that other memory of the JVM was
	loss           string
	memory         int64 // largest sample of all of its processes
}

// executors is the set of them, by id.
type executors struct {
	byID  map[string]*executor
	alive int64
	most  int64 // at a time
	cores int64 // alive
	peak  int64 // most cores at a time
	// Largest block manager memory, of executors and of the driver. Which of
	// the two counts is known when the environment is.
	region, driverRegion int64
}

// Bounds of what is believed of executors.
const (
	maxExecutors = 1 << 16
	maxCores     = 1 << 16
)

// driverID is the driver's executor id. In local mode it is also the only
// executor.
const driverID = "driver"

var errExecutors = errors.New("too many executors, or an id too long")

func (x *executors) get(id string) (*executor, error) {
	if e, ok := x.byID[id]; ok {
		return e, nil
	}
	if len(x.byID) >= maxExecutors || len(id) > maxID {
		return nil, errExecutors
	}
	if x.byID == nil {
		x.byID = make(map[string]*executor)
	}
	e := new(executor)
	x.byID[id] = e
	return e, nil
}

func (e *executorAdded) apply(a *app) error {
	if e.Info.Cores < 0 || e.Info.Cores > maxCores {
		return errAbsurd
	}
	x, err := a.executors.get(e.ID)
	if err != nil || x.registered {
		return err // a second report adds nothing
	}
	x.registered = true
	x.added = a.see(e.Timestamp)
	x.cores = e.Info.Cores
	x.profile = e.Info.Profile
	if x.loss == "" {
		a.executors.arrive(x.cores)
	}
	return nil
}

func (x *executors) arrive(cores int64) {
	x.alive++
	x.cores += cores
	x.most = max(x.most, x.alive)
	x.peak = max(x.peak, x.cores)
}

// apply takes a removal in. YARN reports many twice: the more telling reason
// and the first time count.
func (e *executorRemoved) apply(a *app) error {
	x, err := a.executors.get(e.ID)
	if err != nil {
		return err
	}
	if x.loss == "" && x.registered {
		a.executors.alive--
		a.executors.cores -= x.cores
	}
	if when := a.see(e.Timestamp); x.removed == 0 {
		x.removed = when
	}
	cause, end := lossSign(e.Reason)
	x.loss = moreTelling(x.loss, cause)
	if cause != analysis.LossScaleDown {
		a.evidence.add(cause, excerpt(e.Reason, end))
	}
	return nil
}

func (e *blockManagerAdded) apply(a *app) error {
	a.see(e.Timestamp)
	region := &a.executors.region
	if e.ID.Executor == driverID {
		region = &a.executors.driverRegion
	}
	*region = max(*region, e.Memory)
	return nil
}

// lifetime is how long an executor lived; end is the application's.
func (e *executor) lifetime(end int64) int64 {
	until := end
	if e.removed > 0 && e.removed < end {
		until = e.removed
	}
	if e.added == 0 || until <= e.added {
		return 0
	}
	return until - e.added
}

// cause of a loss, with what the executor's tasks said: Spark gives every
// OutOfMemoryError the exit code of a full heap.
func (e *executor) cause() string {
	switch {
	case e.heapOOM && (e.loss == analysis.LossSignal || e.loss == analysis.LossUnclear):
		return analysis.LossHeapOOM
	case e.loss == analysis.LossHeapOOM && e.otherOOM && !e.heapOOM:
		return analysis.LossUnclear
	}
	return e.loss
}

// finish fills what the executors of the application add up to.
func (x *executors) finish(a *app, end int64) {
	var coreMs, unused, usedKiB, sampledMs, lifeMs sum
	var lives []int64
	cores, lifeOf := make(map[int64]int64), make(map[int64]*sum)
	lost := make(map[string]int64)
	for _, e := range x.byID {
		if cause := e.cause(); cause != "" {
			lost[cause]++
		}
		if !e.registered {
			continue
		}
		life := e.lifetime(end)
		lives = append(lives, life)
		lifeMs.add(life)
		if e.memory > 0 {
			sampledMs.add(life)
			usedKiB.add(times(e.memory>>10, life)) // a sum of whole numbers is the same in any order
		}
		coreMs.add(times(e.cores, life))
		cores[e.cores]++
		if lifeOf[e.profile] == nil {
			lifeOf[e.profile] = new(sum)
		}
		lifeOf[e.profile].add(life)
		if !e.used {
			unused.add(1)
		}
	}
	r := &a.run
	if len(lost) > 0 || len(lives) > 0 {
		r.ExecutorsLost = lost // empty, not missing, when none was lost
	}
	if a.env.local() {
		x.region = x.driverRegion
	}
	r.UnifiedRegion = positive(x.region)
	r.ContainerBytes = a.container(0)
	r.ContainerCPUs = a.cpus()
	if r.ContainerBytes.OK && r.ContainerStep.OK {
		r.ContainerAllocated = positive(times((r.ContainerBytes.V-1)/r.ContainerStep.V+1, r.ContainerStep.V))
	}
	if len(lives) > 0 || a.tasks.ends == 0 {
		r.Executors, r.PeakExecutors = some(int64(len(lives))), some(x.most)
		r.UnusedExecutors = some(int64(unused))
	}
	if len(lives) == 0 {
		return // a log may leave executors out: nothing was measured
	}
	r.CoreMs = some(int64(coreMs))
	r.ExecutorLifeP50Ms = some(int64(median(lives)))
	if c, ok := mostCommon(cores); ok {
		r.ExecutorCores = positive(c)
	}
	r.MemoryByteMs = memoryTime(a, lifeOf)
	if sampledMs > 0 {
		r.UsedMemoryByteMs = analysis.Some(float64(usedKiB) * (1 << 10))
		r.UsedMemoryCoverage = ratio(int64(sampledMs), int64(lifeMs))
	}
}

// memoryTime adds up containers x lifetimes, profile by profile in a fixed
// order; missing when the container of one is.
func memoryTime(a *app, lives map[int64]*sum) analysis.Opt[float64] {
	type part struct {
		profile int64
		life    sum
	}
	var parts []part
	for p, life := range lives {
		parts = append(parts, part{p, *life})
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.profile, b.profile) })
	total := 0.0
	for _, p := range parts {
		c := a.container(p.profile)
		if !c.OK {
			return analysis.Opt[float64]{}
		}
		total += float64(c.V) * float64(p.life)
	}
	return analysis.Some(total)
}

// slots is how many tasks the executors can have run at a time; 0 is unknown.
func (x *executors) slots(a *app) int64 {
	cpus := float64(a.env.config().Int("spark.task.cpus").Or(1))
	if p := a.profiles[0]; p != nil && p.Task.CPUs.Amount > 0 {
		cpus = p.Task.CPUs.Amount
	}
	if cpus <= 0 || math.IsInf(cpus, 0) {
		return 0
	}
	return int64(min(float64(x.peak)/cpus, math.MaxInt32))
}
