package patcher

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// jobCode adds to each job what its own code sets: a SparkSession that the
// program builds beats whatever submitted it.
func (f *finder) jobCode() {
	read := map[*source]*declared{}
	for _, d := range f.jobs {
		src := f.application(d.Hints.Application)
		if src == nil {
			continue
		}
		f.root = d.root
		f.touch(src.path)
		code := read[src]
		if code == nil {
			f.root = src.path // what it imports, its jobs' files depend on through it
			code = f.program(src)
			read[src] = code
		}
		for _, s := range code.sites {
			x := *s
			d.sites = append(d.sites, &x)
		}
		d.open = append(d.open, code.open...)
	}
}

// application returns the Python file of the repository that a job runs, nil
// when there is none or more than one fits.
func (f *finder) application(name string) *source {
	if path.Ext(name) != ".py" || strings.Contains(name, "{{") {
		return nil
	}
	return f.suffix(name)
}

// A program walks the code of an application for the properties that it sets
// on its session.
type program struct {
	*reader
	d    *declared
	ran  map[*module]bool
	done map[*node]bool // functions and classes that have been walked
	rest []closure      // those of the application's own file
}

// program finds the properties that an application sets, or may set.
func (f *finder) program(src *source) *declared {
	c := &program{reader: &reader{repo: f, mod: f.open(src.path)}, d: &declared{}, ran: map[*module]bool{}, done: map[*node]bool{}}
	c.run(c.mod)
	for i := 0; i < len(c.rest); i++ { // a function may define others
		c.inside(c.rest[i])
	}
	if c.exhausted() {
		c.may(span{src, 0, 0})
	}
	return c.d
}

// run walks a module as importing it would.
func (c *program) run(m *module) {
	if m == nil || c.ran[m] {
		return
	}
	c.ran[m] = true
	for i := range m.chunks {
		c.walk(m.tree(i), env{frame: &frame{scope: m.top}})
	}
}

// inside walks the body of a function or class whose arguments nobody says.
func (c *program) inside(fn closure) {
	if c.done[fn.def] {
		return
	}
	c.done[fn.def] = true
	s := fn.frame.scope
	c.walk(fn.def.child("body"), env{frame: &frame{scope: s.mod.inner(s, fn.def), up: fn.frame}})
}

// walk follows every statement, whatever branch it stands in.
func (c *program) walk(n *node, e env) {
	c.steps++
	if n == nil || c.exhausted() {
		return
	}
	switch n.kind {
	case "function_definition", "class_definition":
		if e.scope.mod == c.mod {
			c.rest = append(c.rest, closure{def: n, frame: e.frame})
		}
		return
	case "import_statement", "import_from_statement":
		c.imports(n, e)
		return
	case "if_statement":
		if e.scope.mod != c.mod && strings.Contains(e.scope.word(n.child("condition")), "__name__") {
			return
		}
	case "for_statement":
		if turns, why := c.turns(n, e); why == "" {
			for _, t := range turns {
				c.walk(n.child("body"), t)
			}
			return
		}
	case "call":
		c.setting(n, e)
		c.follow(n, e)
	}
	for _, k := range n.kids {
		c.walk(k, e)
	}
}

// imports walks the modules of the repository that a statement imports.
func (c *program) imports(n *node, e env) {
	mod := e.scope.mod
	if from := n.child("module_name"); from != nil {
		c.run(c.repo.module(mod, e.scope.word(from)))
	}
	names := &scope{mod: mod, binds: map[string][]*binding{}}
	names.imports(n)
	var all []*binding
	for _, bs := range names.binds {
		all = append(all, bs...)
	}
	slices.SortFunc(all, func(a, b *binding) int { return a.at.start - b.at.start })
	for _, b := range all {
		m := b.imported()
		c.run(m)
		if m != nil && b.what != "" {
			c.run(c.repo.submodule(m, b.what))
		}
	}
}

// follow walks the function or class of the repository that a call uses.
func (c *program) follow(n *node, e env) {
	f := n.child("function")
	of := f
	if f.kind == "attribute" {
		of = f.child("object")
	}
	if of.kind != "identifier" && of.kind != "attribute" {
		return // a call in it is followed by itself
	}
	if of != f {
		c.class(c.eval(of, e))
	}
	on := c.eval(f, e)
	if on.kind != callable || on.fn.def.kind != "function_definition" {
		c.class(on)
		return
	}
	if !e.inside(on.fn.bind) && e.depth < maxCrossed {
		c.done[on.fn.def] = true
		c.walk(on.fn.def.child("body"), c.enter(on, n, e))
	}
}

// class walks the methods of a class, or of an object's class.
func (c *program) class(v *value) {
	if v.fn == nil || v.fn.def == nil || v.fn.def.kind != "class_definition" || c.done[v.fn.def] {
		return
	}
	fn := *v.fn
	c.inside(fn)
	s := fn.scope()
	for _, k := range fn.def.child("body").only() {
		if k.kind == "decorated_definition" {
			k = k.child("definition")
		}
		if k != nil && k.kind == "function_definition" {
			c.inside(closure{def: k, frame: &frame{scope: s, up: fn.frame}})
		}
	}
}

// setStatement is Spark SQL's SET of one property.
var setStatement = regexp.MustCompile("(?is)^\\s*SET\\s+`?([^\\s=`]+)`?\\s*=\\s*(.*?)\\s*;?\\s*$")

// setting reads the calls that give a builder, a SparkConf or a session its
// properties.
func (c *program) setting(n *node, e env) {
	f := n.child("function")
	name, of := e.scope.word(f), ""
	if f.kind == "attribute" {
		name, of = e.scope.word(f.child("attribute")), e.scope.word(f.child("object"))
	}
	switch name {
	case "config", "set", "setConf", "setAll", "sql", "SparkContext", "getOrCreate":
	default:
		return
	}
	call := &value{kind: object, at: e.span(n), args: c.arguments(n, e)}
	switch size := len(call.args.items) + len(call.args.entries); {
	case name == "SparkContext":
		c.conf(argument(call, -1, "conf"), call.at)
	case name == "getOrCreate":
		c.conf(argument(call, 0, "conf"), call.at)
	case name == "sql":
		c.sql(argument(call, 0, "sqlQuery"), call.at)
	case name == "setAll" && size == 1:
		c.pairs(argument(call, 0, "pairs"), call.at)
	case name == "config" && size == 1:
		if why, _ := call.args.open(); why != "" {
			c.may(call.at)
		}
		c.conf(argument(call, -1, "conf"), call.at)
		c.mapping(argument(call, -1, "map"), call.at)
	case size == 2 && (name == "config" || strings.Contains(strings.ToLower(of), "conf") || name == "setConf" || isSparkKey(argument(call, 0, "key"))):
		c.set(byMethod(name), argument(call, 0, "key"), argument(call, 1, "value"), call.at)
	}
}

// byMethod spells the call of a method that sets a property.
func byMethod(name string) func(string) string {
	return func(key string) string { return "." + name + `("` + key + `")` }
}

func isSparkKey(v *value) bool {
	s, ok := v.str()
	return ok && strings.HasPrefix(s, "spark.")
}

// conf is a SparkConf that is handed on. What is called on one that the text
// makes is read where it is called.
func (c *program) conf(v *value, at span) {
	if v == nil || v.kind == scalar && v.typ == null {
		return
	}
	if made := v.at.String(); v.kind != object || !strings.Contains(made, "SparkConf(") && !strings.Contains(made, "getConf(") {
		c.may(at)
	}
}

func (c *program) mapping(v *value, at span) {
	switch {
	case v == nil:
	case v.kind != mapping:
		c.may(at)
	default:
		for _, x := range v.entries {
			if x.why != "" {
				c.may(at)
				continue
			}
			c.set(byMethod("config"), textValue(x.at, []piece{{text: x.key, at: x.at}}), x.val, at)
		}
	}
}

func (c *program) pairs(v *value, at span) {
	if v == nil || v.kind != sequence {
		c.may(at)
		return
	}
	for _, x := range v.items {
		if x.kind != sequence || len(x.items) != 2 {
			c.may(at)
			continue
		}
		c.set(byMethod("setAll"), x.items[0], x.items[1], at)
	}
}

// sql is a statement that may be a SET. Nothing is said of one whose start is
// not known.
func (c *program) sql(v *value, at span) {
	if v == nil || !isText(v) {
		return
	}
	m := setStatement.FindStringSubmatchIndex(joinPieces(v.pieces))
	if m == nil {
		return
	}
	part := func(i int) *value {
		ps := cut(v.pieces, m[i], m[i+1])
		return textValue(spanOf(ps), ps)
	}
	c.set(func(key string) string { return "SET " + key }, part(2), part(4), at)
}

// set is one property that a call sets.
func (c *program) set(form func(key string) string, key, val *value, at span) {
	k, ok := key.str()
	switch {
	case !ok && key.mayName():
		c.may(at)
	case ok && strings.HasPrefix(k, "spark."):
		before := len(c.d.sites)
		c.d.add(k, form(k), byCode, val, nil)
		if n := len(c.d.sites); n > before && slices.ContainsFunc(c.d.sites[:before], c.d.sites[before].sameAs) {
			c.d.sites = c.d.sites[:before] // in a function that is called twice
		}
	}
}

func (s *site) sameAs(t *site) bool {
	return s.Key == t.Key && s.Path == t.Path && s.Start == t.Start && s.Value == t.Value
}

// mayName reports whether a text that is not all known may be the name of a
// property that sizes a job.
func (v *value) mayName() bool {
	if v == nil || v.kind != scalar || len(v.pieces) == 0 || v.pieces[0].why != "" {
		return true
	}
	return slices.ContainsFunc(properties, func(p property) bool { return strings.HasPrefix(p.key, v.pieces[0].text) })
}

// may notes that the program may set any property at a place.
func (c *program) may(at span) {
	o := open{at: at, code: true}
	if !slices.Contains(c.d.open, o) {
		c.d.open = append(c.d.open, o)
	}
}
