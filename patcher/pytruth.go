package patcher

import (
	"slices"
	"strconv"
	"strings"
)

// A verdict is what is known of a condition.
type verdict int

const (
	unsure verdict = iota
	never
	always
)

func known(yes bool) verdict {
	if yes {
		return always
	}
	return never
}

func (t verdict) not() verdict {
	return [...]verdict{unsure: unsure, never: always, always: never}[t]
}

// truth tells a condition on what differs between the turns of a loop or the
// calls of a function. One on anything else is a switch that somebody turns:
// both of its sides are the repository's.
func (r *reader) truth(n *node, e env) verdict {
	if n == nil || !e.differs(n) {
		return unsure
	}
	return r.holds(n, e)
}

// differs reports whether an expression reads a loop variable or a parameter.
func (e env) differs(n *node) bool {
	if n.kind == "identifier" {
		name := e.scope.word(n)
		if e.local[name] != nil {
			return true
		}
		for f := e.frame; f != nil; f = f.up {
			if f.vals[name] != nil {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(n.kids, e.differs)
}

func (r *reader) holds(n *node, e env) verdict {
	switch n.kind {
	case "parenthesized_expression":
		return r.holds(first(n.only()), e)
	case "not_operator":
		return r.holds(n.child("argument"), e).not()
	case "boolean_operator":
		a, b := r.holds(n.child("left"), e), r.holds(n.child("right"), e)
		decides := always
		if e.scope.word(n.child("operator")) == "and" {
			decides = never
		}
		switch {
		case a == decides || b == decides:
			return decides
		case a == unsure || b == unsure:
			return unsure
		}
		return decides.not()
	case "comparison_operator":
		return r.compares(n, e)
	}
	v := r.eval(n, e)
	s, plain := v.str()
	why, _ := v.open()
	switch {
	case v.kind == scalar && v.typ == null:
		return never
	case plain && v.typ == text:
		return known(s != "")
	case plain && v.typ == boolean:
		return known(strings.EqualFold(s, "true"))
	case plain && v.typ == integer:
		return known(strings.Trim(s, "-+0") != "")
	case v.kind == mapping && why == "":
		return known(len(v.entries) > 0)
	case v.kind == sequence:
		return known(len(v.items) > 0)
	}
	return unsure
}

// compares tells a comparison of two values.
func (r *reader) compares(n *node, e env) verdict {
	var sides []*value
	var op []string
	for _, k := range n.only() {
		if k.field == "operators" {
			op = append(op, e.scope.word(k))
			continue
		}
		sides = append(sides, r.eval(k, e))
	}
	if len(sides) != 2 {
		return unsure
	}
	a, b := sides[0], sides[1]
	switch strings.Join(op, " ") {
	case "==", "is":
		return equal(a, b)
	case "!=", "is not":
		return equal(a, b).not()
	case "in":
		return among(a, b)
	case "not in":
		return among(a, b).not()
	case "<":
		return less(a, b)
	case ">":
		return less(b, a)
	case "<=":
		return less(b, a).not()
	case ">=":
		return less(a, b).not()
	}
	return unsure
}

// equal compares texts, whole numbers, truths and None.
func equal(a, b *value) verdict {
	if a.kind != scalar || b.kind != scalar || a.typ == float || b.typ == float || a.hole() != "" || b.hole() != "" {
		return unsure
	}
	if a.typ != b.typ {
		if a.typ == boolean && b.typ == integer || a.typ == integer && b.typ == boolean {
			return unsure
		}
		return never
	}
	return known(a.typ == null || joinPieces(a.pieces) == joinPieces(b.pieces))
}

func among(a, b *value) verdict {
	var items []*value
	why, _ := b.open()
	switch {
	case b.kind == sequence:
		items = b.items
	case b.kind == mapping && why == "":
		for _, x := range b.entries {
			items = append(items, textValue(x.at, []piece{{text: x.key, at: x.at}}))
		}
	case isText(a) && isText(b) && a.hole() == "" && b.hole() == "":
		return known(strings.Contains(joinPieces(b.pieces), joinPieces(a.pieces)))
	default:
		return unsure
	}
	out := never
	for _, x := range items {
		switch equal(a, x) {
		case always:
			return always
		case unsure:
			out = unsure
		case never:
		}
	}
	return out
}

func less(a, b *value) verdict {
	if a.kind != scalar || b.kind != scalar || a.typ != integer || b.typ != integer {
		return unsure
	}
	x, errX := strconv.ParseInt(joinPieces(a.pieces), 10, 64)
	y, errY := strconv.ParseInt(joinPieces(b.pieces), 10, 64)
	if errX != nil || errY != nil {
		return unsure
	}
	return known(x < y)
}
