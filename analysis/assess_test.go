package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// What somebody's change will do, in the language of the case book and
//
//	propose KEY=VALUE     a property that the change sets; KEY= takes it out
func TestAssess(t *testing.T) {
	golden(t, "assess", "assessment", func(c *testCase) string {
		a := Assess(c.profile(), c.proposed, c.policy)
		var b strings.Builder
		for _, x := range a.Changes {
			fmt.Fprintf(&b, "%s %s -> %q: %s, %s\n", x.Key, x.From, x.To, x.Prospect, x.Reason)
			for _, e := range x.Evidence {
				fmt.Fprintf(&b, "    %s: %.4g %s\n", e.Label, e.Value, e.Unit)
			}
		}
		fmt.Fprintf(&b, "worst: %s\n", a.Worst())
		return b.String()
	})
}

// What is reserved by other cores and another number of executors, in one step:
// the number rules where there is one.
func TestEffectOfExecutors(t *testing.T) {
	for name, c := range map[string]struct {
		conf, proposed        Conf
		master                string
		containers, coreHours float64 // factors
	}{
		"more and larger":         {Conf{keyInstances: "10"}, Conf{keyInstances: "20", keyCores: "8"}, "yarn", 2, 4},
		"as many slots":           {Conf{keyInstances: "10"}, Conf{keyInstances: "20", keyCores: "2"}, "yarn", 2, 1},
		"as many, and larger":     {Conf{keyInstances: "10"}, Conf{keyCores: "8"}, "yarn", 1, 2},
		"the default, and larger": {nil, Conf{keyCores: "8"}, "yarn", 1, 2},
		"more than the default":   {nil, Conf{keyInstances: "4"}, "yarn", 2, 2},
		"the default heap again":  {nil, Conf{keyMemory: ""}, "yarn", 1844. / 9012, 1},
		"they come with the work": {Conf{keyDynamic: "true", keyInstances: "10"}, Conf{keyCores: "2"}, "yarn", 2, 1},
		"they fill a cluster":     {nil, Conf{keyCores: "2"}, "spark://host:7077", 2, 1},
	} {
		job := parseCase(t, "every 24h from 2026-09-20, 40 runs\nall memory_byte_ms=4e16 core_ms=1000000\nnow 2026-11-01")
		for i := range job.runs {
			job.runs[i].Master, job.runs[i].Conf = c.master, c.conf.over(Conf{keyMemory: "8g", keyCores: "4", keyOverhead: "820m"})
		}
		e := Assess(job.profile(), c.proposed, job.policy).Effect
		if got := e.GBHoursAfter / e.GBHoursBefore; math.Abs(got-c.containers) > 1e-9 {
			t.Errorf("%s: %g times the memory reserved, want %g", name, got, c.containers)
		}
		if got := e.CoreHoursAfter / e.CoreHoursBefore; math.Abs(got-c.coreHours) > 1e-9 {
			t.Errorf("%s: %g times the cores reserved, want %g", name, got, c.coreHours)
		}
	}
}

// How a merged change turned out, in the language of the case book and
//
//	merged 2026-10-01 RULE KEY=VALUE duration=1 cost=0.75    the promise; 0 is none
//
// where RULE is "none" for a change that a person made.
// The history goes on after the merge.
func TestJudge(t *testing.T) {
	golden(t, "judge", "judgement", func(c *testCase) string {
		before, after := c.promise.Split("job", c.runs, c.now, c.policy)
		j := Judge(c.promise, before, after, c.policy)
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %s\n%s under it, revert: %t\n", j.Outcome, j.Reason, plural(j.Runs, "run"), j.Revert)
		for _, e := range j.Evidence {
			fmt.Fprintf(&b, "    %s: %.3g %s\n", e.Label, e.Value, e.Unit)
		}
		return b.String()
	})
}

// Coins, and what a direct product of probabilities would round to nothing.
func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		n, m       int
		each, want float64
	}{
		{0, 3, 0.5, 1},
		{1, 1, 0.5, 0.5},
		{2, 3, 0.5, 0.5},
		{2, 2, 0.1, 0.01},
		{721, 1441, 0.5, 0.5},
		{1440, 1440, 0.5, 0},
	} {
		if got := atLeast(c.n, c.m, c.each); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d of %d at %g each: %g, want %g", c.n, c.m, c.each, got, c.want)
		}
	}
}

// Of three runs or of twenty, what is taken for the noise of a job is its noise.
func TestDeviation(t *testing.T) {
	const jobs = 20_000
	r := rand.New(rand.NewPCG(1, 2))
	for n := 3; n <= 20; n++ {
		var sum float64
		for range jobs {
			v := make([]float64, n)
			for i := range v {
				v[i] = r.NormFloat64()
			}
			sum += deviation(v)
		}
		if got := sum / jobs; math.Abs(got-1) > 0.03 {
			t.Errorf("%d runs: %.3f times their deviation", n, got)
		}
	}
}

func (c *testCase) merged(s string) error {
	words := strings.Fields(s)
	if len(words) != 5 {
		return fmt.Errorf("want a date, a rule, a change and two factors")
	}
	var err error
	c.promise.Merged, err = time.Parse(time.DateOnly, words[0])
	if err != nil {
		return err
	}
	key, to, _ := strings.Cut(words[2], "=")
	c.promise.Changes = []Change{{Key: key, To: to, Rule: strings.TrimSuffix(words[1], "none")}}
	_, err = fmt.Sscanf(words[3]+" "+words[4], "duration=%g cost=%g", &c.promise.Duration, &c.promise.Cost)
	return err
}
