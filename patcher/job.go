package patcher

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A declared job is a [Job] with what [Rewrite] must know beyond it.
type declared struct {
	Job
	at    span
	root  string // file whose reading found it
	order int    // among the jobs of the repository, in the order of the text
	sites []*site
	gaps  []gap
	notes []Note
	// params is what {{ params.x }} reads in the job's texts.
	params *value
	// open lists what only the run time knows and may set any property.
	open []open
	// alias names a job that shares its task with others: an EMR step.
	alias string
	// cluster is the name of the cluster that it runs on, or that it is.
	cluster   string
	isCluster bool
	// row is "[2]" of a task that is mapped over rows.
	row string
	// limits are those of its pods, and clusterMode says that the driver does not
	// run where spark-submit does.
	limits      []podLimit
	clusterMode bool
	// closed says why nothing can be added where no gap is known.
	closed string
	// many says why the declaration stands for tasks that are not known.
	many string
}

// open is a run-time part of a job that could set any property.
type open struct {
	why string
	at  span
	// conf parts cannot set a flag, so what beats them is certain.
	conf bool
	// flags may be in a conf part that stands before what the job sets: they
	// beat a conf of the same property, and nothing else.
	flags bool
	// code is the job's own, which beats every other place.
	code bool
}

// rank says which place wins when several set one property.
type rank int

// Ranks in rising order of precedence, as spark-submit, the Spark operator for
// Kubernetes and the EMR services apply them.
const (
	byDefaults rank = iota // spark-defaults, configuration overrides
	byConf                 // --conf, conf={}, sparkConf
	byFlag                 // --executor-memory, executor_memory=, spec.executor.memory
	byOverlay              // a Kustomize patch of a manifest
	byCode                 // SparkSession.builder.config in the job's own code
)

// A site is a [Site] with its value and the ways to override it.
type site struct {
	Site
	rank rank
	val  *value
	over []addition // where an entry that wins over this one can be added
	// scopes are what the value stands in, for comments that pin a whole.
	scopes []span
}

// An addition is text to add at a slot: a key, or a key inside a mapping that
// does not exist yet.
type addition struct {
	slot  slot
	prop  property
	path  []string
	value string
	like  *value // the value whose type and quotes the new one takes
	num   bool   // without one to copy, a bare number is the custom there
}

// fullPath is the path of an addition with the key that its slot stands for.
func (a addition) fullPath() []string {
	if a.slot.name == "" {
		return a.path
	}
	return append([]string{a.slot.name}, a.path...)
}

// A gap is where a property that the job does not set can be added.
type gap struct {
	slots []slot
	parts []slot // where an addition reaches the job too, and others with it
	// names returns the path of a key in this place; nil where it has none.
	names func(property) []string
	num   func(property) bool
	// shut says why nothing can be added here although it is the place.
	shut string
	at   span
}

// secret matches the properties that may hold a credential. They are no
// business of a tuner and appear nowhere.
var secret = regexp.MustCompile(`(?i)secret|passw|passphrase|token|credential|access\.?key|api[-_.]?key|account\.key|private|signature|(?:\b|_)(?:pass|pwd|pw|auth|sas)(?:\b|_)`)

// add records that a value sets a property of the job.
func (d *declared) add(key, form string, by rank, v *value, over []addition) {
	p := propertyOf(key)
	if v == nil || rankOf(p.key) == len(properties) && secret.MatchString(key) {
		return
	}
	if v.kind == scalar && strings.Contains(joinPieces(v.pieces), "{{") {
		w := *v
		w.pieces, w.slots = masked(v.pieces, d.params), nil
		v = &w
	}
	if right, ok := misspelt[key]; ok {
		d.note(v.at, "%s has no effect: Spark calls it %s", key, right)
		return
	}
	if !nameable(key) {
		d.note(v.at, "%q is left out: it is not the name of a Spark property", shorten(key))
		return
	}
	s := &site{rank: by, val: v, over: over}
	at := v.at
	if v.kind == scalar && len(v.pieces) > 0 && v.hole() == "" && at.src == nil {
		at = spanOf(v.pieces)
	}
	s.Site = Site{Key: p.key, Form: form, Path: at.path(), Line: at.line(), Start: at.start, End: at.end}
	switch text, ok := v.str(); {
	case ok:
		s.Value = text
	case v.kind == scalar && v.typ == null:
		s.Dynamic = "it is None: another place decides"
	case v.kind == scalar:
		s.Dynamic = v.hole()
	case v.why != "":
		s.Dynamic = v.why
	default:
		s.Dynamic = "it is computed at run time: " + shorten(v.at.String())
	}
	if ps := v.pieces; s.Dynamic == "" && len(ps) > 0 {
		s.locate()
	}
	d.sites = append(d.sites, s)
}

// within notes what the sites from the i-th on stand in.
func (d *declared) within(i int, scopes ...span) {
	for _, s := range d.sites[i:] {
		if s.scopes == nil {
			s.scopes = scopes
		}
	}
}

// locate points the site at the literal itself when the value is read through
// names, so that a person finds the line to change.
func (s *site) locate() {
	ps := runs(s.val.pieces)
	at := spanOf(ps)
	if s.val.at.src == at.src && s.val.at.start <= at.start && at.end <= s.val.at.end {
		return
	}
	s.Path, s.Line, s.Start, s.End = at.path(), at.line(), at.start, at.end
}

func (d *declared) note(at span, format string, args ...any) {
	d.notes = append(d.notes, Note{Path: at.path(), Line: at.line(), Text: fmt.Sprintf(format, args...)})
}

// settle sorts the sites and marks the ones that lose. Of equal rank the later
// one wins: the last --conf, the last entry of a dict.
func (d *declared) settle() {
	slices.Reverse(d.sites)
	slices.SortStableFunc(d.sites, func(a, b *site) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(b.rank, a.rank))
	})
	for i, s := range d.sites {
		s.Shadowed = i > 0 && d.sites[i-1].Key == s.Key
	}
}

// winner returns the site that decides a property, nil when none does.
func (d *declared) winner(key string) *site {
	for _, s := range d.sites {
		if s.Key == key && !s.Shadowed {
			return s
		}
	}
	return nil
}

// public is the job as callers see it.
func (d *declared) public(users func(*site) ([]string, int)) Job {
	j := d.Job
	j.Path, j.Line = d.at.path(), d.at.line()
	for _, s := range d.sites {
		out := s.Site
		out.Users, out.MoreUsers = users(s)
		j.Sites = append(j.Sites, out)
	}
	j.Refusals = d.refusals()
	return j
}
