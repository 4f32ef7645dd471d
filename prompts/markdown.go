package prompts

import (
	"bytes"
	"io"
	"strings"
)

// Sections are the titles of a report's sections, in their order.
var Sections = []string{"Application overview", "Current Spark configuration", "Job health summary", "Resource recommendations", "Summary"}

// The headers of the tables of a report in Markdown. They are fixed: people and
// programs look for them.
var (
	factHeader     = []string{"Fact", "Value"}
	propertyHeader = []string{"Property", "Value"}
	healthHeader   = []string{"Status", "Diagnosis", "Explanation", "Evidence"}
	changeHeader   = []string{"Property", "Current", "Recommended", "Confidence", "Explanation", "Impact", "Outcome"}
	effectHeader   = []string{"Effect", "Value"}
	gateHeader     = []string{"Gate", "Value"}
)

// noChange stands where the table of changes would be empty.
const noChange = "No change is recommended."

// A section is one section of a report in Markdown: the blocks that it has, in
// order. The renderer writes it and [CheckMarkdown] holds answers against it.
type section struct {
	title  string
	blocks []block
}

// A block is prose of a slot, fixed text, or a table.
type block struct {
	slot   *slot
	fixed  []span
	header []string
	rows   [][]cell
}

// A cell is prose of a slot or fixed text.
type cell struct {
	slot  *slot
	fixed []span
}

// A span is text, or a value, which stands in backticks.
type span struct {
	text  string
	value bool
}

func value(text string) cell { return cell{fixed: []span{{text, true}}} }
func text(s string) cell     { return cell{fixed: []span{{s, false}}} }

// sections are the layout of the report on these Facts.
func sections(f Facts) []section {
	bySlot := map[string]*slot{}
	for _, s := range slots(f) {
		bySlot[s.name] = &s
	}
	out := []section{
		{Sections[0], []block{{slot: bySlot["overview"]}, pairs(factHeader, append(f.declaration(), f.Overview...))}},
		{Sections[1], []block{{slot: bySlot["configuration"]}, pairs(propertyHeader, f.Config)}},
		{Sections[2], []block{{slot: bySlot["health"]}, findings(f, bySlot)}},
		{Sections[3], []block{changes(f, bySlot), pairs(effectHeader, f.Effect)}},
		{Sections[4], []block{{slot: bySlot["summary"]}, pairs(gateHeader, f.Disclosed)}},
	}
	for i := range out {
		out[i].blocks = nonEmpty(out[i].blocks)
	}
	return out
}

// declaration says which job it is. It is not among the facts that prose may
// refer to: the report is about nothing else.
func (f Facts) declaration() []Fact {
	out := []Fact{{Label: "job", Text: f.Job}}
	if f.Declared != "" {
		out = append(out, Fact{Label: "declared in", Text: f.Declared})
	}
	return out
}

// About says whether a report in Markdown says that it is about the job.
func About(f Facts, src []byte) bool {
	return bytes.Contains(src, []byte("| job | "+code(f.Job)+" |"))
}

func nonEmpty(blocks []block) []block {
	var out []block
	for _, b := range blocks {
		if b.slot != nil || b.fixed != nil || len(b.rows) > 0 {
			out = append(out, b)
		}
	}
	return out
}

func pairs(header []string, facts []Fact) block {
	b := block{header: header}
	for _, f := range facts {
		label := text(f.Label)
		if strings.HasPrefix(f.ID, "conf.") || f.Role == RoleBound {
			label = value(f.Label)
		}
		b.rows = append(b.rows, []cell{label, value(f.Text)})
	}
	return b
}

func findings(f Facts, bySlot map[string]*slot) block {
	b := block{header: healthHeader}
	for _, d := range f.Findings {
		b.rows = append(b.rows, []cell{value(string(d.Flag)), text(d.Title), {slot: bySlot["findings."+d.Rule+".explanation"]}, evidence(d.Evidence)})
	}
	return b
}

// evidence is a cell with every number of a finding after its label.
func evidence(facts []Fact) cell {
	if len(facts) == 0 {
		return text("none")
	}
	var c cell
	for i, e := range facts {
		label := e.Label + ": "
		if i > 0 {
			label = "; " + label
		}
		c.fixed = append(c.fixed, span{label, false}, span{e.Text, true})
	}
	return c
}

func changes(f Facts, bySlot map[string]*slot) block {
	if len(f.Changes) == 0 {
		return block{fixed: []span{{noChange, false}}}
	}
	b := block{header: changeHeader}
	for _, c := range f.Changes {
		prefix := "changes." + c.Key
		b.rows = append(b.rows, []cell{
			value(c.Key), value(c.From.Text), value(c.To.Text), value(c.Confidence),
			{slot: bySlot[prefix+".explanation"]},
			{slot: bySlot[prefix+".impact"]},
			value(c.Ended()),
		})
	}
	return b
}

// Markdown writes the report on one job in GitHub's Markdown: values in
// backticks, no line break in a cell, the same headers and flags always. The
// caller puts a heading above it.
func Markdown(w io.Writer, f Facts, words Words) error {
	var b strings.Builder
	for i, s := range sections(f) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("## " + s.title + "\n")
		for _, block := range s.blocks {
			b.WriteString("\n" + block.markdown(f, words) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (b block) markdown(f Facts, w Words) string {
	if b.header == nil {
		return cell{slot: b.slot, fixed: b.fixed}.markdown(f, w)
	}
	lines := []string{row(b.header), row(strings.Split(strings.Repeat("---,", len(b.header)-1)+"---", ","))}
	for _, cells := range b.rows {
		var texts []string
		for _, c := range cells {
			texts = append(texts, strings.ReplaceAll(c.markdown(f, w), "|", `\|`))
		}
		lines = append(lines, row(texts))
	}
	return strings.Join(lines, "\n")
}

func row(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

func (c cell) markdown(f Facts, w Words) string {
	if c.slot != nil {
		return f.resolve(c.slot.text(w), escape, code)
	}
	var b strings.Builder
	for _, s := range c.fixed {
		if s.value {
			b.WriteString(code(s.text))
		} else {
			b.WriteString(escape(s.text))
		}
	}
	return b.String()
}

// code is a value in backticks: more of them than it holds itself.
func code(value string) string {
	value = strings.Join(strings.Fields(value), " ")
	fence := "`"
	for strings.Contains(value, fence) {
		fence += "`"
	}
	if strings.HasPrefix(value, "`") || strings.HasSuffix(value, "`") || value == "" {
		value = " " + value + " "
	}
	return fence + value + fence
}

var markdownEscapes = strings.NewReplacer("\n", " ", "\r", " ", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "#", `\#`, "@", "&#64;", "~", `\~`, "$", `\$`, "&", "&amp;", "://", "&#58;//")

// escape makes text of prose that means nothing in Markdown. Prose that has
// passed Check has nothing to escape.
func escape(s string) string { return markdownEscapes.Replace(s) }
