package patcher

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// verify reads the edited files again and returns a refusal for each want
// whose edit did not do what it was to do, and nothing else. It is the last
// line: a hit means that a dialect is wrong about something, and the want is
// safer refused.
func (p *plan) verify(patches []Patch) map[int]Outcome {
	bad := map[int]Outcome{}
	if len(patches) == 0 {
		return bad
	}
	after := p.f.edited(patches)
	before, now := p.f.byRoot(), after.byRoot()
	asked := map[*declared]map[string]string{}
	for t, i := range p.open {
		if asked[t.job] == nil {
			asked[t.job] = map[string]string{}
		}
		asked[t.job][t.key] = p.wants[i].To
	}
	for root := range after.only {
		p.compare(before[root], now[root], asked, bad)
	}
	return bad
}

// compare doubts the edits after which the jobs of one file say other than
// they should. Both lists are in the order of the text, which edits keep.
func (p *plan) compare(before, now []*declared, asked map[*declared]map[string]string, bad map[int]Outcome) {
	for k, d := range before {
		expected := d.expected(asked[d])
		if len(now) == len(before) {
			for _, s := range now[k].sites {
				if _, ok := expected[s.Key]; !ok {
					p.doubt(bad, d, s.Key, fmt.Sprintf("the edit would set %s of %s too", s.Key, d.ID))
				}
			}
		}
		for key, want := range expected {
			got := "nothing"
			if len(now) == len(before) {
				got = settingOf(now[k], key)
			}
			if got != want && !propertyOf(key).same(got, want) {
				p.doubt(bad, d, key, fmt.Sprintf("the edit would make %s read as %s instead of %s", key, got, want))
			}
		}
	}
}

// expected returns what each property of a job is to be after edits for what is
// asked of it.
func (d *declared) expected(asked map[string]string) map[string]string {
	out := map[string]string{}
	for _, s := range d.sites {
		if !s.Shadowed {
			out[s.Key] = settingOf(d, s.Key)
		}
	}
	maps.Copy(out, asked)
	return out
}

func settingOf(d *declared, key string) string {
	s := d.winner(key)
	switch {
	case s == nil:
		return "nothing"
	case s.Dynamic != "":
		return "a run-time value"
	}
	return s.Value
}

// doubt refuses the want for a job's property. When what changed is nothing that
// anybody asked for, it refuses every want whose edit is in a file that the job
// was read from.
func (p *plan) doubt(bad map[int]Outcome, d *declared, key, why string) {
	if i, ok := p.open[target{d, key}]; ok {
		bad[i] = p.doubted(i, why)
		return
	}
	for _, i := range p.open {
		if at := p.chosen[i].id.src.path; at == d.root || p.f.reads[d.root][at] {
			bad[i] = p.doubted(i, why)
		}
	}
}

func (p *plan) doubted(i int, why string) Outcome {
	o := p.outcomes[i]
	o.Status, o.Reason = Refused, why+"; set it by hand"
	return o
}

// edited is the finder of the repository with patches applied, for the files
// whose jobs they may change.
func (f *finder) edited(patches []Patch) *finder {
	g := newFinder(f.fsys, f.house)
	g.files, g.paths, g.byBase = maps.Clone(f.files), f.paths, f.byBase
	changed := map[string]bool{}
	g.concerned = f.concerned
	for _, p := range patches {
		g.files[p.Path] = &source{path: p.Path, text: p.After}
		changed[p.Path] = true
	}
	g.only = f.dependents(changed)
	g.look()
	return g
}

// byRoot returns the jobs by the file whose reading found them, each in the
// order of the text, which edits keep.
func (f *finder) byRoot() map[string][]*declared {
	jobs := slices.Clone(f.jobs)
	slices.SortStableFunc(jobs, func(a, b *declared) int { return cmp.Compare(a.order, b.order) })
	out := map[string][]*declared{}
	for _, d := range jobs {
		out[d.root] = append(out[d.root], d)
	}
	return out
}

// notes returns what a reviewer should know of the jobs that are edited.
func (p *plan) notes() []Note {
	var out []Note
	seen := map[*declared]bool{}
	for i, w := range p.wants {
		d := p.f.declared(w.Job)
		if d == nil || p.outcomes[i].Status == Refused {
			continue
		}
		if p.outcomes[i].Status == Applied {
			for _, n := range p.coupled(i) {
				n.Job = d.ID
				out = append(out, n)
			}
		}
		if seen[d] {
			continue
		}
		seen[d] = true
		for _, n := range d.remarks() {
			n.Job = d.ID
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Note) int {
		return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(out)
}

// remarks lists what is known near a job's settings.
func (d *declared) remarks() []Note {
	out := slices.Clone(d.notes)
	for _, s := range d.sites {
		if s.Shadowed {
			w := d.winner(s.Key)
			out = append(out, Note{Path: s.Path, Line: s.Line, Text: fmt.Sprintf("%s is also set here, without effect: %s at %s:%d wins", s.Key, w.Form, w.Path, w.Line)})
		}
		for _, piece := range s.val.pieces {
			if piece.chance != "" {
				out = append(out, Note{Path: s.Path, Line: s.Line, Text: piece.chance})
			}
		}
	}
	return out
}
