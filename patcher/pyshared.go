package patcher

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
)

// A handle is a way other than its own name by which the object that a name
// stands for is changed.
type handle struct {
	why string
	at  span     // the statement or call
	by  *binding // the other name, nil without one
}

// A scopeName is a name as one scope binds it.
type scopeName struct {
	scope *scope
	name  string
}

// maxHandles is how many names and calls are followed to where an object is
// changed.
const maxHandles = 5

// changedElsewhere returns what changes the dict or list that a binding gives
// to its name beside statements with that name, which [reader.changed] reads; ""
// when nothing does. Nothing is said of the name or the call through which n
// itself is read: its changes are read there.
func (r *reader) changedElsewhere(b *binding, n *node, e env) string {
	for _, h := range r.handles(b.scope, b.name, 0) {
		if (h.by == nil || !e.inside(h.by)) && !h.at.contains(e.span(n)) {
			return h.why
		}
	}
	if b.kind != bindValue {
		return ""
	}
	for _, from := range aliased(b.node) {
		of := b.scope
		for of != nil && len(of.binds[b.scope.word(from)]) == 0 {
			of = of.up
		}
		if of == nil {
			continue
		}
		for _, c := range of.binds[b.scope.word(from)] {
			if c.kind == bindChange && c.at.start > b.at.start {
				return fmt.Sprintf("line %d changes %s, which %s is too", of.mod.line(c.at.start), c.name, b.name)
			}
		}
	}
	return ""
}

// aliased returns the names that an expression may be, without a copy.
func aliased(n *node) []*node {
	switch {
	case n == nil:
	case n.kind == "identifier":
		return []*node{n}
	case sameObjectAs[n.kind]:
		var out []*node
		for _, k := range n.only() {
			out = append(out, aliased(k)...)
		}
		return out
	}
	return nil
}

// sameObjectAs are the expressions that are one of their parts.
var sameObjectAs = map[string]bool{"parenthesized_expression": true, "boolean_operator": true, "conditional_expression": true}

// handles returns what changes the object that a name of a scope stands for
// through another name, a function that gets it, or a function around which
// the name is bound.
func (r *reader) handles(s *scope, name string, depth int) []handle {
	key := scopeName{s, name}
	if known, ok := r.repo.handles[key]; ok || depth > maxHandles {
		return known
	}
	r.repo.handles[key] = nil // for what leads back here
	m, from, to := s.mod, 0, len(s.mod.text)
	if s.def != nil {
		from, to = s.def.start, s.def.end
	}
	var out []handle
	for at := nextWord(m.text, name, from); at >= 0 && at < to; at = nextWord(m.text, name, at+len(name)) {
		r.steps++
		if n := m.nodeAt(at); n != nil && n.kind == "identifier" {
			out = append(out, r.handlesAt(s, name, n, depth)...)
		}
	}
	r.repo.handles[key] = out
	return out
}

// handlesAt returns what changes the object through one read of its name.
func (r *reader) handlesAt(s *scope, name string, n *node, depth int) []handle {
	in := s.mod.scopeOf(n)
	for t := in; t != s; t = t.up {
		if t == nil || slices.ContainsFunc(t.binds[name], func(b *binding) bool { return b.kind != bindChange }) {
			return nil // another object of the same name
		}
	}
	if in != s {
		for _, c := range in.binds[name] {
			if c.at.start <= n.start && n.end <= c.at.end {
				return []handle{{fmt.Sprintf("a function changes %s at line %d", name, s.mod.line(n.start)), in.span(c.at), nil}}
			}
		}
	}
	part, up := n, n.up
	for up != nil && sameObjectAs[up.kind] {
		part, up = up, up.up
	}
	switch {
	case up == nil:
	case up.kind == "assignment" && up.child("right") == part && up.child("left").kind == "identifier":
		return r.handlesOfAlias(in, in.word(up.child("left")), up, depth)
	case part == n && up.kind == "keyword_argument" && up.up.kind == "argument_list":
		return r.handlesOfCall(in, up.up, up, depth)
	case part == n && up.kind == "argument_list":
		return r.handlesOfCall(in, up, n, depth)
	}
	return nil
}

// handlesOfAlias returns what changes the object through another name of it.
func (r *reader) handlesOfAlias(s *scope, name string, at *node, depth int) []handle {
	if s.def == nil {
		s.mod.learn(name)
	}
	i := slices.IndexFunc(s.binds[name], func(b *binding) bool { return b.at == at })
	if i < 0 {
		return nil
	}
	var out []handle
	for _, c := range s.binds[name] {
		if c.kind == bindChange {
			out = append(out, handle{fmt.Sprintf("line %d changes it as %s", s.mod.line(c.at.start), name), s.span(c.at), s.binds[name][i]})
		}
	}
	for _, h := range r.handles(s, name, depth+1) {
		h.by = s.binds[name][i]
		out = append(out, h)
	}
	return out
}

// handlesOfCall returns whether a function of the repository changes what one
// argument hands to it.
func (r *reader) handlesOfCall(s *scope, list, arg *node, depth int) []handle {
	on := r.eval(list.up.child("function"), env{frame: &frame{scope: s}})
	if on.kind != callable || on.fn.def.kind != "function_definition" {
		return nil
	}
	in := on.fn.scope()
	name := ""
	if arg.kind == "keyword_argument" {
		name = s.word(arg.child("name"))
	} else if params := on.fn.def.child("parameters").only(); slices.Index(list.only(), arg) < len(params) {
		name, _ = parameter(in, params[slices.Index(list.only(), arg)])
	}
	for _, b := range in.binds[name] {
		switch {
		case b.kind == bindChange:
			return []handle{{fmt.Sprintf("%s changes it at line %d of %s", on.fn.bind.name, in.mod.line(b.at.start), in.mod.path), s.span(list), nil}}
		case b.kind == bindValue && len(aliased(b.node)) == 0 && len(branches(b.at)) == 0:
			return nil // a copy from here on
		}
	}
	for _, h := range r.handles(in, name, depth+1) {
		return []handle{{h.why, s.span(list), nil}}
	}
	return nil
}

// nodeAt returns the innermost node at an offset.
func (m *module) nodeAt(off int) *node {
	i, _ := slices.BinarySearchFunc(m.chunks, off, func(c chunk, off int) int {
		switch {
		case c.end <= off:
			return -1
		case c.start > off:
			return 1
		}
		return 0
	})
	if i == len(m.chunks) || off < m.chunks[i].start {
		return nil
	}
	return m.tree(i).around(off)
}

// scopeOf returns the scope that a node stands in.
func (m *module) scopeOf(n *node) *scope {
	for up := n.up; up != nil; up = up.up {
		if up.kind == "function_definition" || up.kind == "class_definition" {
			return m.inner(m.scopeOf(up), up)
		}
	}
	return m.top
}

// globals returns the names of the module that functions set by a global
// statement, with its line.
func (m *module) globals() map[string]int {
	if m.written == nil {
		m.written = map[string]int{}
		for at := nextWord(m.text, "global", 0); at >= 0; at = nextWord(m.text, "global", at+1) {
			if !m.firstOnLine(at) {
				continue
			}
			names, _, _ := bytes.Cut(m.text[at+len("global"):m.lineEnd(at)], []byte("#"))
			for name := range bytes.SplitSeq(names, []byte(",")) {
				m.written[string(bytes.TrimSpace(name))] = m.line(at)
			}
		}
	}
	return m.written
}

// attributeStatement is a line that changes an attribute: "a.name = x",
// "a.name[x] = y", "a.name.update(x)" and setattr(a, "name", x).
var attributeStatement = regexp.MustCompile(`^(?:([\w.]+)\.(\w+)(?:(?:\[.*?\])?[ \t]*(?:=[^=]|[-+*/|]=)|\.(?:update|setdefault|pop|popitem|clear|append|extend|insert|remove)\()|setattr\([ \t]*([\w.]+),[ \t]*["'](\w+)["'])`)

// assigned returns what attributes of a name are changed on, in the whole
// repository.
func (f *finder) assigned(name string) []span {
	if f.attributes == nil {
		f.attributes = map[string][]span{}
		for _, p := range f.paths {
			if path.Ext(p) == ".py" {
				f.files[p].attributes(f.attributes)
			}
		}
	}
	return f.attributes[name]
}

// attributes adds to a map by name where a file changes attributes.
func (s *source) attributes(out map[string][]span) {
	for start := 0; start < len(s.text); start = s.lineEnd(start) + 1 {
		line := bytes.TrimLeft(s.text[start:s.lineEnd(start)], " \t\r\n")
		if n := wordLen(line); n == 0 || n == len(line) || line[n] != '.' && string(line[:n]) != "setattr" {
			continue
		}
		at := attributeStatement.FindSubmatchIndex(line)
		if at == nil {
			continue
		}
		if at[2] < 0 {
			at = at[4:]
		}
		begin := s.lineEnd(start) - len(line)
		name := string(line[at[4]:at[5]])
		out[name] = append(out[name], span{s, begin + at[2], begin + at[3]})
	}
}

// owners returns the names of which the module changes an attribute.
func (m *module) owners() map[string]bool {
	if m.owned == nil {
		m.owned = map[string]bool{}
		all := map[string][]span{}
		m.attributes(all)
		for _, spans := range all {
			for _, at := range spans {
				m.owned[string(m.text[at.start:][:wordLen(m.text[at.start:])])] = true
			}
		}
	}
	return m.owned
}

// assignedTo returns the place at which an attribute of a class or module is
// changed by that name, "" without one.
func (r *reader) assignedTo(name string, e env, is func(*closure) bool) string {
	for _, at := range r.repo.assigned(name) {
		m := r.repo.open(at.path())
		n := m.nodeAt(at.start)
		for n != nil && n.up != nil && n.up.start == at.start && n.up.end <= at.end {
			n = n.up
		}
		if n == nil || n.end != at.end {
			continue
		}
		s := m.scopeOf(n)
		on := r.eval(n, env{frame: &frame{scope: s}, depth: e.depth + 1}).fn
		if at.String() == "cls" && s.up != nil {
			on = &closure{def: s.up.def}
		}
		if on != nil && is(on) {
			return fmt.Sprintf("line %d of %s changes %s.%s", at.line(), at.path(), at, name)
		}
	}
	return ""
}
