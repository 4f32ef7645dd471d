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

// command returns the jobs of one command of a script.
func (d *declared) command(c command, params *value) []*declared {
	if c.aws {
		return d.awsCLI(c, params)
	}
	s := d.submission(c.words)
	d.gaps = append(d.gaps, s.textGap(c.all, false))
	return []*declared{d}
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
	d.gaps = append(d.gaps, s.listGap(v))
	return true
}

// listWords returns the items of a list as words.
func listWords(v *value, params *value) []word {
	var out []word
	for _, x := range v.items {
		w := word{item: x.at, pieces: asText(x)}
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
	var before span
	for _, w := range s.words[s.end:] {
		before = w.item
		break
	}
	if len(v.pieces) > 0 {
		return s.textGap(v.pieces, false)
	}
	if before.src == nil || len(v.slots) == 0 || !v.at.contains(before) {
		g.shut = "the application is not an item of this list itself"
		return g
	}
	sl := v.slots[0]
	sl.op, sl.at, sl.joined = opItems, before, s.joined
	g.slots = []slot{sl}
	return g
}

// looksLikeCommand is the cheap test before a text is read as shell.
func looksLikeCommand(v *value) bool {
	text := joinPieces(v.pieces)
	return slices.ContainsFunc([]string{"spark-submit", "spark3-submit", "spark_submit", "aws emr"}, func(s string) bool { return strings.Contains(text, s) })
}
