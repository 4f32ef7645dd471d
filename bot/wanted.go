package bot

import (
	"fmt"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
)

// WantedProfiles names the runs whose profiles a decision would simulate: a few per
// job. They are read between loading a Snapshot and deciding on it, because
// which they are is known only when the runs are the jobs'.
func WantedProfiles(s Snapshot) ([]analysis.Key, error) {
	repo, err := patcher.Find(s.Files, s.Policy.Operators...)
	if err != nil {
		return nil, fmt.Errorf("find jobs: %w", err)
	}
	runs, _, _ := match(repo.Jobs, s.Runs, s.Access)
	var keys []analysis.Key
	for _, job := range repo.Jobs {
		keys = append(keys, analysis.NewProfile(job.ID, runs[job.ID], s.Now, s.Policy.Gates).Wanted()...)
	}
	return keys, nil
}
