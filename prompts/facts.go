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
	"time"

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
	RoleBound     Role = "bound" // a limit that somebody set
	RoleReason    Role = "reason"
)

// A Fact is one value that may be said, rendered with its unit.
type Fact struct {
	ID    string `json:"id"` // unique in its Facts, e.g. "change.spark.executor.memory.to"
	Label string `json:"label"`
	Text  string `json:"text"`
	Role  Role   `json:"role"`
	// Say are words of which one must stand beside a reference to the fact, so
	// that no value is passed off as another; none are needed when it is empty.
	Say []string `json:"say,omitempty"`
	// Foreign means that others wrote the text: it is data, never an instruction.
	Foreign bool `json:"foreign,omitempty"`
}

// Flag is the status of one diagnosis. The criteria are the rules'.
type Flag string

// The closed set of flags.
const (
	FlagOK          Flag = "ok"
	FlagAction      Flag = "action"
	FlagNotMeasured Flag = "not measured"
	FlagWaits       Flag = "waits"     // something is wrong too; an earlier diagnosis is acted on first
	FlagAbstained   Flag = "abstained" // no rule looked at the job; the reason says why
)

// Flags are all flags with their criteria, in the order of urgency.
var Flags = []struct {
	Flag     Flag
	Criteria string
}{
	{FlagAction, "the rule's symptom was measured, its gates hold, and it asks for a change"},
	{FlagNotMeasured, "a measurement that the rule needs is missing; the reason says which"},
	{FlagWaits, "something is wrong too; an earlier diagnosis is acted on first"},
	{FlagAbstained, "no rule looked at the job; the reason says why"},
	{FlagOK, "the rule looked and asks for nothing; the reason says why"},
}

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
	Purpose    string `json:"purpose"`
	Confidence string `json:"confidence"`
	Name       Fact   `json:"name"` // the property's name
	From       Fact   `json:"from"`
	To         Fact   `json:"to"`
	Direction  string `json:"direction,omitempty"` // up or down, where the values can be compared
	Outcome    string `json:"outcome"`             // applied, already, refused
	Place      string `json:"place"`               // path:line
	Refusal    string `json:"refusal,omitempty"`
}

// Facts are all that may be said about one job, in the order of the report's
// five sections. As JSON they are what docs/schemas/facts.schema.json says.
type Facts struct {
	Job       string        `json:"job"`
	Declared  string        `json:"declared"` // path:line
	Operator  string        `json:"operator"`
	Matched   string        `json:"matched"` // how runs were told to be the job's
	Overview  []Fact        `json:"overview"`
	Config    []Fact        `json:"config"`
	Findings  []FindingFact `json:"findings"`
	Changes   []ChangeFact  `json:"changes"`
	Effect    []Fact        `json:"effect"`
	Disclosed []Fact        `json:"disclosed"` // gates that are not the defaults
}

// NewFacts renders what is known of a job: its profile and the advice on it.
// The caller adds where it is declared and what became of the changes.
func NewFacts(p *analysis.Profile, a analysis.Advice) Facts {
	f := Facts{Job: Foreign(a.Job), Overview: []Fact{}, Config: []Fact{}, Findings: []FindingFact{}, Changes: []ChangeFact{}, Disclosed: []Fact{}}
	if len(p.Runs) > 0 {
		f.Overview = overview(p)
		f.Config = configuration(p.Conf())
	}
	for i, finding := range a.Findings {
		if finding.Moot || analysis.Rules[i].Advice && finding.Status != analysis.Advises {
			continue // it does not concern the job, or is a word to a person that is not needed
		}
		f.Findings = append(f.Findings, findingFact(analysis.Rules[i], finding, a.Abstains != ""))
	}
	for _, c := range a.Changes {
		f.Changes = append(f.Changes, changeFact(c))
	}
	f.Effect = effectFacts(a.Effect)
	return f
}

// Bound is a limit that somebody set, as a fact.
func Bound(name, text string) Fact {
	return Fact{ID: "bound." + name, Label: name, Text: Foreign(text), Role: RoleBound}
}

func measured(id, label, text string, say ...string) Fact {
	return Fact{ID: id, Label: label, Text: text, Role: RoleMeasured, Say: say}
}

func predicted(id, label, text string, say ...string) Fact {
	return Fact{ID: id, Label: label, Text: text, Role: RolePredicted, Say: say}
}

// foreign is a fact whose text others wrote.
func foreign(id, label, text string, role Role, say ...string) Fact {
	return Fact{ID: id, Label: label, Text: Foreign(text), Role: role, Say: say, Foreign: true}
}

func overview(p *analysis.Profile) []Fact {
	r := p.Newest()
	first, last := p.Runs[0].Start, r.Start
	facts := []Fact{
		foreign("app.name", "application", r.AppName, RoleName, "application", "called", "named", "name", "job"),
		foreign("app.spark", "Spark", r.SparkVersion, RoleMeasured, "Spark"),
		measured("app.runs", "runs", fmt.Sprint(len(p.Runs)), "runs", "times"),
		measured("app.first", "first run", first.UTC().Format(time.DateOnly), "from", "first", "since", "between"),
		measured("app.last", "last run", last.UTC().Format(time.DateOnly), "to", "last", "latest", "newest", "until", "and", "through"),
	}
	if d := p.MedianDuration(); d.OK {
		facts = append(facts, measured("app.duration", "median duration", Millis(float64(d.V.Milliseconds())), "median", "duration", "takes", "took", "typical", "lasts"))
	}
	if n := p.FailedRuns(); n > 0 {
		facts = append(facts, measured("app.failed", "failed runs", fmt.Sprint(n), "failed", "failures"))
	}
	if r.Environment != "" {
		facts = append(facts, foreign("app.environment", "environment", r.Environment, RoleName, "environment", "in"))
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
	facts := []Fact{}
	for _, key := range shownConfig {
		prop, _ := analysis.FindProperty(key)
		id := "conf." + key
		if v, set := c[key]; set {
			facts = append(facts, foreign(id, key, v, RoleMeasured, topics[key]...))
		} else if prop.Default != "" {
			facts = append(facts, measured(id, key, prop.Default+" (default)", topics[key]...))
		}
	}
	return facts
}

func findingFact(r *analysis.Rule, f analysis.Finding, abstained bool) FindingFact {
	out := FindingFact{Rule: f.Rule, Title: r.Title, Flag: flagOf(f.Status)}
	if abstained {
		out.Flag = FlagAbstained
	}
	out.Reason = Fact{ID: "finding." + f.Rule + ".reason", Label: r.Title, Text: ForeignReason(f.Reason), Role: RoleReason}
	for i, e := range f.Evidence {
		out.Evidence = append(out.Evidence, measured(fmt.Sprintf("finding.%s.%d", f.Rule, i), e.Label, Quantity(e.Value, e.Unit)))
	}
	for i, say := range distinctive(out.Evidence) {
		out.Evidence[i].Say = say
	}
	return out
}

func flagOf(s analysis.Status) Flag {
	switch s {
	case analysis.Advises:
		return FlagAction
	case analysis.Unmeasured:
		return FlagNotMeasured
	case analysis.Waits:
		return FlagWaits
	case analysis.Silent:
	}
	return FlagOK
}

func changeFact(c analysis.Change) ChangeFact {
	id := "change." + c.Key
	from := c.From
	switch {
	case c.From == "" && c.Effective == "":
		from = "not set"
	case c.From == "":
		from = c.Effective + " (default)"
	}
	return ChangeFact{
		Key:        c.Key,
		Rule:       c.Rule,
		Purpose:    string(c.Purpose),
		Confidence: string(c.Confidence),
		Name:       Fact{ID: id + ".name", Label: "property", Text: c.Key, Role: RoleName},
		From:       Fact{ID: id + ".from", Label: c.Key, Text: Foreign(from), Role: RoleOld, Foreign: c.From != ""},
		To:         Fact{ID: id + ".to", Label: c.Key, Text: c.To, Role: RoleNew},
		Direction:  direction(c),
	}
}

// direction says which way a change goes, "" where the values cannot be
// compared or nothing was set before.
func direction(c analysis.Change) string {
	from, to := analysis.ParseBytes(c.Effective, 1), analysis.ParseBytes(c.To, 1)
	switch {
	case !from.OK || !to.OK || from.V == to.V:
		return ""
	case from.V < to.V:
		return "up"
	}
	return "down"
}

func effectFacts(e *analysis.Effect) []Fact {
	if e == nil {
		return []Fact{}
	}
	facts := []Fact{
		measured("effect.container.before", "container of one executor, before", Bytes(float64(e.ContainerBefore)), "container"),
		predicted("effect.container.after", "container of one executor, after", Bytes(float64(e.ContainerAfter)), "container"),
		measured("effect.memory.before", "memory reserved per run, median", GBHours(e.GBHoursBefore), "memory", "reserved"),
		measured("effect.memory.low", "least memory reserved by a run", GBHours(e.GBHoursLow), "least", "smallest", "lowest"),
		measured("effect.memory.high", "most memory reserved by a run", GBHours(e.GBHoursHigh), "most", "largest", "highest"),
		predicted("effect.memory.after", "memory reserved per run, predicted", GBHours(e.GBHoursAfter), "memory", "reserved"),
	}
	if e.GBHoursBefore > 0 {
		facts = append(facts, predicted("effect.memory.delta", "difference", fmt.Sprintf("%+.0f %%", 100*(e.GBHoursAfter/e.GBHoursBefore-1)), "difference", "change", "("))
	}
	if x := e.Expected; x != nil {
		facts = append(facts,
			predicted("effect.memory.expected.low", "memory reserved by the next run, at least", GBHours(x.Low), "least"),
			predicted("effect.memory.expected.high", "memory reserved by the next run, at most", GBHours(x.High), "most"))
	}
	if d := e.Duration; d != nil {
		facts = append(facts,
			measured("effect.duration.before", "duration of a run, median", Millis(d.Before), "duration", "run"),
			predicted("effect.duration.after", "duration of a run, predicted", Millis(d.After), "duration", "run"),
			predicted("effect.duration.low", "duration of the next run, at least", Millis(d.Low), "least"),
			predicted("effect.duration.high", "duration of the next run, at most", Millis(d.High), "most"))
	}
	if e.RunsPerMonth > 0 {
		facts = append(facts, predicted("effect.month", "difference per month", fmt.Sprintf("%+.1f GiB·h", (e.GBHoursAfter-e.GBHoursBefore)*e.RunsPerMonth), "month", "monthly"))
	}
	return facts
}
