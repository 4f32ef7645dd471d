package eventlog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sparktune/sparktune/analysis"
)

type stageCompleted struct {
	Info stageInfo `json:"Stage Info"`
}

type stageInfo struct {
	ID        int64   `json:"Stage ID"`
	Attempt   int64   `json:"Stage Attempt ID"`
	Tasks     int64   `json:"Number of Tasks"`
	Parents   idList  `json:"Parent IDs"`
	Submitted int64   `json:"Submission Time"`
	Completed int64   `json:"Completion Time"`
	Failure   *string `json:"Failure Reason"`
	Profile   int64   `json:"Resource Profile Id"`
}

// A stage is one stage attempt. It is kept beyond its completion, because
// tasks end late.
type stage struct {
	id, attempt int64
	owner       *job
	parents     []int64

	completed bool
	failed    bool
	late      bool  // had completed and was let go when this was made
	resets    int64 // of the number of running tasks, before it completed
	submitted int64 // milliseconds; 0 is missing
	wall      int64 // milliseconds
	tasks     int64 // Number of Tasks
	profile   int64 // of resources

	run, bytes, spill dist // of successful tasks: milliseconds, bytes read, bytes spilled
	runMs, spilled    sum  // of all ends with metrics, as the following
	input, output     sum
	read, write       sum

	done   bitmap          // partitions that succeeded
	losses map[int64]int64 // of executors caused by the application, by task index
	debts  map[string]debt // by executor
	tally  *tally          // for the profile
}

// stages holds the attempts that are still worked on and what the others came
// to.
type stages struct {
	kept []*stage // in the order of their first event
	bits int      // bytes in their bitmaps
	room int      // task values that they may still keep

	debts  int // in all kept stages
	losses int // tasks in all kept stages

	over      bitmap          // attempts with a completion, by attemptBit
	strays    map[int64]int64 // successes of failed attempts after their end, by stage id
	tooMany   bool            // strays
	retried   bool            // an attempt above the first was seen
	unended   int64           // first attempts without a completion
	abandoned int64           // let go before their completion, for want of room

	completed, failed, retries int64
	missing                    sum
	skewed, spilled            int64
	spilledRunMs               sum
	maxLosses                  int64

	worstSkew  skew
	worstSpill spill
	largest    partitions
	longest    longest
}

// Bounds of what is kept of stages. Mostly fewer than 20 run at a time, a few
// hundred where an application works on as many tables side by side; the rest
// waits for late events.
const (
	maxStages    = 128     // unless more of them are live
	maxLive      = 1 << 10 // unless their values take too much
	maxBitmaps   = 4 << 20
	maxValues    = 1 << 20
	maxParents   = 1 << 10
	maxLossTasks = 1 << 10
	maxAllLosses = 1 << 16
	maxStrays    = 1 << 12
)

// get finds an attempt or starts one.
func (s *stages) get(id, attempt int64, a *app) *stage {
	for s.room < -maxValues && len(s.kept) > maxStages {
		s.makeRoom(a)
	}
	for _, st := range slices.Backward(s.kept) {
		if st.id == id && st.attempt == attempt {
			return st
		}
	}
	if len(s.kept) >= maxStages {
		s.makeRoom(a)
	}
	st := &stage{id: id, attempt: attempt, owner: a.jobs.owner(id), late: s.over.has(attemptBit(id, attempt))}
	s.retried = s.retried || attempt > 0
	if a.profiler != nil {
		st.tally = new(tally)
	}
	s.kept = append(s.kept, st)
	return st
}

// makeRoom settles the oldest attempt that has completed. A live one goes only
// when they take too much: what comes of it later cannot be told from what was
// lost.
func (s *stages) makeRoom(a *app) {
	i := slices.IndexFunc(s.kept, func(st *stage) bool { return st.completed || st.late })
	if i < 0 {
		if len(s.kept) < maxLive && s.room >= -maxValues {
			return
		}
		i = 0
		s.abandoned++
	}
	s.settle(s.kept[i], a)
	s.kept = slices.Delete(s.kept, i, i+1)
}

func (e *stageCompleted) apply(a *app) error {
	info := &e.Info
	submitted, completed := a.see(info.Submitted), a.see(info.Completed)
	resets := a.concurrency.resets
	a.concurrency.stageEnd()
	if !a.stages.over.first(attemptBit(info.ID, info.Attempt), maxAttemptIDs) || submitted == 0 {
		return nil // a second report, or a stage that never ran
	}
	st := a.stages.get(info.ID, info.Attempt, a)
	if st.completed {
		return nil
	}
	st.completed, st.resets = true, resets
	st.failed = info.Failure != nil
	st.submitted, st.profile = submitted, info.Profile
	st.tasks = info.Tasks
	st.parents = slices.Clone(info.Parents[:min(len(info.Parents), maxParents+1)]) // of a longer list that it is one
	st.wall = max(completed-submitted, 0)
	a.stages.complete(st)
	return nil
}

func (s *stages) complete(st *stage) {
	s.completed++
	if st.failed {
		s.failed++
	}
	if st.attempt > 0 {
		s.retries++
	}
	if st.done.count >= st.tasks {
		s.bits -= st.done.free()
	}
	if s.room < maxValues/2 {
		s.condense()
	}
}

// condense gives back the room of stages whose tasks have all ended: what is
// asked of them is known.
func (s *stages) condense() {
	for _, st := range s.kept {
		if st.completed && st.done.freed {
			for _, d := range []*dist{&st.run, &st.bytes, &st.spill} {
				d.condense(&s.room)
			}
		}
	}
}

// settle adds an attempt up for good.
func (s *stages) settle(st *stage, a *app) {
	if a.profiler != nil {
		a.profiler.add(st, a.start)
	}
	if st.owner != nil {
		st.owner.note(st)
	}
	s.bits -= st.done.free()
	s.debts -= len(st.debts)
	s.losses -= len(st.losses)
	s.account(st, a)
	if st.spilled > 0 {
		s.spilled++
		s.spilledRunMs.add(int64(st.runMs))
	}
	for _, n := range st.losses {
		s.maxLosses = max(s.maxLosses, n)
	}
	s.worstSpill.offer(st)
	s.worstSkew.offer(st)
	s.largest.offer(st)
	s.longest.offer(st)
	if st.run.n >= 10 {
		if m := st.run.median(); m >= 100 && float64(st.run.max) >= skewFactor*m {
			s.skewed++
		}
	}
	for _, d := range []*dist{&st.run, &st.bytes, &st.spill} {
		d.free(&s.room)
	}
	if st.tally != nil {
		st.tally.free(&s.room)
	}
}

// account notes what the log must have had of an attempt and has not.
func (s *stages) account(st *stage, a *app) {
	switch {
	case st.completed && !st.failed:
		s.missing.add(s.lack(st))
	case !st.completed && !st.late && st.attempt == 0 && attemptBit(st.id, 0) >= 0:
		s.unended++
	}
	if st.owner == nil && !st.late && st.done.count > 0 {
		a.jobs.orphans = true
	}
}

// lack is how many successes an attempt that completed well must have had and
// has not. Attempts above the first need not run the tasks that those before
// them finish after their own end.
func (s *stages) lack(st *stage) int64 {
	switch {
	case st.attempt == 0:
		return st.tasks - st.done.count
	case s.tooMany:
		return 0
	}
	return st.tasks - st.done.count - s.strays[st.id]
}

// stray notes a success after the end of its attempt.
func (s *stages) stray(id int64) {
	if s.strays == nil {
		s.strays = make(map[int64]int64)
	}
	if _, ok := s.strays[id]; !ok && len(s.strays) >= maxStrays {
		s.tooMany = true
		return
	}
	s.strays[id]++
}

// succeed takes in that a task of a stage did.
func (s *stages) succeed(st *stage, index int64) {
	s.bits += st.done.set(index, maxBitmaps-s.bits)
	if st.failed || st.late {
		s.stray(st.id)
	}
}

// lose takes in that an executor was lost with a task of a stage.
func (s *stages) lose(st *stage, index int64) {
	if _, ok := st.losses[index]; !ok {
		if len(st.losses) >= maxLossTasks || s.losses >= maxAllLosses {
			return
		}
		s.losses++
	}
	if st.losses == nil {
		st.losses = make(map[int64]int64)
	}
	st.losses[index]++
}

// lost is how many completions the log of a finished application must have had
// and has not: of attempts with tasks, or that were submitted. Before Spark 3.1
// a job that ended while a stage of it was being retried left that without one
// (SPARK-30388), so that with retries only first attempts count.
func (s *stages) lost(submitted int64) int64 {
	switch {
	case s.abandoned > 0:
		return s.abandoned // which of them completed is not known
	case s.retried:
		return s.unended
	}
	return max(s.unended, submitted)
}

func (s *stages) finish(a *app) {
	for _, st := range s.kept {
		s.settle(st, a)
	}
}

// skewFactor is how many medians make a task too large.
const skewFactor = 5

// skew is the stage whose longest task exceeds its median most.
type skew struct {
	found       bool
	id          int64
	excess      float64
	max, wall   int64
	percentiles [3]int64 // 50, 95 and 99
	ratio       float64
	bytesRatio  float64
	medianBytes float64
}

func (k *skew) offer(st *stage) {
	if st.run.n < 2 {
		return
	}
	m := st.run.median()
	o := skew{found: true, id: st.id, excess: float64(st.run.max) - m, max: st.run.max, wall: st.wall, medianBytes: st.bytes.median()}
	if m > 0 {
		o.ratio = float64(st.run.max) / m
	}
	if o.medianBytes > 0 {
		o.bytesRatio = float64(st.bytes.max) / o.medianBytes
	}
	if !k.found || cmp.Or(cmp.Compare(o.excess, k.excess), cmp.Compare(k.id, o.id)) > 0 {
		for i, percent := range []int64{50, 95, 99} {
			o.percentiles[i] = st.run.quantile(percent, 100)
		}
		*k = o
	}
}

func (k *skew) fill(r *analysis.Run) {
	if !k.found {
		return
	}
	r.SkewStageID, r.SkewMaxMs = some(k.id), some(k.max)
	r.SkewP50Ms, r.SkewP95Ms, r.SkewP99Ms = some(k.percentiles[0]), some(k.percentiles[1]), some(k.percentiles[2])
	if k.ratio > 0 {
		r.SkewRatio = analysis.Some(k.ratio)
	}
	if k.bytesRatio > 0 {
		r.SkewBytesRatio = analysis.Some(k.bytesRatio)
	}
	if d := r.Duration(); d.OK && k.wall > 0 {
		r.SkewStageShare = ratio(k.wall, d.V.Milliseconds())
	}
}

// spill is the stage that spilled most.
type spill struct {
	found                  bool
	id, bytes, runMs, data int64
	tasks, read            int64
	skewed                 bool
}

func (k *spill) offer(st *stage) {
	if st.spilled == 0 {
		return
	}
	o := spill{
		found: true, id: st.id, bytes: int64(st.spilled), runMs: int64(st.runMs),
		data:  int64(max(st.input, st.output, st.read, st.write)),
		tasks: st.tasks, read: int64(st.read),
		skewed: st.spill.skewed() || st.run.skewed(),
	}
	if !k.found || cmp.Or(cmp.Compare(o.bytes, k.bytes), cmp.Compare(k.id, o.id)) > 0 {
		*k = o
	}
}

// skewed says whether the largest of several values is many times the median.
func (d *dist) skewed() bool {
	return d.n >= 2 && d.max > 0 && float64(d.max) >= skewFactor*d.median()
}

func (k *spill) fill(r *analysis.Run, runMs int64) {
	if !k.found {
		return
	}
	r.SpillStageID, r.SpillStageBytes = some(k.id), some(k.bytes)
	r.SpillStageRatio = ratio(k.bytes, k.data)
	r.SpillStageShare = ratio(k.runMs, runMs)
	r.SpillStageTasks = positive(k.tasks)
	r.SpillStageSkewed = analysis.Some(k.skewed)
	r.SpillStageShuffle = some(k.read)
}

func (a *app) fillStages(r *analysis.Run) {
	s := &a.stages
	if s.completed > 0 || a.tasks.ends == 0 {
		r.Stages, r.StagesFailed, r.StageRetries = some(s.completed), some(s.failed), some(s.retries)
	}
	if s.abandoned == 0 {
		r.MissingTasks = int64(s.missing)
	}
	r.MaxTaskLosses = some(s.maxLosses)
	r.LongestStages = s.longest.byName()
	if !a.tasks.measured {
		return
	}
	r.StagesWithSpill, r.SkewStages = some(s.spilled), some(s.skewed)
	r.SpillRunShare = ratio(int64(s.spilledRunMs), int64(a.tasks.runMs))
	s.worstSpill.fill(r, int64(a.tasks.runMs))
	s.worstSkew.fill(r)
	s.largest.fill(r)
}

// partitions are those of the stage that has the largest one.
type partitions struct {
	id, max int64
	median  float64
}

func (p *partitions) offer(st *stage) {
	if st.bytes.max > p.max || st.bytes.max == p.max && st.id < p.id {
		*p = partitions{st.id, st.bytes.max, st.bytes.median()}
	}
}

func (p *partitions) fill(r *analysis.Run) {
	if p.max > 0 {
		r.PartStageID, r.PartMaxBytes, r.PartP50Bytes = some(p.id), some(p.max), analysis.Some(p.median)
	}
}

// longest are the stage attempts that took longest, longest first.
type longest []stageWall

type stageWall struct{ wall, id, attempt int64 }

const maxLongest = 5

func (l *longest) offer(st *stage) {
	if !st.completed {
		return
	}
	*l = append(*l, stageWall{st.wall, st.id, st.attempt})
	slices.SortFunc(*l, func(a, b stageWall) int {
		return cmp.Or(cmp.Compare(b.wall, a.wall), cmp.Compare(a.id, b.id), cmp.Compare(a.attempt, b.attempt))
	})
	*l = (*l)[:min(len(*l), maxLongest)]
}

func (l longest) byName() map[string]int64 {
	if len(l) == 0 {
		return nil
	}
	m := make(map[string]int64, len(l))
	for _, s := range l {
		m[fmt.Sprintf("%d.%d", s.id, s.attempt)] = s.wall
	}
	return m
}
