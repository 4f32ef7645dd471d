package bot

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
)

// A Proposal is one pull request as a value: what to change, and why.
type Proposal struct {
	Scope   string // path of the DAG file that it is about
	Branch  string
	Commit  string // what the patches are made from
	Jobs    []JobDecision
	Patches []patcher.Patch
	Wants   []Wanted // sorted by job and key
	// Promises are what is expected, one for each job that the patches change.
	Promises []Promise
	Plan     string // identity of Scope and Wants
	// Back is what is taken back; nil of a proposal that goes on.
	Back   *Back
	Saving float64 // GB-hours a month, negative when it costs: what is proposed first
}

// branchPrefix is where all of our branches are.
const branchPrefix = "sparktune/"

// proposals are the patches of a decision, cut into pull requests: one per DAG
// file, but files whose jobs share an edited file together. Sorted by saving.
func (d *Decision) proposals(group policy.Group) []Proposal {
	scopes := d.scopes(group)
	byScope := make(map[string]*Proposal)
	for _, p := range d.Patches {
		scope := scopes[p.Path]
		if byScope[scope] == nil {
			byScope[scope] = &Proposal{Scope: scope, Branch: branchOf(scope), Commit: d.Commit}
		}
		byScope[scope].Patches = append(byScope[scope].Patches, p)
	}
	for _, jd := range d.Jobs {
		if p := byScope[scopes[jd.Job.Path]]; p != nil && slices.Contains(jd.Held, "") {
			p.add(jd)
		}
	}
	out := make([]Proposal, 0, len(byScope))
	for _, p := range byScope {
		p.Plan = planOf(p.Scope, p.Wants)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.Saving, a.Saving), cmp.Compare(a.Scope, b.Scope))
	})
	return out
}

// wholeRepository is the scope of a proposal for all DAG files at once.
const wholeRepository = "repository"

// scopes says of every path of a job or a patch in which scope it is: the least
// DAG path among those that are tied together by an edited file.
func (d *Decision) scopes(group policy.Group) map[string]string {
	tied := make(ties)
	for _, jd := range d.Jobs {
		for _, o := range jd.Outcomes {
			if o.Status == patcher.Applied {
				tied.tie(jd.Job.Path, o.Path)
			}
		}
	}
	least := make(map[string]string) // of a tie -> DAG path
	for _, jd := range d.Jobs {
		r := tied.of(jd.Job.Path)
		if least[r] == "" || jd.Job.Path < least[r] {
			least[r] = jd.Job.Path
		}
	}
	out := make(map[string]string)
	scope := func(path string) {
		out[path] = least[tied.of(path)]
		if group == policy.GroupRepository {
			out[path] = wholeRepository
		}
	}
	for _, jd := range d.Jobs {
		scope(jd.Job.Path)
	}
	for _, p := range d.Patches {
		scope(p.Path)
	}
	return out
}

// ties are disjoint sets of paths, each named by its least member.
type ties map[string]string

func (t ties) of(path string) string {
	for t[path] != "" && t[path] != path {
		path = t[path]
	}
	return path
}

func (t ties) tie(a, b string) {
	a, b = t.of(a), t.of(b)
	t[max(a, b)] = min(a, b)
}

func (p *Proposal) add(jd JobDecision) {
	p.Jobs = append(p.Jobs, jd)
	for i, c := range jd.Advice.Changes {
		if jd.Held[i] != "" {
			continue // is not of this proposal: who answers to it says nothing about it
		}
		o := jd.Outcomes[i] // one per change, in order
		p.Wants = append(p.Wants, Wanted{Job: jd.Job.ID, Key: c.Key, From: c.From, To: c.To, Rule: c.Rule, Outcome: statusText[o.Status]})
	}
	if jd.changed() {
		p.Promises = append(p.Promises, jd.promise())
	}
	p.Saving += saving(jd.Advice.Effect)
}

// saving is in GB-hours a month, or of one run where the cadence is unknown.
func saving(e *analysis.Effect) float64 {
	if e == nil {
		return 0
	}
	return (e.GBHoursBefore - e.GBHoursAfter) * max(1, e.RunsPerMonth)
}

// branchOf names the branch of a scope: readable, and its own even where two
// scopes read the same.
func branchOf(scope string) string {
	slug := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, scope), "-")
	return branchPrefix + slug[:min(len(slug), 60)] + "-" + digest(scope)[:8]
}

func planOf(scope string, wants []Wanted) string {
	b, err := json.Marshal(struct {
		Scope string
		Wants []Wanted
	}{scope, wants})
	if err != nil {
		panic(err) // plain strings always marshal
	}
	return digest(string(b))[:16]
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// same says whether two proposals say the same: equal edits by equal rules,
// with sizes within the dead band. A moving window of runs moves sizes a
// little every week; that is no news.
func same(a, b []Wanted, band float64) bool {
	return slices.EqualFunc(a, b, func(x, y Wanted) bool {
		return x.Job == y.Job && x.Key == y.Key && x.From == y.From && x.Rule == y.Rule && x.Outcome == y.Outcome && near(x.Key, x.To, y.To, band)
	})
}

// near says whether two values of a property are within a relative band.
func near(key, a, b string, band float64) bool {
	x, y := size(key, a), size(key, b)
	if !x.OK || !y.OK {
		return a == b
	}
	return math.Abs(x.V-y.V) <= band*math.Max(math.Abs(x.V), math.Abs(y.V))
}

func size(key, value string) analysis.Opt[float64] {
	c := analysis.Conf{key: value}
	if p, ok := analysis.FindProperty(key); ok && p.Kind == analysis.KindBytes {
		if n := c.Bytes(key); n.OK {
			return analysis.Some(float64(n.V))
		}
		return analysis.Opt[float64]{}
	}
	return c.Float(key)
}

// closed says whether a person refused the change by closing a pull request,
// and the evidence has not moved since.
func closed(refused []Wanted, job string, c analysis.Change, band float64) bool {
	return slices.ContainsFunc(refused, func(w Wanted) bool {
		return w.Job == job && w.Key == c.Key && w.From == c.From && w.Rule == c.Rule && near(c.Key, w.To, c.To, band)
	})
}
