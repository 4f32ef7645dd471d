package prompts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	gmtext "github.com/yuin/goldmark/text"
)

// maxMarkdown bounds an answer in Markdown, in bytes.
const maxMarkdown = 256 << 10

// CheckMarkdown says how a report in Markdown, written by an agent from the
// same Facts, breaks the rules of the strict prompt. Sections, tables, flags
// and values must be those that [Markdown] writes; prose is held to the rules
// of [Check], where a value in backticks stands for the fact that has it.
func CheckMarkdown(f Facts, src []byte) []Violation {
	if len(src) > maxMarkdown {
		return []Violation{{"document", KindLength, fmt.Sprintf("at most %d bytes", maxMarkdown)}}
	}
	m := &markdownChecker{f: f, src: src, byText: f.byText()}
	ctx := parser.NewContext()
	root := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(gmtext.NewReader(src), parser.WithContext(ctx))
	if len(ctx.References()) > 0 {
		m.add("document", KindName, "it defines links")
	}
	m.document(root)
	return m.out
}

type markdownChecker struct {
	f   Facts
	src []byte
	out []Violation
	// byText are the facts that a value in backticks can stand for.
	byText map[string][]Fact
}

func (m *markdownChecker) add(where string, kind Kind, format string, args ...any) {
	m.out = append(m.out, Violation{where, kind, fmt.Sprintf(format, args...)})
}

// document holds the blocks under each heading against the section of the
// layout. Where a block is missing the rest of its section is not looked at.
func (m *markdownChecker) document(root ast.Node) {
	want := sections(m.f)
	i := -1
	var blocks []ast.Node
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			blocks = append(blocks, n)
			continue
		}
		m.section(want, i, blocks)
		blocks = nil
		i++
		if title := m.plain(h); i < len(want) && (h.Level != 2 || title != want[i].title) {
			m.add("document", KindShape, "heading %d must be \"## %s\"", i+1, want[i].title)
		}
	}
	m.section(want, i, blocks)
	if i+1 != len(want) {
		m.add("document", KindShape, "%d sections are wanted, %d are there", len(want), i+1)
	}
}

func (m *markdownChecker) section(want []section, i int, blocks []ast.Node) {
	if i < 0 || i >= len(want) {
		if len(blocks) > 0 {
			m.add("document", KindAdded, "there is text outside of the sections")
		}
		return
	}
	for _, b := range want[i].blocks {
		if b.header == nil {
			blocks = m.paragraphs(want[i].title, b, blocks)
			continue
		}
		table, ok := first(blocks).(*extast.Table)
		if !ok {
			m.add(want[i].title, KindMissing, "the table %s comes here", row(b.header))
			return
		}
		m.table(want[i].title, b, table)
		blocks = blocks[1:]
	}
	if len(blocks) > 0 {
		m.add(want[i].title, KindAdded, "a %s does not belong here", blocks[0].Kind())
	}
}

func first(blocks []ast.Node) ast.Node {
	if len(blocks) == 0 {
		return nil
	}
	return blocks[0]
}

// paragraphs checks those that stand before anything else.
func (m *markdownChecker) paragraphs(where string, b block, blocks []ast.Node) []ast.Node {
	n := slices.IndexFunc(blocks, func(n ast.Node) bool { return n.Kind() != ast.KindParagraph })
	if n < 0 {
		n = len(blocks)
	}
	m.inline(where, cell{slot: b.slot, fixed: b.fixed}, blocks[:n])
	return blocks[n:]
}

func (m *markdownChecker) table(where string, b block, table *extast.Table) {
	rows := children(table)
	var header []string
	for _, c := range children(rows[0]) {
		header = append(header, m.plain(c))
	}
	if !slices.Equal(header, b.header) {
		m.add(where, KindShape, "the table's header must be %s", row(b.header))
		return
	}
	if len(rows)-1 != len(b.rows) {
		m.add(where, KindShape, "the table %s has %d rows, not %d", row(b.header), len(b.rows), len(rows)-1)
		return
	}
	for i, want := range b.rows {
		for j, c := range children(rows[i+1]) {
			m.inline(fmt.Sprintf("%s, row %d, %s", where, i+1, b.header[j]), want[j], []ast.Node{c})
		}
	}
}

func children(n ast.Node) []ast.Node {
	var out []ast.Node
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		out = append(out, c)
	}
	return out
}

// inline holds the text of nodes against a cell of the layout.
func (m *markdownChecker) inline(where string, want cell, nodes []ast.Node) {
	spans, ok := m.spans(where, nodes)
	if !ok {
		return
	}
	if want.slot == nil {
		if !slices.Equal(spans, normal(want.fixed)) {
			m.add(where, KindValue, "must be %s", want.markdown(m.f, Words{}))
		}
		return
	}
	m.out = append(m.out, checkSlot(m.f, *want.slot, m.tokens(spans))...)
}

// normal is fixed text as spans come out of a parsed document.
func normal(fixed []span) []span {
	var out []span
	for _, s := range fixed {
		if s.value {
			s.text = strings.Join(strings.Fields(s.text), " ")
		}
		out = append(out, s)
	}
	return out
}

// spans are the text and values of nodes. Anything else, emphasis, links, HTML,
// is a violation.
func (m *markdownChecker) spans(where string, nodes []ast.Node) (out []span, ok bool) {
	for i, n := range nodes {
		if i > 0 {
			out = appendText(out, " ")
		}
		for _, c := range children(n) {
			switch c := c.(type) {
			case *ast.Text:
				s := string(c.Segment.Value(m.src))
				if c.SoftLineBreak() {
					s += " "
				}
				if c.HardLineBreak() {
					m.add(where, KindCharacter, "a line break")
				}
				out = appendText(out, s)
			case *ast.CodeSpan:
				out = append(out, span{m.plain(c), true})
			default:
				m.add(where, KindCharacter, "%s: only text and values in backticks", c.Kind())
				return nil, false
			}
		}
	}
	return out, true
}

// appendText joins text that the parser cuts in pieces.
func appendText(spans []span, s string) []span {
	if n := len(spans); n > 0 && !spans[n-1].value {
		spans[n-1].text += s
		return spans
	}
	return append(spans, span{s, false})
}

// plain is the text of a heading, a header or a code span; "" when it has
// anything else in it.
func (m *markdownChecker) plain(n ast.Node) string {
	var b strings.Builder
	for _, c := range children(n) {
		t, ok := c.(*ast.Text)
		if !ok {
			return ""
		}
		b.Write(t.Segment.Value(m.src))
	}
	return b.String()
}

// tokens are those of prose in which a value in backticks is a reference to
// every fact that has it: the roles tell which is meant.
func (m *markdownChecker) tokens(spans []span) []token {
	n := 0
	for _, s := range spans {
		n += len(s.text)
	}
	l := newLexer(n)
	for _, s := range spans {
		if s.value {
			l.refer("`"+s.text+"`", m.byText[s.text])
		} else {
			l.prose(s.text)
		}
	}
	return l.tokens
}

// byText are the facts by their text; the name of a property that is shown is
// one, too.
func (f Facts) byText() map[string][]Fact {
	m := make(map[string][]Fact)
	for _, fact := range f.all() {
		text := strings.Join(strings.Fields(fact.Text), " ")
		m[text] = append(m[text], fact)
		if strings.HasPrefix(fact.ID, "conf.") {
			m[fact.Label] = append(m[fact.Label], Fact{ID: fact.ID + ".name", Label: "property", Text: fact.Label, Role: RoleName})
		}
	}
	return m
}
