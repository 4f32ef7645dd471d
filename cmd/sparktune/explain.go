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
is the repository's work tree, the current folder when not given. With --policy
also which bounds of the policy changed what the measurements asked for, and the
gates that it was judged by.

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
			if *out == outputJSON {
				return writeJSON(c.stdout, newJobOutput(j))
			}
			f := j.Facts()
			if err := c.terminal().Report(c.stdout, f, prompts.Plain(f)); err != nil || !*bounds {
				return err
			}
			return c.showPolicy(j.Advice, dir)
		}
	},
}

// showPolicy prints the rails that a job's findings met, and all gates.
func (c *cli) showPolicy(a analysis.Advice, dir string) error {
	files, err := openTree(dir)
	if err != nil {
		return err
	}
	pol, err := policy.Load(files)
	if err != nil {
		return err
	}
	gates := pol.Gates
	var b strings.Builder
	b.WriteString("\n" + c.terminal().Heading("Policy") + "\n")
	rails := 0
	for _, f := range a.Findings {
		for _, r := range f.Rails {
			fmt.Fprintf(&b, "  %s: %s\n", f.Rule, prompts.Printable(r))
			rails++
		}
	}
	if rails == 0 {
		b.WriteString("  no bound changed what the measurements asked for\n")
	}
	def := analysis.DefaultPolicy()
	var rows [][]string
	for _, g := range policy.Gates {
		remark := ""
		if g.Text(gates) != g.Text(def) {
			remark = "default " + g.Text(def)
		}
		rows = append(rows, []string{g.Name, g.Text(gates), remark})
	}
	table(&b, rows)
	_, err = io.WriteString(c.stdout, b.String())
	return err
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
// task or application name, else by a part of its ID, whichever first fits only
// one job.
func pickJob(jobs []patcher.Job, name string) (int, error) {
	var found []int
	for _, fits := range []func(patcher.Job) bool{
		func(j patcher.Job) bool { return j.ID == name },
		func(j patcher.Job) bool { return name != "" && (j.Hints.TaskID == name || j.Hints.AppName == name) },
		func(j patcher.Job) bool { return strings.Contains(j.ID, name) },
	} {
		found = found[:0]
		for i, j := range jobs {
			if fits(j) {
				found = append(found, i)
			}
		}
		if len(found) == 1 {
			return found[0], nil
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
