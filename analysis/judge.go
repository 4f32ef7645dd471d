package analysis

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// An Outcome is how a merged change turned out.
type Outcome string

// The outcomes.
const (
	TooEarly Outcome = "too_early" // not a full cycle of runs under it yet
	Kept     Outcome = "kept"      // as promised or as before, within the job's own noise
	Better   Outcome = "better"
	Worse    Outcome = "worse"
)

// A Promise is what was said of a change when it was proposed.
type Promise struct {
	Changes []Change
	Merged  time.Time
	// Duration and Cost are the promised factors of duration and of memory
	// reserved; 0 means that none was promised, and 1 is taken.
	Duration float64
	Cost     float64
}

// A Judgement is what the runs since the merge say of a promise.
type Judgement struct {
	Outcome  Outcome    `json:"outcome"`
	Reason   string     `json:"reason"`
	Runs     int        `json:"runs"` // under the new configuration
	Evidence []Evidence `json:"evidence,omitempty"`
	// Revert means that the job was better off before: it did not fail then as
	// it does now, or as the change was to end.
	Revert bool `json:"revert"`
}

// Split cuts a job's runs at the merge: the cohort that was there before, and
// those that were the first to have the new values, of the same environment and
// kind of run and without what was changed later.
func (pr Promise) Split(job string, runs []Run, now time.Time, pol Policy) (before, after *Profile) {
	var old, since []Run
	for _, r := range runs {
		if r.Start.Before(pr.Merged) {
			old = append(old, r)
		} else if has(&r, pr.Changes) {
			since = append(since, r)
		}
	}
	before = NewProfile(job, old, pr.Merged, pol)
	if len(since) > 0 && len(before.Runs) > 0 {
		first := slices.MinFunc(since, func(a, b Run) int { return compareRuns(&a, &b) })
		since = slices.DeleteFunc(since, func(r Run) bool {
			return groupOf(&r) != groupOf(before.Newest()) || !sameCohort(&r, &first)
		})
	}
	return before, NewProfile(job, since, now, pol)
}

// Judge compares the runs under a merged change with the promise and with the
// runs before it: a cohort each, of the same environment and kind of run. After
// are the runs that started since the merge; those that do not have the new
// values are not counted.
//
// The bound is the job's own noise, not a fixed factor. Durations and
// reservations are taken per byte of input where that makes the runs before the
// merge more alike, so that the growth of data is not blamed on the change. A
// death of memory that is new is worse at once, and so are failures of clearly
// more of the runs than before; everything else waits for a full cycle.
func Judge(pr Promise, before, after *Profile, pol Policy) Judgement {
	runs := pick(after.Runs, func(r *Run) bool { return !r.Start.Before(pr.Merged) && has(r, pr.Changes) })
	j := Judgement{Outcome: TooEarly, Runs: len(runs)}
	if len(before.Runs) == 0 {
		j.Reason = "no run before the merge is known"
		return j
	}
	if what := newFailure(before.Runs, runs); what != "" {
		j.Outcome, j.Reason, j.Revert = Worse, what+" since the merge, and none before", !pr.mends(before.Runs)
		return j
	}
	if len(runs) == 0 {
		j.Reason = "no run has the new values yet"
		return j
	}
	lacks := stillLacks(pr, before, runs)
	if what := failsMore(before.Runs, runs); what != "" && !lacks {
		j.Outcome, j.Reason, j.Revert = Worse, what, !pr.mends(before.Runs)
		return j
	}
	if why := cycleIncomplete(before, runs, pol); why != "" {
		j.Reason = why
		return j
	}
	if lacks {
		j.Outcome, j.Reason = Worse, "the runs still run out of memory: the next step, or a person, is due"
		return j
	}
	if failed.more(before.Runs, runs) {
		j.Outcome, j.Reason = Worse, failed.told(before.Runs, runs)+", of a cause that no log tells: a person has to look at them"
		return j
	}
	if what := collectsAsMuch(pr, before.Runs, runs); what != "" {
		j.Outcome, j.Reason, j.Revert = Worse, what, true
		return j
	}
	if what := cured(before.Runs, runs); what != "" {
		j.Outcome, j.Reason = Better, what
		if pr.mends(before.Runs) {
			j.Outcome = Kept // that was the promise
		}
		return j
	}
	j = j.compare(pr, sane(before.Runs), sane(runs), pol.Goal)
	j.Revert = j.Revert && !pr.mends(before.Runs)
	return j
}

// A failure is a way in which runs die.
type failure struct {
	what string
	has  func(*Run) bool
}

// failuresForMemory are the ways in which a job dies of its memory.
var failuresForMemory = []failure{
	{"an OutOfMemoryError", outOfHeap},
	{"a container killed for its memory", killedContainer},
	{"a driver that died of its heap", driverOutOfHeap},
	{"one task that took its executors along until the job failed", diedOfOneTask},
}

// failed is a failure that sizes may be to blame for, though no log says so.
var failed = failure{"a failure", func(r *Run) bool {
	return r.Status == StatusFailed && !failedByItself(r) && !onlyPreempted(r)
}}

// onlyPreempted says whether the platform took executors of a run, and nothing
// else did.
func onlyPreempted(r *Run) bool {
	n := r.ExecutorsLost[LossPreempted]
	return n > 0 && faults(r) == n
}

func killedContainer(r *Run) bool { return r.ExecutorsLost[LossContainerMemory] > 0 }

// mends says whether the runs before failed for memory and the change was to
// end that: then the values of before are no better place to go.
func (pr Promise) mends(before []*Run) bool {
	if len(pr.Changes) == 0 || !slices.Contains([]string{heapOOM.Name, containerKill.Name, driverOOM.Name}, pr.Changes[0].Rule) {
		return false
	}
	for _, f := range failuresForMemory {
		if count(before, f.has) > 0 {
			return true
		}
	}
	return false
}

// has says whether a run had all new values.
func has(r *Run, changes []Change) bool {
	for _, c := range changes {
		prop, ok := FindProperty(c.Key)
		if !ok || r.Conf.canonical(prop) != (Conf{prop.Name: c.To}).canonical(prop) {
			return false
		}
	}
	return true
}

// newFailure names a failure for memory that only the runs after have.
func newFailure(before, after []*Run) string {
	for _, f := range failuresForMemory {
		if count(after, f.has) > 0 && count(before, f.has) == 0 {
			return f.what
		}
	}
	return ""
}

// byChance is how likely it is at most that runs which fail as often as those
// before would fail as often as those since: what is rarer is the change's doing.
const byChance = 0.01

// more says whether clearly more of the runs after than before have the failure:
// two at least, and more than chance gives a job that is no worse than it was. Its
// rate is taken as if one more run had failed and one had not (Laplace), because
// none of a few runs is not never.
func (f failure) more(before, after []*Run) bool {
	n := count(after, f.has)
	rate := float64(count(before, f.has)+1) / float64(len(before)+2)
	return n >= 2 && atLeast(n, len(after), rate) < byChance
}

// atLeast is the probability of n or more of m independent events.
func atLeast(n, m int, each float64) float64 {
	var sum float64
	for i := n; i <= m; i++ {
		sum += math.Exp(logFactorial(m) - logFactorial(i) - logFactorial(m-i) + float64(i)*math.Log(each) + float64(m-i)*math.Log1p(-each))
	}
	return sum
}

func logFactorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

func (f failure) told(before, after []*Run) string {
	return fmt.Sprintf("%d of %s since the merge had %s, and %d of %d before", count(after, f.has), plural(len(after), "run"), f.what, count(before, f.has), len(before))
}

// failsMore says how clearly more runs die than before; "" when they do not.
// Where no log says that it is memory, every second run has to: an outage of a
// few nights is not the change's doing.
func failsMore(before, after []*Run) string {
	for _, f := range failuresForMemory {
		if f.more(before, after) {
			return f.told(before, after)
		}
	}
	if failed.more(before, after) && 2*count(after, failed.has) >= len(after) {
		return failed.told(before, after)
	}
	return ""
}

// collectsAsMuch says that a heap which was to end garbage collection did not.
func collectsAsMuch(pr Promise, before, after []*Run) string {
	if len(pr.Changes) == 0 || pr.Changes[0].Rule != gcPressure.Name || pr.Changes[0].Key != keyMemory {
		return ""
	}
	then, now := medianOf(before, (*Run).GCShare), medianOf(after, (*Run).GCShare)
	if !then.OK || !now.OK || now.V <= lessGC*then.V {
		return ""
	}
	return fmt.Sprintf("garbage collection takes %.0f %% of the run time, and took %.0f %% before: the heap is not its cause", 100*now.V, 100*then.V)
}

// cured says of what at least every second run died before, and none does now.
func cured(before, after []*Run) string {
	for _, f := range failuresForMemory {
		if n := count(before, f.has); n > 0 && 2*n >= len(before) && count(after, f.has) == 0 {
			return fmt.Sprintf("%d of %s before had %s, and none of %d since", n, plural(len(before), "run"), f.what, len(after))
		}
	}
	return ""
}

// stillLacks says whether a change that was to end failures for memory did not.
// One that a person made is known by its key and that it gives more, where at
// least every second run before failed.
func stillLacks(pr Promise, before *Profile, runs []*Run) bool {
	if len(pr.Changes) == 0 {
		return false
	}
	c := pr.Changes[0]
	more := ParseBytes(c.To, mib).V > ParseBytes(before.effective(c.Key), mib).V
	for _, cure := range []struct {
		rule, key string
		failed    func(*Run) bool
	}{
		{heapOOM.Name, keyMemory, outOfHeap},
		{containerKill.Name, keyOverhead, killedContainer},
		{driverOOM.Name, keyDriver, driverOutOfHeap},
	} {
		if c.Rule == cure.rule || c.Rule == "" && c.Key == cure.key && more && 2*count(before.Runs, cure.failed) >= len(before.Runs) {
			return count(runs, cure.failed) > 0
		}
	}
	return false
}

// cycleIncomplete says what the runs since the merge lack to a full cycle: the
// time that the runs before cover, at most the policy's history.
func cycleIncomplete(before *Profile, runs []*Run, pol Policy) string {
	cycle := pol.MinHistory
	if len(before.Runs) > 0 {
		cycle = min(cycle, before.Span())
	}
	span := runs[len(runs)-1].Start.Sub(runs[0].Start)
	switch {
	case len(runs) < pol.MinRuns:
		return fmt.Sprintf("%s with the new values, %d needed", plural(len(runs), "run"), pol.MinRuns)
	case span < cycle:
		return fmt.Sprintf("the runs with the new values cover %s of a cycle of %s", days(span), days(cycle))
	}
	return ""
}

// sane are the runs whose figures can be compared.
func sane(runs []*Run) []*Run {
	return pick(runs, func(r *Run) bool { return r.Complete() && r.Status != StatusFailed })
}

// compare judges duration and memory reserved. Runs that are clearly faster may
// reserve more, as far as the goal pays for the time.
func (j Judgement) compare(pr Promise, before, after []*Run, goal Goal) Judgement {
	j.Outcome, j.Reason = Kept, "as promised, within the job's own noise"
	if pr.Duration <= 0 && pr.Cost <= 0 {
		j.Reason = "as before, within the job's own noise"
	}
	paid := 0.0 // factor of what follows that is worth the time saved
	for _, m := range []struct {
		name, label string
		of          func(*Run) Opt[float64]
		promised    float64
	}{
		{"end_ts", "duration", seconds, pr.Duration},
		{"memory_byte_ms", "memory reserved", gbHours, pr.Cost},
	} {
		expected, said := m.promised, fmt.Sprintf(", %.2f promised", m.promised)
		if expected <= 0 {
			expected, said = 1, ""
		}
		c, ok := contrast(before, after, m.of, expected)
		if !ok {
			continue
		}
		j.Evidence = append(j.Evidence, Evidence{m.name, m.label + " after over before" + c.per, c.factor, "times"})
		if said != "" {
			j.Evidence = append(j.Evidence, Evidence{m.name, m.label + ", promised", expected, "times"})
		}
		if paid > expected && c.factor > expected {
			j.Evidence = append(j.Evidence, Evidence{m.name, m.label + ", worth the time saved", paid, "times"})
		}
		j.Evidence = append(j.Evidence, Evidence{m.name, m.label + ", the job's own noise", c.bound, "times"})
		reason := fmt.Sprintf("%s is %.2f times that before%s%s", m.label, c.factor, c.per, said)
		switch {
		case c.factor > max(expected, paid)*c.bound:
			j.Outcome, j.Reason, j.Revert = Worse, reason, c.factor > c.bound
			return j
		case c.factor < expected/c.bound && j.Outcome == Kept:
			j.Outcome, j.Reason = Better, reason
		}
		if c.factor < 1/c.bound {
			paid = goal.pays(c.factor)
		}
	}
	if len(j.Evidence) == 0 {
		j.Outcome, j.Reason = TooEarly, fmt.Sprintf("%d and %d complete runs before and after are too few to know the job's own noise", len(before), len(after))
	}
	return j
}

func seconds(r *Run) Opt[float64] {
	d := r.Duration()
	return Opt[float64]{V: d.V.Seconds(), OK: d.OK && d.V > 0}
}

// A contrasted pair of medians: their factor and how far from 1 noise alone
// takes it.
type contrasted struct {
	factor, bound float64
	per           string
}

// leastBound is a difference that is never worth a word.
const leastBound = 1.05

// sameInput is how far the medians of input may be apart to count as the same.
const sameInput = 1.1

// contrast compares the medians of a figure, as it is or per byte of input:
// whichever varies less; where the input itself has changed, whichever is nearer
// to the promise, because nobody knows how the job grows with its data.
func contrast(before, after []*Run, of func(*Run) Opt[float64], promised float64) (contrasted, bool) {
	plain, ok := logContrast(before, after, of)
	perByte, okByte := logContrast(before, after, func(r *Run) Opt[float64] {
		v := of(r)
		return Opt[float64]{V: v.V / float64(max(1, r.InputBytes.V)), OK: v.OK && r.InputBytes.V > 0}
	})
	perByte.per = " per byte of input"
	if !okByte || len(measured(before, inputOf)) < len(before) || len(measured(after, inputOf)) < len(after) {
		return plain, ok
	}
	grew, _ := logContrast(before, after, func(r *Run) Opt[float64] { return Some(float64(r.InputBytes.V)) })
	if changed := math.Abs(math.Log(grew.factor)) > math.Log(sameInput); changed {
		if math.Abs(math.Log(perByte.factor/promised)) < math.Abs(math.Log(plain.factor/promised)) {
			return perByte, true
		}
		return plain, ok
	}
	if perByte.bound < plain.bound {
		return perByte, true
	}
	return plain, ok
}

func inputOf(r *Run) Opt[int64] { return r.InputBytes }

// logContrast works on logarithms: noise of durations is a factor. The bound is
// what chance alone exceeds in about one of 100 such comparisons, to either side.
func logContrast(before, after []*Run, of func(*Run) Opt[float64]) (contrasted, bool) {
	x, y := logs(before, of), logs(after, of)
	if len(x) < 3 || len(y) == 0 {
		return contrasted{}, false
	}
	c := contrasted{factor: math.Exp(middle(y) - middle(x)), bound: byNoise(x, y)}
	return c, isFinite(c.factor, c.bound)
}

// usualErrors is how many standard errors chance takes medians apart at most,
// fewErrors where their deviation is that of a few runs, and fewestErrors that of
// three.
const (
	usualErrors  = 3
	fewErrors    = 4
	fewestErrors = 7
)

// byNoise is the factor by which the medians of two groups of logarithms may differ
// with nothing to blame. The median absolute deviation of three runs is often much
// too small and would blame every 25th harmless change, by its duration or its
// memory: of so few, all count alike.
func byNoise(x, y []float64) float64 {
	if min(len(x), len(y)) < 4 {
		return noise(pooled(x, y), len(x), len(y), fewErrors)
	}
	return noise(max(deviation(x), deviation(y)), len(x), len(y), usualErrors)
}

// usualNoise is the factor by which the median of as many runs to come may differ
// from that of these, of which alone the noise is known.
func usualNoise(v []float64) float64 {
	switch {
	case len(v) < 2:
		return leastBound // nothing is known of it
	case len(v) < 4:
		return noise(pooled(v, v), len(v), len(v), fewestErrors)
	}
	return byNoise(v, v)
}

// pooled is the standard deviation within two groups.
func pooled(x, y []float64) float64 {
	squares := func(v []float64) (sum float64) {
		for _, a := range v {
			sum += (a - mean(v)) * (a - mean(v))
		}
		return sum
	}
	return math.Sqrt((squares(x) + squares(y)) / float64(len(x)+len(y)-2))
}

// noise is the factor that stands for so many standard errors of the difference of
// the medians of two groups of runs, of their logarithms.
func noise(deviation float64, n, m int, errors float64) float64 {
	se := 1.2533 * deviation * math.Sqrt(1/float64(n)+1/float64(m))
	return max(leastBound, math.Exp(errors*se))
}

func logs(runs []*Run, of func(*Run) Opt[float64]) []float64 {
	var out []float64
	for _, v := range measured(runs, of) {
		if v > 0 && !math.IsInf(v, 0) {
			out = append(out, math.Log(v))
		}
	}
	slices.Sort(out)
	return out
}

// deviation is the standard deviation that a median absolute deviation stands
// for.
func deviation(v []float64) float64 {
	m := middle(v)
	d := make([]float64, len(v))
	for i, x := range v {
		d[i] = math.Abs(x - m)
	}
	return madFactor(len(v)) * 1.4826 * middle(d)
}

// madFactor makes up for what the median absolute deviation of few values is too
// small by. Source: Croux and Rousseeuw, Time-efficient algorithms for two highly
// robust estimators of scale, 1992; they hold for [middle].
func madFactor(n int) float64 {
	few := []float64{2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
	if n < len(few) {
		return few[n]
	}
	return float64(n) / (float64(n) - 0.8)
}

// middle is the median, halfway between the middle two: the lower of both would
// lean to one side, by a third of the deviation of four values.
func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
