package eventlog

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sparktune/sparktune/analysis"
)

// Bounds of a profile: of a row a few hundred kilobytes, and of its lists of
// parents and bins, which may be long in any stage.
const (
	maxProfileStages = 2048
	maxProfileLists  = 6 << 20 // bytes
	maxProfileSteps  = 4096
	maxProfileGaps   = 1024
	maxPlaces        = 1 << 17
)

// A profiler collects the profile of an application.
type profiler struct {
	entries []entry
	next    int64           // number of the next entry
	places  map[int64]int64 // stage ids, to the numbers of the entries that stand for them
	lists   int             // bytes in those of the entries
	// forgotten is above every stage id whose place had no room.
	forgotten int64
	dropped   int64
	gaps      gaps
}

// An entry is one of a profile's, with a number of its own: stage ids repeat,
// when a stage is tried again, on both sides of a merger.
type entry struct {
	analysis.StageProfile
	number int64
}

// lists is the size of what an entry has beyond its fixed fields.
func (e *entry) lists() int {
	return 8*len(e.Parents) + 16*(len(e.RunHist)+len(e.InputHist)+len(e.ShuffleRdHist))
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
	if len(b) == 0 {
		return nil
	}
	h := make(analysis.Histogram, 0, len(b))
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
	e := entry{number: p.next, StageProfile: analysis.StageProfile{
		ID: st.id, Attempt: st.attempt, Merged: 1, Parents: slices.Clone(st.parents), Job: -1, SQL: -1, Profile: st.profile,
		Submitted: submitted - start, Completed: completed - start, Failed: st.failed,
		Tasks: st.tasks, Succeeded: st.run.n, Failures: t.failures,
		RunMs: int64(st.runMs), CPUMs: int64(t.cpuNs) / 1e6, GCMs: int64(t.gcMs), DeserMs: int64(t.deserMs), DelayMs: int64(t.delayMs),
		Input: int64(st.input), Output: int64(st.output), ShuffleRead: int64(st.read), ShuffleW: int64(st.write), Spilled: int64(st.spilled),
		RunMedianMs: st.run.median(), RunMaxMs: st.run.max, SlowestBytes: t.slowestBytes,
		RunHist: t.run.histogram(), InputHist: t.input.histogram(), ShuffleRdHist: t.read.histogram(),
	}}
	if st.owner != nil {
		e.Job, e.SQL = st.owner.id, st.owner.sql
	}
	if len(e.Parents) > maxParents || p.lists+e.lists() > maxProfileLists {
		p.dropped++
		return
	}
	p.entries = append(p.entries, e)
	p.place(st.id)
	p.lists += e.lists()
	if len(p.entries) > maxProfileStages {
		p.compact()
	}
}

// place notes that the newest entry stands for a stage; that of an earlier
// attempt no longer does.
func (p *profiler) place(id int64) {
	if p.places == nil {
		p.places = make(map[int64]int64)
	}
	p.places[id] = p.next
	p.next++
	if len(p.places) > maxPlaces {
		p.forget()
	}
}

// forget makes room for places: the oldest stages are the least likely to be
// parents again.
func (p *profiler) forget() {
	ids := slices.Sorted(maps.Keys(p.places))
	old := ids[:len(ids)/2]
	for _, id := range old {
		delete(p.places, id)
	}
	p.forgotten = max(p.forgotten, old[len(old)-1]+1)
}

// compact makes room: stages that ran alone, one after the other, are merged
// in pairs; when most stages run side by side, those with the least work go.
func (p *profiler) compact() {
	p.sort()
	merged := make(map[int64]int64) // numbers of entries, to those that took them in
	for before := 0; len(p.entries) > maxProfileStages/2 && len(p.entries) != before; {
		before = len(p.entries)
		p.mergePairs(merged)
	}
	if excess := len(p.entries) - maxProfileStages*3/4; excess > 0 {
		p.drop(excess)
	}
	p.move(merged)
}

func (p *profiler) sort() {
	slices.SortFunc(p.entries, func(a, b entry) int { return a.Compare(&b.StageProfile) })
}

func (p *profiler) mergePairs(merged map[int64]int64) {
	kept := p.entries[:0]
	var until int64 // everything before has completed
	for i := 0; i < len(p.entries); i++ {
		s := p.entries[i]
		if i+1 < len(p.entries) && s.Submitted >= until {
			next := &p.entries[i+1]
			alone := i+2 == len(p.entries) || p.entries[i+2].Submitted >= next.Completed
			room := len(s.Parents)+len(next.Parents) <= maxParents
			if next.Submitted >= s.Completed && alone && room {
				merged[next.number] = s.number
				s.Append(&next.StageProfile)
				i++
			}
		}
		until = max(until, s.Completed)
		kept = append(kept, s)
	}
	clear(p.entries[len(kept):])
	p.entries = kept
}

func (p *profiler) drop(n int) {
	slices.SortStableFunc(p.entries, func(a, b entry) int { return cmp.Compare(b.RunMs, a.RunMs) })
	kept := len(p.entries) - n
	for _, s := range p.entries[kept:] {
		p.dropped += s.Merged
	}
	clear(p.entries[kept:])
	p.entries = p.entries[:kept]
	p.sort()
}

// move follows the places of stages to the entries that are left, and leaves
// out parents that are in the same entry by now.
func (p *profiler) move(merged map[int64]int64) {
	left := p.numbers()
	for id, number := range p.places {
		for by, ok := merged[number]; ok; by, ok = merged[number] {
			number = by // an entry is merged once
		}
		if _, ok := left[number]; ok {
			p.places[id] = number
		} else {
			delete(p.places, id)
		}
	}
	p.lists = 0
	for i := range p.entries {
		e := &p.entries[i]
		e.Parents = slices.DeleteFunc(e.Parents, func(id int64) bool {
			number, ok := p.places[id]
			return ok && number == e.number
		})
		p.lists += e.lists()
	}
}

// numbers are the entries' indexes by their numbers.
func (p *profiler) numbers() map[int64]int {
	at := make(map[int64]int, len(p.entries))
	for i := range p.entries {
		at[p.entries[i].number] = i
	}
	return at
}

// finish makes the row.
func (p *profiler) finish(a *app, end int64) analysis.RunProfile {
	p.sort()
	at := p.numbers()
	stages := make([]analysis.StageProfile, len(p.entries))
	for i := range p.entries {
		stages[i] = p.entries[i].StageProfile
		stages[i].Parents = p.parentsOf(i, at)
	}
	p.gaps.close(a.start)
	return analysis.RunProfile{
		Key: a.run.Key, Version: analysis.RunProfileVersion, Start: a.run.Start, SpanMs: max(end-a.start, 0),
		Stages: stages, Executors: a.executors.steps(a.start, end),
		Gaps: p.gaps.spans, OtherGapMs: int64(p.gaps.other), Dropped: p.dropped,
	}
}

// parentsOf are the entries that stand for the parents of entry i, in order.
// Skipped stages and those that were dropped have none; where a place was
// forgotten, nobody knows, and the entry counts as dropped.
func (p *profiler) parentsOf(i int, at map[int64]int) []int64 {
	var ids []int64
	lost := false
	for _, id := range p.entries[i].Parents {
		if number, ok := p.places[id]; ok {
			if by := p.entries[at[number]].ID; by != p.entries[i].ID {
				ids = append(ids, by)
			}
			continue
		}
		lost = lost || id >= 0 && id < p.forgotten
	}
	if lost {
		p.dropped++
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
