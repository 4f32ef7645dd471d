package analysis

import (
	"cmp"
	"slices"
)

// An engine runs one simulation.
type engine struct {
	sim    *Simulation
	free   []float64 // a heap: when each slot is free
	cold   []float64 // of it the slots that no task has used yet, in order
	leaves []leave   // still to come
	state  []stageState
	ready  []int   // released stages with tasks left, in the order of submission
	waits  [][]int // per stage: those that wait for it
}

type stageState struct {
	tasks    []float64
	next     int // task
	pending  int // stages that it still waits for
	release  float64
	complete float64
}

func newEngine(s *Simulation, arrivals []float64, leaves []leave, recut float64) *engine {
	e := &engine{sim: s, leaves: slices.Clone(leaves), state: make([]stageState, len(s.stages)), waits: make([][]int, len(s.stages))}
	e.free = make([]float64, 0, len(arrivals)*int(s.slots))
	for _, at := range arrivals { // in order, so this is a heap
		for range s.slots {
			e.free = append(e.free, at)
		}
	}
	e.cold = slices.Clone(e.free)
	for i := range s.stages {
		st := &s.stages[i]
		e.state[i].pending = len(st.after)
		e.state[i].tasks = st.cut(recut)
		for _, j := range st.after {
			e.waits[j] = append(e.waits[j], i)
		}
	}
	for i := range e.state {
		if e.state[i].pending == 0 {
			e.releaseAt(i, e.sim.stages[i].lag)
		}
	}
	return e
}

// cut are the tasks of a stage after its work was divided anew.
func (st *simStage) cut(by float64) []float64 {
	n := int(float64(len(st.tasks))*by + 0.5)
	if !st.follows || n < 1 || n == len(st.tasks) {
		return st.tasks
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = st.tasks[i*len(st.tasks)/n] * float64(len(st.tasks)) / float64(n)
	}
	return out
}

func (e *engine) releaseAt(i int, at float64) {
	s := &e.state[i]
	s.release, s.complete = at, at
	if len(s.tasks) == 0 {
		e.completed(i)
		return
	}
	n, _ := slices.BinarySearch(e.ready, i)
	e.ready = slices.Insert(e.ready, n, i)
}

// completed tells those that wait for a stage. All of its tasks have their
// slots, so its end is known, be it in the future.
func (e *engine) completed(i int) {
	for _, j := range e.waits[i] {
		w := &e.state[j]
		w.release = max(w.release, e.state[i].complete)
		if w.pending--; w.pending == 0 {
			e.releaseAt(j, w.release+e.sim.stages[j].lag)
		}
	}
}

// schedule gives every task to the slot that is free first.
func (e *engine) schedule() {
	for len(e.ready) > 0 {
		n, start := e.choose()
		if e.leaving(start) {
			continue
		}
		s := &e.state[e.ready[n]]
		end := start + s.tasks[s.next]
		if e.warm() {
			end += e.sim.stages[e.ready[n]].warmUp
		}
		s.next++
		s.complete = max(s.complete, end)
		e.free[0] = end
		e.sink()
		if s.next == len(s.tasks) {
			done := e.ready[n]
			e.ready = slices.Delete(e.ready, n, n+1)
			e.completed(done)
		}
	}
}

// warm says whether the next free slot is used, or leaves, for the first time.
func (e *engine) warm() bool {
	first := len(e.cold) > 0 && e.cold[0] == e.free[0]
	if first {
		e.cold = e.cold[1:]
	}
	return first
}

// choose is the place in ready of the stage whose task the next free slot
// takes, and when: the first stage that is there by then, else the next to come.
func (e *engine) choose() (n int, start float64) {
	free := e.free[0]
	n, start = 0, e.state[e.ready[0]].release
	for k, i := range e.ready {
		at := e.state[i].release
		if at <= free {
			return k, free
		}
		if at < start {
			n, start = k, at
		}
	}
	return n, start
}

// leaving takes the next free slot away when one left by that time. The last
// one stays: work that is left needs it.
func (e *engine) leaving(start float64) bool {
	if len(e.leaves) == 0 || e.leaves[0].at > start || len(e.free) == 1 {
		return false
	}
	e.warm()
	last := len(e.free) - 1
	e.free[0] = e.free[last]
	e.free = e.free[:last]
	e.sink()
	if e.leaves[0].slots--; e.leaves[0].slots <= 0 {
		e.leaves = e.leaves[1:]
	}
	return true
}

// sink restores the heap after its top has changed.
func (e *engine) sink() {
	h := e.free
	v, i := h[0], 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[c] >= v {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = v
}

// busy is when at least one stage was at work.
func (e *engine) busy() union {
	stages := slices.Clone(e.state)
	slices.SortFunc(stages, func(a, b stageState) int { return cmp.Compare(a.release, b.release) })
	var u union
	for _, s := range stages {
		u.add(s.release, s.complete)
	}
	return u
}
