package bot

import (
	"slices"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
)

// Jobs are those that the repository declares.
func (v *Survey) Jobs() []patcher.Job { return v.repo.Jobs }

// Since judges whatever changed in a job's settings at a moment, by whomever:
// what its newest run has that the runs before did not. Nothing was promised.
func (v *Survey) Since(job string, at time.Time) ([]analysis.Change, analysis.Judgement) {
	pr, gates := analysis.Promise{Merged: at}, v.snapshot.Policy.Gates
	before, _ := pr.Split(job, v.runs[job], v.snapshot.Now, gates)
	if len(before.Runs) == 0 {
		return nil, analysis.Judge(pr, before, before, gates)
	}
	since := slices.DeleteFunc(slices.Clone(v.runs[job]), func(r analysis.Run) bool { return r.Start.Before(at) })
	if len(since) == 0 {
		return nil, analysis.Judgement{Outcome: analysis.TooEarly, Reason: "no run since then"}
	}
	newest := slices.MaxFunc(since, func(a, b analysis.Run) int { return a.Start.Compare(b.Start) })
	if pr.Changes = analysis.Changed(before.Newest(), &newest); len(pr.Changes) == 0 {
		return nil, analysis.Judgement{Outcome: analysis.TooEarly, Reason: "the runs since then have the same settings"}
	}
	before, after := pr.Split(job, v.runs[job], v.snapshot.Now, gates)
	return pr.Changes, analysis.Judge(pr, before, after, gates)
}
