package patcher

import (
	"slices"
	"strings"
)

// binary joins texts, lists and dicts. Arithmetic is not followed.
func (r *reader) binary(n *node, e env) *value {
	a, b := r.eval(n.child("left"), e), r.eval(n.child("right"), e)
	at := e.span(n)
	switch op := e.scope.word(n.child("operator")); {
	case op == "/" && a.file != nil:
		if s, ok := b.str(); ok {
			return e.filePath(n, a.file.join(s))
		}
	case op == "+" && (isText(a) || isText(b)):
		v := textValue(at, append(slices.Clip(asText(a)), asText(b)...))
		return v.readAt(at, e)
	case op == "+" && a.kind == sequence && b.kind == sequence:
		v := &value{kind: sequence, at: at, items: append(slices.Clip(a.items), b.items...), slots: b.slots, parts: slices.Concat(a.slots, a.parts, b.parts)}
		return v.readAt(at, e)
	case op == "+" && (isPairs(a) && b.atRunTime() || isPairs(b) && a.atRunTime()):
		return &value{kind: sequence, at: at, items: append(slices.Clip(itemsOf(a)), itemsOf(b)...), slots: b.slots, parts: slices.Concat(a.slots, a.parts, b.parts)}
	case op == "|" && a.kind == mapping && b.kind == mapping:
		return merge(at, e, a, b)
	case op == "%" && isText(a):
		return r.percent(a, b, e, at)
	}
	return e.unknown(n, "it is computed at run time: %s", shorten(at.String()))
}

// atRunTime reports whether nothing is known of a value but its text.
func (v *value) atRunTime() bool { return v.kind == unknown || v.kind == object }

// itemsOf are the items of a list, or one that stands for those of a list that
// only the run time knows.
func itemsOf(v *value) []*value {
	if v.kind == sequence {
		return v.items
	}
	return []*value{v}
}

// merge is the mapping of several, the later ones winning.
func merge(at span, e env, parts ...*value) *value {
	v := &value{kind: mapping, at: at}
	for _, p := range parts {
		v.spread(p, p.at, false)
	}
	if last := parts[len(parts)-1]; last.kind == mapping {
		v.slots = last.slots
	}
	return v.readAt(at, e)
}

// either is "a or b" where it is known which of the two it is: a parameter that
// the caller gives, or the default in its place.
func (r *reader) either(n *node, e env) *value {
	a := r.eval(n.child("left"), e)
	if e.scope.word(n.child("operator")) != "or" {
		a = &value{}
	}
	why, _ := a.open()
	s, plain := a.str()
	switch {
	case a.kind == mapping && len(a.entries) > 0 && why == "", a.kind == sequence && len(a.items) > 0:
		return a
	case plain && s != "" && s != "0" && s != "False" && a.typ == text:
		return a
	case a.kind == scalar && a.typ == null, a.kind == mapping && len(a.entries) == 0:
		b := *r.eval(n.child("right"), e)
		b.slots = slices.Clip(b.slots)
		for _, sl := range a.slots {
			if sl.op == opKwarg && sl.name != "" { // a caller that gives it decides
				b.slots = append(b.slots, sl)
			}
		}
		return &b
	}
	return e.unknown(n, "a condition decides it at run time: %s", shorten(e.span(n).String()))
}

func isText(v *value) bool { return v.kind == scalar && v.typ == text }

// asText returns the pieces of a value inside a larger text.
func asText(v *value) []piece {
	if v.kind == scalar && v.typ != null {
		return v.pieces
	}
	why := v.why
	if why == "" || v.kind == object {
		why = "it is computed at run time: " + shorten(v.at.String())
	}
	return []piece{{text: holeText, at: v.at, why: why}}
}

// interpolated returns the pieces of a value inside a larger text, each of
// which the text can also spell plainly instead.
func interpolated(v *value, s slot) []piece {
	ps := slices.Clone(asText(v))
	for i := range ps {
		ps[i].inline = append(slices.Clip(ps[i].inline), s)
	}
	return ps
}

// percent follows "..." % x for plain %s and %d.
func (r *reader) percent(a, b *value, e env, at span) *value {
	args := []*value{b}
	if b.kind == sequence {
		args = b.items
	}
	var out []piece
	rest := a.pieces
	for {
		s := joinPieces(rest)
		i := strings.IndexByte(s, '%')
		if i < 0 {
			break
		}
		verb := s[i:min(i+2, len(s))]
		out = append(out, cut(rest, 0, i)...)
		switch {
		case verb == "%%":
			out = append(out, piece{text: "%", at: spanOf(cut(rest, i, i+2)), under: e.under})
		case (verb == "%s" || verb == "%d") && len(args) > 0:
			out = append(out, asText(args[0])...)
			args = args[1:]
		default:
			return unknownValue(at, "it is formatted at run time: "+shorten(at.String()))
		}
		rest = cut(rest, i+2, len(s))
	}
	return textValue(at, append(out, rest...)).readAt(at, e)
}
