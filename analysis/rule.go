package analysis

import (
	"cmp"
	"fmt"
	"slices"
)

// A Rule looks at one diagnosis. It answers on every profile: silence is an
// answer with a reason.
type Rule struct {
	Name  string // stored in reports and memory
	Title string
	Doc   string   // what it looks at, what it does, and where its thresholds come from
	Needs []string // columns without a value of which it is Unmeasured
	Keys  []string // properties that it may change or speak of
	// Advice means that a person decides: nothing of it is ever written.
	Advice bool
	// concerns says why the rule has nothing to do with a job, "" when it has;
	// nil is always.
	concerns func(*Profile, Policy) string
	eval     func(*Profile, Policy) Finding
}

// Rules are all rules, in the order in which they speak: when one advises, the
// later ones that would change the same job's sizes wait for its effect.
// Order: out of memory, container kill, spill and garbage collection come before
// anything is taken away, and executors, whose cut costs nothing, before memory.
// A rule whose Advice is set never makes others wait.
var Rules = []*Rule{
	&heapOOM, &containerKill, &driverOOM, &userCode, &preemption, &spill, &gcPressure, &skew, &deadConfiguration,
	&tinyTasks, &shufflePartitions, &inputSplits, &adaptiveExecution, &broadcast, &speculation, &localityWait, &serializer,
	&driverBound, &idleExecutors, &tooFewExecutors, &dynamicAllocation, &executorCores, &driverMemory, &driverCores,
	&measuring, &overProvisionedOverhead, &filledHeap, &overProvisionedHeap,
}

// Status says how a rule ended.
type Status string

// Every rule ends in exactly one of these.
const (
	Silent     Status = "silent"     // nothing to do, and why
	Unmeasured Status = "unmeasured" // cannot know; Reason says which measurement is missing
	Advises    Status = "advises"    // Changes says what; without any, the reason is for a person
	Waits      Status = "waits"      // would advise, but an earlier rule does: one cause at a time
)

// A Finding is a rule's answer on a profile.
type Finding struct {
	Rule     string     `json:"rule"`
	Status   Status     `json:"status"`
	Reason   string     `json:"reason"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Changes  []Change   `json:"changes,omitempty"`
	// Rails say what the policy's bounds made of what the measurements asked for.
	Rails []string `json:"rails,omitempty"`
	// Moot means that the rule has nothing to do with the job: a report need
	// not say so.
	Moot     bool `json:"-"`
	forecast *Forecast
}

// Evidence is one number that a finding rests on.
type Evidence struct {
	Metric string  `json:"metric"` // a column of the table
	Label  string  `json:"label"`  // for people
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"` // "bytes", "ratio", "count", "ms"
}

// Confidence says how sure a change is.
type Confidence string

// The levels of confidence.
const (
	High   Confidence = "high"   // the symptom, or its absence, in every run that could show it
	Medium Confidence = "medium" // in most
	Low    Confidence = "low"    // in some
)

// Purpose says what a change is for.
type Purpose string

// The purposes of changes.
const (
	Sizing    Purpose = "sizing"    // the measurements ask for it
	Measuring Purpose = "measuring" // it changes what is measured, not how the job runs
	Probing   Purpose = "probing"   // a bounded step to find out; its verdict is mandatory
	Keeping   Purpose = "keeping"   // it writes out what held, because another change would move it
	Advising  Purpose = "advising"  // for a person only: it may change results, plans or side effects
)

// A Change is a wanted value of one property.
type Change struct {
	Key        string     `json:"key"`
	From       string     `json:"from"`      // as the runs had it set; "" when they did not
	Effective  string     `json:"effective"` // what held in the runs: From, or Spark's default
	To         string     `json:"to"`
	Rule       string     `json:"rule"`
	Purpose    Purpose    `json:"purpose"`
	Confidence Confidence `json:"confidence"`
}

// Advice is all that the rules say of a job. One Finding per rule, in the
// order of the rules; at most one Change per key, sorted by key. Changes are
// those of the first rule that may write; what is for a person only stays in
// its Finding.
type Advice struct {
	Job      string     `json:"job"`
	Runs     int        `json:"runs"` // in the cohort
	Excluded []Excluded `json:"excluded,omitempty"`
	Abstains string     `json:"abstains,omitempty"` // why no rule looked at the job
	Findings []Finding  `json:"findings"`
	Changes  []Change   `json:"changes,omitempty"`
	Effect   *Effect    `json:"effect,omitempty"`
	forecast *Forecast  // what the changes rest on, where they were simulated
}

// Advise lets every rule of Rules look at the profile.
func Advise(p *Profile, pol Policy) Advice {
	a := Advice{Job: p.Job, Runs: len(p.Runs), Excluded: p.Excluded, Abstains: p.abstain(pol)}
	for _, r := range Rules {
		a.Findings = append(a.Findings, a.ask(r, p, pol))
	}
	if len(a.Changes) > 0 {
		a.Effect = effectOf(p, a.Changes, a.forecast, pol)
	}
	return a
}

// ask is the answer of one rule, after the vetoes: one cause chain at a time,
// so that what a change did can be told afterwards.
func (a *Advice) ask(r *Rule, p *Profile, pol Policy) Finding {
	if a.Abstains != "" {
		return Finding{Rule: r.Name, Status: Silent, Reason: a.Abstains}
	}
	if r.concerns != nil {
		if why := r.concerns(p, pol); why != "" {
			return Finding{Rule: r.Name, Status: Silent, Reason: why, Moot: true}
		}
	}
	if c := missing(r.Needs, p.Runs, len(p.Runs)); c != "" {
		return Finding{Rule: r.Name, Status: Unmeasured, Reason: "no run in the lake has a value of " + c}
	}
	f := r.eval(p, pol)
	f.Rule, f.Evidence = r.Name, finite(f.Evidence)
	if f.Status != Advises {
		return f
	}
	if why := p.withoutEffect(f.Changes); why != "" {
		return Finding{Rule: r.Name, Status: Silent, Evidence: f.Evidence, Reason: f.Reason + "; but " + why}
	}
	for i := range f.Changes {
		f.Changes[i].complete(r, p)
	}
	if r.Advice {
		return f
	}
	if why := cmp.Or(outOfRange(f.Changes, pol), p.misfit(f.Changes, pol), p.unseen(f.Changes)); why != "" {
		return Finding{Rule: r.Name, Status: Silent, Evidence: f.Evidence, Reason: f.Reason + "; but " + why}
	}
	if key := p.setByCode(f.Changes); key != "" {
		return Finding{Rule: r.Name, Status: Silent, Evidence: f.Evidence, Reason: f.Reason + "; but the application sets " + key + " itself, so a submitted value has no effect"}
	}
	if len(a.Changes) > 0 {
		f.Status, f.Changes = Waits, nil
		f.Reason += "; waits for the effect of " + a.Changes[0].Rule
		return f
	}
	a.Changes, a.forecast = f.Changes, f.forecast
	return f
}

// complete says whose a change is and what it changes.
func (c *Change) complete(r *Rule, p *Profile) {
	c.Rule, c.From, c.Effective = r.Name, p.Conf()[c.Key], p.effective(c.Key)
	switch {
	case r.Advice:
		c.Purpose = Advising
	case c.Purpose == "":
		c.Purpose = Sizing
	}
}

// setByCode names the first changed property that the application sets itself,
// in its code or while it runs; "" when it sets none.
func (p *Profile) setByCode(changes []Change) string {
	for _, c := range changes {
		if _, runtime := p.Newest().RuntimeConf[c.Key]; runtime || slices.Contains(p.SetInCode, c.Key) {
			return c.Key
		}
	}
	return ""
}

// effective is the value of a property that held in the runs.
func (p *Profile) effective(key string) string {
	prop, ok := FindProperty(key)
	if !ok {
		return p.Conf()[key]
	}
	if v := p.Conf().text(prop); v != "" {
		return v
	}
	if key == keyOverhead {
		return FormatMemory(p.overhead(p.Conf()))
	}
	return ""
}

// missing names the first of the columns that at least n of the runs have no
// value of, "" when there is none.
func missing(columns []string, runs []*Run, n int) string {
	for _, name := range columns {
		c := columnByName[name]
		if count(runs, func(r *Run) bool { return plainValue(c.Field(r)) == nil || slices.Contains(r.Unknown, name) }) >= n {
			return name
		}
	}
	return ""
}

func silent(reason string, ev ...Evidence) Finding {
	return Finding{Status: Silent, Reason: reason, Evidence: ev}
}

func unmeasured(reason string, ev ...Evidence) Finding {
	return Finding{Status: Unmeasured, Reason: reason, Evidence: ev}
}

// railed notes what a bound of the policy changed.
func (f Finding) railed(format string, args ...any) Finding {
	f.Rails = append(f.Rails, fmt.Sprintf(format, args...))
	return f
}

// simulated says what a finding rests on.
func (f Finding) simulated(by Forecast) Finding {
	f.forecast = &by
	return f
}

// advises sorts changes by key: the order of output is total.
func advises(reason string, ev []Evidence, changes ...Change) Finding {
	return Finding{Status: Advises, Reason: reason, Evidence: ev, Changes: sortChanges(changes)}
}
