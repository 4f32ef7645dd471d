package policy

import "slices"

// A Group says what one pull request is about.
type Group string

// The groups. They stand in files.
const (
	GroupFile       Group = "file"
	GroupRepository Group = "repository"
)

// PullRequests is what a repository's owners set about pull requests.
type PullRequests struct {
	Group   Group
	MaxOpen int // at a time; 0 opens none
	Labels  []string
}

// Ignores says whether the owners keep a job from being changed: by its id, or
// by a glob of the file that declares it.
func (p Policy) Ignores(job, path string) bool {
	return slices.ContainsFunc(p.Ignore, func(pattern string) bool {
		return pattern == job || matches(pattern, path)
	})
}
