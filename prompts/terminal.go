package prompts

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Terminal prints reports for a person at a terminal, or piped.
type Terminal struct {
	Width int  // columns; text wraps there
	Color bool // ANSI colours
}

// The colours of a Terminal, as SGR codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// Paint is s in a colour, or s where the terminal has none.
func (t Terminal) Paint(code, s string) string {
	if !t.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Heading is s as a heading.
func (t Terminal) Heading(s string) string { return t.Paint(bold, s) }

// Faint is s set back.
func (t Terminal) Faint(s string) string { return t.Paint(dim, s) }

// gutter is where the text beside a flag begins.
const gutter = 18

// Report prints the report of one job in its five sections.
func (t Terminal) Report(w io.Writer, f Facts, words Words) error {
	p := &printer{t: t, f: f}
	p.line(0, t.Heading(f.Job))
	p.wrap(0, dim, fmt.Sprintf("%s, %s; %s", f.Declared, f.Operator, f.Matched))
	p.section(Sections[0])
	p.wrap(4, "", f.Resolve(words.Overview))
	p.pairs(unsaid(f.Overview, words.Overview))
	p.section(Sections[1])
	p.wrap(4, "", f.Resolve(words.Configuration))
	p.pairs(f.Config)
	p.section(Sections[2])
	p.wrap(4, "", f.Resolve(words.Health))
	p.findings(words)
	p.section(Sections[3])
	p.changes(words)
	p.section(Sections[4])
	p.wrap(4, "", f.Resolve(words.Summary))
	if len(f.Disclosed) > 0 {
		p.wrap(4, dim, "Judged under gates that are not the defaults: "+disclosed(f)+".")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

func disclosed(f Facts) string {
	var parts []string
	for _, g := range f.Disclosed {
		parts = append(parts, g.Label+" "+g.Text)
	}
	return strings.Join(parts, ", ")
}

type printer struct {
	t Terminal
	f Facts
	b strings.Builder
}

func (p *printer) line(indent int, s string) {
	p.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+s, " "))
	p.b.WriteByte('\n')
}

func (p *printer) section(name string) {
	p.b.WriteByte('\n')
	p.line(2, p.t.Paint(cyan, name))
}

// wrap prints text in lines that fit, indented.
func (p *printer) wrap(indent int, code, text string) {
	for _, line := range fill(text, p.t.Width-indent) {
		p.line(indent, p.t.Paint(code, line))
	}
}

// unsaid are the facts that a text does not refer to: nothing is told twice.
func unsaid(facts []Fact, text string) []Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return strings.Contains(text, ref(f.ID)) })
}

func (p *printer) pairs(facts []Fact) {
	n := 0
	for _, f := range facts {
		n = max(n, utf8.RuneCountInString(f.Label))
	}
	for _, f := range facts {
		p.line(4, pad(f.Label, n)+"  "+f.Text)
	}
}

var flagColor = map[Flag]string{FlagOK: green, FlagAction: red, FlagNotMeasured: yellow, FlagWaits: yellow, FlagAbstained: dim}

func (p *printer) findings(words Words) {
	for _, d := range p.f.Findings {
		head := p.t.Paint(flagColor[d.Flag], pad(string(d.Flag), 12)) + "  "
		said := words.Findings[d.Rule].Explanation
		for i, line := range fill(d.Title+": "+p.f.Resolve(said), p.t.Width-gutter) {
			if i > 0 {
				head = strings.Repeat(" ", 14)
			}
			p.line(4, head+line)
		}
		for _, e := range unsaid(append([]Fact{d.Reason}, d.Evidence...), said) {
			p.wrap(gutter, dim, e.Label+": "+e.Text)
		}
	}
}

func (p *printer) changes(words Words) {
	if len(p.f.Changes) == 0 {
		p.line(4, "none")
	}
	for _, c := range p.f.Changes {
		p.line(4, fmt.Sprintf("%s  %s -> %s  %s", p.t.Paint(bold, c.Key), c.From.Text, p.t.Paint(bold, c.To.Text), p.t.Faint("("+c.Rule+", confidence "+c.Confidence+")")))
		said := words.Changes[c.Key]
		p.wrap(6, "", p.f.Resolve(said.Explanation+" "+said.Impact))
		p.wrap(6, p.outcomeColor(c), c.Ended())
	}
	p.pairs(unsaid(p.f.Effect, words.Summary))
}

func (p *printer) outcomeColor(c ChangeFact) string {
	if c.Outcome == "refused" {
		return yellow
	}
	return dim
}

// Ended says in one line what became of the change.
func (c ChangeFact) Ended() string {
	switch c.Outcome {
	case "applied":
		return "in the diff, " + c.Place
	case "already":
		return "the repository says so already, " + c.Place
	}
	return "left to a person: " + c.Refusal
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// fill breaks text into lines of at most width runes, at spaces; a longer word
// stands alone.
func fill(text string, width int) []string {
	var lines []string
	var line string
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Diff is a unified diff in colours, with the control characters of the files
// shown and not obeyed. Without colours it is the diff itself, byte for byte,
// so that what is piped applies.
func (t Terminal) Diff(diff string) string {
	if !t.Color {
		return diff
	}
	var b strings.Builder
	for line := range strings.Lines(diff) {
		b.WriteString(t.diffLine(Printable(strings.TrimRight(line, "\r\n"))))
		b.WriteByte('\n')
	}
	return b.String()
}

func (t Terminal) diffLine(line string) string {
	for _, c := range []struct{ prefix, code string }{{"+++", bold}, {"---", bold}, {"+", green}, {"-", red}, {"@@", cyan}} {
		if strings.HasPrefix(line, c.prefix) {
			return t.Paint(c.code, line)
		}
	}
	return line
}
