package patcher

import (
	"slices"
	"strings"
)

// command finds the spark-submit calls of a shell text, each a job.
func (d *declared) commands(v *value, params *value) []*declared {
	ps := masked(v.pieces, params)
	found, why := shellCommands(ps, 0)
	if why != "" {
		x := *d
		x.open = append(slices.Clip(d.open), open{why: why, at: v.at})
		return []*declared{&x}
	}
	var out []*declared
	for _, c := range found {
		x := *d
		if len(found) > 1 {
			x.at = c.at
		}
		out = append(out, x.command(c, params)...)
	}
	nameEach(out)
	return out
}

// command returns the jobs of one command of a script, none where it only asks
// spark-submit something.
func (d *declared) command(c command, params *value) []*declared {
	switch c.cli {
	case "aws":
		return d.awsCLI(c, params)
	case "gcloud":
		return d.gcloudCLI(c)
	}
	x := *d
	s := x.submission(c.words)
	switch {
	case !s.runs() && (c.why == "" || len(c.words) > 0):
		return nil
	case c.why != "":
		d.Hints = x.Hints
		d.open = append(slices.Clip(d.open), open{why: c.why, at: c.at})
		return []*declared{d}
	}
	x.gaps = append(x.gaps, s.textGap(c.all, false))
	return []*declared{&x}
}

// nameEach gives jobs that share a task names of their own.
func nameEach(ds []*declared) {
	for _, d := range ds {
		if len(ds) > 1 && d.alias == "" {
			d.alias = firstOf(d.Hints.AppName, d.Hints.Class, baseName(d.Hints.Application))
		}
	}
}

func firstOf(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// parameters reads a text that holds only spark-submit options.
func (d *declared) parameters(v *value, params *value) {
	ps := masked(v.pieces, params)
	s := d.submission(paramWords(ps))
	d.gaps = append(d.gaps, s.textGap(ps, true))
}

// argv reads a list of arguments from the word spark-submit on.
func (d *declared) argv(v *value, params *value) bool {
	words := listWords(v, params)
	i := slices.IndexFunc(words, func(w word) bool { return isSparkSubmit(w.text()) })
	if i < 0 {
		return false
	}
	s := d.submission(words[i+1:])
	s.program = words[i].item
	d.gaps = append(d.gaps, s.listGap(v))
	return true
}

// listWords returns the items of a list as words.
func listWords(v *value, params *value) []word {
	var out []word
	for _, x := range v.items {
		w := word{item: itemIn(v, x), pieces: asText(x)}
		if x.kind == scalar {
			w.pieces = masked(w.pieces, params)
		}
		w.slots = x.slots
		if len(w.pieces) == 0 {
			w.pieces = []piece{{at: x.at}}
		}
		out = append(out, w)
	}
	return out
}

// listGap is the place in a list of arguments before the application.
func (s *submission) listGap(v *value) gap {
	g := gap{names: s.names(false), num: func(property) bool { return false }, at: v.at}
	if len(v.pieces) > 0 {
		return s.textGap(v.pieces, false)
	}
	if len(v.slots) == 0 {
		g.shut = "the list is put together elsewhere"
		return g
	}
	sl := v.slots[0]
	sl.joined = s.joined
	switch before, behind := s.item(s.end), s.item(s.end-1); {
	case before.src != nil && v.at.contains(before):
		sl.op, sl.at = opItems, before
	case behind.src != nil && v.at.contains(behind):
		sl.op, sl.at = opItemsBehind, behind
	default:
		g.shut = "neither the application nor an option is an item of this list itself"
		return g
	}
	g.slots = []slot{sl}
	return g
}

// item is the i-th word behind spark-submit as an item of its list; -1 is
// spark-submit itself.
func (s *submission) item(i int) span {
	switch {
	case i == -1:
		return s.program
	case i < len(s.words):
		return s.words[i].item
	}
	return span{}
}

// itemIn is where an item of a list stands in it: a name for a literal that is
// elsewhere.
func itemIn(v, x *value) span {
	if v.at.contains(x.at) {
		return x.at
	}
	for _, s := range slices.Backward(x.slots) {
		if v.at.contains(s.at) {
			return s.at
		}
	}
	return x.at
}

// looksLikeCommand is the cheap test before a text is read as shell.
func looksLikeCommand(v *value) bool {
	text := joinPieces(v.pieces)
	return slices.ContainsFunc([]string{"spark-submit", "spark3-submit", "spark_submit", "aws emr", "gcloud dataproc"}, func(s string) bool { return strings.Contains(text, s) })
}
