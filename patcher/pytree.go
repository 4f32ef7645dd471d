package patcher

import (
	"bytes"
	"runtime"
	"slices"
	"sync"

	tree_sitter "github.com/tree-sitter/go-tree-sitter"
	tree_sitter_python "github.com/tree-sitter/tree-sitter-python/bindings/go"
)

// A node is one named node of a Python syntax tree, copied out of tree-sitter
// so that nothing of it must be closed later and a walk does not cross into C.
type node struct {
	kind, field string
	start, end  int
	kids        []*node
	up          *node
	broken      bool // it, or something in it, is a syntax error
}

// child returns the child of a grammar field, nil when there is none.
func (n *node) child(field string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.field == field {
			return k
		}
	}
	return nil
}

// only returns the children that are not comments; none of nil.
func (n *node) only() []*node {
	if n == nil {
		return nil
	}
	out := make([]*node, 0, len(n.kids))
	for _, k := range n.kids {
		if k.kind != "comment" {
			out = append(out, k)
		}
	}
	return out
}

// A pyGrammar is the Python grammar with its names looked up once.
type pyGrammar struct {
	lang          *tree_sitter.Language
	kinds, fields []string
	named         []bool
}

var pythonGrammar = sync.OnceValue(func() *pyGrammar {
	useMalloc()
	g := &pyGrammar{lang: tree_sitter.NewLanguage(tree_sitter_python.Language())}
	for i := range g.lang.NodeKindCount() {
		g.kinds = append(g.kinds, g.lang.NodeKindForId(uint16(i)))
		g.named = append(g.named, g.lang.NodeKindIsNamed(uint16(i)))
	}
	g.fields = append(g.fields, "")
	for i := range g.lang.FieldCount() {
		g.fields = append(g.fields, g.lang.FieldNameForId(uint16(i+1)))
	}
	return g
})

// errorKind is the symbol that tree-sitter gives to what it cannot parse; it
// lies outside the grammar's own.
const errorKind = 65535

// A pyParser parses texts one by one, so that its tables are made once. It must
// be closed.
type pyParser struct {
	*tree_sitter.Parser
	g *pyGrammar
}

func newPyParser() pyParser {
	g := pythonGrammar()
	p := tree_sitter.NewParser()
	if err := p.SetLanguage(g.lang); err != nil {
		panic(err) // unreachable: the grammar and the library are pinned together
	}
	return pyParser{p, g}
}

// parsePython returns the syntax tree of src, whose first byte is at offset
// base of its file.
func parsePython(src []byte, base int) *node {
	p := newPyParser()
	defer p.Close()
	return p.parse(src, base)
}

func (p pyParser) parse(src []byte, base int) *node {
	broken := &node{kind: "module", start: base, end: base + len(src), broken: true}
	if tooDeep(string(src)) || bytes.Count(src, []byte("'"))+bytes.Count(src, []byte(`"`)) > maxQuotes {
		return broken
	}
	p.Reset()
	tree := p.Parse(src, nil)
	if tree == nil {
		return broken
	}
	defer tree.Close()
	c := tree.Walk()
	defer c.Close()
	b := treeCopy{g: p.g, c: c, base: base, left: maxTree, clean: !tree.RootNode().HasError()}
	return b.copy(0)
}

// parseAll parses some chunks of a text on all cores.
func parseAll(text []byte, chunks []*chunk) {
	work := make(chan *chunk, len(chunks))
	for _, c := range chunks {
		work <- c
	}
	close(work)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(chunks)) {
		wg.Go(func() {
			p := newPyParser()
			defer p.Close()
			for c := range work {
				c.parsed = p.parse(text[c.start:c.end], c.start)
			}
		})
	}
	wg.Wait()
}

// maxDepth bounds the nesting that is followed: deeper text is no configuration.
const maxDepth = 200

// maxTree bounds the nodes of one top-level statement, and maxQuotes the quotes
// in it: a literal has two of them and makes three nodes.
const (
	maxTree   = 200000
	maxQuotes = maxTree * 2 / 3
)

// A treeCopy makes nodes of a tree of the library. Every question to it crosses
// into C, so none is asked twice.
type treeCopy struct {
	g     *pyGrammar
	c     *tree_sitter.TreeCursor
	base  int
	left  int     // nodes that may still be made
	clean bool    // the tree has no errors, so nothing in it is missing
	slab  []node  // made, not used yet
	kids  []*node // children of the nodes that are being copied
}

func (b *treeCopy) node() *node {
	if len(b.slab) == 0 {
		b.slab = make([]node, 64)
	}
	n := &b.slab[0]
	b.slab = b.slab[1:]
	return n
}

// copy makes nodes of what the cursor is on. Punctuation is dropped except
// where the grammar names it, as it does for operators.
func (b *treeCopy) copy(depth int) *node {
	t := b.c.Node()
	kind, named := "ERROR", true
	if id := t.KindId(); id != errorKind {
		kind, named = b.g.kinds[id], b.g.named[id]
	}
	field := b.g.fields[b.c.FieldId()]
	if !named && field == "" && b.clean {
		return nil
	}
	start, end := b.base+int(t.StartByte()), b.base+int(t.EndByte())
	broken := kind == "ERROR" || start == end && kind != "module" && kind != "block" && kind != "string_content"
	if !named && field == "" && !broken {
		return nil
	}
	n := b.node()
	*n = node{kind: kind, field: field, start: start, end: end, broken: broken}
	if !named {
		return n
	}
	b.left--
	if depth > maxDepth || b.left < 0 {
		n.broken = true
		return n
	}
	b.children(n, depth)
	return n
}

func (b *treeCopy) children(n *node, depth int) {
	if !b.c.GotoFirstChild() {
		return
	}
	from := len(b.kids)
	for more := true; more && b.left >= 0; more = b.c.GotoNextSibling() {
		if k := b.copy(depth + 1); k != nil {
			k.up = n
			b.kids = append(b.kids, k)
			n.broken = n.broken || k.broken
		}
	}
	b.c.GotoParent()
	n.kids = slices.Clone(b.kids[from:])
	b.kids = b.kids[:from]
}

// A chunk is a top-level statement of a module. Parsing each on its own keeps
// a syntax error in one from reaching the others, and lets a large file be
// parsed only where it matters.
type chunk struct {
	start, end int
	parsed     *node // nil until parsed
	tree       *node // the same, once its names are known
}

// python returns the top-level statements of a Python file, none parsed.
func (s *source) python() []chunk {
	bom := len(s.text) - len(bytes.TrimPrefix(s.text, []byte("\ufeff")))
	chunks := splitPython(s.text[bom:])
	for i := range chunks {
		chunks[i].start += bom
		chunks[i].end += bom
	}
	return chunks
}

// splitPython cuts a module at the lines that start a top-level statement.
func splitPython(src []byte) []chunk {
	var out []chunk
	s := pyScanner{src: src}
	joined := false // the last chunk still waits for its body or its other branch
	for s.pos < len(src) {
		start := s.pos
		line := s.line()
		switch {
		case len(bytes.TrimSpace(line)) == 0 || line[0] == '#':
			if len(out) > 0 {
				out[len(out)-1].end = s.pos
			}
			continue
		case len(out) > 0 && (joined || line[0] == ' ' || line[0] == '\t' || continuesStatement(line)):
			out[len(out)-1].end = s.pos
		default:
			out = append(out, chunk{start: start, end: s.pos})
		}
		joined = line[0] == '@'
	}
	return out
}

// continuesStatement reports whether a line at column 0 belongs to the
// statement above it.
func continuesStatement(line []byte) bool {
	for _, w := range []string{"else", "elif", "except", "finally"} {
		if rest, ok := bytes.CutPrefix(line, []byte(w)); ok && (len(rest) == 0 || !isWord(rest[0])) {
			return true
		}
	}
	return line[0] == ')' || line[0] == ']' || line[0] == '}'
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// A pyScanner steps over logical lines: brackets, strings and backslashes
// carry a line on.
type pyScanner struct {
	src []byte
	pos int
}

// line moves past one logical line and returns it.
func (s *pyScanner) line() []byte {
	start, depth := s.pos, 0
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case '#':
			s.skipTo('\n')
			continue
		case '\'', '"':
			s.quoted(c)
			continue
		case '\\':
			s.pos++
			if s.pos < len(s.src) && s.src[s.pos] == '\r' {
				s.pos++
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		case '\n':
			s.pos++
			if depth == 0 || startsBlock(s.src[s.pos:]) {
				return s.src[start:s.pos]
			}
			continue
		}
		s.pos++
	}
	s.pos = min(s.pos, len(s.src))
	return s.src[start:s.pos]
}

// startsBlock reports whether text can only be the start of a top-level
// statement: an unclosed bracket above must not swallow the file.
func startsBlock(b []byte) bool {
	for _, w := range []string{"def ", "class ", "with ", "import ", "from ", "@"} {
		if bytes.HasPrefix(b, []byte(w)) {
			return true
		}
	}
	return false
}

func (s *pyScanner) skipTo(c byte) {
	if i := bytes.IndexByte(s.src[s.pos:], c); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.src)
	}
}

// quoted moves past a string literal; one that is not closed ends at its line.
func (s *pyScanner) quoted(q byte) {
	triple := bytes.HasPrefix(s.src[s.pos:], []byte{q, q, q})
	if triple {
		s.pos += 3
	} else {
		s.pos++
	}
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '\\':
			s.pos += 2
			continue
		case triple && bytes.HasPrefix(s.src[s.pos:], []byte{q, q, q}):
			s.pos += 3
			return
		case !triple && c == '\n':
			return
		case !triple && c == q:
			s.pos++
			return
		}
		s.pos++
	}
	s.pos = min(s.pos, len(s.src))
}
