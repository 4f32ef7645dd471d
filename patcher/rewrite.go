package patcher

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Rewrite plans the edits that make wants true in the repository fsys, of
// which repo is what [Find] saw. It writes nothing. What it declines is an
// [Outcome] with the reason; an error means that repo was not made by Find,
// which alone knows the operators of the house.
//
// The plan is for the bytes that Find read, which are in [Patch].Before: a file
// that says otherwise now is left alone, and who writes the plan compares again.
//
// A want that is Applied has been checked: the edited text is read again, and
// no other value of any job may have changed.
func Rewrite(fsys fs.FS, repo *Repository, wants []Want) (Result, error) {
	if repo == nil || repo.found == nil {
		return Result{}, errors.New("rewrite: the repository is not one that Find made")
	}
	refused := map[int]Outcome{}
	for {
		p := newPlan(repo.found, wants, refused)
		p.choose()
		patches, bad := p.patches()
		if len(bad) == 0 {
			bad = p.stale(fsys, patches)
		}
		if len(bad) == 0 {
			bad = p.verify(patches)
		}
		if len(bad) == 0 {
			return Result{Patches: patches, Outcomes: p.outcomes, Notes: p.notes()}, nil
		}
		maps.Copy(refused, bad)
	}
}

// A plan is the state of one Rewrite.
type plan struct {
	f        *finder
	wants    []Want
	outcomes []Outcome
	open     map[target]int // wants that may still be applied
	sites    []*site        // the winner of each want, nil when none
	choices  [][]choice
	chosen   []*choice
	settled  []bool // wants whose place will not change any more
	// ballots holds those of one round of settle.
	ballots map[ballotID]*ballot
}

// A choice is one way to make a want true.
type choice struct {
	edit  func() (span, string) // of a literal
	add   *addition             // at a slot
	id    placeID
	under []use
	// whole places feed whole jobs: an entry added there reaches all of them.
	whole bool
}

func (c choice) at() span {
	return span{c.id.src, c.id.start, c.id.end}
}

func newPlan(f *finder, wants []Want, refused map[int]Outcome) *plan {
	p := &plan{
		f: f, wants: wants, open: map[target]int{}, outcomes: make([]Outcome, len(wants)),
		sites: make([]*site, len(wants)), choices: make([][]choice, len(wants)), chosen: make([]*choice, len(wants)), settled: make([]bool, len(wants)),
	}
	seen := map[target]int{}
	for i, w := range wants {
		p.outcomes[i] = Outcome{Want: w}
		if o, ok := refused[i]; ok {
			p.outcomes[i] = o
			continue
		}
		p.consider(i, w)
		p.byHand(i)
		t := target{f.declared(w.Job), propertyOf(w.Key).key}
		if j, twice := seen[t]; twice && t.job != nil && !propertyOf(w.Key).same(wants[j].To, w.To) {
			p.refuse(i, span{}, "two wants ask for different values of this property")
			p.refuse(j, span{}, "two wants ask for different values of this property")
			delete(p.open, t)
			continue
		}
		seen[t] = i
	}
	return p
}

func (p *plan) refuse(i int, at span, format string, args ...any) {
	o := &p.outcomes[i]
	o.Status, o.Reason = Refused, fmt.Sprintf(format, args...)
	if at.src != nil {
		o.Path, o.Line = at.path(), at.line()
	}
}

// consider decides what can be said of a want alone: it is refused, it holds
// already, or it has choices.
func (p *plan) consider(i int, w Want) {
	d := p.f.declared(w.Job)
	prop := propertyOf(w.Key)
	switch {
	case d == nil:
		p.refuse(i, span{}, "the repository declares no job %q", w.Job)
		return
	case !safeKey(w.Key):
		p.refuse(i, d.at, "%q is not the name of a Spark property", w.Key)
		return
	case !safe(w.To):
		p.refuse(i, d.at, "the value %q cannot be written safely in every syntax; set it by hand", w.To)
		return
	}
	p.outcomes[i].Path, p.outcomes[i].Line = d.at.path(), d.at.line()
	s := d.winner(prop.key)
	if s == nil {
		p.absent(i, d, prop, w)
		return
	}
	p.present(i, d, s, prop, w)
}

// present decides on a want whose property the repository sets.
func (p *plan) present(i int, d *declared, s *site, prop property, w Want) {
	o := &p.outcomes[i]
	o.Path, o.Line = s.Path, s.Line
	switch {
	case s.Dynamic == "" && prop.same(s.Value, w.To):
		o.Status = Already
	case p.pinned(i, append(s.scopes, d.at, s.val.at, s.literal())...):
	case s.Dynamic != "":
		p.refuse(i, span{}, "%s:%d: %s; that is for a person to change", s.Path, s.Line, s.Dynamic)
	case s.rank == byOverlay:
		p.refuse(i, span{}, "a Kustomize patch sets it at %s:%d wherever that overlay is built; a person must decide whether it or %s is meant", s.Path, s.Line, d.at.path())
	case s.rank == byCode:
		p.refuse(i, span{}, "the job's own code sets it at %s:%d, which beats every other place; change it there", s.Path, s.Line)
	case d.many != "":
		p.refuse(i, span{}, "%s, so an edit at %s:%d may resize more than this job", d.many, s.Path, s.Line)
	case p.codeMay(i, d):
	case p.overridden(i, d, s):
	case !prop.same(s.Value, w.From):
		p.refuse(i, span{}, "the file says %s at %s:%d, the measured runs had %s; wait for runs with the new value, or set it by hand", s.Value, s.Path, s.Line, cmp.Or(w.From, "no value"))
	case p.conflict(i, d, prop, w.To):
	default:
		p.sites[i] = s
		p.choices[i] = choicesFor(s, prop, w)
		p.open[target{d, prop.key}] = i
	}
}

// pinned refuses a want where a comment keeps one of some spans as it is.
func (p *plan) pinned(i int, spans ...span) bool {
	line := marked(spans...)
	if line > 0 {
		p.refuse(i, span{}, "a comment at line %d says that sparktune leaves it alone", line)
	}
	return line > 0
}

// codeMay refuses a want for a property that the job's own code may set, which
// would beat every other place.
func (p *plan) codeMay(i int, d *declared) bool {
	k := slices.IndexFunc(d.open, func(o open) bool { return o.code })
	if k >= 0 {
		at := d.open[k].at
		p.refuse(i, at, "the application may set it itself at %s:%d, which beats every other place; change it there", at.path(), at.line())
	}
	return k >= 0
}

// overridden refuses a want whose place a run-time part of the job may beat.
func (p *plan) overridden(i int, d *declared, s *site) bool {
	if s.rank >= byFlag {
		return false
	}
	for _, o := range d.open {
		if !o.conf || o.flags && propertyOf(s.Key).flag != "" {
			p.refuse(i, o.at, "%s:%d: %s; it may override the value %s at %s:%d", o.at.path(), o.at.line(), o.why, s.Value, s.Path, s.Line)
			return true
		}
	}
	return false
}

// conflict refuses a want that would contradict another setting of the job.
func (p *plan) conflict(i int, d *declared, prop property, to string) bool {
	why, at := heapConflict(d, prop, to)
	if why == "" {
		why, at = limitConflict(d, prop, to)
	}
	if why == "" {
		why, at = memoryConflict(d, prop, to)
	}
	if why != "" {
		p.refuse(i, at, "%s", why)
	}
	return why != ""
}

// absent decides on a want whose property the repository does not set.
func (p *plan) absent(i int, d *declared, prop property, w Want) {
	switch {
	case p.pinned(i, d.at):
		return
	case d.many != "":
		p.refuse(i, d.at, "%s, so nothing can be added for one of them", d.many)
		return
	case p.codeMay(i, d):
		return
	case len(d.open) > 0:
		o := d.open[0]
		p.refuse(i, o.at, "%s:%d: %s; it may set %s", o.at.path(), o.at.line(), o.why, prop.key)
		return
	}
	if p.conflict(i, d, prop, w.To) {
		return
	}
	for _, g := range d.gaps {
		names := g.names(prop)
		if names == nil {
			continue
		}
		if g.shut != "" {
			p.refuse(i, g.at, "%s:%d: %s, so %s cannot be added there", g.at.path(), g.at.line(), g.shut, prop.key)
			return
		}
		if p.pinned(i, g.at) {
			return
		}
		if line := commentedTemplate(g.at.src, prop.key); line > 0 {
			p.refuse(i, g.at, "%s:%d holds %s commented out as a template; a person must decide which of them is meant", g.at.path(), line, prop.key)
			return
		}
		slots := append(g.own(d), g.slots...)
		free := slices.DeleteFunc(slices.Clone(slots), func(s slot) bool { return marked(s.at) > 0 })
		if len(free) == 0 && len(slots) > 0 && p.pinned(i, slots[0].at) {
			return
		}
		for _, s := range free {
			a := &addition{slot: s, prop: prop, path: names, value: w.To, num: g.num(prop)}
			p.choices[i] = append(p.choices[i], choice{add: a, id: s.id(), under: s.under, whole: true})
		}
		p.open[target{d, prop.key}] = i
		return
	}
	p.refuse(i, d.at, "%s", cmp.Or(d.closed, fmt.Sprintf("a %s has no place here for %s", d.Operator, prop.key)))
}

// own are the places of the declaration itself among the parts of a mapping that
// somebody else puts together: what the call of a class or helper gives it.
func (g gap) own(d *declared) []slot {
	var out []slot
	for _, s := range g.parts {
		if s.op == opEntry && d.at.contains(s.at) && !slices.ContainsFunc(g.slots, func(x slot) bool { return x.op == opEntry && d.at.contains(x.at) }) {
			out = append(out, s)
		}
	}
	return out
}

// commentedTemplate returns the line of a comment that sets a property by a
// template, 0 when there is none: it is about to be turned on, or was turned
// off, and would then stand beside the new one.
func commentedTemplate(src *source, key string) int {
	if src == nil {
		return 0
	}
	for at := nextWord(src.text, key, 0); at >= 0; at = nextWord(src.text, key, at+len(key)) {
		line := string(src.text[src.lineStart(at):src.lineEnd(at)])
		if strings.HasPrefix(strings.TrimSpace(line), "#") && strings.Contains(line, "{{") {
			return src.line(at)
		}
	}
	return 0
}

// choicesFor lists the ways to change a site, from the literal outwards.
func choicesFor(s *site, prop property, w Want) []choice {
	var out []choice
	value := prop.respell(s.Value, w.To)
	if c, ok := literal(s.val, value); ok {
		out = append(out, c)
	}
	for _, p := range s.val.pieces {
		for _, in := range p.inline {
			if text, ok := infix(s.val.pieces, in.at, value); ok {
				a := &addition{slot: in, prop: prop, value: text}
				out = append(out, choice{add: a, id: in.id(), under: in.under})
			}
		}
	}
	for _, sl := range s.val.slots {
		a := &addition{slot: sl, prop: prop, value: value, like: s.val}
		out = append(out, choice{add: a, id: sl.id(), under: sl.under})
	}
	for _, a := range s.over {
		a.prop, a.value, a.like = prop, value, s.val
		out = append(out, choice{add: &a, id: a.slot.id(), under: a.slot.under, whole: true})
	}
	return out
}

// literal finds the one run of bytes to replace so that the value reads as
// wanted: the whole literal, or the number before a unit that stands outside.
func literal(v *value, want string) (choice, bool) {
	ps := runs(v.pieces)
	var found []choice
	for i, p := range ps {
		if !p.same || p.why != "" {
			continue
		}
		before, after := joinPieces(ps[:i]), joinPieces(ps[i+1:])
		rest, ok := strings.CutPrefix(want, before)
		text, ok2 := strings.CutSuffix(rest, after)
		if !ok || !ok2 || text == "" || p.num && isNumber(p.text) != isNumber(text) {
			continue
		}
		found = append(found, choice{edit: func() (span, string) { return p.at, text }, id: p.id(), under: p.under})
	}
	if len(found) != 1 {
		return choice{}, false
	}
	return found[0], true
}

// infix is the text to write for the pieces that an interpolation spells.
func infix(ps []piece, at span, want string) (string, bool) {
	var before, after string
	seen := false
	for _, p := range ps {
		switch {
		case slices.ContainsFunc(p.inline, func(s slot) bool { return s.at == at }):
			seen = true
		case seen:
			after += p.text
		default:
			before += p.text
		}
	}
	rest, ok := strings.CutPrefix(want, before)
	text, ok2 := strings.CutSuffix(rest, after)
	return text, ok && ok2
}

// choose picks for each open want the innermost place all of whose users ask
// for the same. A job that got a value of its own elsewhere no longer shares
// the place that it left, so what was refused for it is tried again.
func (p *plan) choose() {
	shared := p.settle(p.open)
	for len(shared) > 0 {
		for t, i := range shared {
			p.outcomes[i].Reason = ""
			p.open[t] = i
		}
		left := p.settle(shared)
		if len(left) == len(shared) {
			break
		}
		shared = left
	}
	for _, i := range p.open {
		at := p.chosen[i].at()
		p.outcomes[i].Status, p.outcomes[i].Path, p.outcomes[i].Line = Applied, at.path(), at.line()
	}
}

// settle picks places for some wants and returns those that have none.
// Refusing one may close a place for others, so it repeats until nothing
// changes.
func (p *plan) settle(wants map[target]int) map[target]int {
	refused := map[target]int{}
	wants = maps.Clone(wants)
	for changed := true; changed; {
		changed = false
		p.ballots = map[ballotID]*ballot{}
		picks := map[int]*choice{}
		for _, i := range wants {
			picks[i] = p.pick(i)
		}
		for t, i := range wants {
			p.chosen[i] = picks[i]
			if picks[i] == nil {
				refused[t] = i
				changed = true
			}
		}
		p.ballots = map[ballotID]*ballot{}
		for t, i := range refused {
			if _, ok := wants[t]; ok {
				p.refuseShared(i)
			}
		}
		for t := range refused {
			if _, ok := wants[t]; ok {
				delete(wants, t)
				delete(p.open, t)
			}
		}
	}
	for _, i := range wants {
		p.settled[i] = true
	}
	return refused
}

func (p *plan) pick(i int) *choice {
	for k := range p.choices[i] {
		c := &p.choices[i][k]
		if _, n := p.disagree(c, p.wants[i]); n == 0 && p.f.users.others(c.under) == "" {
			return c
		}
	}
	return nil
}

// A ballot is what the jobs that a place feeds ask for of one property.
type ballot struct {
	votes []vote         // by job
	count map[string]int // of the values
}

// A vote is the canonical value that a job asks for, "" where it does not, and
// another property of it that the place feeds.
type vote struct{ job, value, other string }

// named says in a message for job whose vote it is: a job's, or that of another of
// its own properties.
func (v vote) named(job string) string {
	if v.job == job && v.other != "" {
		return v.other + " of " + v.job
	}
	return v.job
}

type ballotID struct {
	place placeID
	whole bool
	key   string
}

func (p *plan) ballot(c *choice, prop property) *ballot {
	id := ballotID{c.id, c.whole, prop.key}
	if b := p.ballots[id]; b != nil {
		return b
	}
	asked := map[string]vote{}
	for t := range p.f.users.feeds[c.id] {
		if c.whole || t.key == "" {
			t.key = prop.key
		}
		i, ok := p.open[t]
		if ok && p.settled[i] && p.chosen[i].add != nil && p.chosen[i].id != c.id {
			continue // it has left this place
		}
		v := vote{job: t.job.ID}
		before, twice := asked[v.job]
		switch {
		case t.key != prop.key:
			v.other = t.key
		case ok && (!twice || before.value != ""):
			v.value = prop.canonical(p.wants[i].To)
		}
		v.other = cmp.Or(before.other, v.other)
		asked[v.job] = v
	}
	b := &ballot{count: map[string]int{}}
	for _, v := range asked {
		b.votes = append(b.votes, v)
		b.count[v.value]++
	}
	slices.SortFunc(b.votes, func(a, b vote) int { return strings.Compare(a.job, b.job) })
	p.ballots[id] = b
	return b
}

// maxNamed is how many jobs a message names.
const maxNamed = 5

// disagree returns the first of the jobs that a place feeds and that do not
// ask for what w asks for, and how many there are.
func (p *plan) disagree(c *choice, w Want) ([]string, int) {
	prop := propertyOf(w.Key)
	b, value := p.ballot(c, prop), prop.canonical(w.To)
	n := len(b.votes) - b.count[value]
	var out []string
	for i := 0; len(out) < min(n, maxNamed); i++ {
		if b.votes[i].value != value {
			out = append(out, b.votes[i].named(w.Job))
		}
	}
	return out, n
}

func (p *plan) refuseShared(i int) {
	if len(p.choices[i]) == 0 {
		p.refuse(i, span{}, "%s:%d: the value is not spelled in one place that can be changed; set it by hand", p.outcomes[i].Path, p.outcomes[i].Line)
		return
	}
	c := &p.choices[i][0]
	if others, n := p.disagree(c, p.wants[i]); n > 0 {
		one := "this job"
		if strings.HasSuffix(others[0], " of "+p.wants[i].Job) {
			one = "this property"
		}
		p.refuse(i, c.at(), "%s:%d is shared: an edit there would also resize %s; give %s a value of its own, or change all of them alike", c.at().path(), c.at().line(), list(others, n), one)
		return
	}
	p.refuse(i, c.at(), "%s:%d may feed more than this job: %s", c.at().path(), c.at().line(), p.f.users.others(c.under))
}

// list names the first of n jobs for a message.
func list(ids []string, n int) string {
	if n > len(ids) {
		return strings.Join(ids, ", ") + fmt.Sprintf(" and %d more", n-len(ids))
	}
	return strings.Join(ids, ", ")
}

// patches renders the chosen edits, file by file, or refuses the wants of a
// file whose edits do not go together.
func (p *plan) patches() ([]Patch, map[int]Outcome) {
	bad := map[int]Outcome{}
	edits := map[*source][]Edit{}
	groups := map[placeID][]addition{}
	for _, i := range p.open {
		c := p.chosen[i]
		if c.edit != nil {
			at, text := c.edit()
			edits[at.src] = append(edits[at.src], Edit{at.start, at.end, text})
			continue
		}
		id := c.id
		id.name = "" // what goes to one place is written together
		groups[id] = append(groups[id], *c.add)
	}
	for id, adds := range groups {
		slices.SortFunc(adds, compareAdditions)
		adds = slices.CompactFunc(adds, func(a, b addition) bool { return a.prop.key == b.prop.key })
		edits[id.src] = append(edits[id.src], adds[0].slot.dial.add(adds)...)
	}
	var out []Patch
	for src, es := range edits {
		es = sortEdits(es)
		after, err := Apply(src.text, es)
		if err != nil {
			p.spoil(bad, src.path, "the edits of this file overlap")
			continue
		}
		out = append(out, Patch{Path: src.path, Edits: es, Before: src.text, After: after})
	}
	slices.SortFunc(out, func(a, b Patch) int { return strings.Compare(a.Path, b.Path) })
	return out, bad
}

// compareAdditions is the order in which additions to one place are written. Of
// two for one property, which jobs that share the place ask for, the first is
// taken, so the order must be total.
func compareAdditions(a, b addition) int {
	bare := func(a addition) int {
		switch {
		case a.like != nil:
			return a.like.at.start + 2
		case a.num:
			return 1
		}
		return 0
	}
	return cmp.Or(compareKeys(a.prop.key, b.prop.key), cmp.Compare(bare(a), bare(b)), strings.Compare(a.value, b.value))
}

// stale refuses the wants of files that are not what Find read any more.
func (p *plan) stale(fsys fs.FS, patches []Patch) map[int]Outcome {
	bad := map[int]Outcome{}
	for _, patch := range patches {
		if now, why := read(fsys, patch.Path); why != "" || !bytes.Equal(now, patch.Before) {
			p.spoil(bad, patch.Path, "the file has changed since it was read")
		}
	}
	return bad
}

// spoil refuses every want that edits a file.
func (p *plan) spoil(bad map[int]Outcome, path, why string) {
	for _, i := range p.open {
		if p.chosen[i].id.src.path == path {
			bad[i] = p.doubted(i, why)
		}
	}
}
