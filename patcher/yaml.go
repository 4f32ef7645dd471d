package patcher

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxNodes bounds the values read from one document, aliases counted each
// time: a file may be small and yet stand for billions.
const maxNodes = 50000

// readYAML returns the documents of a YAML text, or why it has none.
func readYAML(ps []piece) ([]*value, string) {
	r := yamlReader{pieces: ps, text: joinPieces(ps)}
	if tooDeep(r.text) {
		return nil, "it nests too deep"
	}
	for i := 0; i < len(r.text); {
		r.lines = append(r.lines, i)
		n := strings.IndexByte(r.text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
	}
	var out []*value
	dec := yaml.NewDecoder(bytes.NewReader([]byte(r.text)))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			if errors.Is(err, io.EOF) {
				return out, ""
			}
			return out, "it does not parse as YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")
		}
		if len(doc.Content) == 1 {
			v, _ := r.value(doc.Content[0], 0)
			out = append(out, v)
		}
	}
}

// A yamlReader turns nodes into values. The library gives a line and a column
// in runes; spans are found from there and only kept where the bytes read
// back as the value.
type yamlReader struct {
	pieces []piece
	text   string
	lines  []int
	nodes  int
}

// offset returns the byte offset of a node's first character.
func (r *yamlReader) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(r.lines) {
		return len(r.text)
	}
	at := r.lines[n.Line-1]
	if n.Line == 1 {
		at += len(r.text) - len(strings.TrimPrefix(r.text, "\ufeff"))
	}
	for col := 1; col < n.Column && at < len(r.text); col++ {
		at++
		for at < len(r.text) && r.text[at]&0xc0 == 0x80 {
			at++
		}
	}
	return at
}

func (r *yamlReader) span(from, to int) span { return spanOf(cut(r.pieces, from, to)) }

// value returns a node's value and the offset behind it.
func (r *yamlReader) value(n *yaml.Node, depth int) (*value, int) {
	r.nodes++
	at := r.offset(n)
	if r.nodes > maxNodes || depth > maxDepth {
		return unknownValue(r.span(at, at+1), "the document is too large or too deep"), at
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return r.scalar(n, at)
	case yaml.MappingNode:
		return r.mapping(n, at, depth)
	case yaml.SequenceNode:
		return r.sequence(n, at, depth)
	case yaml.AliasNode:
		v, _ := r.value(n.Alias, depth+1)
		return v, at + 1 + len(n.Value)
	case yaml.DocumentNode:
	}
	return unknownValue(r.span(at, at), "it is empty"), at
}

func (r *yamlReader) scalar(n *yaml.Node, at int) (*value, int) {
	at += r.properties(n, at)
	ps, end, ok := r.align(n, at)
	v := &value{kind: scalar, typ: text, at: r.span(at, end), pieces: ps}
	if !ok {
		return unknownValue(r.span(at, min(at+1, len(r.text))), "its YAML spelling is not followed"), end
	}
	bare := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch n.Tag {
	case "!!int":
		v.typ = integer
	case "!!float":
		v.typ = float
	case "!!bool":
		v.typ = boolean
	case "!!null":
		v.typ, v.pieces = null, nil
	}
	for i := range v.pieces {
		v.pieces[i].num = bare && v.typ != text && v.pieces[i].why == ""
	}
	if len(v.pieces) == 0 && v.typ == text {
		v.pieces = []piece{{at: r.span(at, end)}}
	}
	return v, end
}

// properties returns the length of an anchor and a tag before a node.
func (r *yamlReader) properties(n *yaml.Node, at int) int {
	s := r.text[at:]
	for strings.HasPrefix(s, "&") || strings.HasPrefix(s, "!") {
		i := strings.IndexAny(s, " \t\r\n")
		if i < 0 {
			return len(r.text) - at
		}
		s = strings.TrimLeft(s[i:], " \t")
	}
	return len(r.text) - at - len(s)
}

// align walks a scalar's spelling beside its value and returns the pieces of
// the value and the end of the spelling; ok is false where they part.
func (r *yamlReader) align(n *yaml.Node, at int) (ps []piece, end int, ok bool) {
	a := yamlAligner{r: r, pos: at, plain: at}
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		ok = a.block(n.Value, false)
	case n.Style&yaml.FoldedStyle != 0:
		ok = a.block(n.Value, true)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		if at >= len(r.text) {
			return nil, at, false
		}
		quote := r.text[at]
		a.pos, a.plain = at+1, at+1
		ok = a.flow(n.Value, quote) && a.pos < len(r.text) && r.text[a.pos] == quote
		a.flush()
		a.pos++
		a.plain = a.pos
	default:
		ok = a.flow(n.Value, 0)
	}
	a.flush()
	end = min(a.pos, len(r.text))
	return a.out, end, ok && joinPieces(a.out) == n.Value
}

type yamlAligner struct {
	r          *yamlReader
	pos, plain int
	out        []piece
}

// flush ends a run of bytes that stand for themselves.
func (a *yamlAligner) flush() {
	if a.plain < a.pos && a.pos <= len(a.r.text) {
		a.out = append(a.out, cut(a.r.pieces, a.plain, a.pos)...)
	}
	a.plain = a.pos
}

// odd adds n bytes that stand for text in another way.
func (a *yamlAligner) odd(text string, n int) {
	a.flush()
	a.out = append(a.out, piece{text: text, at: a.r.span(a.pos, a.pos+n)})
	a.pos += n
	a.plain = a.pos
}

// flow follows a plain or quoted scalar; a line end in it is folded.
func (a *yamlAligner) flow(value string, quote byte) bool {
	s := a.r.text
	for i := 0; i < len(value); {
		if a.pos >= len(s) {
			return false
		}
		blank := len(s[a.pos:]) - len(strings.TrimLeft(s[a.pos:], " \t\r\n"))
		switch c := s[a.pos]; {
		case strings.Contains(s[a.pos:a.pos+blank], "\n"):
			n := len(value[i:]) - len(strings.TrimLeft(value[i:], " \n"))
			if n == 0 {
				return false
			}
			a.odd(value[i:i+n], blank)
			i += n
		case quote == '\'' && strings.HasPrefix(s[a.pos:], "''"):
			a.odd("'", 2)
			i++
		case quote == '"' && c == '\\':
			text, n := unescape([]byte(s[a.pos:]))
			if !strings.HasPrefix(value[i:], text) {
				return false
			}
			a.odd(text, n)
			i += len(text)
		case c == value[i]:
			a.pos++
			i++
		default:
			return false
		}
	}
	return true
}

// block follows a literal or folded block scalar.
func (a *yamlAligner) block(value string, fold bool) bool {
	s := a.r.text
	i := strings.IndexByte(s[min(a.pos, len(s)):], '\n')
	if i < 0 {
		return value == ""
	}
	a.pos += i + 1
	a.plain = a.pos
	indent := len(s[a.pos:]) - len(strings.TrimLeft(s[a.pos:], " "))
	body := strings.TrimRight(value, "\n")
	for j, line := range strings.Split(body, "\n") {
		if j > 0 && !a.next(fold) {
			return false
		}
		if line == "" {
			continue
		}
		if !strings.HasPrefix(s[a.pos:], strings.Repeat(" ", indent)) {
			return false
		}
		a.pos += indent
		a.plain = a.pos
		if !a.line(line, indent, fold) {
			return false
		}
	}
	if n := len(value) - len(body); n > 0 {
		a.flush()
		a.out = append(a.out, piece{text: value[len(body):], at: a.r.span(a.pos, a.pos)})
	}
	return true
}

// next steps over a line end of a block. Folding leaves as many line ends in
// the value as there are blank lines, and these are walked as empty lines.
func (a *yamlAligner) next(fold bool) bool {
	i := strings.IndexByte(a.r.text[a.pos:], '\n')
	if i < 0 || strings.TrimSpace(a.r.text[a.pos:a.pos+i]) != "" {
		return false
	}
	a.odd("\n", i+1)
	if fold {
		// The line end before a blank line is not in the value.
		if j := strings.IndexByte(a.r.text[a.pos:], '\n'); j >= 0 && strings.TrimSpace(a.r.text[a.pos:a.pos+j]) == "" {
			a.pos += j + 1
			a.plain = a.pos
		}
	}
	return true
}

// line follows one line of a block's value, which folding may have made of
// several.
func (a *yamlAligner) line(line string, indent int, fold bool) bool {
	s := a.r.text
	for i := 0; i < len(line); i++ {
		switch {
		case a.pos >= len(s):
			return false
		case s[a.pos] == line[i]:
			a.pos++
		case fold && line[i] == ' ' && (s[a.pos] == '\n' || s[a.pos] == '\r'):
			n := strings.IndexByte(s[a.pos:], '\n') + 1
			if !strings.HasPrefix(s[a.pos+n:], strings.Repeat(" ", indent)) {
				return false
			}
			a.odd(" ", n+indent)
		default:
			return false
		}
	}
	return true
}

func (r *yamlReader) sequence(n *yaml.Node, at, depth int) (*value, int) {
	v := &value{kind: sequence}
	end := at + r.properties(n, at)
	for _, k := range n.Content {
		x, e := r.value(k, depth+1)
		v.items = append(v.items, x)
		end = max(end, e)
	}
	if n.Style&yaml.FlowStyle != 0 {
		end = r.closing(end, len(n.Content) == 0)
	}
	v.at = r.span(at, end)
	v.slots = []slot{{op: opList, at: v.at, dial: yamlDialect}}
	return v, end
}

func (r *yamlReader) mapping(n *yaml.Node, at, depth int) (*value, int) {
	at += r.properties(n, at)
	if n.Anchor != "" && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		at = r.offset(n.Content[0])
	}
	v := &value{kind: mapping}
	end := at
	var own []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		x, e := r.value(val, depth+1)
		from := r.offset(k)
		end = max(end, e, from+len(k.Value)+1)
		if k.Tag == "!!merge" {
			r.merge(v, x, r.span(from, e))
			continue
		}
		own = append(own, entry{key: k.Value, at: r.span(from, max(e, from+len(k.Value))), val: x, home: v})
	}
	v.entries = append(v.entries, own...)
	if n.Style&yaml.FlowStyle != 0 {
		end = r.closing(end, len(n.Content) == 0)
	}
	v.at = r.span(at, end)
	v.slots = []slot{{op: opEntry, at: v.at, dial: yamlDialect}}
	return v, end
}

// merge adds what "<<" brings, which the mapping's own keys override.
func (r *yamlReader) merge(v, x *value, at span) {
	if x.kind == sequence {
		for _, in := range slices.Backward(x.items) { // the first of several wins
			v.spread(in, at, false)
		}
		return
	}
	v.spread(x, at, false)
}

// closing returns the offset behind the bracket that ends a flow collection.
func (r *yamlReader) closing(from int, empty bool) int {
	if empty {
		from++
	}
	for from < len(r.text) {
		switch c := r.text[from]; c {
		case '}', ']':
			return from + 1
		case '#':
			if i := strings.IndexByte(r.text[from:], '\n'); i >= 0 {
				from += i
			}
		}
		from++
	}
	return from
}
