// Package prompts words what was decided.
//
// A writer gets [Facts], all that may be said about one job, and answers with
// [Words]: prose in which every value is a reference to a fact. The renderer
// prints tables, values and sections; so no writer, a model least of all, can
// change or invent a number. The plain writer needs nothing but the Facts.
//
// The package refuses to decide anything, and to know where a report goes.
package prompts

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sparktune/sparktune/analysis"
)

// Role says what a fact stands for, so that an old value is never taken for a
// new one.
type Role string

// The roles of facts.
const (
	RoleName      Role = "name"
	RoleOld       Role = "old"
	RoleNew       Role = "new"
	RoleMeasured  Role = "measured"
	RolePredicted Role = "predicted"
	RoleReason    Role = "reason"
)

// A Fact is one value that may be said, rendered with its unit.
type Fact struct {
	ID    string `json:"id"` // unique in its Facts, e.g. "change.spark.executor.memory.to"
	Label string `json:"label"`
	Text  string `json:"text"`
	Role  Role   `json:"role"`
}

// Flag is the status of one diagnosis. The criteria are the rules'.
type Flag string

// The closed set of flags.
const (
	FlagOK          Flag = "ok"
	FlagAction      Flag = "action"
	FlagNotMeasured Flag = "not measured"
	FlagAbstained   Flag = "abstained" // no rule looked at the job; the reason says why
)

// A FindingFact is one diagnosis with its numbers.
type FindingFact struct {
	Rule     string `json:"rule"`
	Title    string `json:"title"`
	Flag     Flag   `json:"flag"`
	Reason   Fact   `json:"reason"`
	Evidence []Fact `json:"evidence,omitempty"`
}

// A ChangeFact is one recommended value and what became of it.
type ChangeFact struct {
	Key        string `json:"key"`
	Rule       string `json:"rule"`
	Confidence string `json:"confidence"`
	From       Fact   `json:"from"`
	To         Fact   `json:"to"`
	Outcome    string `json:"outcome"` // applied, already, refused
	Place      string `json:"place"`   // path:line
	Refusal    string `json:"refusal,omitempty"`
}

// Facts are all that may be said about one job, in the order of the report's
// five sections.
type Facts struct {
	Job       string        `json:"job"`
	Declared  string        `json:"declared"` // path:line
	Operator  string        `json:"operator"`
	Matched   string        `json:"matched"` // how runs were told to be the job's
	Overview  []Fact        `json:"overview"`
	Config    []Fact        `json:"config"`
	Findings  []FindingFact `json:"findings"`
	Changes   []ChangeFact  `json:"changes,omitempty"`
	Effect    []Fact        `json:"effect,omitempty"`
	Disclosed []string      `json:"disclosed,omitempty"` // gates that are not the defaults
}

// NewFacts renders what is known of a job: its profile and the advice on it.
// The caller adds where it is declared and what became of the changes.
func NewFacts(p *analysis.Profile, a analysis.Advice) Facts {
	f := Facts{Job: Inert(a.Job)}
	if len(p.Runs) > 0 {
		f.Overview = overview(p)
		f.Config = configuration(p.Conf())
	}
	for i, finding := range a.Findings {
		f.Findings = append(f.Findings, findingFact(analysis.Rules[i], finding, a.Abstains != ""))
	}
	for _, c := range a.Changes {
		f.Changes = append(f.Changes, changeFact(c))
	}
	f.Effect = effectFacts(a.Effect)
	return f
}

func overview(p *analysis.Profile) []Fact {
	r := p.Newest()
	first, last := p.Runs[0].Start, r.Start
	facts := []Fact{
		{"app.name", "application", Inert(r.AppName), RoleName},
		{"app.spark", "Spark", Inert(r.SparkVersion), RoleMeasured},
		{"app.runs", "runs", fmt.Sprint(len(p.Runs)), RoleMeasured},
		{"app.first", "first run", first.UTC().Format(time.DateOnly), RoleMeasured},
		{"app.last", "last run", last.UTC().Format(time.DateOnly), RoleMeasured},
	}
	if d := p.MedianDuration(); d.OK {
		facts = append(facts, Fact{"app.duration", "median duration", Millis(float64(d.V.Milliseconds())), RoleMeasured})
	}
	if n := p.FailedRuns(); n > 0 {
		facts = append(facts, Fact{"app.failed", "failed runs", fmt.Sprint(n), RoleMeasured})
	}
	if r.Environment != "" {
		facts = append(facts, Fact{"app.environment", "environment", Inert(r.Environment), RoleName})
	}
	return facts
}

// shownConfig are the properties whose values a reader needs to judge a
// change: those that are set, or have one default everywhere.
var shownConfig = []string{
	"spark.executor.memory", "spark.executor.memoryOverhead", "spark.executor.cores", "spark.executor.instances",
	"spark.dynamicAllocation.enabled", "spark.dynamicAllocation.maxExecutors", "spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled", "spark.driver.memory",
}

func configuration(c analysis.Conf) []Fact {
	var facts []Fact
	for _, key := range shownConfig {
		prop, _ := analysis.FindProperty(key)
		text := prop.Default + " (default)"
		if v, set := c[key]; set {
			text = Inert(v)
		} else if prop.Default == "" {
			continue
		}
		facts = append(facts, Fact{"conf." + key, key, text, RoleMeasured})
	}
	return facts
}

func findingFact(r *analysis.Rule, f analysis.Finding, abstained bool) FindingFact {
	out := FindingFact{Rule: f.Rule, Title: r.Title, Flag: flagOf(f.Status)}
	if abstained {
		out.Flag = FlagAbstained
	}
	out.Reason = Fact{"finding." + f.Rule + ".reason", r.Title, f.Reason, RoleReason}
	for i, e := range f.Evidence {
		out.Evidence = append(out.Evidence, Fact{fmt.Sprintf("finding.%s.%d", f.Rule, i), e.Label, Quantity(e.Value, e.Unit), RoleMeasured})
	}
	return out
}

func flagOf(s analysis.Status) Flag {
	switch s {
	case analysis.Advises:
		return FlagAction
	case analysis.Unmeasured:
		return FlagNotMeasured
	case analysis.Silent:
	}
	return FlagOK
}

func changeFact(c analysis.Change) ChangeFact {
	id := "change." + c.Key
	from := Inert(c.From)
	switch {
	case c.From == "" && c.Effective == "":
		from = "not set"
	case c.From == "":
		from = c.Effective + " (default)"
	}
	return ChangeFact{
		Key:        c.Key,
		Rule:       c.Rule,
		Confidence: string(c.Confidence),
		From:       Fact{id + ".from", c.Key, from, RoleOld},
		To:         Fact{id + ".to", c.Key, c.To, RoleNew},
	}
}

func effectFacts(e *analysis.Effect) []Fact {
	if e == nil {
		return nil
	}
	facts := []Fact{
		{"effect.container.before", "container of one executor, before", Bytes(float64(e.ContainerBefore)), RoleMeasured},
		{"effect.container.after", "container of one executor, after", Bytes(float64(e.ContainerAfter)), RolePredicted},
		{"effect.memory.before", "memory reserved per run, median", GBHours(e.GBHoursBefore), RoleMeasured},
		{"effect.memory.range", "range over the runs", GBHours(e.GBHoursLow) + " to " + GBHours(e.GBHoursHigh), RoleMeasured},
		{"effect.memory.after", "memory reserved per run, predicted", GBHours(e.GBHoursAfter), RolePredicted},
	}
	if e.GBHoursBefore > 0 {
		facts = append(facts, Fact{"effect.memory.delta", "difference", fmt.Sprintf("%+.0f %%", 100*(e.GBHoursAfter/e.GBHoursBefore-1)), RolePredicted})
	}
	if e.RunsPerMonth > 0 {
		facts = append(facts, Fact{"effect.month", "difference per month", fmt.Sprintf("%+.1f GiB·h", (e.GBHoursAfter-e.GBHoursBefore)*e.RunsPerMonth), RolePredicted})
	}
	return facts
}

// maxForeign bounds a text of an application or a repository, in runes.
const maxForeign = 120

// Inert makes a foreign text safe to print as a value: printable, and bounded.
func Inert(s string) string {
	r := []rune(Printable(s))
	if len(r) > maxForeign {
		return string(r[:maxForeign]) + "…"
	}
	return string(r)
}

// Printable makes a foreign text one line without control or formatting
// characters, which could drive a terminal or reorder text.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
