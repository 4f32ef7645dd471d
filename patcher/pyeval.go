package patcher

import (
	"fmt"
	"slices"
	"strings"
)

// A frame holds what the names of a scope stand for while one call or one turn
// of a loop is looked at.
type frame struct {
	scope *scope
	up    *frame
	vals  map[string]*value // parameters and loop variables
	local map[string]*value // variables of the comprehensions around
}

// An env is where an expression is read: the frame, and the bindings that were
// crossed on the way there.
type env struct {
	*frame
	under []use
	depth int
}

// through returns e as it is seen behind one more binding.
func (e env) through(b *binding, at span) env {
	e.under = append(slices.Clip(e.under), use{b, at})
	e.depth++
	return e
}

// inside reports whether a binding was crossed on the way here: a function in
// whose body the call of it stands.
func (e env) inside(b *binding) bool {
	return slices.ContainsFunc(e.under, func(u use) bool { return u.bind == b })
}

func (e env) span(n *node) span { return e.scope.span(n) }

func (e env) unknown(n *node, format string, args ...any) *value {
	return unknownValue(e.span(n), fmt.Sprintf(format, args...))
}

// limits on what is followed, against texts that are made to blow up.
const (
	maxCrossed = 40     // names and calls between a job and a literal
	maxTurns   = 500    // turns of one loop
	maxPieces  = 5000   // pieces of one text, items of one list, entries of one dict
	maxJobs    = 1000   // calls shown to the forms, and one more per hundred bytes
	baseSteps  = 100000 // expressions looked at in one file, and one more for four bytes
)

// eval returns what the text says about an expression. Nothing is executed:
// what needs more than following names and joining texts is unknown.
func (r *reader) eval(n *node, e env) *value {
	r.steps++
	switch {
	case n == nil:
		return unknownValue(span{}, "it is not spelled out")
	case n.broken:
		return e.unknown(n, "it does not parse")
	case e.depth > maxCrossed || r.exhausted():
		return e.unknown(n, "it is reached through too many steps")
	}
	v := r.expression(n, e)
	size := len(v.pieces) + len(v.items) + len(v.entries)
	r.steps += size + 3*len(v.pieces) // a piece is large and is copied by all that joins it
	if size > maxPieces {
		return e.unknown(n, "it is too long")
	}
	return v
}

// exhausted reports whether a file has had its share of work.
func (r *reader) exhausted() bool {
	return r.steps > baseSteps+len(r.mod.text)/4 || r.jobs > maxJobs+len(r.mod.text)/100
}

func (r *reader) expression(n *node, e env) *value {
	switch n.kind {
	case "string":
		return r.stringLiteral(n, e)
	case "concatenated_string":
		var ps []piece
		for _, k := range n.only() {
			ps = append(ps, r.eval(k, e).pieces...)
		}
		return textValue(e.span(n), ps)
	case "integer", "float", "true", "false", "none", "unary_operator":
		return r.bareLiteral(n, e)
	case "parenthesized_expression", "await", "expression_list":
		if ks := n.only(); len(ks) == 1 {
			return r.eval(ks[0], e)
		}
		return r.list(n, e)
	case "list", "tuple", "set":
		return r.list(n, e)
	case "dictionary":
		return r.dict(n, e)
	case "identifier":
		return r.name(n, e)
	case "attribute":
		return r.attribute(n, e)
	case "subscript":
		return r.subscript(n, e)
	case "binary_operator":
		return r.binary(n, e)
	case "call":
		return r.call(n, e)
	case "boolean_operator":
		return r.either(n, e)
	case "conditional_expression":
		return e.unknown(n, "a condition decides it at run time: %s", shorten(e.span(n).String()))
	case "list_comprehension", "generator_expression", "dictionary_comprehension":
		return r.comprehension(n, e)
	}
	return e.unknown(n, "it is computed at run time: %s", shorten(e.span(n).String()))
}

// shorten cuts foreign text for a message to one short line.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:57]) + "..."
	}
	return s
}

func (r *reader) bareLiteral(n *node, e env) *value {
	at := e.span(n)
	s := at.String()
	v := &value{kind: scalar, at: at, typ: integer}
	switch n.kind {
	case "float":
		v.typ = float
	case "true", "false":
		v.typ = boolean
	case "none":
		v.typ = null
	case "unary_operator":
		if v.typ = integer; !isNumber(strings.TrimPrefix(s, "-")) {
			return e.unknown(n, "it is computed at run time: %s", shorten(s))
		}
	}
	if v.typ != null {
		v.pieces = []piece{{text: s, at: at, same: true, num: true, under: e.under}}
	}
	return v
}

// isNumber reports whether s is a plain decimal number.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func (r *reader) list(n *node, e env) *value {
	v := &value{kind: sequence, at: e.span(n)}
	for _, k := range n.only() {
		if k.kind == "list_splat" {
			in := r.eval(first(k.only()), e)
			if in.kind != sequence {
				v.items = append(v.items, unknownValue(e.span(k), "it is unpacked from what only the run time knows"))
				continue
			}
			v.items = append(v.items, in.items...)
			v.parts = append(append(v.parts, in.slots...), in.parts...)
			continue
		}
		v.items = append(v.items, r.eval(k, e))
	}
	v.slots = []slot{{op: opPairs, at: v.at, under: e.under, dial: pythonDialect}}
	return v
}

func (r *reader) dict(n *node, e env) *value {
	v := &value{kind: mapping, at: e.span(n)}
	for _, k := range n.only() {
		switch k.kind {
		case "pair":
			v.entries = append(v.entries, r.pair(v, k, e))
		case "dictionary_splat":
			v.spread(r.eval(first(k.only()), e), e.span(k), false)
		}
	}
	v.slots = []slot{{op: opEntry, at: v.at, under: e.under, dial: pythonDialect}}
	return v
}

func (r *reader) pair(in *value, k *node, e env) entry {
	key, known := r.eval(k.child("key"), e).str()
	if !known {
		return entry{at: e.span(k), why: "a key is computed at run time: " + shorten(e.span(k.child("key")).String()), home: in}
	}
	return entry{key: key, at: e.span(k), val: r.eval(k.child("value"), e), home: in}
}

// spread adds the entries of another mapping.
func (v *value) spread(in *value, at span, fixed bool) {
	if in.kind != mapping {
		why := in.why
		if why == "" {
			why = "it is unpacked from " + shorten(at.String())
		}
		v.entries = append(v.entries, entry{at: at, why: why, home: v, fixed: fixed})
		return
	}
	v.parts = append(append(v.parts, in.slots...), in.parts...)
	for _, x := range in.entries {
		x.home, x.fixed = in, fixed
		v.entries = append(v.entries, x)
	}
}

// name reads an identifier through its binding.
func (r *reader) name(n *node, e env) *value {
	name := e.scope.word(n)
	if v := e.local[name]; v != nil {
		return v.readAt(e.span(n), e)
	}
	b, changes, why := e.scope.find(name, n)
	switch {
	case why != "":
		return e.unknown(n, "%s", why)
	case b == nil && name == "__file__":
		return e.filePath(n, &file{path: e.scope.mod.path, rooted: true})
	case b == nil:
		return &value{kind: object, at: e.span(n), class: name}
	}
	f := e.frame
	for f != nil && f.scope != b.scope {
		f = f.up
	}
	if f == nil {
		f = &frame{scope: b.scope}
	}
	v := r.bound(b, f, n, e)
	if len(changes) > 0 {
		v = r.changed(v, changes, f, n, e)
	}
	return v.readAt(e.span(n), e)
}

// readAt returns v as read by the expression at, which is one more place where
// it can be made different.
func (v *value) readAt(at span, e env) *value {
	op, ok := map[kind]slotOp{scalar: opReplace, mapping: opSpread, sequence: opConcat}[v.kind]
	if !ok {
		return v
	}
	w := *v
	w.slots = append(slices.Clip(v.slots), slot{op: op, at: at, under: e.under, dial: pythonDialect})
	return &w
}

// bound returns the value that a binding gives to its name.
func (r *reader) bound(b *binding, f *frame, n *node, e env) *value {
	in := e.through(b, e.span(n))
	in.frame = f
	switch b.kind {
	case bindParam, bindLoop:
		if v := f.vals[b.name]; v != nil {
			return v
		}
		if b.kind == bindLoop {
			return e.unknown(n, "the loop at line %d runs over values that only the run time knows", b.scope.mod.line(b.at.start))
		}
		return e.unknown(n, "the callers of %s decide %s", b.scope.word(b.scope.def.child("name")), b.name)
	case bindValue:
		return r.unchanged(r.eval(b.node, in), b, n, e)
	case bindDef, bindClass:
		return &value{kind: callable, at: b.scope.span(b.node), fn: &closure{def: b.node, frame: f, bind: b}}
	case bindImport:
		return r.unchanged(r.imported(b, n, in), b, n, e)
	case bindChange, bindOpaque:
	}
	return e.unknown(n, "%s is bound at line %d in a way that is not followed", b.name, b.scope.mod.line(b.at.start))
}

// unchanged is the value that a binding gives to its name, unknown where the
// object is changed by another way than that name.
func (r *reader) unchanged(v *value, b *binding, n *node, e env) *value {
	if v.kind != mapping && v.kind != sequence {
		return v
	}
	if why := r.changedElsewhere(b, n, e); why != "" {
		return e.unknown(n, "%s", why)
	}
	return v
}

// imported follows an import to a module of the repository.
func (r *reader) imported(b *binding, n *node, e env) *value {
	if e.depth > maxCrossed {
		return e.unknown(n, "%s is imported in a circle", b.name)
	}
	m := r.repo.module(b.scope.mod, b.from)
	if b.what != "" {
		if m != nil {
			return r.member(m, b.what, n, e)
		}
		if sub := r.repo.module(b.scope.mod, strings.TrimSuffix(b.from, ".")+"."+b.what); sub != nil {
			return &value{kind: object, at: e.span(n), class: b.what, fn: &closure{mod: sub}}
		}
		return &value{kind: object, at: e.span(n), class: b.what, why: b.from}
	}
	return &value{kind: object, at: e.span(n), class: b.from, why: b.from, fn: &closure{mod: m}}
}

// member reads a top-level name of another module.
func (r *reader) member(m *module, name string, n *node, e env) *value {
	b, changes, why := m.top.find(name, &node{kind: "lambda"})
	if b != nil && why == "" {
		why = r.assignedTo(name, e, func(c *closure) bool { return c.mod == m })
	}
	switch {
	case why != "":
		return e.unknown(n, "in %s, %s", m.path, why)
	case len(changes) > 0:
		return e.unknown(n, "%s changes it at line %d", m.path, m.line(changes[0].at.start))
	case b == nil:
		if sub := r.repo.submodule(m, name); sub != nil {
			return &value{kind: object, at: e.span(n), class: name, fn: &closure{mod: sub}}
		}
		return &value{kind: object, at: e.span(n), class: name}
	}
	f := &frame{scope: m.top}
	return r.bound(b, f, n, e)
}

// changed applies the statements that change a dict or list after it was
// bound. A plain name["key"] = value is one more entry; the rest hides it.
func (r *reader) changed(v *value, changes []*binding, f *frame, n *node, e env) *value {
	w := *v
	w.entries = slices.Clone(v.entries)
	for _, c := range changes {
		in := e.through(c, e.span(n))
		in.frame = f
		why := fmt.Sprintf("line %d changes %s", c.scope.mod.line(c.at.start), c.name)
		left := c.at.child("left")
		if w.kind != mapping || c.at.kind != "assignment" || left.kind != "subscript" || left.child("value").kind != "identifier" {
			if x := r.updated(c, in); w.kind == mapping && x != nil {
				w.spread(x, in.scope.span(c.at), false)
				w.slots = x.slots
				continue
			}
			if w.kind == mapping {
				w.entries = append(w.entries, entry{at: c.scope.span(c.at), why: why, home: &w})
				continue
			}
			return e.unknown(n, "%s", why)
		}
		key, ok := r.eval(left.child("subscript"), in).str()
		x := entry{key: key, at: c.scope.span(c.at), val: r.eval(c.at.child("right"), in), home: &w}
		if !ok {
			x.why = why
		}
		w.entries = append(w.entries, x)
	}
	if len(changes) > 0 && changes[len(changes)-1].at.kind == "assignment" {
		// An entry added to the literal could be overridden by the statement
		// that follows it, so only the reading place is left.
		w.slots = nil
	}
	return &w
}

// updated returns the mapping that a name.update({...}) statement adds.
func (r *reader) updated(c *binding, e env) *value {
	if c.at.kind != "call" || e.scope.word(c.at.child("function").child("attribute")) != "update" {
		return nil
	}
	args := c.at.child("arguments").only()
	if len(args) != 1 || args[0].kind == "keyword_argument" {
		return nil
	}
	if v := r.eval(args[0], e); v.kind == mapping {
		return v
	}
	return nil
}

// attribute reads module.name and Class.name.
func (r *reader) attribute(n *node, e env) *value {
	return r.attributeOf(r.eval(n.child("object"), e), n, e)
}

func (r *reader) attributeOf(on *value, n *node, e env) *value {
	name := e.scope.word(n.child("attribute"))
	switch {
	case on.file != nil && name == "parent":
		return e.filePath(n, on.file.up())
	case on.kind == object && on.fn != nil && on.fn.mod != nil:
		return r.member(on.fn.mod, name, n, e).readAt(e.span(n), e)
	case on.kind == object:
		return &value{kind: object, at: e.span(n), class: name, why: on.class}
	case on.kind == callable && on.fn.def != nil && on.fn.def.kind == "class_definition":
		return r.classAttribute(on, name, n, e)
	}
	return e.unknown(n, "it is read at run time: %s", shorten(e.span(n).String()))
}

func (r *reader) classAttribute(on *value, name string, n *node, e env) *value {
	s := on.fn.scope()
	if len(s.binds[name]) != 1 || s.binds[name][0].kind != bindValue || len(branches(s.binds[name][0].at)) > 0 {
		return e.unknown(n, "it is read at run time: %s", shorten(e.span(n).String()))
	}
	if why := r.assignedTo(name, e, func(c *closure) bool { return c.def == on.fn.def }); why != "" {
		return e.unknown(n, "%s", why)
	}
	b := s.binds[name][0]
	in := e.through(on.fn.bind, e.span(n))
	in.frame = &frame{scope: s, up: on.fn.frame}
	return r.eval(b.node, in).readAt(e.span(n), e)
}

// subscript reads mapping["key"] and sequence[0].
func (r *reader) subscript(n *node, e env) *value {
	on, key := r.eval(n.child("value"), e), r.eval(n.child("subscript"), e)
	k, ok := key.str()
	switch {
	case !ok || on.kind != mapping && on.kind != sequence:
	case on.kind == mapping:
		if x, found := on.get(k); found && x.why == "" {
			return on.element(x).readAt(e.span(n), e)
		}
	case isNumber(k) && len(k) < 6:
		i := 0
		for _, c := range k {
			i = 10*i + int(c-'0')
		}
		if i < len(on.items) {
			return on.items[i].readAt(e.span(n), e)
		}
	}
	return e.unknown(n, "it is read at run time: %s", shorten(e.span(n).String()))
}

// element is the value of an entry; one that the mapping inherits can be given
// to the mapping itself.
func (v *value) element(x entry) *value {
	w := *x.val
	w.slots = slices.Clip(w.slots)
	for _, s := range v.slots {
		if s.op == opEntry && s.name == "" && !s.at.contains(x.at) && w.kind == scalar {
			s.name = x.key
			w.slots = append(w.slots, s)
		}
	}
	return &w
}

// comprehension unrolls a comprehension with one for and no condition.
func (r *reader) comprehension(n *node, e env) *value {
	v := &value{kind: sequence, at: e.span(n)}
	if n.kind == "dictionary_comprehension" {
		v.kind = mapping
	}
	body, clause := n.child("body"), (*node)(nil)
	for _, k := range n.only() {
		switch {
		case k.kind == "for_in_clause" && clause == nil:
			clause = k
		case k != body:
			return e.unknown(n, "a comprehension with a condition computes it at run time: %s", shorten(v.at.String()))
		}
	}
	turns, why := r.turns(clause, e)
	if why != "" {
		return e.unknown(n, "%s", why)
	}
	for _, t := range turns {
		if v.kind == mapping {
			v.entries = append(v.entries, r.pair(v, body, t))
			continue
		}
		v.items = append(v.items, r.eval(body, t))
	}
	return v
}
