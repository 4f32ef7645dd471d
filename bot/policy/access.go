package policy

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sparktune/sparktune/analysis"
)

// anyValue in a Grant matches every value, also a missing one. No other
// pattern matches what is missing.
const anyValue = "*"

// A Grant opens a part of the metrics lake to a part of some repositories. It
// is the server's: what a repository says of itself grants nothing.
type Grant struct {
	Repository   string   // glob of owner/name
	Paths        []string // globs of the files that declare jobs
	Environments []string // names, or "*"
	DAGIDs       []string // globs, or "*"
	ShowMoney    *bool    // nil: unless the repository is public
	ShowErrors   *bool    // nil: unless the repository is public
}

// An Access is what one repository may see. The zero Access sees nothing.
type Access struct {
	Money  bool // amounts of money
	Errors bool // texts of errors
	all    bool
	grants []Grant
}

// Unrestricted is the Access of somebody who holds the lake itself.
func Unrestricted() Access { return Access{Money: true, Errors: true, all: true} }

// Access is what a repository may see. Where several grants are about it, money
// and error texts are shown only when none of them hides them: they meet in
// one pull request.
func (s Server) Access(repo string, public bool) Access {
	a := Access{Money: true, Errors: true}
	for _, g := range s.Grants {
		if !matches(strings.ToLower(g.Repository), strings.ToLower(repo)) {
			continue
		}
		a.grants = append(a.grants, g)
		a.Money = a.Money && shown(g.ShowMoney, public)
		a.Errors = a.Errors && shown(g.ShowErrors, public)
	}
	if len(a.grants) == 0 {
		return Access{}
	}
	return a
}

func shown(said *bool, public bool) bool {
	if said == nil {
		return !public
	}
	return *said
}

// Allows says whether a job that is declared in the file at path may be judged
// by the run.
func (a Access) Allows(path string, r *analysis.Run) bool {
	return a.all || slices.ContainsFunc(a.grants, func(g Grant) bool {
		return g.covers(path) && known(g.Environments, r.Environment) && known(g.DAGIDs, r.DAGID)
	})
}

func (g Grant) covers(path string) bool {
	return slices.ContainsFunc(g.Paths, func(p string) bool { return matches(p, path) })
}

func known(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == anyValue || value != "" && matches(p, value)
	})
}

// matches is a glob as in .gitignore: * stays in a folder, ** does not. An
// invalid pattern, which the loader refuses, matches nothing.
func matches(pattern, name string) bool {
	ok, err := doublestar.Match(pattern, name)
	return ok && err == nil
}
