package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/prompts"
)

var verdictCommand = command{
	name: "verdict",
	args: "JOB [DIR]",
	help: `say what became of a job after a change

Compares the runs since --since with those before: did the change of their
settings make the job faster, dearer, or fail for its memory? The bound is the
job's own noise, and the growth of its data is not blamed on the change. Clearly
faster runs may be dearer, as far as the policy's goal pays for the time. Too
early is an answer too. JOB and DIR are those of 'sparktune explain'.

example: sparktune verdict load_orders . --since 2026-11-10`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{lakeDir: lakeFlag(flags), asOf: asOfFlag(flags)}
		var since sinceTime
		flags.Var(&since, "since", "`TIME` of the change: a date or an RFC 3339 time")
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			switch {
			case len(args) < 1 || len(args) > 2:
				return usageError{"verdict needs a job and may have a folder"}
			case !flags.Changed("since"):
				return usageError{"verdict needs --since, the time of the change"}
			}
			dir := "."
			if len(args) == 2 {
				dir = args[1]
			}
			v, _, err := c.load(ctx, dir, src)
			if err != nil {
				return err
			}
			job, err := pickJob(v.Jobs(), args[0])
			if err != nil {
				return err
			}
			said := verdictOutput{Job: v.Jobs()[job].ID}
			changes, judgement := v.Since(said.Job, since.Time)
			said.Judgement = judgement
			for _, ch := range changes {
				said.Changes = append(said.Changes, changeOutput{ch.Key, ch.From, ch.Effective, ch.To})
			}
			if *out == outputJSON {
				return writeJSON(c.stdout, said)
			}
			return said.print(c)
		}
	},
}

// sinceTime is a moment from which on something is looked at. A date is its
// beginning.
type sinceTime struct{ asOf }

func (s *sinceTime) Set(text string) error {
	if d, err := time.Parse(time.DateOnly, text); err == nil {
		s.Time = d
		return nil
	}
	return s.asOf.Set(text)
}

func (s *sinceTime) String() string {
	if s.IsZero() {
		return ""
	}
	return s.asOf.String()
}

// verdictOutput is the JSON form of a verdict.
type verdictOutput struct {
	Job     string         `json:"job"`
	Changes []changeOutput `json:"changes"`
	analysis.Judgement
}

// changeOutput is a setting that somebody changed: no rule asked for it.
type changeOutput struct {
	Key       string `json:"key"`
	From      string `json:"from"`
	Effective string `json:"effective"`
	To        string `json:"to"`
}

func (v verdictOutput) print(c *cli) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n  %s\n", prompts.Printable(v.Job), strings.ReplaceAll(string(v.Outcome), "_", " "), prompts.Printable(v.Reason))
	for _, ch := range v.Changes {
		fmt.Fprintf(&b, "  %s: %s -> %s\n", ch.Key, prompts.Printable(ch.Effective), prompts.Printable(ch.To))
	}
	for _, e := range v.Evidence {
		fmt.Fprintf(&b, "  %s: %.2f %s\n", prompts.Printable(e.Label), e.Value, e.Unit)
	}
	if v.Revert {
		b.WriteString("  The job was better off before: put the values back.\n")
	}
	_, err := c.stdout.Write([]byte(b.String()))
	return err
}
