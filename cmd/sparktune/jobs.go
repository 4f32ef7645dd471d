package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

var jobsCommand = command{
	name: "jobs",
	args: "DIR",
	help: `list the Spark jobs that a repository declares

Shows where each is declared, which runs of the lake are its, and how that is
known, and the places that set its properties.

example: sparktune jobs . --output json`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{lakeDir: lakeFlag(flags), asOf: asOfFlag(flags)}
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Sprintf("jobs needs one folder, got %d arguments", len(args))}
			}
			d, err := c.decide(ctx, args[0], src)
			if err != nil {
				return err
			}
			if *out == outputJSON {
				jobs := []declaredJob{}
				for _, j := range d.Jobs {
					jobs = append(jobs, newDeclaredJob(j))
				}
				return writeJSONLines(c.stdout, jobs)
			}
			return c.showJobs(d)
		}
	},
}

func (c *cli) showJobs(d bot.Decision) error {
	var b strings.Builder
	t := c.terminal()
	for _, j := range d.Jobs {
		runs := "no runs"
		if j.Match.Runs > 0 {
			runs = plural(j.Match.Runs, "run") + " by " + j.Match.By
		}
		fmt.Fprintf(&b, "%s  %s\n", t.Heading(prompts.Inert(j.Job.ID)), t.Faint(prompts.Printable(fmt.Sprintf("%s:%d, %s; %s", j.Job.Path, j.Job.Line, j.Job.Operator, runs))))
		var rows [][]string
		for _, s := range j.Job.Sites {
			rows = append(rows, []string{s.Key, siteValue(s), prompts.Printable(fmt.Sprintf("%s:%d %s", s.Path, s.Line, s.Form)) + siteRemark(s)})
		}
		table(&b, rows)
	}
	for _, u := range d.Unmatched {
		fmt.Fprintf(&b, "%s\n", t.Faint(prompts.Inert(u.App+": "+plural(u.Runs, "run")+" of no job here: "+u.Reason)))
	}
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

func siteValue(s patcher.Site) string {
	if s.Dynamic != "" {
		return "(at run time)"
	}
	return prompts.Inert(s.Value)
}

func siteRemark(s patcher.Site) string {
	switch {
	case s.Dynamic != "":
		return "; " + prompts.Printable(s.Dynamic)
	case s.Shadowed:
		return "; without effect, another place wins"
	case len(s.Users) > 1:
		return fmt.Sprintf("; shared by %d jobs", len(s.Users))
	}
	return ""
}

var explainCommand = command{
	name: "explain",
	args: "JOB [DIR]",
	help: `show every rule's finding for one job

JOB is what 'sparktune jobs' prints, or a part of it that only one job has. DIR
is the repository's work tree, the current folder when not given.

example: sparktune explain load_orders .`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{lakeDir: lakeFlag(flags), asOf: asOfFlag(flags)}
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
			return c.terminal().Report(c.stdout, f, prompts.Plain(f))
		}
	},
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
