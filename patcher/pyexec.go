package patcher

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A reader looks for the jobs of one Python file.
type reader struct {
	repo   *finder
	mod    *module
	steps  int
	jobs   int            // calls shown to the forms
	wanted []bool         // the top-level statements that can declare a job
	called map[string]int // calls of tasks, by DAG, groups and task_id
	tasks  []task         // functions that are tasks, in the order in which they are met
	emit   func(*value, place)
}

// A place is where in a DAG a call stands.
type place struct {
	e      env
	dag    *value // the DAG object around, nil when unknown
	groups []string
	// many says why this one declaration makes tasks that are not known.
	many string
	// callers says that callers which are not known may make more tasks of
	// it, unless the task's name is fixed.
	callers string
	calls   []callSite // helper calls that led here, outermost first
	row     string     // "[2]" of a task that is mapped over rows
	later   []entry    // arguments that statements behind the call replace
}

type callSite struct {
	at   span // the statement's call
	name string
}

// run walks a module as importing it would.
func (r *reader) run() { r.walk(func(n *node, p place) { r.exec(n, p) }) }

// rest walks the functions of a module that nothing in the repository calls,
// and declares the tasks that nothing is seen to call.
func (r *reader) rest() {
	r.walk(r.roots)
	r.uncalled()
}

func (r *reader) walk(visit func(*node, place)) {
	p := place{e: env{frame: &frame{scope: r.mod.top}}}
	if r.wanted == nil {
		r.wanted = r.interesting()
		r.mod.parse(r.wanted)
	}
	for i, ok := range r.wanted {
		if ok {
			visit(r.mod.tree(i), p)
		}
	}
}

// interesting tells the top-level statements that can declare a job: those
// with a job's words, and those that use a name which such a one defines.
func (r *reader) interesting() []bool {
	out := make([]bool, len(r.mod.chunks))
	names := slices.Clone(r.repo.jobNames(r.mod))
	for grown := true; grown; {
		grown = false
		for i, c := range r.mod.chunks {
			text := r.mod.text[c.start:c.end]
			if out[i] || !r.repo.hasJobWord(text) && !slices.ContainsFunc(names, func(s string) bool { return hasWord(text, s) }) {
				continue
			}
			out[i] = true
			if name := defined(text); name != "" {
				names = append(names, name)
				grown = true
			}
		}
	}
	return out
}

// defined returns the function or class that a top-level statement defines.
func defined(text []byte) string {
	for len(text) > 0 {
		word := string(text[:wordLen(text)])
		rest := bytes.TrimLeft(text[len(word):], " \t")
		switch {
		case word == "def" || word == "class":
			return string(rest[:wordLen(rest)])
		case word == "async":
			text = rest
			continue
		case text[0] != '@':
			return ""
		}
		s := pyScanner{src: text} // a decorator
		s.line()
		text = text[s.pos:]
	}
	return ""
}

// A flow says where a statement surely leaves to.
type flow int

const (
	onward  flow = iota // to the next statement, or it is not known
	nextRun             // to the next turn of the loop
	endLoop             // behind the loop
	endBody             // out of the function
)

// exec walks statements in order.
func (r *reader) exec(n *node, p place) flow {
	if n == nil || r.exhausted() {
		return onward
	}
	switch n.kind {
	case "module", "block":
		for _, k := range n.kids {
			if to := r.exec(k, p); to != onward {
				return to
			}
		}
	case "try_statement", "except_clause", "finally_clause", "while_statement", "ERROR", "case_clause", "match_statement", "else_clause":
		for _, k := range n.kids {
			r.exec(k, p)
		}
	case "if_statement":
		return r.branch(n, p)
	case "for_statement":
		return r.loop(n, p)
	case "with_statement":
		return r.with(n, p)
	case "function_definition", "class_definition":
	case "decorated_definition":
		r.decorated(n, p)
	case "continue_statement":
		return nextRun
	case "break_statement":
		return endLoop
	case "return_statement", "raise_statement":
		r.visit(n, p)
		return endBody
	default:
		r.visit(n, p)
	}
	return onward
}

// branch walks the arms of an if statement: the one that is known to be taken,
// else all that may be.
func (r *reader) branch(n *node, p place) flow {
	sure := true
	for _, arm := range append([]*node{n}, n.kids...) {
		var yes verdict
		body := arm.child("consequence")
		switch {
		case arm.kind == "else_clause":
			yes, body = always, arm.child("body")
		case arm != n && arm.kind != "elif_clause":
			continue
		default:
			r.visit(arm.child("condition"), p)
			yes = r.truth(arm.child("condition"), p.e)
		}
		if yes == never {
			continue
		}
		to := r.exec(body, p)
		switch {
		case yes == always && sure:
			return to
		case yes == always:
			return onward
		}
		sure = false
	}
	return onward
}

// loop walks the body of a for statement once for each value, or once in all
// when they are not known.
func (r *reader) loop(n *node, p place) flow {
	turns, why := r.turns(n, p.e)
	if why != "" {
		p.many = why
		r.exec(n.child("body"), p)
		return onward
	}
	for _, t := range turns {
		p.e = t
		switch r.exec(n.child("body"), p) {
		case endLoop:
			return onward
		case endBody:
			return endBody
		case onward, nextRun:
		}
	}
	return onward
}

// with enters DAG and TaskGroup blocks.
func (r *reader) with(n *node, p place) flow {
	for _, clause := range n.kids {
		for _, item := range clause.only() {
			if item.kind != "with_item" {
				continue
			}
			x := item.child("value")
			if x != nil && x.kind == "as_pattern" {
				x = first(x.only())
			}
			r.visit(x, p)
			p = p.inside(r.eval(x, p.e))
		}
	}
	return r.exec(n.child("body"), p)
}

// inside returns the place within a DAG or task group object.
func (p place) inside(v *value) place {
	switch {
	case v.kind == object && isDAG(v.class):
		p.dag = v
	case v.kind == object && v.class == "TaskGroup":
		p.groups = v.prefixes(p.groups)
	}
	return p
}

// prefixes returns the groups that prefix the IDs of what stands in a task
// group within some others. One that does not prefix hides those around it too.
func (v *value) prefixes(outer []string) []string {
	if argument(v, 1, "prefix_group_id").template() == "False" {
		return nil
	}
	return append(slices.Clip(outer), argument(v, 0, "group_id").template())
}

func isDAG(class string) bool { return class == "DAG" || strings.HasSuffix(class, "DAG") }

// argument returns an argument of an object by name or position.
func argument(v *value, i int, name string) *value {
	if v.args == nil {
		return nil
	}
	if x, ok := v.args.get(name); ok {
		if x.why != "" {
			return nil
		}
		return x.val
	}
	if i >= 0 && i < len(v.args.items) {
		return v.args.items[i]
	}
	return nil
}

// visit handles every call in an expression or simple statement, the outer
// ones first.
func (r *reader) visit(n *node, p place) {
	if n == nil || r.exhausted() {
		return
	}
	switch n.kind {
	case "string", "lambda", "identifier", "integer", "comment":
		return
	case "list_comprehension", "generator_expression", "set_comprehension", "dictionary_comprehension":
		r.visitComprehension(n, p)
		return
	case "call":
		r.visitCall(n, p)
	}
	for _, k := range n.kids {
		r.visit(k, p)
	}
}

func (r *reader) visitComprehension(n *node, p place) {
	for _, k := range n.kids {
		if k.kind != "for_in_clause" {
			continue
		}
		turns, why := r.turns(k, p.e)
		if why != "" {
			p.many = why
			turns = []env{p.e}
		}
		for _, t := range turns {
			if p.e = t; !slices.ContainsFunc(n.kids, func(c *node) bool { return c.kind == "if_clause" && r.truth(first(c.only()), t) == never }) {
				r.visit(n.child("body"), p)
			}
		}
		return
	}
}

// visitCall follows a call into a function of the repository, and shows any
// other to the forms.
func (r *reader) visitCall(n *node, p place) {
	r.steps++
	if n.broken || p.e.depth > maxCrossed {
		return
	}
	p.later = append(slices.Clip(p.later), later(n, p.e)...)
	on, over := r.overridden(n.child("function"), p.e)
	switch {
	case r.task(on, over, n, p):
	case r.repo.operator(on.called()) != nil:
		r.emit(&value{kind: object, at: p.e.span(n), class: on.called(), args: r.arguments(n, p.e)}, p)
	case on.kind == callable && on.fn.def.kind == "function_definition":
		if !p.e.inside(on.fn.bind) {
			r.into(on, over, n, p)
		}
	case on.kind == callable:
		if !r.construct(on, n, p) {
			r.emit(r.instance(on, n, p.e), p)
		}
	case on.class == "partial" && on.kind == object:
		r.mapped(&value{kind: object, at: p.e.span(n), class: on.why, args: r.arguments(n, p.e)}, n, p)
	case on.kind == object && on.fn == nil && on.class != "" && !strings.HasPrefix(on.class, "expand"):
		if r.repo.hasJobWord([]byte(on.class)) || r.repo.hasJobWord(p.e.scope.mod.text[n.start:n.end]) || strings.HasSuffix(on.class, "Operator") {
			r.emit(&value{kind: object, at: p.e.span(n), class: on.class, why: on.why, args: r.arguments(n, p.e)}, p)
		}
	case on.kind == unknown && n.child("function").kind == "identifier" && strings.HasSuffix(p.e.scope.word(n.child("function")), "Operator"):
		// An operator by its name, of which it is not known what it adds.
		args := r.arguments(n, p.e)
		args.entries = append(args.entries, entry{at: on.at, why: on.why, fixed: true})
		r.emit(&value{kind: object, at: p.e.span(n), class: p.e.scope.word(n.child("function")), args: args}, p)
	case on.kind == unknown && n.child("function").kind == "attribute" && r.repo.hasJobWord(p.e.scope.mod.text[n.start:n.end]):
		if args := r.arguments(n, p.e); submits(args) {
			r.emit(&value{kind: object, at: p.e.span(n), class: p.e.scope.word(n.child("function").child("attribute")), args: args}, p)
		}
	}
}

// later returns the arguments that statements replace on the task that a call
// makes: task._executor_memory = x.
func later(n *node, e env) []entry {
	var out []entry
	for up := n.up; up != nil && (up.kind == "assignment" || up.kind == "parenthesized_expression"); up = up.up {
		left := up.child("left")
		if left == nil || left.kind != "identifier" {
			continue
		}
		name := e.scope.word(left)
		if e.scope.def == nil && e.scope.mod.owners()[name] {
			e.scope.mod.learn(name)
		}
		for _, c := range e.scope.parts[name] {
			if c.at.start > n.start {
				why := fmt.Sprintf("line %d changes %s of %s", e.scope.mod.line(c.at.start), c.attribute, name)
				out = append(out, entry{key: strings.TrimLeft(c.attribute, "_"), at: e.span(c.at), val: unknownValue(e.span(c.at), why), fixed: true})
			}
		}
	}
	return out
}

// submits reports whether the arguments of a call make a job, whatever is
// called: one is a list of spark-submit options, or a request to EMR.
func submits(args *value) bool {
	return slices.ContainsFunc(args.entries, func(x entry) bool {
		return x.val != nil && (x.val.kind == sequence && isPairs(x.val) || x.key == "jobDriver" && x.val.kind == mapping)
	})
}

// into walks the body of a function that is called, with what overrides its
// decorator.
func (r *reader) into(on *value, over []*value, n *node, p place) {
	def := on.fn.def
	body := on.fn.bind.scope.mod.text[def.start:def.end]
	if !r.repo.hasJobWord(body) && !r.repo.callsJobs(on.fn.bind.scope.mod, body) {
		return
	}
	r.repo.done[def] = true
	inner := r.enter(on, n, p.e)
	p.calls = append(slices.Clip(p.calls), callSite{p.e.span(n), on.fn.bind.name})
	for _, d := range decorators(def) {
		switch deco := r.decorator(d, env{frame: on.fn.frame, under: p.e.under}); deco.class {
		case "dag":
			p.dag = deco.named("dag_id", on.fn.bind.name)
			p.calls = nil
		case "task_group":
			p.groups = deco.named("group_id", on.fn.bind.name).overriddenBy(over).prefixes(p.groups)
		case "staticmethod", "classmethod", "cache", "lru_cache":
		default:
			if r.isTask(d, env{frame: on.fn.frame}) { // its body runs later, elsewhere
				return
			}
			p.many = fmt.Sprintf("the decorator %s decides what %s makes", shorten(on.fn.bind.scope.word(d)), on.fn.bind.name)
		}
	}
	p.e = inner
	r.exec(def.child("body"), p)
}

// isTask reports whether a decorator is @task or one of its kinds.
func (r *reader) isTask(d *node, e env) bool {
	for d.kind == "call" || d.kind == "attribute" {
		switch {
		case d.kind == "call":
			d = d.child("function")
		case e.scope.word(d.child("attribute")) == "task":
			return true
		default:
			d = d.child("object")
		}
	}
	return r.eval(d, e).class == "task"
}

// decorator reads "@dag" and "@dag(...)" alike.
func (r *reader) decorator(d *node, e env) *value {
	v := r.eval(d, e)
	if v.kind == object && v.args == nil {
		v.args = &value{kind: mapping, at: v.at}
	}
	return v
}

// overriddenBy returns a decorator's object with arguments that .override gives.
func (v *value) overriddenBy(over []*value) *value {
	w, args := *v, *v.args
	args.entries = slices.Clip(args.entries)
	for _, o := range over {
		args.spread(o, o.at, false)
	}
	w.args = &args
	return &w
}

// named returns a decorator's object with the argument that names it set to
// the function's name where the decorator does not say.
func (v *value) named(arg, name string) *value {
	if argument(v, 0, arg) != nil || v.args == nil {
		return v
	}
	w, args := *v, *v.args
	args.entries = append(slices.Clip(args.entries), entry{key: arg, val: textValue(v.at, []piece{{text: name, at: v.at}})})
	w.args = &args
	return &w
}

// construct walks the constructor of an operator class of the repository up to the
// call of its base class, which then is the job's declaration.
func (r *reader) construct(on *value, n *node, p place) bool {
	s := on.fn.scope()
	inits := s.binds["__init__"]
	if len(inits) != 1 || inits[0].kind != bindDef {
		return false
	}
	class := r.base(on, 0)
	super := superCall(s, inits[0].node)
	if super == nil || !isOperator(class) && !r.repo.hasJobWord(s.mod.text[super.start:super.end]) {
		return false
	}
	init := &value{kind: callable, at: on.at, fn: &closure{def: inits[0].node, frame: &frame{scope: s, up: on.fn.frame}, bind: inits[0], method: true}}
	inner := r.enter(init, n, p.e.through(on.fn.bind, p.e.span(n)))
	p.calls = append(slices.Clip(p.calls), callSite{p.e.span(n), on.fn.bind.name})
	p.e = inner
	args := r.arguments(super, inner)
	if !isOperator(class) {
		if !submits(args) {
			return false
		}
		class = on.fn.bind.name
	}
	r.emit(&value{kind: object, at: inner.span(super), class: class, args: args}, p)
	return true
}

// superCall finds the super().__init__(...) call of a constructor.
func superCall(s *scope, n *node) *node {
	if n.kind == "call" {
		f := s.word(n.child("function"))
		if strings.HasPrefix(f, "super(") && strings.HasSuffix(f, ".__init__") {
			return n
		}
	}
	for _, k := range n.kids {
		if found := superCall(s, k); found != nil {
			return found
		}
	}
	return nil
}

// roots walks what nothing in the module calls: functions that other files
// call, methods, and DAG functions.
func (r *reader) roots(n *node, p place) {
	for _, k := range n.kids {
		switch {
		case k.kind == "function_definition" && !r.repo.done[k]:
			r.root(k, p)
		case k.kind == "class_definition" || k.kind == "decorated_definition" || k.kind == "block" || k.kind == "if_statement":
			q := p
			if k.kind == "class_definition" {
				q.e.frame = &frame{scope: r.mod.inner(p.e.scope, k), up: p.e.frame}
			}
			r.roots(k, q)
		}
	}
}

func (r *reader) root(def *node, p place) {
	text := r.mod.text[def.start:def.end]
	if def.broken || !r.repo.hasJobWord(text) || bytes.Contains(text, []byte("super().__init__(")) {
		return
	}
	r.repo.done[def] = true
	s := p.e.scope
	name := s.word(def.child("name"))
	for _, d := range decorators(def) {
		switch deco := r.decorator(d, p.e); deco.class {
		case "dag":
			p.dag = deco.named("dag_id", name)
		case "task_group":
			p.groups = deco.named("group_id", name).prefixes(p.groups)
		case "staticmethod", "classmethod":
		default:
			return
		}
	}
	if p.dag == nil && len(def.child("parameters").only()) > 0 {
		p.callers = fmt.Sprintf("%s makes a task for each of its callers, and none is known", name)
	}
	p.e.frame = &frame{scope: r.mod.inner(s, def), up: p.e.frame}
	r.exec(def.child("body"), p)
}
