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

	seen uint8 // keys, when read by hand
}

// A stage is one stage attempt. It is kept beyond its completion, because
// tasks end late.
type stage struct {
	id, attempt int64
	owner       *job
	parents     []int64

	completed bool
	failed    bool
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

	debts int // in all kept stages

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

// Bounds of what is kept of stages. Fewer than 20 run at a time; the rest
// waits for late events.
const (
	maxStages    = 128
	maxBitmaps   = 4 << 20
	maxValues    = 1 << 20
	maxParents   = 1 << 10
	maxLossTasks = 1 << 10
)

// get finds an attempt or starts one; the oldest completed attempt makes room.
func (s *stages) get(id, attempt int64, a *app) *stage {
	for _, st := range slices.Backward(s.kept) {
		if st.id == id && st.attempt == attempt {
			return st
		}
	}
	if len(s.kept) >= maxStages {
		i := max(slices.IndexFunc(s.kept, func(st *stage) bool { return st.completed }), 0)
		s.settle(s.kept[i], a)
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	st := &stage{id: id, attempt: attempt, owner: a.jobs.owner(id)}
	if a.profiler != nil {
		st.tally = new(tally)
	}
	s.kept = append(s.kept, st)
	return st
}

func (e *stageCompleted) apply(a *app) error {
	info := &e.Info
	submitted, completed := a.see(info.Submitted), a.see(info.Completed)
	a.concurrency.stageEnd()
	st := a.stages.get(info.ID, info.Attempt, a)
	if st.completed || submitted == 0 {
		return nil // a second report, or a stage that never ran
	}
	st.completed = true
	st.failed = info.Failure != nil
	st.submitted, st.profile = submitted, info.Profile
	st.tasks = info.Tasks
	st.parents = slices.Clone(info.Parents[:min(len(info.Parents), maxParents)]) // a longer list is not held
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
	if st.completed && !st.failed && st.attempt == 0 {
		s.missing.add(st.tasks - st.done.count)
	}
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
	r.Stages, r.StagesFailed, r.StageRetries = some(s.completed), some(s.failed), some(s.retries)
	r.MissingTasks = int64(s.missing)
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

// A bitmap is the set of partitions that succeeded.
type bitmap struct {
	words []uint64
	count int64
	freed bool
}

// set adds partition i; room is how many bytes it may still grow by, and the
// result how many it did. A partition beyond that counts as not seen.
func (b *bitmap) set(i int64, room int) int {
	if b.freed || i < 0 {
		return 0
	}
	grown := 0
	if need := i/64 + 1; need > int64(len(b.words)) {
		if need > int64(room/8+len(b.words)) {
			return 0
		}
		size := min(max(int(need), 2*len(b.words)), room/8+len(b.words))
		grown = 8 * (size - len(b.words))
		b.words = slices.Grow(b.words, size-len(b.words))[:size]
	}
	if bit := uint64(1) << (i % 64); b.words[i/64]&bit == 0 {
		b.words[i/64] |= bit
		b.count++
	}
	return grown
}

// free forgets which partitions succeeded, not how many.
func (b *bitmap) free() int {
	n := 8 * len(b.words)
	b.words, b.freed = nil, true
	return n
}
