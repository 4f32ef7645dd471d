package bot

import (
	"fmt"
	"slices"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
)

// A Survey is what a Snapshot shows before anything is judged: the jobs, and
// whose the runs are. It stands between load and decide because it names what
// is still to be loaded.
type Survey struct {
	snapshot  Snapshot
	repo      *patcher.Repository
	runs      map[string][]analysis.Run // by job
	profiles  []*analysis.Profile       // one per job of repo, in its order
	matches   map[string]Match
	unmatched []Unmatched
}

// Look finds the repository's jobs and their runs. An error is an unreadable
// file.
func Look(s Snapshot) (*Survey, error) {
	repo, err := patcher.Find(s.Files, s.Policy.Operators...)
	if err != nil {
		return nil, fmt.Errorf("find jobs: %w", err)
	}
	v := &Survey{snapshot: s, repo: repo}
	v.runs, v.matches, v.unmatched = match(repo.Jobs, s.Runs, s.Access)
	for _, job := range repo.Jobs {
		v.profiles = append(v.profiles, analysis.NewProfile(job.ID, s.recent(v.runs[job.ID]), s.Now, s.Policy.Gates))
	}
	return v, nil
}

// recent are the runs that advice is about. Earlier ones were loaded for what
// they say of a merge.
func (s *Snapshot) recent(runs []analysis.Run) []analysis.Run {
	from := s.Now.Add(-s.Policy.Gates.Lookback)
	return slices.DeleteFunc(slices.Clone(runs), func(r analysis.Run) bool { return r.Start.Before(from) })
}

// Wanted names the runs whose profiles a decision would simulate: a few per
// job.
func (v *Survey) Wanted() []analysis.Key {
	var keys []analysis.Key
	for _, p := range v.profiles {
		keys = append(keys, p.Wanted()...)
	}
	return keys
}
