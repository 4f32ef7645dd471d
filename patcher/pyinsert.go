package patcher

import (
	"bytes"
	"slices"
	"strings"
)

// pythonDialect adds to Python calls, dicts and expressions.
var pythonDialect = &dialect{add: addPython}

// addPython writes additions at a Python slot.
func addPython(adds []addition) []Edit {
	s := adds[0].slot
	w := pyWriter{src: s.at.src, quote: quoteOf(s.at.src, adds)}
	switch s.op {
	case opReplace:
		return []Edit{{s.at.start, s.at.end, w.literal(adds[0])}}
	case opInterp:
		return []Edit{{s.at.start, s.at.end, adds[0].value}}
	case opSpread:
		return w.spread(s.at, adds)
	case opKwarg:
		return w.into(s.at, w.kwargs(adds))
	case opEntry:
		return w.into(s.at, w.pairs(s.at, adds))
	case opItems, opItemsBehind:
		return addItems(adds, w.text)
	case opPairs:
		return w.into(s.at, w.tuples(adds))
	case opAppend:
		return w.into(s.at, w.options(adds))
	case opConcat:
		return w.concat(s.at, adds)
	case opLiteral, opText, opList: // written by the plan and by textDialect
	}
	return nil
}

// quoteOf returns the quote to use: that of the value that is replaced, else
// the one that the file uses more often.
func quoteOf(src *source, adds []addition) string {
	for _, a := range adds {
		if a.like == nil || len(a.like.pieces) == 0 {
			continue
		}
		if p := a.like.pieces[0].at; p.start > 0 {
			if q := p.src.text[p.start-1]; q == '"' || q == '\'' {
				return string(q)
			}
		}
	}
	if bytes.Count(src.text, []byte("'")) > bytes.Count(src.text, []byte(`"`)) {
		return "'"
	}
	return `"`
}

// A pyWriter spells additions in the style of a file.
type pyWriter struct {
	src   *source
	quote string
}

func (w pyWriter) text(s string) string { return w.quote + s + w.quote }

// literal spells a value: bare where the value that it stands for is.
func (w pyWriter) literal(a addition) string {
	bare := a.num
	if a.like != nil {
		bare = a.like.typ == integer || a.like.typ == boolean || a.like.typ == float
	}
	if bare && (isNumber(a.value) || a.value == "True" || a.value == "False") {
		return a.value
	}
	return w.text(a.value)
}

// A group is the additions that share a key of the place: one for a plain
// entry, several inside one mapping that does not exist yet.
type group struct {
	name string
	in   []addition // entries of the new mapping; nil for a plain entry
	add  addition
}

// grouped joins the additions that go into one missing mapping.
func grouped(adds []addition) []group {
	var out []group
	for _, a := range adds {
		path := a.fullPath()
		g := group{name: path[0], add: a}
		if len(path) > 1 {
			if i := slices.IndexFunc(out, func(o group) bool { return o.in != nil && o.name == g.name }); i >= 0 {
				out[i].in = append(out[i].in, a)
				continue
			}
			g.in = []addition{a}
		}
		out = append(out, g)
	}
	return out
}

// value spells what a group adds.
func (w pyWriter) value(g group) string {
	if g.in == nil {
		return w.literal(g.add)
	}
	var items []string
	for _, a := range g.in {
		path := a.fullPath()
		items = append(items, w.text(path[len(path)-1])+": "+w.literal(a))
	}
	in := "{" + strings.Join(items, ", ") + "}"
	if path := g.in[0].fullPath(); len(path) == 3 { // a mapping in a mapping, both new
		in = "{" + w.text(path[1]) + ": " + in + "}"
	}
	return in
}

// kwargs spells additions as keyword arguments.
func (w pyWriter) kwargs(adds []addition) []string {
	var out []string
	for _, g := range grouped(adds) {
		out = append(out, g.name+"="+w.value(g))
	}
	return out
}

// pairs spells additions as entries of a dict, like its last entry.
func (w pyWriter) pairs(at span, adds []addition) []string {
	colon, bare := ": ", false
	if last := w.lastPair(at); last != nil {
		key, val := last.child("key"), last.child("value")
		between := string(w.src.text[key.end:val.start])
		if !strings.ContainsAny(between, "#\r\n\\") && len(between) < 4 {
			colon = between
		}
		if key.kind == "string" {
			w.quote = string(w.src.text[key.end-1])
		}
		bare = val.kind == "integer"
	}
	var out []string
	for _, g := range grouped(adds) {
		if g.add.like == nil {
			g.add.num = g.add.num || bare
		}
		out = append(out, w.text(g.name)+colon+w.value(g))
	}
	return out
}

// options spells additions as words of a command line.
func (w pyWriter) options(adds []addition) []string {
	var out []string
	for _, a := range adds {
		for _, word := range a.option() {
			out = append(out, w.text(word))
		}
	}
	return out
}

// tuples spells additions as pairs of an option and its value.
func (w pyWriter) tuples(adds []addition) []string {
	var out []string
	for _, a := range adds {
		value := a.value
		if len(a.path) == 2 {
			value = a.path[1] + "=" + value
		}
		out = append(out, "("+w.text(a.path[0])+", "+w.text(value)+")")
	}
	return out
}

// concat adds pairs to a list expression where it is used: expr + [...].
func (w pyWriter) concat(at span, adds []addition) []Edit {
	lead := " + ["
	column := len([]rune(string(w.src.text[w.src.lineStart(at.start):at.end]))) + len(lead)
	sep := "," + w.src.newline() + strings.Repeat(" ", column)
	return []Edit{{at.end, at.end, lead + strings.Join(w.tuples(adds), sep) + "]"}}
}

func (w pyWriter) lastPair(at span) *node {
	var last *node
	for _, k := range w.node(at).only() {
		if k.kind == "pair" {
			last = k
		}
	}
	return last
}

// spread wraps a mapping expression: {**expr, ...}, over several lines where
// the expression has a line of its own. It is written around the expression, in
// which other edits may stand.
func (w pyWriter) spread(at span, adds []addition) []Edit {
	var items []string
	for _, g := range grouped(adds) {
		items = append(items, w.text(g.name)+": "+w.value(g))
	}
	if !w.ownLine(at) {
		return []Edit{{at.start, at.start, "{**"}, {at.end, at.end, ", " + strings.Join(items, ", ") + "}"}}
	}
	nl, indent := w.src.newline(), w.src.indent(at.start)
	in := nl + indent + indentUnit(indent)
	return []Edit{
		{at.start, at.start, "{" + in + "**"},
		{at.end, at.end, "," + in + strings.Join(items, ","+in) + "," + nl + indent + "}"},
	}
}

func indentUnit(indent string) string {
	if strings.HasPrefix(indent, "\t") {
		return "\t"
	}
	return "    "
}

// ownLine reports whether the argument that ends with at is alone on its line.
func (w pyWriter) ownLine(at span) bool {
	line := string(w.src.text[w.src.lineStart(at.start):at.start])
	head := strings.TrimSpace(line)
	rest := strings.TrimSpace(string(w.src.text[at.end:w.src.lineEnd(at.end)]))
	name := strings.TrimSpace(strings.TrimSuffix(head, "="))
	return strings.HasSuffix(head, "=") && wordLen([]byte(name)) == len(name) && name != "" && (rest == "," || rest == "")
}

// node returns the syntax node of a span.
func (w pyWriter) node(at span) *node {
	for _, c := range w.src.python() {
		if c.start <= at.start && at.end <= c.end {
			return parsePython(w.src.text[c.start:c.end], c.start).find(at)
		}
	}
	return &node{}
}

// find returns the innermost node with exactly a span.
func (n *node) find(at span) *node {
	for _, k := range n.kids {
		if k.start <= at.start && at.end <= k.end {
			if f := k.find(at); f != nil {
				return f
			}
		}
	}
	if n.start == at.start && n.end == at.end {
		return n
	}
	return nil
}

// into adds items to a bracketed list in the style of its last one.
func (w pyWriter) into(at span, items []string) []Edit {
	kids := w.node(at).only()
	if len(kids) == 0 {
		return []Edit{{at.start + 1, at.start + 1, strings.Join(items, ", ")}}
	}
	last := kids[len(kids)-1]
	// Keyword arguments go before a final **kwargs, as people write them.
	if last.kind == "dictionary_splat" && w.src.text[at.start] == '(' {
		return w.before(last, items)
	}
	return w.after(last, at, items)
}

func (w pyWriter) before(n *node, items []string) []Edit {
	sep := ", "
	if w.src.firstOnLine(n.start) {
		sep = "," + w.src.newline() + w.src.indent(n.start)
	}
	return []Edit{{n.start, n.start, strings.Join(items, sep) + sep}}
}

// after adds items behind the last one.
func (w pyWriter) after(last *node, at span, items []string) []Edit {
	comma := w.comma(last.end, at.end)
	prefix := string(w.src.text[w.src.lineStart(last.start):last.start])
	switch {
	case strings.TrimSpace(prefix) == ",": // leading commas
		return []Edit{{last.end, last.end, w.src.newline() + prefix + strings.Join(items, w.src.newline()+prefix)}}
	case strings.TrimSpace(prefix) != "":
		return []Edit{{last.end, last.end, ", " + strings.Join(items, ", ")}}
	}
	nl := w.src.newline() + prefix
	if comma >= 0 {
		end := w.lineTail(comma+1, at.end)
		return []Edit{{end, end, nl + strings.Join(items, ","+nl) + ","}}
	}
	end := w.lineTail(last.end, at.end)
	if end == last.end {
		return []Edit{{end, end, "," + nl + strings.Join(items, ","+nl)}}
	}
	return []Edit{{last.end, last.end, ","}, {end, end, nl + strings.Join(items, ","+nl)}}
}

// comma returns the offset of the comma behind a last item, -1 without one.
func (w pyWriter) comma(from, to int) int {
	s := pyScanner{src: w.src.text[:to], pos: from}
	for s.pos < to {
		switch s.src[s.pos] {
		case ',':
			return s.pos
		case '#':
			s.skipTo('\n')
		default:
			s.pos++
		}
	}
	return -1
}

// lineTail returns the end of a comment that follows on the same line, or from
// itself: what is added goes behind a comment that belongs to its line.
func (w pyWriter) lineTail(from, to int) int {
	end := w.src.lineEnd(from)
	if end < to && bytes.HasPrefix(bytes.TrimLeft(w.src.text[from:end], " \t"), []byte("#")) {
		return end
	}
	return from
}
