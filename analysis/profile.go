package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// A Profile is what a job's recent runs say about it: the runs of one cohort
// (one environment, one kind of run, one configuration, one Spark line), and
// what was left out of it and why.
type Profile struct {
	Job      string
	Runs     []*Run // the cohort, by start and key; at least one unless Excluded says why
	Excluded []Excluded
	// Beside are runs of the cohort's configuration since its first run that
	// are not in it: of another environment or kind, or with other queries.
	Beside []*Run
	// Earlier are runs like those of the cohort under configurations before its
	// own: what was tried already.
	Earlier []*Run
	Now     time.Time
	// SetInCode are the properties that the job's own code sets: what is
	// submitted for them has no effect. The caller fills it.
	SetInCode []string
	// Details are the profiles of some of Runs, those that [Profile.Wanted]
	// names as far as they are known. The caller fills it.
	Details []*RunProfile
	sims    []*Simulation // of Details, once a rule has asked
}

// Excluded counts runs that are not in the cohort.
type Excluded struct {
	Reason string `json:"reason"`
	Runs   int    `json:"runs"`
}

// unsized are properties that change what is measured, not how the job runs:
// turning measurement on must not start a new cohort.
var unsized = map[string]bool{
	"spark.eventLog.logStageExecutorMetrics":    true,
	"spark.executor.processTreeMetrics.enabled": true,
	"spark.executor.metrics.pollingInterval":    true,
	"spark.executors.instances":                 true,
	"spark.executors.memory":                    true,
	"spark.driver.extraJavaOptions":             true,
}

// NewProfile selects the cohort of the job's runs that advice is about: the
// environment and kind of run with the most runs, and within it the
// configuration of the newest run. The order of runs does not matter.
func NewProfile(job string, runs []Run, now time.Time, pol Policy) *Profile {
	p := &Profile{Job: job, Now: now}
	recent := make([]*Run, len(runs))
	for i := range runs {
		recent[i] = &runs[i]
	}
	slices.SortFunc(recent, compareRuns)
	recent = p.keep(recent, fmt.Sprintf("started more than %s ago, or without a start", days(pol.Lookback)), func(r *Run) bool {
		return !r.Start.IsZero() && !r.Start.Before(now.Add(-pol.Lookback)) && !r.Start.After(now)
	})
	if len(recent) == 0 {
		return p
	}
	all, main := recent, mainGroup(recent, pol)
	recent = p.keep(recent, "another environment or kind of run", func(r *Run) bool { return groupOf(r) == main })
	newest := recent[len(recent)-1]
	p.Earlier = pick(recent, func(r *Run) bool { return !sameCohort(r, newest) && samePlan(r, newest) })
	recent = p.keep(recent, "an earlier configuration or Spark version", func(r *Run) bool { return sameCohort(r, newest) })
	recent = p.keep(recent, "other queries", func(r *Run) bool { return samePlan(r, newest) })
	first := scaleChange(recent)
	p.Runs = p.keep(recent, "another scale of input", func(r *Run) bool { return !r.Start.Before(first) })
	p.Beside = pick(all, func(r *Run) bool {
		return !r.Start.Before(p.Runs[0].Start) && !slices.Contains(p.Runs, r) && sameCohort(r, newest)
	})
	return p
}

// samePlan says whether two runs had the same queries, as far as is known. A
// new build of the same code has the same.
func samePlan(a, b *Run) bool {
	return a.PlanFingerprint == "" || b.PlanFingerprint == "" || a.PlanFingerprint == b.PlanFingerprint
}

// Bounds of a change of scale: the input of all runs since is at least this
// many times that of all before, or as much smaller, and there are this many on
// each side. A single large run is month end, not a change.
const (
	otherScale = 4
	scaleRuns  = 3
)

// scaleChange is when the input last changed its scale for good; a zero time
// when it did not.
func scaleChange(runs []*Run) time.Time {
	n := len(runs)
	least, most := make([]int64, n+1), make([]int64, n+1) // of the runs from i on
	least[n] = math.MaxInt64
	for i := n - 1; i >= 0; i-- {
		v := runs[i].InputBytes
		if !v.OK || v.V <= 0 {
			return time.Time{} // not known of every run
		}
		least[i], most[i] = min(least[i+1], v.V), max(most[i+1], v.V)
	}
	var change time.Time
	low, high := int64(math.MaxInt64), int64(0) // of the runs before i
	for i, r := range runs {
		if i >= scaleRuns && n-i >= scaleRuns && (least[i]/otherScale >= high || low/otherScale >= most[i]) {
			change = r.Start
		}
		low, high = min(low, r.InputBytes.V), max(high, r.InputBytes.V)
	}
	return change
}

func (p *Profile) keep(runs []*Run, reason string, ok func(*Run) bool) []*Run {
	kept := pick(runs, ok)
	if n := len(runs) - len(kept); n > 0 {
		p.Excluded = append(p.Excluded, Excluded{reason, n})
	}
	return kept
}

func compareRuns(a, b *Run) int {
	return cmp.Or(a.Start.Compare(b.Start), a.Compare(b.Key))
}

type group struct{ environment, runType string }

func groupOf(r *Run) group { return group{r.Environment, r.RunType} }

// mainGroup is the group that advice is about: production before what is tried
// out more often, if it has runs enough to speak; else the one with the most
// runs. Ties go to the one that sorts first, so that the order of runs does not
// matter.
func mainGroup(runs []*Run, pol Policy) group {
	n := make(map[group]int)
	for _, r := range runs {
		n[groupOf(r)]++
	}
	// speaks is 0 for production, which is first.
	speaks := func(g group) int {
		if isProduction(g.environment) && n[g] >= pol.MinRuns {
			return 0
		}
		return 1
	}
	groups := slices.Collect(maps.Keys(n))
	return slices.MinFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(speaks(a), speaks(b)), cmp.Compare(n[b], n[a]),
			strings.Compare(a.environment, b.environment), strings.Compare(a.runType, b.runType))
	})
}

func isProduction(environment string) bool {
	switch strings.ToLower(environment) {
	case "prod", "production", "prd", "live":
		return true
	}
	return false
}

// sameCohort says whether two runs may be pooled: the same effective sizing
// configuration, what they set while they ran included, the same platform and
// the same minor version of Spark.
func sameCohort(a, b *Run) bool {
	if minorVersion(a.SparkVersion) != minorVersion(b.SparkVersion) || a.Platform() != b.Platform() {
		return false
	}
	if maps.Equal(a.Conf, b.Conf) && maps.Equal(a.RuntimeConf, b.RuntimeConf) {
		return true
	}
	x, y := a.RuntimeConf.over(a.Conf), b.RuntimeConf.over(b.Conf)
	for i := range Properties {
		p := &Properties[i]
		if x.text(p) != y.text(p) && !unsized[p.Name] && x.canonical(p) != y.canonical(p) {
			return false
		}
	}
	return true
}

// canonical spells equal values equally: "4096m" is "4g", "TRUE" is "true".
func (c Conf) canonical(p *Property) string {
	switch p.Kind {
	case KindBytes:
		if v := c.Bytes(p.Name); v.OK {
			return fmt.Sprint(v.V)
		}
	case KindMillis:
		if v := c.Millis(p.Name); v.OK {
			return fmt.Sprint(v.V)
		}
	case KindFloat:
		if v := c.Float(p.Name); v.OK {
			return fmt.Sprint(v.V)
		}
	case KindInt, KindBool, KindText:
	}
	return strings.ToLower(strings.TrimSpace(c.text(p)))
}

// older says whether a Spark version is before major.minor.
func older(version string, major, minor int) bool {
	var x, y int
	if n, _ := fmt.Sscanf(version, "%d.%d", &x, &y); n != 2 {
		return true
	}
	return x < major || x == major && y < minor
}

func minorVersion(v string) string {
	major, rest, _ := strings.Cut(v, ".")
	minor, _, patched := strings.Cut(rest, ".")
	if !patched {
		return v
	}
	return v[:len(major)+1+len(minor)]
}

// Newest is the latest run of the cohort.
func (p *Profile) Newest() *Run { return p.Runs[len(p.Runs)-1] }

// Conf is the cohort's configuration.
func (p *Profile) Conf() Conf { return p.Newest().Conf }

// Span is the time between the first and the last start of the cohort.
func (p *Profile) Span() time.Duration { return span(p.Runs) }

// span is the time between the first and the last start of runs by start.
func span(runs []*Run) time.Duration {
	if len(runs) == 0 {
		return 0
	}
	return runs[len(runs)-1].Start.Sub(runs[0].Start)
}

// sound are the runs whose figures are whole and normal: complete and not
// failed. Only they may justify taking something away. Rules that ask for them
// need the columns soundness.
func (p *Profile) sound() []*Run {
	return pick(p.Runs, func(r *Run) bool { return r.Complete() && r.Status == StatusSucceeded })
}

// soundness are the columns that tell sound runs.
var soundness = append(slices.Clone(CompletenessColumns), "status")

// witnesses are the runs that may speak against taking something away: all that
// had the configuration, failed and incomplete ones too, whose peaks are lower
// bounds, and those beside the cohort.
func (p *Profile) witnesses() []*Run {
	if len(p.Beside) == 0 {
		return p.Runs // mostly: nothing to copy
	}
	return slices.Concat(p.Runs, p.Beside)
}

// abstain says why nothing at all can be said of the job; "" when it can.
func (p *Profile) abstain(pol Policy) string {
	if len(p.Runs) == 0 {
		return "no runs in the lake" + p.excludedText()
	}
	r := p.Newest()
	switch {
	case r.Workload != WorkloadBatch && r.Workload != "":
		return fmt.Sprintf("a %s application: its sizes follow other needs than those of one batch job", r.Workload)
	case len(p.Runs) < pol.MinRuns:
		return fmt.Sprintf("%s of this configuration, %d needed%s%s", plural(len(p.Runs), "run"), pol.MinRuns, p.excludedText(), p.whenEnough(len(p.Runs), pol.MinRuns, 0, pol))
	case p.Now.Sub(r.Start) > pol.MaxAge:
		return fmt.Sprintf("the newest run started on %s, more than %s ago: its metrics are stale", r.Start.Format(time.DateOnly), days(pol.MaxAge))
	}
	return ""
}

// whenEnough says when a cohort that has n of the runs it needs, or does not
// cover the time it needs, will: at the cadence of such runs so far, or never in
// a window as short as the policy's. "" where no cadence is known, or the job is
// late.
func (p *Profile) whenEnough(n, need int, history time.Duration, pol Policy) string {
	if len(p.Runs) < 2 || p.Span() <= 0 || n == 0 {
		return ""
	}
	every := time.Duration(float64(p.Span()) / float64(len(p.Runs)-1) * float64(len(p.Runs)) / float64(n))
	const day = 24 * time.Hour
	if needs := max(time.Duration(need-1)*every, history); needs > pol.Lookback {
		return fmt.Sprintf("; at one run in %s the window of %s (lookback) never holds them: it has to be %s", days(every), days(pol.Lookback), days((needs + every).Round(day)))
	}
	at := p.Newest().Start.Add(time.Duration(max(0, need-n)) * every)
	if covered := p.Runs[0].Start.Add(history); covered.After(at) {
		at = covered
	}
	if !at.After(p.Now) {
		return ""
	}
	return fmt.Sprintf("; at one run in %s they are there on %s", days(every), at.Format(time.DateOnly))
}

func (p *Profile) excludedText() string {
	if len(p.Excluded) == 0 {
		return ""
	}
	var parts []string
	for _, e := range p.Excluded {
		parts = append(parts, fmt.Sprintf("%d left out: %s", e.Runs, e.Reason))
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func days(d time.Duration) string {
	if d >= 24*time.Hour {
		return plural(int(d/(24*time.Hour)), "day")
	}
	return d.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// MedianDuration is the median duration of the cohort's runs.
func (p *Profile) MedianDuration() Opt[time.Duration] {
	return medianOf(p.Runs, (*Run).Duration)
}

// FailedRuns counts the runs of the cohort that failed.
func (p *Profile) FailedRuns() int {
	return count(p.Runs, func(r *Run) bool { return r.Status == StatusFailed })
}
