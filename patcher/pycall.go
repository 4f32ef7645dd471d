package patcher

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A closure is a function or class of the repository with the frame that its
// body reads from, or a module.
type closure struct {
	def   *node
	frame *frame
	bind  *binding
	mod   *module
	// method functions get the object itself as their first parameter.
	method bool
}

// scope returns the names of the body.
func (c *closure) scope() *scope { return c.bind.scope.mod.inner(c.bind.scope, c.def) }

// inner returns the scope of a definition, one per definition.
func (m *module) inner(up *scope, def *node) *scope {
	if m.inners == nil {
		m.inners = map[*node]*scope{}
	}
	if m.inners[def] == nil {
		m.inners[def] = up.inner(def)
	}
	return m.inners[def]
}

// decorators returns the decorator expressions of a definition.
func decorators(def *node) []*node {
	if def.up == nil || def.up.kind != "decorated_definition" {
		return nil
	}
	var out []*node
	for _, k := range def.up.kids {
		if k.kind == "decorator" {
			out = append(out, first(k.only()))
		}
	}
	return out
}

// arguments returns the arguments of a call: keyword arguments as a mapping,
// positional ones as its items.
func (r *reader) arguments(n *node, e env) *value {
	args := n.child("arguments")
	if args == nil || args.kind != "argument_list" {
		return &value{kind: mapping, at: e.span(n)}
	}
	v := &value{kind: mapping, at: e.span(args)}
	given := map[string]bool{}
	for _, k := range args.only() {
		from := len(v.entries)
		switch k.kind {
		case "keyword_argument":
			v.entries = append(v.entries, entry{key: e.scope.word(k.child("name")), at: e.span(k), val: r.eval(k.child("value"), e), fixed: true})
		case "dictionary_splat":
			in := r.eval(first(k.only()), e)
			v.spread(in, e.span(k), true)
			v.slots = append(v.slots, in.slots...)
		case "list_splat":
			v.items = append(v.items, unknownValue(e.span(k), "it is unpacked from what only the run time knows"))
		default:
			v.items = append(v.items, r.eval(k, e))
		}
		v.settleArguments(from, given)
	}
	v.slots = append(v.slots, slot{op: opKwarg, at: v.at, under: e.under, dial: pythonDialect})
	return v
}

// settleArguments hides of the keyword arguments from the i-th on, which one
// argument gives, those that others give too: Python raises. Within a mapping
// the later one wins, and what only the run time knows may.
func (v *value) settleArguments(i int, given map[string]bool) {
	own, sure := v.entries[i:], true
	for k, x := range slices.Backward(own) {
		if x.why == "" && given[x.key] {
			own[k].val = unknownValue(x.at, "the argument "+x.key+" is given twice")
		}
		own[k].fixed = sure
		sure = sure && x.why == ""
	}
	for _, x := range own {
		given[x.key] = true
	}
}

// call reads a call: what the language does to literals, the single return of
// a function of the repository, else an object.
func (r *reader) call(n *node, e env) *value {
	f := n.child("function")
	var of, on *value // what the method is of: read once, chains of them are long
	if f.kind == "attribute" {
		of = r.eval(f.child("object"), e)
	}
	if v := r.pathCall(n, f, of, e); v != nil {
		return v
	}
	if of == nil {
		on = r.eval(f, e)
	} else {
		if v := r.method(n, f, of, e); v != nil {
			return v
		}
		on = r.attributeOf(of, f, e)
	}
	switch {
	case on.kind == callable && on.fn.def.kind == "function_definition":
		if e.inside(on.fn.bind) {
			return e.unknown(n, "%s calls itself", on.fn.bind.name)
		}
		return r.returned(on, n, e)
	case on.kind == callable:
		return r.instance(on, n, e)
	case on.kind == object && on.fn == nil:
		if v := r.builtin(on.class, n, e); v != nil {
			return v
		}
		v := &value{kind: object, at: e.span(n), class: on.class, why: runtimeCall(e.span(n))}
		if asked[on.class] || isDAG(on.class) {
			v.args = r.arguments(n, e)
		}
		return v
	}
	return e.unknown(n, "%s", runtimeCall(e.span(n)))
}

// asked are what is asked for its arguments where it is named: DAGs and groups
// that are entered, and decorators. What makes a job is read where it stands.
var asked = map[string]bool{"TaskGroup": true, "dag": true, "task_group": true, "pyspark": true}

func runtimeCall(at span) string { return "it is computed at run time: " + shorten(at.String()) }

// instance is a call of a class of the repository, which is named after the
// operator that it extends, where it extends one.
func (r *reader) instance(on *value, n *node, e env) *value {
	class := on.fn.bind.name
	if base := r.base(on, 0); isOperator(base) {
		class = base
	}
	return &value{kind: object, at: e.span(n), class: class, args: r.arguments(n, e), fn: on.fn, why: runtimeCall(e.span(n))}
}

// isOperator reports whether a class is one of Airflow's own that does
// something by itself.
func isOperator(class string) bool {
	return isSubmit(class) || isDAG(class) || class == "TaskGroup" || strings.HasSuffix(class, "Operator") && class != "BaseOperator"
}

// base returns the name of the first class outside the repository that a class
// extends.
func (r *reader) base(on *value, depth int) string {
	supers := on.fn.def.child("superclasses")
	if supers == nil || depth > maxCrossed {
		return ""
	}
	for _, k := range supers.only() {
		up := r.eval(k, env{frame: on.fn.frame})
		switch {
		case up.kind == callable && up.fn.def.kind == "class_definition":
			return r.base(up, depth+1)
		case up.kind == object:
			return up.class
		}
	}
	return ""
}

// enter binds the arguments of a call to the parameters of a function.
func (r *reader) enter(on *value, n *node, e env) env {
	args := r.arguments(n, e)
	outer := e.through(on.fn.bind, e.span(n))
	in := outer
	if on.fn.method { // a constructor's body is read by naming its class
		in.under = e.under
	}
	s := on.fn.scope()
	in.frame = &frame{scope: s, up: on.fn.frame, vals: map[string]*value{}}
	positional := args.items
	named := map[string]bool{}
	params := on.fn.def.child("parameters").only()
	if on.fn.method && len(params) > 0 {
		params = params[1:]
	}
	for _, p := range params {
		name, def := parameter(s, p)
		switch {
		case name == "":
			continue
		case p.kind == "dictionary_splat_pattern":
			in.vals[name] = rest(args, named)
			continue
		case p.kind == "list_splat_pattern":
			in.vals[name] = &value{kind: sequence, at: args.at, items: positional}
			positional = nil
			continue
		}
		named[name] = true
		if len(positional) > 0 {
			in.vals[name], positional = positional[0], positional[1:]
			continue
		}
		in.vals[name] = r.argument(args, name, def, outer, on.fn.frame)
	}
	return in
}

// argument is the value of one parameter in a call: what is passed by name,
// else its default, which the call can still override.
func (r *reader) argument(args *value, name string, def *node, in env, outer *frame) *value {
	x, ok := args.get(name)
	switch {
	case ok && x.why != "":
		return unknownValue(x.at, x.why)
	case ok:
		return x.val
	case def == nil:
		return unknownValue(args.at, "the call leaves out "+name)
	}
	in.frame = outer
	v := *r.eval(def, in)
	v.slots = slices.Clip(v.slots)
	for _, s := range args.slots {
		if s.op != opKwarg {
			continue
		}
		s.name = name
		v.slots = append(v.slots, s)
	}
	if v.kind == mapping {
		// The default is one object that all calls share: never add to it.
		v.slots = v.slots[len(v.slots)-1:]
	}
	return &v
}

// rest is what a **kwargs parameter receives.
func rest(args *value, named map[string]bool) *value {
	v := &value{kind: mapping, at: args.at, slots: args.slots}
	for _, x := range args.entries {
		if x.why != "" || !named[x.key] {
			v.entries = append(v.entries, x)
		}
	}
	return v
}

// returned is the value of a function's only return statement.
func (r *reader) returned(on *value, n *node, e env) *value {
	var all []*node
	returns(on.fn.def.child("body"), &all)
	if len(all) != 1 || len(branches(all[0])) > 0 || len(all[0].only()) != 1 || len(decorators(on.fn.def)) > 0 {
		return e.unknown(n, "%s", runtimeCall(e.span(n)))
	}
	return r.eval(all[0].only()[0], r.enter(on, n, e)).readAt(e.span(n), e)
}

func returns(n *node, out *[]*node) {
	switch {
	case n == nil || n.kind == "function_definition" || n.kind == "class_definition" || n.kind == "lambda":
		return
	case n.kind == "return_statement":
		*out = append(*out, n)
	case n.kind == "yield":
		*out = append(*out, nil, nil)
	}
	for _, k := range n.kids {
		returns(k, out)
	}
}

// builtin follows the calls that only rearrange literals; nil for others.
func (r *reader) builtin(name string, n *node, e env) *value {
	args := n.child("arguments")
	if args == nil || args.kind != "argument_list" {
		return nil
	}
	at, list := e.span(n), args.only()
	switch name {
	case "str", "int", "deepcopy", "copy", "dedent", "tuple", "list", "sorted":
		if len(list) != 1 || list[0].kind == "keyword_argument" {
			return nil
		}
		return r.converted(name, r.eval(list[0], e), at, e)
	case "dict":
		a := r.arguments(n, e)
		for i := range a.entries {
			a.entries[i].fixed = false
		}
		a.slots = a.slots[:len(a.slots)-1] // a dotted key is no keyword
		if len(list) > 0 && list[len(list)-1].kind != "dictionary_splat" {
			a.slots = nil // what is spread earlier does not win
		}
		return merge(at, e, append(slices.Clone(a.items), a)...)
	case "range":
		return r.rangeOf(list, at, e)
	}
	return nil
}

// converted is str(x), int(x) and the copies: the same literal underneath.
func (r *reader) converted(name string, v *value, at span, e env) *value {
	if name == "str" && v.kind == scalar && v.typ != null {
		v = textValue(at, v.pieces)
	}
	wantSeq := name == "list" || name == "tuple" || name == "sorted"
	if v.kind == scalar && !wantSeq || v.kind == mapping && !wantSeq || v.kind == sequence {
		return v.readAt(at, e)
	}
	return nil
}

// rangeOf is range(n) as numbers without a spelling of their own.
func (r *reader) rangeOf(list []*node, at span, e env) *value {
	if len(list) != 1 || list[0].kind != "integer" || len(e.scope.word(list[0])) > 3 {
		return nil
	}
	v := &value{kind: sequence, at: at}
	n, err := strconv.Atoi(e.scope.word(list[0]))
	if err != nil {
		return nil
	}
	for i := range min(n, maxTurns) {
		v.items = append(v.items, &value{kind: scalar, typ: integer, at: at, pieces: []piece{{text: fmt.Sprint(i), at: at}}})
	}
	return v
}

// method follows the methods of literals; nil for others.
func (r *reader) method(n, f *node, on *value, e env) *value {
	name := e.scope.word(f.child("attribute"))
	switch name {
	case "copy", "items", "values", "keys", "get", "split", "format", "strip", "join", "dedent", "deepcopy", "rstrip", "lstrip":
	default:
		return nil
	}
	var args []*node
	switch a := n.child("arguments"); {
	case a == nil:
	case a.kind == "generator_expression":
		args = []*node{a}
	default:
		args = a.only()
	}
	at := e.span(n)
	switch {
	case on.kind == object && (name == "dedent" || name == "deepcopy" || name == "copy" || name == "split") && len(args) == 1:
		v := r.eval(args[0], e)
		if name == "split" && isText(v) {
			return words(v, at)
		}
		return r.converted(name, v, at, e)
	case on.kind == mapping:
		return r.mappingMethod(on, name, args, at, e)
	case on.kind == sequence && name == "copy":
		return on.readAt(at, e)
	case isText(on):
		return r.textMethod(on, name, n, args, e)
	}
	return nil
}

func (r *reader) mappingMethod(on *value, name string, args []*node, at span, e env) *value {
	switch name {
	case "copy":
		return on.readAt(at, e)
	case "get":
		if len(args) == 0 {
			return nil
		}
		key, ok := r.eval(args[0], e).str()
		x, found := on.get(key)
		switch {
		case !ok || found && x.why != "":
			return nil
		case found:
			return on.element(x).readAt(at, e)
		case len(args) == 2:
			return r.missing(on, key, args[1], e).readAt(at, e)
		}
		return nil
	case "items", "values", "keys":
		if why, _ := on.open(); why != "" {
			return nil
		}
		v := &value{kind: sequence, at: at}
		for _, x := range on.entries {
			key := textValue(x.at, []piece{{text: x.key, at: x.at}})
			item := map[string]*value{"items": {kind: sequence, at: x.at, items: []*value{key, x.val}}, "values": x.val, "keys": key}
			v.items = append(v.items, item[name])
		}
		return v
	}
	return nil
}

// missing is the default of mapping.get(key, default): the mapping can still
// be given the key.
func (r *reader) missing(on *value, key string, def *node, e env) *value {
	v := *r.eval(def, e)
	v.slots = nil // adding to the default itself would reach every reader
	for _, s := range on.slots {
		if s.op == opEntry && s.name == "" {
			s.name = key
			v.slots = append(v.slots, s)
		}
	}
	return &v
}

func (r *reader) textMethod(on *value, name string, n *node, args []*node, e env) *value {
	at := e.span(n)
	switch {
	case name == "split" && len(args) == 0:
		return words(on, at)
	case name == "format":
		return r.format(on, r.arguments(n, e), at, e)
	case name == "join" && len(args) == 1:
		v := r.eval(args[0], e)
		if v.kind != sequence {
			return nil
		}
		var ps []piece
		for i, x := range v.items {
			if i > 0 {
				ps = append(ps, on.pieces...)
			}
			ps = append(ps, asText(x)...)
		}
		return textValue(at, ps).readAt(at, e)
	case strings.HasSuffix(name, "strip") && len(args) == 0:
		return on
	}
	return nil
}

// words is text.split(): the blank-separated parts with their bytes.
func words(v *value, at span) *value {
	out := &value{kind: sequence, at: at, pieces: v.pieces}
	s := joinPieces(v.pieces)
	for i := 0; i < len(s); {
		j := i + strings.IndexFunc(s[i:]+" ", isBlank)
		if j > i {
			ps := cut(v.pieces, i, j)
			out.items = append(out.items, textValue(spanOf(ps), ps))
		}
		i = j + 1
	}
	return out
}

func isBlank(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// format follows "...".format(...) for plain {}, {0} and {name}.
func (r *reader) format(on, args *value, at span, e env) *value {
	var out []piece
	rest, next := on.pieces, 0
	for {
		s := joinPieces(rest)
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			break
		}
		out = append(out, cut(rest, 0, i)...)
		if i+1 < len(s) && s[i+1] == s[i] {
			out = append(out, piece{text: s[i : i+1], at: spanOf(cut(rest, i, i+2)), under: e.under})
			rest = cut(rest, i+2, len(s))
			continue
		}
		j := strings.IndexByte(s[i:], '}')
		if s[i] != '{' || j < 0 {
			return unknownValue(at, "it is formatted at run time: "+shorten(at.String()))
		}
		hole := spanOf(cut(rest, i, i+j+1))
		v := formatArg(s[i+1:i+j], args, &next)
		if v == nil {
			v = unknownValue(hole, "it is formatted at run time: "+shorten(s[i:i+j+1]))
		}
		out = append(out, asText(v)...)
		rest = cut(rest, i+j+1, len(s))
	}
	return textValue(at, append(out, rest...)).readAt(at, e)
}

func formatArg(name string, args *value, next *int) *value {
	if name == "" {
		name = fmt.Sprint(*next)
		*next++
	}
	if i, err := strconv.Atoi(name); err == nil {
		if i >= 0 && i < len(args.items) {
			return args.items[i]
		}
		return nil
	}
	if x, ok := args.get(name); ok && x.why == "" {
		return x.val
	}
	return nil
}

// turns returns an env for every turn of a for clause or statement, or why its
// values are not known.
func (r *reader) turns(n *node, e env) ([]env, string) {
	over := r.eval(n.child("right"), e)
	var items []*value
	switch why, _ := over.open(); {
	case over.kind == mapping && why == "":
		for _, x := range over.entries {
			items = append(items, textValue(x.at, []piece{{text: x.key, at: x.at, under: e.under}}))
		}
	case over.kind == sequence:
		items = over.items
	default:
		return nil, fmt.Sprintf("the loop at line %d runs over values that only the run time knows", e.scope.mod.line(n.start))
	}
	if len(items) > maxTurns {
		return nil, fmt.Sprintf("the loop at line %d has more than %d turns", e.scope.mod.line(n.start), maxTurns)
	}
	var out []env
	for _, x := range items {
		t := e
		t.frame = &frame{scope: e.scope, up: e.up, vals: maps.Clone(e.vals), local: maps.Clone(e.local)}
		names := &t.vals
		if n.kind == "for_in_clause" {
			names = &t.local
		}
		if *names == nil {
			*names = map[string]*value{}
		}
		e.assignTurn(n.child("left"), x, *names)
		out = append(out, t)
	}
	return out, ""
}

// assignTurn gives the loop variables the values of one turn.
func (e env) assignTurn(left *node, x *value, vals map[string]*value) {
	if left.kind == "identifier" {
		vals[e.scope.word(left)] = x
		return
	}
	for i, k := range left.only() {
		switch {
		case x.kind == sequence && i < len(x.items):
			e.assignTurn(k, x.items[i], vals)
		default:
			e.assignTurn(k, unknownValue(x.at, "it is unpacked from what only the run time knows"), vals)
		}
	}
}
