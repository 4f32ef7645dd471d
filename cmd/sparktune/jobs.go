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
known, the places that set its properties, and what would be left alone: with
the line, the reason and what a person could do.

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
				jobs := []listedJob{}
				for _, j := range d.Jobs {
					jobs = append(jobs, newListedJob(j))
				}
				return writeJSONLines(c.stdout, jobs)
			}
			return c.showJobs(d)
		}
	},
}

// listedJob is one job of 'jobs'.
type listedJob struct {
	declaredJob
	Refusals []refusal `json:"refusals"`
}

// refusal is what would be left alone whatever is wanted; without a key, the job.
type refusal struct {
	Key    string `json:"key,omitempty"`
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

func newListedJob(j bot.JobDecision) listedJob {
	out := listedJob{declaredJob: newDeclaredJob(j), Refusals: []refusal{}}
	for _, r := range j.Job.Refusals {
		out.Refusals = append(out.Refusals, refusal(r))
	}
	return out
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
		for _, r := range j.Job.Refusals {
			what := "the job"
			if r.Key != "" {
				what = r.Key
			}
			fmt.Fprintf(&b, "  %s\n", t.Faint(prompts.Printable(fmt.Sprintf("left alone: %s at %s:%d: %s; %s", what, r.Path, r.Line, r.Reason, r.Remedy))))
		}
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
	case s.Shadowed:
		return "; without effect, another place wins"
	case len(s.Users) > 1:
		return fmt.Sprintf("; shared by %d jobs", len(s.Users)+s.MoreUsers)
	}
	return ""
}
