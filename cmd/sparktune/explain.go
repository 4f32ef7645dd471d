package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

var explainCommand = command{
	name: "explain",
	args: "JOB [DIR]",
	help: `show every rule's finding for one job

JOB is what 'sparktune jobs' prints, or a part of it that only one job has. DIR
is the repository's work tree, the current folder when not given. The cohort are
the runs that were judged together, by the name of their configuration. With
--policy also which bounds of the policy changed what the measurements asked for,
and the gates that it was judged by.

example: sparktune explain load_orders . --policy`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{lakeDir: lakeFlag(flags), asOf: asOfFlag(flags)}
		bounds := flags.Bool("policy", false, "show what the policy changed, and its gates")
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError{"explain needs a job and may have a folder"}
			}
			dir := "."
			if len(args) == 2 {
				dir = args[1]
			}
			d, err := c.decide(ctx, dir, src)
			if err != nil {
				return err
			}
			j, err := findJob(d, args[0])
			if err != nil {
				return err
			}
			var judged *judgedBy
			if *bounds {
				if judged, err = judgedUnder(j.Advice, dir); err != nil {
					return err
				}
			}
			if *out == outputJSON {
				return writeJSON(c.stdout, explanation{newJobOutput(j), newCohort(j.Profile), judged})
			}
			f := j.Facts()
			if err := c.terminal().Report(c.stdout, f, prompts.Plain(f)); err != nil {
				return err
			}
			var b strings.Builder
			newCohort(j.Profile).print(&b, c.terminal())
			judged.print(&b, c.terminal())
			_, err = io.WriteString(c.stdout, b.String())
			return err
		}
	},
}

// explanation is the result of 'explain'.
type explanation struct {
	jobOutput
	Cohort *cohort   `json:"cohort,omitempty"`
	Policy *judgedBy `json:"policy,omitempty"` // with --policy
}

// cohort are the runs that were judged together, nil when there are none.
type cohort struct {
	Name       string               `json:"name"`
	Statistics []analysis.Statistic `json:"statistics"`
	leftOut    []analysis.Excluded
}

func newCohort(p *analysis.Profile) *cohort {
	if len(p.Runs) == 0 {
		return nil
	}
	return &cohort{p.Cohort(), p.Statistics(), p.Excluded}
}

func (k *cohort) print(b *strings.Builder, t prompts.Terminal) {
	if k == nil {
		return
	}
	fmt.Fprintf(b, "\n%s\n  runs of the configuration %s\n", t.Heading("Cohort"), k.Name)
	for _, e := range k.leftOut {
		fmt.Fprintf(b, "  left out: %s, %s\n", plural(e.Runs, "run"), e.Reason)
	}
	b.WriteByte('\n')
	rows := [][]string{{"", "runs", "median", "p95", "max", "CV"}}
	for _, s := range k.Statistics {
		rows = append(rows, []string{s.Label, fmt.Sprint(s.Runs), figure(s.Median, s.Unit), figure(s.P95, s.Unit), figure(s.Max, s.Unit), fmt.Sprintf("%.0f %%", 100*s.CV)})
	}
	table(b, rows)
}

func figure(v float64, unit string) string {
	switch unit {
	case "GiB·h", "core·h":
		return fmt.Sprintf("%.3g %s", v, unit)
	}
	return prompts.Quantity(v, unit)
}

// judgedBy is what the policy made of a job's advice.
type judgedBy struct {
	Rails []rail `json:"rails"`
	Gates []gate `json:"gates"`
}

// rail is what a bound of the policy changed.
type rail struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

type gate struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
}

// judgedUnder are the rails that a job's findings met, and all gates.
func judgedUnder(a analysis.Advice, dir string) (*judgedBy, error) {
	files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	pol, err := policy.Load(files)
	if err != nil {
		return nil, err
	}
	by := &judgedBy{Rails: []rail{}}
	for _, f := range a.Findings {
		for _, r := range f.Rails {
			by.Rails = append(by.Rails, rail{f.Rule, r})
		}
	}
	for _, g := range policy.Gates {
		by.Gates = append(by.Gates, gate{g.Name, g.Text(pol.Gates), g.Text(analysis.DefaultPolicy())})
	}
	return by, nil
}

func (by *judgedBy) print(b *strings.Builder, t prompts.Terminal) {
	if by == nil {
		return
	}
	b.WriteString("\n" + t.Heading("Policy") + "\n")
	for _, r := range by.Rails {
		fmt.Fprintf(b, "  %s: %s\n", r.Rule, prompts.Printable(r.Text))
	}
	if len(by.Rails) == 0 {
		b.WriteString("  no bound changed what the measurements asked for\n")
	}
	var rows [][]string
	for _, g := range by.Gates {
		remark := ""
		if g.Value != g.Default {
			remark = "default " + g.Default
		}
		rows = append(rows, []string{g.Name, g.Value, remark})
	}
	table(b, rows)
}

// findJob is the job of a decision that a person names.
func findJob(d bot.Decision, name string) (bot.JobDecision, error) {
	var jobs []patcher.Job
	for _, j := range d.Jobs {
		jobs = append(jobs, j.Job)
	}
	i, err := pickJob(jobs, name)
	if err != nil {
		return bot.JobDecision{}, err
	}
	return d.Jobs[i], nil
}

// pickJob is the index of the job that a person names: by its ID, else by its
// task or application name, else by a part of its ID. What first fits any must
// fit only one: a name that two jobs share is not another's part.
func pickJob(jobs []patcher.Job, name string) (int, error) {
	var found []int
	for _, fits := range []func(patcher.Job) bool{
		func(j patcher.Job) bool { return j.ID == name },
		func(j patcher.Job) bool {
			return name != "" && (j.Hints.TaskID == name || j.Hints.AppName == name || j.Hints.DAGID+"."+j.Hints.TaskID == name)
		},
		func(j patcher.Job) bool { return strings.Contains(j.ID, name) },
	} {
		for i, j := range jobs {
			if fits(j) {
				found = append(found, i)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			break
		}
	}
	if len(found) == 0 {
		return 0, hintError{fmt.Errorf("no job %q is declared here", name), "'sparktune jobs' lists them"}
	}
	var ids []string
	for _, i := range found {
		ids = append(ids, jobs[i].ID)
	}
	return 0, hintError{fmt.Errorf("%q fits %d jobs", name, len(found)), "say which: " + strings.Join(ids, ", ")}
}
