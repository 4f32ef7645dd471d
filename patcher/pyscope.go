package patcher

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A module is one Python file: its statements, parsed as they are needed, and
// the names that they bind.
type module struct {
	*source
	repo   *finder
	chunks []chunk
	top    *scope
	seen   map[string]bool // top-level names whose chunks have been collected
	inners map[*node]*scope
	// jobNames caches finder.jobNames.
	jobNames []string
	// written caches globals, and owned owners.
	written map[string]int
	owned   map[string]bool
}

func newModule(repo *finder, src *source) *module {
	m := &module{source: src, repo: repo, seen: map[string]bool{}, chunks: src.python()}
	m.top = &scope{mod: m, binds: map[string][]*binding{}}
	return m
}

// tree returns the syntax tree of the i-th top-level statement and makes its
// names known.
func (m *module) tree(i int) *node {
	c := &m.chunks[i]
	if c.tree == nil {
		if c.parsed == nil {
			c.parsed = parsePython(m.text[c.start:c.end], c.start)
		}
		c.tree = c.parsed
		for _, k := range c.tree.kids {
			m.top.collect(k)
		}
	}
	return c.tree
}

// parse parses the statements that will be needed, on all cores.
func (m *module) parse(wanted []bool) {
	var chunks []*chunk
	for i := range m.chunks {
		if c := &m.chunks[i]; wanted[i] && c.parsed == nil {
			chunks = append(chunks, c)
		}
	}
	parseAll(m.text, chunks)
}

// learn parses every top-level statement that may bind or change name.
func (m *module) learn(name string) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	for i := range m.chunks {
		if c := m.chunks[i]; c.tree == nil && binds(m.text[c.start:c.end], name) {
			m.tree(i)
		}
		if len(m.top.binds[name]) > maxBindings {
			return
		}
	}
}

// binds reports whether the text of a statement may bind or change name. A
// plain call or assignment does so only where the name comes first.
func binds(stmt []byte, name string) bool {
	word := stmt[:wordLen(stmt)]
	switch string(word) {
	case "def", "class":
		rest := bytes.TrimLeft(stmt[len(word):], " \t")
		return string(rest[:wordLen(rest)]) == name
	case "import", "from", "for", "if", "with", "try", "while", "async", "match", "del", "":
		return hasWord(stmt, name)
	}
	if string(word) == name || string(word) == "setattr" && hasWord(stmt, name) {
		return true
	}
	head, _, ok := bytes.Cut(stmt, []byte("="))
	return ok && hasWord(head, name) || bytes.Contains(stmt, []byte(":=")) && hasWord(stmt, name)
}

func wordLen(b []byte) int {
	n := 0
	for n < len(b) && isWord(b[n]) {
		n++
	}
	return n
}

// hasWord reports whether name stands in text as a whole word.
func hasWord(text []byte, name string) bool {
	return nextWord(text, name, 0) >= 0
}

// nextWord returns the offset of the next whole word name from offset at.
func nextWord(text []byte, name string, at int) int {
	for {
		i := bytes.Index(text[at:], []byte(name))
		if i < 0 {
			return -1
		}
		i += at
		end := i + len(name)
		if (i == 0 || !isWord(text[i-1])) && (end == len(text) || !isWord(text[end])) {
			return i
		}
		at = end
	}
}

// A scope is what binds names: a module, a class body or a function.
type scope struct {
	mod   *module
	up    *scope
	def   *node // function_definition or class_definition, nil for the module
	binds map[string][]*binding
	// parts are the statements that change an attribute of what a name is.
	parts map[string][]attributeChange
}

// An attributeChange is name.attribute = x, name.attribute.update(...) and the
// like.
type attributeChange struct {
	attribute string
	at        *node
}

type bindKind int

const (
	bindValue  bindKind = iota // name = node
	bindChange                 // name[...] = x, name += x, name.update(...)
	bindParam
	bindLoop
	bindDef
	bindClass
	bindImport
	bindOpaque // bound in a way that is not followed
)

// A binding is one place that gives a name its value, or changes it.
type binding struct {
	kind  bindKind
	name  string
	node  *node // the value, the definition, the import or the changing statement
	at    *node // the node that binds
	scope *scope
	from  string // module of an import
	what  string // name in that module, "" for the module itself
}

// inner returns a function's or class's scope with its names.
func (s *scope) inner(def *node) *scope {
	in := &scope{mod: s.mod, up: s, def: def, binds: map[string][]*binding{}}
	if def.kind == "function_definition" {
		for _, p := range def.child("parameters").only() {
			if name, _ := parameter(in, p); name != "" {
				in.bind(name, &binding{kind: bindParam, at: p, node: p})
			}
		}
	}
	in.collect(def.child("body"))
	return in
}

// parameter returns the name and the default of a parameter.
func parameter(s *scope, p *node) (name string, def *node) {
	switch p.kind {
	case "identifier":
		return s.word(p), nil
	case "default_parameter", "typed_default_parameter":
		return s.word(p.child("name")), p.child("value")
	case "typed_parameter", "list_splat_pattern", "dictionary_splat_pattern":
		if ks := p.only(); len(ks) > 0 {
			name, _ := parameter(s, ks[0])
			return name, nil
		}
	}
	return "", nil
}

func (s *scope) word(n *node) string {
	if n == nil {
		return ""
	}
	return string(s.mod.text[n.start:n.end])
}

func (s *scope) span(n *node) span { return span{s.mod.source, n.start, n.end} }

func (s *scope) bind(name string, b *binding) {
	b.name, b.scope = name, s
	s.binds[name] = append(s.binds[name], b)
}

// collect finds the names that a statement binds, and the statements in it,
// without entering functions and classes.
func (s *scope) collect(n *node) {
	if n == nil {
		return
	}
	switch n.kind {
	case "assignment":
		s.assign(n.child("left"), n.child("right"), n)
	case "augmented_assignment", "delete_statement":
		s.change(n, n)
	case "call":
		if args := n.child("arguments").only(); len(args) == 3 && s.word(n.child("function")) == "setattr" && args[0].kind == "identifier" {
			s.part(s.word(args[0]), strings.Trim(s.word(args[1]), `"'`), n)
		}
		if f := n.child("function"); f != nil && f.kind == "attribute" && mutators[s.word(f.child("attribute"))] {
			s.change(f.child("object"), n)
		}
	case "for_statement":
		s.names(n.child("left"), func(k *node) { s.bind(s.word(k), &binding{kind: bindLoop, at: k, node: n}) })
	case "as_pattern":
		if ks := n.only(); len(ks) == 2 {
			s.assign(first(ks[1].kids), ks[0], n)
		}
	case "import_statement", "import_from_statement":
		s.imports(n)
		return
	case "function_definition":
		s.bind(s.word(n.child("name")), &binding{kind: bindDef, at: n, node: n})
		return
	case "class_definition":
		s.bind(s.word(n.child("name")), &binding{kind: bindClass, at: n, node: n})
		return
	case "named_expression":
		s.assign(n.child("name"), n.child("value"), n)
	case "lambda", "list_comprehension", "dictionary_comprehension", "set_comprehension", "generator_expression", "string":
		return
	}
	for _, k := range n.kids {
		s.collect(k)
	}
}

// mutators are the methods that change the list or dict they are called on.
var mutators = map[string]bool{
	"update": true, "setdefault": true, "pop": true, "popitem": true, "clear": true,
	"append": true, "extend": true, "insert": true, "remove": true, "sort": true, "reverse": true,
}

func (s *scope) assign(left, right, at *node) {
	switch {
	case left == nil:
	case left.kind == "identifier" && right != nil:
		for right != nil && right.kind == "assignment" { // a = b = value
			right = right.child("right")
		}
		if right == nil { // a = b: int
			s.bind(s.word(left), &binding{kind: bindOpaque, at: at, node: at})
			return
		}
		s.bind(s.word(left), &binding{kind: bindValue, at: at, node: right})
	case left.kind == "subscript":
		s.change(left, at)
	case left.kind == "attribute":
		if of := left.child("object"); of.kind == "identifier" {
			s.part(s.word(of), s.word(left.child("attribute")), at)
		}
	case left.kind == "pattern_list" || left.kind == "tuple_pattern":
		to, from := left.only(), right.only()
		same := right != nil && len(to) == len(from) && (right.kind == "expression_list" || right.kind == "tuple")
		for i, k := range to {
			if same {
				s.assign(k, from[i], at)
				continue
			}
			s.names(k, func(k *node) { s.bind(s.word(k), &binding{kind: bindOpaque, at: at, node: at}) })
		}
	}
}

// change records that at changes the value of the name that n starts with.
func (s *scope) change(n, at *node) {
	attribute := ""
	for n != nil && n.kind != "identifier" {
		if n.kind == "attribute" {
			attribute = s.word(n.child("attribute"))
		}
		n = first(n.only())
	}
	if n == nil {
		return
	}
	s.bind(s.word(n), &binding{kind: bindChange, at: at, node: at})
	if attribute != "" {
		s.part(s.word(n), attribute, at)
	}
}

func (s *scope) part(name, attribute string, at *node) {
	if s.parts == nil {
		s.parts = map[string][]attributeChange{}
	}
	s.parts[name] = append(s.parts[name], attributeChange{attribute, at})
}

func first(ns []*node) *node {
	if len(ns) == 0 {
		return nil
	}
	return ns[0]
}

func (s *scope) names(n *node, visit func(*node)) {
	if n == nil {
		return
	}
	if n.kind == "identifier" {
		visit(n)
		return
	}
	for _, k := range n.kids {
		s.names(k, visit)
	}
}

// imports binds the names of an import statement.
func (s *scope) imports(n *node) {
	from := ""
	if m := n.child("module_name"); m != nil {
		from = s.word(m)
	}
	for _, k := range n.kids {
		if k.field != "name" {
			continue
		}
		what, name := s.word(k), s.word(k)
		if k.kind == "aliased_import" {
			what, name = s.word(k.child("name")), s.word(k.child("alias"))
		}
		b := &binding{kind: bindImport, at: k, node: n, from: from, what: what}
		if from == "" { // import a.b.c [as x]
			b.from, b.what = what, ""
			if k.kind != "aliased_import" {
				name, _, _ = strings.Cut(name, ".")
			}
		}
		s.bind(name, b)
	}
}

// find returns the binding that a read of name at node n sees, and the changes
// between the two, or why that is not known. A nil binding without a reason is
// a builtin or a name from a star import.
func (s *scope) find(name string, n *node) (*binding, []*binding, string) {
	for ; s != nil; s = s.up {
		if s.def == nil {
			s.mod.learn(name)
		}
		all := s.binds[name]
		if len(all) == 0 || s.def != nil && s.def.kind == "class_definition" && !within(n, s.def) {
			continue
		}
		if line := s.mod.globals()[name]; s.def == nil && line > 0 {
			return nil, nil, fmt.Sprintf("a function sets %s at line %d", name, line)
		}
		return s.choose(name, all, n)
	}
	return nil, nil, ""
}

// within reports whether n stands directly in def's body and not in a function in it.
func within(n, def *node) bool {
	for ; n != nil; n = n.up {
		if n == def {
			return true
		}
		if n.kind == "function_definition" || n.kind == "lambda" {
			return false
		}
	}
	return false
}

// maxBindings is how many bindings of one name are told apart.
const maxBindings = 300

// choose picks among several bindings of one scope the one that n sees.
func (s *scope) choose(name string, all []*binding, n *node) (*binding, []*binding, string) {
	if len(all) > maxBindings {
		return nil, nil, fmt.Sprintf("%s is set %d times", name, len(all))
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *binding) int { return a.at.start - b.at.start })
	here := s.here(n)
	var found *binding
	var changes, imports []*binding // imports of branches that run or not
	for _, b := range all {
		if here && b.at.end > n.start {
			if sharesLoop(b.at, n) {
				return nil, nil, fmt.Sprintf("%s changes in the loop at line %d", name, s.mod.line(b.at.start))
			}
			break
		}
		sure := !here && len(branches(b.at)) == 0 || here && covers(branches(b.at), branches(n)) || b.kind == bindLoop
		switch {
		case !sure && b.kind == bindImport:
			imports = append(imports, b)
		case !sure:
			return nil, nil, fmt.Sprintf("%s is set in a branch at line %d", name, s.mod.line(b.at.start))
		case b.kind == bindChange:
			changes = append(changes, b)
		case !here && found != nil && b.kind != bindImport:
			return nil, nil, fmt.Sprintf("%s is set more than once, at lines %d and %d", name, s.mod.line(found.at.start), s.mod.line(b.at.start))
		default:
			found, changes, imports = b, nil, nil
		}
	}
	for _, b := range imports {
		if found == nil {
			found = b
		}
		if !b.importsSame(found) {
			return nil, nil, fmt.Sprintf("%s is imported in a branch at line %d", name, s.mod.line(b.at.start))
		}
	}
	if found == nil {
		return nil, nil, fmt.Sprintf("%s is not set before line %d", name, s.mod.line(n.start))
	}
	return found, changes, ""
}

// importsSame reports whether two bindings import one thing. Of modules that
// are not in the repository the name says what it is: they are versions of one
// library.
func (b *binding) importsSame(c *binding) bool {
	return b.kind == bindImport && c.kind == bindImport && b.what == c.what && b.imported() == c.imported()
}

// imported is the module of the repository that an import is of, nil for any
// other.
func (b *binding) imported() *module {
	m := b.scope.mod.repo.module(b.scope.mod, b.from)
	if m == nil && b.what != "" {
		m = b.scope.mod.repo.module(b.scope.mod, strings.TrimSuffix(b.from, ".")+"."+b.what)
	}
	return m
}

// here reports whether n runs in this scope itself, in the order of the text;
// a function reads the names around it later, when all are bound.
func (s *scope) here(n *node) bool {
	for ; n != nil; n = n.up {
		if s.def != nil && n == s.def {
			return true
		}
		if n.kind == "function_definition" || n.kind == "lambda" {
			// A default is evaluated where the function is defined.
			return false
		}
	}
	return s.def == nil
}

// branches returns the blocks around n that may run or not, outermost first.
func branches(n *node) []*node {
	var out []*node
	for ; n != nil && n.up != nil; n = n.up {
		if n.up.kind == "function_definition" || n.up.kind == "class_definition" {
			break
		}
		switch n.kind {
		case "elif_clause", "else_clause", "except_clause", "case_clause", "finally_clause":
			out = append(out, n)
		case "block":
			switch n.up.kind {
			case "if_statement", "for_statement", "while_statement", "try_statement":
				out = append(out, n)
			}
		}
	}
	slices.Reverse(out)
	return out
}

// covers reports whether code in the blocks b always has run what is in a.
func covers(a, b []*node) bool {
	return len(a) <= len(b) && slices.Equal(a, b[:len(a)])
}

// sharesLoop reports whether two nodes stand in one loop body.
func sharesLoop(a, b *node) bool {
	for _, n := range branches(a) {
		if (n.up.kind == "for_statement" || n.up.kind == "while_statement") && slices.Contains(branches(b), n) {
			return true
		}
	}
	return false
}
