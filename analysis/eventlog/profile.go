package eventlog

import (
	"cmp"
	"io/fs"
	"slices"

	"github.com/sparktune/sparktune/analysis"
)

// ReadProfiles reads a log as [Read] does and gives a profile beside each Run.
func ReadProfiles(fsys fs.FS, l Log) ([]analysis.Run, []analysis.RunProfile, error) {
	if l.Archive {
		return readZip(fsys, l.Path)
	}
	p := parser{log: l, profiling: true}
	runs, err := p.readParts(fsys)
	return runs, p.profiles, err
}

// Bounds of a profile: of a row a few hundred kilobytes at most.
const (
	maxProfileStages = 2048
	maxProfileSteps  = 4096
	maxProfileGaps   = 1024
	maxAliases       = 1 << 16
)

// A profiler collects the profile of an application.
type profiler struct {
	stages  []analysis.StageProfile
	alias   map[int64]int64 // ids of merged stages, to those that stand for them
	dropped int64
	gaps    gaps
}

// A tally is what a profile wants to know of a stage beyond what its row does.
type tally struct {
	cpuNs, gcMs, deserMs, delayMs sum
	failures                      int64
	slowestMs, slowestBytes       int64
	first, last                   int64 // launch and finish
	run, input, read              bins
}

// bins is a histogram in the making.
type bins map[int32]int64

// binSize is the room that a bin takes, in values of a [dist].
const binSize = 4

// add takes a value in; it shares its room with the dists.
func (b *bins) add(v int64, room *int) {
	if *b == nil {
		*b = make(bins)
	}
	before := len(*b)
	(*b)[analysis.BucketOf(v)]++
	*room -= binSize * (len(*b) - before)
}

func (b bins) histogram() analysis.Histogram {
	var h analysis.Histogram
	for bucket, n := range b {
		h = append(h, analysis.Bin{Bucket: bucket, Count: n})
	}
	slices.SortFunc(h, func(a, b analysis.Bin) int { return cmp.Compare(a.Bucket, b.Bucket) })
	return h
}

// free gives the room back.
func (t *tally) free(room *int) { *room += binSize * (len(t.run) + len(t.input) + len(t.read)) }

// add takes a task in.
func (t *tally) add(e *taskEnd, room *int) {
	success := e.Reason.Reason == endSuccess
	if !success {
		t.failures++
	}
	if e.Info.Launch > 0 && (t.first == 0 || e.Info.Launch < t.first) {
		t.first = e.Info.Launch
	}
	t.last = max(t.last, e.Info.Finish)
	m := e.Metrics
	if m == nil {
		return
	}
	if m.CPUNs != nil {
		t.cpuNs.add(*m.CPUNs)
	}
	t.gcMs.add(m.GCMs)
	t.deserMs.add(m.DeserializeMs)
	t.delayMs.add(e.delay())
	if success {
		t.addSuccess(m, room)
	}
}

func (t *tally) addSuccess(m *taskMetrics, room *int) {
	if bytes := m.bytesRead(); m.RunMs > t.slowestMs || t.run == nil {
		t.slowestMs, t.slowestBytes = m.RunMs, bytes
	}
	var read sum
	read.add(m.Read.Remote)
	read.add(m.Read.Local)
	t.run.add(m.RunMs, room)
	t.input.add(m.Input.Bytes, room)
	t.read.add(int64(read), room)
}

// add takes in a stage that is done with; start is the application's.
func (p *profiler) add(st *stage, start int64) {
	t := st.tally
	submitted, completed := st.submitted, st.submitted+st.wall
	if submitted == 0 {
		submitted, completed = t.first, t.last
	}
	if submitted == 0 {
		return // never ran
	}
	s := analysis.StageProfile{
		ID: st.id, Attempt: st.attempt, Merged: 1, Parents: slices.Clone(st.parents), Job: -1, SQL: -1, Profile: st.profile,
		Submitted: submitted - start, Completed: completed - start, Failed: st.failed,
		Tasks: st.tasks, Succeeded: st.run.n, Failures: t.failures,
		RunMs: int64(st.runMs), CPUMs: int64(t.cpuNs) / 1e6, GCMs: int64(t.gcMs), DeserMs: int64(t.deserMs), DelayMs: int64(t.delayMs),
		Input: int64(st.input), Output: int64(st.output), ShuffleRead: int64(st.read), ShuffleW: int64(st.write), Spilled: int64(st.spilled),
		RunMedianMs: st.run.median(), RunMaxMs: st.run.max, SlowestBytes: t.slowestBytes,
		RunHist: t.run.histogram(), InputHist: t.input.histogram(), ShuffleRdHist: t.read.histogram(),
	}
	if st.owner != nil {
		s.Job, s.SQL = st.owner.id, st.owner.sql
	}
	p.stages = append(p.stages, s)
	if len(p.stages) > maxProfileStages {
		p.compact()
	}
}

// compact makes room: stages that ran alone, one after the other, are merged
// in pairs; when most stages run side by side, those with the least work go.
func (p *profiler) compact() {
	p.sort()
	for before := 0; len(p.stages) > maxProfileStages/2 && len(p.stages) != before; {
		before = len(p.stages)
		p.mergePairs()
	}
	if excess := len(p.stages) - maxProfileStages*3/4; excess > 0 {
		p.drop(excess)
	}
}

func (p *profiler) sort() {
	slices.SortFunc(p.stages, func(a, b analysis.StageProfile) int { return a.Compare(&b) })
}

func (p *profiler) mergePairs() {
	kept := p.stages[:0]
	var until int64 // everything before has completed
	for i := 0; i < len(p.stages); i++ {
		s := p.stages[i]
		if i+1 < len(p.stages) && s.Submitted >= until {
			next := &p.stages[i+1]
			alone := i+2 == len(p.stages) || p.stages[i+2].Submitted >= next.Completed
			if next.Submitted >= s.Completed && alone {
				p.stand(s.ID, next.ID)
				s.Append(next)
				i++
			}
		}
		until = max(until, s.Completed)
		kept = append(kept, s)
	}
	p.stages = kept
}

// stand notes that one stage stands for another from now on.
func (p *profiler) stand(old, by int64) {
	if p.alias == nil || len(p.alias) >= maxAliases {
		p.alias = make(map[int64]int64)
	}
	if old != by {
		p.alias[old] = by
	}
}

func (p *profiler) drop(n int) {
	slices.SortStableFunc(p.stages, func(a, b analysis.StageProfile) int { return cmp.Compare(b.RunMs, a.RunMs) })
	for _, s := range p.stages[len(p.stages)-n:] {
		p.dropped += s.Merged
	}
	p.stages = p.stages[:len(p.stages)-n]
	p.sort()
}

// finish makes the row.
func (p *profiler) finish(a *app, end int64) analysis.RunProfile {
	p.sort()
	known := make(map[int64]bool, len(p.stages))
	for i := range p.stages {
		known[p.stages[i].ID] = true
	}
	for i := range p.stages {
		s := &p.stages[i]
		s.Parents = p.parents(s, known)
	}
	p.gaps.close(a.start)
	return analysis.RunProfile{
		Key: a.run.Key, Version: analysis.RunProfileVersion, Start: a.run.Start, SpanMs: max(end-a.start, 0),
		Stages: p.stages, Executors: a.executors.steps(a.start, end),
		Gaps: p.gaps.spans, OtherGapMs: int64(p.gaps.other), Dropped: p.dropped,
	}
}

// parents are the entries that stand for a stage's parents, in order. Skipped
// stages and those that were dropped have none.
func (p *profiler) parents(s *analysis.StageProfile, known map[int64]bool) []int64 {
	var ids []int64
	for _, id := range s.Parents {
		for next, ok := p.alias[id]; ok; next, ok = p.alias[id] {
			id = next
		}
		if known[id] && id != s.ID {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// gaps are the times in which no job ran.
type gaps struct {
	spans []analysis.Span
	least int64 // what is kept lasts at least this long
	other sum
}

func (g *gaps) add(from, to int64) {
	if to <= from {
		return
	}
	if to-from < g.least {
		g.other.add(to - from)
		return
	}
	g.spans = append(g.spans, analysis.Span{From: from, To: to})
	for len(g.spans) > maxProfileGaps {
		g.least = max(2*g.least, 1)
		g.spans = slices.DeleteFunc(g.spans, func(s analysis.Span) bool {
			short := s.To-s.From < g.least
			if short {
				g.other.add(s.To - s.From)
			}
			return short
		})
	}
}

// close makes the times relative.
func (g *gaps) close(start int64) {
	for i := range g.spans {
		g.spans[i].From -= start
		g.spans[i].To -= start
	}
}

// steps lists how the number of executors changed. When there are very many
// times, they are rounded up to a coarser and coarser grid.
func (x *executors) steps(start, end int64) []analysis.ExecutorStep {
	at := make(map[int64]analysis.ExecutorStep)
	for grid := int64(1); ; grid *= 2 {
		clear(at)
		for _, e := range x.byID {
			if e.registered && e.added > 0 {
				move(at, roundUp(e.added-start, grid), 1, e.cores)
				if e.removed > 0 && e.removed < end {
					move(at, roundUp(e.removed-start, grid), -1, -e.cores)
				}
			}
		}
		if len(at) <= maxProfileSteps {
			break
		}
	}
	var steps []analysis.ExecutorStep
	for _, s := range at {
		if s.Executors != 0 || s.Cores != 0 {
			steps = append(steps, s)
		}
	}
	slices.SortFunc(steps, func(a, b analysis.ExecutorStep) int { return cmp.Compare(a.At, b.At) })
	return steps
}

func move(at map[int64]analysis.ExecutorStep, t, executors, cores int64) {
	s := at[t]
	at[t] = analysis.ExecutorStep{At: t, Executors: s.Executors + executors, Cores: s.Cores + cores}
}

func roundUp(t, grid int64) int64 { return (t + grid - 1) / grid * grid }
