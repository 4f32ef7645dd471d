package eventlog

import (
	"cmp"
	"slices"
)

// stageWork is what the critical path needs of a stage.
type stageWork struct {
	longest int64 // of its successful tasks, milliseconds
	parents []int64
}

// note takes in what the critical path needs of a stage.
func (o *job) note(s *stage) {
	if o.chains == nil {
		o.chains = make(map[int64]stageWork)
	}
	work := o.chains[s.id]
	work.longest = max(work.longest, s.run.max)
	if len(s.parents) > 0 {
		work.parents = s.parents
	}
	o.chains[s.id] = work
}

// criticalPath is the longest chain of parent stages. Spark numbers parents
// before their children.
func (o *job) criticalPath() int64 {
	var longest int64
	chain := make(map[int64]int64, len(o.chains))
	for _, id := range o.stages {
		work := o.chains[id]
		var before int64
		for _, p := range work.parents {
			if p < id {
				before = max(before, chain[p])
			}
		}
		var total sum
		total.add(before)
		total.add(work.longest)
		chain[id] = int64(total)
		longest = max(longest, chain[id])
	}
	return longest
}

// A pathSum is the most that the critical paths of jobs which did not overlap
// add up to: jobs side by side share the cores, jobs one after the other wait
// for each other, so this is a lower bound of the time jobs take.
type pathSum struct{ steps []pathStep }

// pathStep says that by time end, jobs with these paths one after the other
// can have ended. Both fields grow from step to step.
type pathStep struct{ end, total int64 }

const maxPathSteps = 1 << 12

// add takes in a job; jobs come in the order of their ends. No later job
// starts before oldest.
func (p *pathSum) add(start, end, path, oldest int64) {
	var total sum
	total.add(p.until(start))
	total.add(path)
	if int64(total) > p.most() {
		p.steps = append(p.steps, pathStep{max(end, p.lastEnd()), int64(total)})
	}
	p.prune(oldest)
}

func (p *pathSum) until(t int64) int64 {
	i, _ := slices.BinarySearchFunc(p.steps, t+1, func(s pathStep, t int64) int { return cmp.Compare(s.end, t) })
	if i == 0 {
		return 0
	}
	return p.steps[i-1].total
}

// prune drops steps that no later job can ask for. When very many remain,
// dropping every other one keeps the bound a bound.
func (p *pathSum) prune(oldest int64) {
	i, _ := slices.BinarySearchFunc(p.steps, oldest+1, func(s pathStep, t int64) int { return cmp.Compare(s.end, t) })
	if i > 1 {
		p.steps = slices.Delete(p.steps, 0, i-1)
	}
	if len(p.steps) > maxPathSteps {
		kept := p.steps[:0]
		for i, s := range p.steps {
			if i%2 == 1 || i == len(p.steps)-1 {
				kept = append(kept, s)
			}
		}
		p.steps = kept
	}
}

func (p *pathSum) most() int64 {
	if len(p.steps) == 0 {
		return 0
	}
	return p.steps[len(p.steps)-1].total
}

func (p *pathSum) lastEnd() int64 {
	if len(p.steps) == 0 {
		return 0
	}
	return p.steps[len(p.steps)-1].end
}
