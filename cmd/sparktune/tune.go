package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

var tuneCommand = command{
	name: "tune",
	args: "DIR",
	help: `propose better sizes for the Spark jobs of a repository

DIR is the work tree of an Airflow repository. Prints a report for every job
with something to change, the change as a unified diff, and what was left alone
and why. Nothing is written without --write; the diff on stdout of
'tune --output json' or of a pipe applies with 'git apply'.

example: sparktune tune . --metrics /var/log/spark-events`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{
			lakeDir: lakeFlag(flags),
			metrics: flags.StringArray("metrics", nil, "event logs to read into the lake first: file or folder `PATH`, may be repeated"),
			asOf:    asOfFlag(flags),
		}
		write := flags.Bool("write", false, "change the files")
		check := flags.Bool("check", false, "print nothing; exit with 3 when changes are proposed")
		out := outputFlag(flags)
		model := newModelFlags(flags)
		return func(ctx context.Context, args []string) error {
			switch {
			case len(args) != 1:
				return usageError{fmt.Sprintf("tune needs one folder, got %d arguments", len(args))}
			case *write && *check:
				return usageError{"--write and --check exclude each other"}
			}
			d, err := c.decide(ctx, args[0], src)
			if err != nil {
				return err
			}
			if *check {
				if len(d.Patches) > 0 {
					return errChanges
				}
				return nil
			}
			words, err := c.wording(ctx, model)
			if err != nil {
				return err
			}
			if err := c.show(ctx, d, words.Writer, *out); err != nil {
				return err
			}
			c.sayUsage(words)
			if *write && len(d.Patches) > 0 {
				return c.write(args[0], d)
			}
			return nil
		}
	},
}

// show is submit without effect: the decision as a person or a program reads it.
func (c *cli) show(ctx context.Context, d bot.Decision, w prompts.Writer, out output) error {
	if out == outputJSON {
		return writeJSON(c.stdout, newTuneOutput(d))
	}
	t := c.terminal()
	var b strings.Builder
	for _, j := range d.Jobs {
		if len(j.Advice.Changes) == 0 {
			continue
		}
		f := j.Facts()
		if err := t.Report(&b, f, c.word(ctx, w, f)); err != nil {
			return err
		}
		for _, n := range j.Notes {
			fmt.Fprintf(&b, "    note, %s:%d: %s\n", prompts.Printable(n.Path), n.Line, prompts.Printable(n.Text))
		}
		b.WriteByte('\n')
	}
	if len(d.Patches) > 0 {
		b.WriteString(t.Diff(patcher.Diff(d.Patches)) + "\n")
	}
	leftAlone(&b, t, d)
	b.WriteString(t.Heading(summary(d)) + "\n")
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

// leftAlone lists every job without a change, with the reason.
func leftAlone(b *strings.Builder, t prompts.Terminal, d bot.Decision) {
	var rows [][]string
	for _, j := range d.Jobs {
		if len(j.Advice.Changes) == 0 {
			rows = append(rows, []string{prompts.Inert(j.Job.ID), whyAlone(j)})
		}
	}
	if len(rows) == 0 {
		return
	}
	b.WriteString(t.Heading("Left alone") + "\n")
	table(b, rows)
	b.WriteByte('\n')
}

// whyAlone is the one reason that a reader needs: why nothing was judged, what
// a person may do, what is not measured, or that nothing is wrong. The last
// rule is the one that judges the heap.
func whyAlone(j bot.JobDecision) string {
	if j.Advice.Abstains != "" {
		return j.Advice.Abstains
	}
	last := j.Advice.Findings[len(j.Advice.Findings)-1]
	for _, f := range j.Advice.Findings {
		if f.Status == analysis.Advises {
			return f.Rule + ": " + f.Reason
		}
	}
	if last.Status == analysis.Unmeasured {
		return last.Reason
	}
	return fmt.Sprintf("%s, nothing to change: %s", plural(j.Advice.Runs, "run"), last.Reason)
}

func summary(d bot.Decision) string {
	return fmt.Sprintf("%s: %s in %s, %d left to a person.",
		plural(len(d.Jobs), "Spark job"), plural(d.Applied(), "change"), plural(len(d.Patches), "file"), d.Refused())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// table writes rows in aligned columns; the last one is as wide as it is.
func table(b *strings.Builder, rows [][]string) {
	width := map[int]int{}
	for _, r := range rows {
		for i, cell := range r[:len(r)-1] {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, r := range rows {
		b.WriteString("  ")
		for i, cell := range r {
			if i < len(r)-1 {
				cell += strings.Repeat(" ", width[i]-len([]rune(cell))+2)
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
}
