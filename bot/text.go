package bot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

// maxBody bounds a text on the forge, in characters: GitHub refuses one of more
// than 65,536, and other programs append to ours.
const maxBody = 58_000

// A telling is a JobDecision with the words for it.
type telling struct {
	JobDecision
	facts prompts.Facts
	words prompts.Words
	kind  string // who worded it: "plain", or the version of the prompt
}

// kindsOf is who worded the jobs of one text.
func kindsOf(told []telling) string {
	kinds := make([]string, 0, len(told))
	for _, t := range told {
		kinds = append(kinds, t.kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), "+")
}

// pullPost is the title and the body of a pull request: the number first, the
// table of changes, a picture, the risk, the details folded, how to refuse.
func pullPost(p *Proposal, told []telling, end string) post {
	n, changed := applied(p.Wants), slices.DeleteFunc(slices.Clone(p.Jobs), func(j JobDecision) bool { return !j.changed() })
	title := fmt.Sprintf("sparktune: %s of %s", plural(n, "setting"), plural(len(changed), "Spark job"))
	if len(changed) == 1 {
		title = fmt.Sprintf("sparktune: %s of %s", plural(n, "setting"), prompts.Foreign(changed[0].Job.ID))
	}
	head := headline(p) + "\n\n" + changeTable(told) + picture(told) + risk(p)
	tail := "\n### To refuse\n\nClose the pull request: the same change is not proposed again until what was measured moves. " +
		"A commit of yours on the branch makes it yours. A comment `sparktune: pin` beside a line in the file keeps that line as it is.\n\n" + end + "\n"
	return post{title, head + "\n### Evidence\n\n" + fold(told, maxBody-utf8.RuneCountInString(head+tail)-200) + tail}
}

// headline is the one line that a reader who reads one line reads: what is
// saved, or what is wrong where it costs something to mend it.
func headline(p *Proposal) string {
	what := fmt.Sprintf("%s in %s", plural(applied(p.Wants), "setting"), plural(len(p.Patches), "file"))
	before, after, per := reserved(p.Jobs)
	if per == "" {
		return fmt.Sprintf("**%s**; what they reserve was not measured.", what)
	}
	memory := fmt.Sprintf("reserved memory `%s` → `%s` %s (%s)", prompts.GBHours(before), prompts.GBHours(after), per, percent(before, after))
	if symptom := firstReason(p); after >= before && symptom != "" {
		return fmt.Sprintf("**%s**: %s, %s.", symptom, what, memory)
	}
	return fmt.Sprintf("**R%s**: %s.", memory[1:], what)
}

// reserved is the memory that jobs reserve now and as proposed, and for what
// time; "" when none of them was measured.
func reserved(jobs []JobDecision) (before, after float64, per string) {
	for _, j := range jobs {
		e := j.Advice.Effect
		if e == nil || !j.changed() {
			continue
		}
		n := max(1, e.RunsPerMonth)
		before, after = before+n*e.GBHoursBefore, after+n*e.GBHoursAfter
		if per == "" {
			per = "a month"
		}
		if e.RunsPerMonth == 0 {
			per = "for one run of each job"
		}
	}
	return before, after, per
}

// firstReason is why the first change is made, by the order of the rules.
func firstReason(p *Proposal) string {
	for _, rule := range analysis.Rules {
		for _, j := range p.Jobs {
			for _, o := range j.applied() {
				if o.Rule == rule.Name {
					return prompts.ForeignReason(reasonOf(j.Advice, o.Rule))
				}
			}
		}
	}
	return ""
}

func reasonOf(a analysis.Advice, rule string) string {
	i := slices.IndexFunc(a.Findings, func(f analysis.Finding) bool { return f.Rule == rule })
	if i < 0 {
		return ""
	}
	return a.Findings[i].Reason
}

func percent(before, after float64) string {
	if before <= 0 {
		return "from nothing"
	}
	return fmt.Sprintf("%+.0f %%", math.Round(100*(after-before)/before))
}

func changeTable(told []telling) string {
	var b strings.Builder
	b.WriteString("| Job | Property | Current | Proposed | Why | Confidence | Outcome |\n|---|---|---|---|---|---|---|\n")
	var rows []string
	for _, t := range told {
		for _, c := range t.facts.Changes {
			rows = append(rows, fmt.Sprintf("| `%s` | `%s` | `%s` | `%s` | %s | %s | %s |\n",
				prompts.Foreign(t.Job.ID), c.Key, cmp.Or(c.From.Text, "not set"), c.To.Text, ruleTitle(t.facts, c.Rule), c.Confidence, c.Ended()))
		}
	}
	some(&b, rows, "change")
	return b.String()
}

func ruleTitle(f prompts.Facts, rule string) string {
	i := slices.IndexFunc(f.Findings, func(d prompts.FindingFact) bool { return d.Rule == rule })
	if i < 0 {
		return rule
	}
	return f.Findings[i].Title
}

// maxBars is how many jobs a picture shows; the table beside it has them all.
const maxBars = 12

// picture draws the reserved memory of each job before and after. Mermaid is
// not drawn in e-mails: the same numbers are in the evidence.
func picture(told []telling) string {
	var names, before, after []string
	for _, t := range told {
		if e := t.Advice.Effect; e != nil && len(names) < maxBars {
			names = append(names, fmt.Sprintf("%q", short(prompts.Foreign(t.Job.ID))))
			before = append(before, fmt.Sprintf("%.4g", e.GBHoursBefore))
			after = append(after, fmt.Sprintf("%.4g", e.GBHoursAfter))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("\nGiB·h of a run, now (bars) and as proposed (line):\n\n```mermaid\nxychart-beta\n    x-axis [%s]\n    y-axis \"GiB h\"\n    bar [%s]\n    line [%s]\n```\n",
		strings.Join(names, ", "), strings.Join(before, ", "), strings.Join(after, ", "))
}

// short is a name that fits under a bar, without what ends a Mermaid string.
func short(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r == ';' {
			return '_'
		}
		return r
	}, name)
	if r := []rune(name); len(r) > 24 {
		return string(r[:23]) + "…"
	}
	return name
}

func risk(p *Proposal) string {
	var b strings.Builder
	b.WriteString("\n### Risk and rollback\n\n")
	if shrinks(p) {
		b.WriteString("What is taken away was not needed in any of the measured runs; a run with more data than any of them may need it again. ")
	}
	b.WriteString("Reverting this pull request restores every byte.\n")
	var remarks []string
	for _, j := range p.Jobs {
		for _, n := range j.Notes {
			remarks = append(remarks, fmt.Sprintf("- `%s:%d`: %s\n", prompts.Foreign(n.Path), n.Line, prompts.ForeignReason(n.Text)))
		}
		for _, o := range j.Outcomes {
			if o.Status == patcher.Refused {
				remarks = append(remarks, fmt.Sprintf("- left to a person, `%s` of `%s`: %s\n", o.Key, prompts.Foreign(o.Job), prompts.ForeignReason(o.Reason)))
			}
		}
	}
	some(&b, remarks, "remark")
	return b.String()
}

// maxRows is how many rows a table or list has. What is beyond it is counted:
// a pull request of a thousand jobs must still fit.
const maxRows = 40

// some writes the first rows, and how many there are beyond them.
func some(b *strings.Builder, rows []string, noun string) {
	for _, r := range rows[:min(len(rows), maxRows)] {
		b.WriteString(r)
	}
	if n := len(rows) - maxRows; n > 0 {
		fmt.Fprintf(b, "\nNot shown for want of room: %s.\n", plural(n, "more "+noun))
	}
}

func shrinks(p *Proposal) bool {
	return slices.ContainsFunc(p.Jobs, func(j JobDecision) bool {
		return slices.ContainsFunc(j.Advice.Changes, func(c analysis.Change) bool {
			from, to := size(c.Key, c.Effective), size(c.Key, c.To)
			return from.OK && to.OK && to.V < from.V
		})
	})
}

// fold is the report of every job, folded, as many as fit whole.
func fold(told []telling, room int) string {
	var b strings.Builder
	for i, t := range told {
		var r strings.Builder
		fmt.Fprintf(&r, "<details><summary>%s</summary>\n\n", prompts.Foreign(t.Job.ID))
		if err := prompts.Markdown(&r, t.facts, t.words); err != nil {
			panic(err) // a strings.Builder does not fail
		}
		r.WriteString("\n</details>\n\n")
		room -= utf8.RuneCountInString(r.String())
		if room < 0 {
			fmt.Fprintf(&b, "Not shown for want of room: the evidence on %s; `sparktune tune` prints it.\n", plural(len(told)-i, "more job"))
			break
		}
		b.WriteString(r.String())
	}
	return b.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
