package patcher

import (
	"regexp"
	"strings"
)

// templates matches what Jinja replaces, and the statements that it drops.
var templates = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}`)

// paramRef matches a template that only reads one parameter: a default does not
// count where the DAG gives it, and a conversion leaves a size as it is.
var paramRef = regexp.MustCompile(`^\{\{-?\s*params(?:\.(\w+)|\[['"](\w+)['"]\])\s*(?:\|\s*(?:default\([^|{}]*\)|int|string)\s*)*-?\}\}$`)

// masked returns the pieces of a text with every template made a hole of the
// same length, so that the text around it parses and keeps its places. What
// stands in an if or a for is a hole too: it may be there or not, or often.
// A parameter that the DAG gives as a literal is that literal.
func masked(ps []piece, params *value) []piece {
	s := joinPieces(ps)
	var out []piece
	last, depth := 0, 0
	add := func(to int) {
		part := cut(ps, last, to)
		for i := range part {
			if depth > 0 && part[i].why == "" {
				part[i].why, part[i].same = "it stands in a block of a template, which may be left out", false
			}
		}
		out = append(out, part...)
		last = to
	}
	for _, m := range templates.FindAllStringIndex(s, -1) {
		add(m[0])
		t := s[m[0]:m[1]]
		out = append(out, template(t, cut(ps, m[0], m[1]), params)...)
		depth = max(depth+nesting(t), 0)
		last = m[1]
	}
	add(len(s))
	return out
}

// nesting tells how a statement changes the depth of Jinja blocks.
func nesting(t string) int {
	word, _, _ := strings.Cut(strings.TrimLeft(t, "{%- \t"), " ")
	switch {
	case !isStatement(t):
		return 0
	case strings.HasPrefix(word, "end"):
		return -1
	case word == "if" || word == "for" || word == "macro" || word == "filter" || word == "call" || word == "range" || word == "with" || word == "define":
		return 1
	}
	return 0
}

// helmStatement matches what Helm writes in the braces of an expression.
var helmStatement = regexp.MustCompile(`^\{\{-?\s*(?:if|else|end|range|with|define|block|template|include|/\*)\b`)

// isStatement reports whether a template stands for no text of its own.
func isStatement(t string) bool { return !strings.HasPrefix(t, "{{") || helmStatement.MatchString(t) }

// template returns the pieces that stand for one template.
func template(t string, ps []piece, params *value) []piece {
	at := spanOf(ps)
	if m := paramRef.FindStringSubmatch(t); m != nil && params != nil {
		if v := params.path(m[1] + m[2]); v != nil && v.kind == scalar && v.typ != null {
			in := slot{op: opInterp, at: at, under: ps[0].under, dial: pythonDialect}
			out := interpolated(v, in)
			for i := range out {
				out[i].chance = "a run that is triggered by hand may change params." + m[1] + m[2]
			}
			return out
		}
	}
	fill := "J"
	if isStatement(t) {
		fill = " " // it leaves nothing
	}
	keep := func(c rune) rune {
		if c == '\n' {
			return c
		}
		return rune(fill[0])
	}
	text := strings.Map(keep, strings.ToValidUTF8(asBytes(t), "J"))
	if fill == " " {
		return []piece{{text: text, at: at}}
	}
	return []piece{{text: text, at: at, why: "a template decides it at run time: " + shorten(t)}}
}

// asBytes makes every byte outside ASCII one byte that a fill replaces.
func asBytes(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 0x80 {
			b[i] = 'J'
		}
	}
	return string(b)
}
