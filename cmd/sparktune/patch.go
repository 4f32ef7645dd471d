package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
)

var patchCommand = command{
	name: "patch",
	args: "DIR",
	help: `write values that somebody decided on into the place that decides them

For people and agents who know what they want. Prints the change as a unified
diff and what a reviewer should know of it; nothing is written without --write.
A setting that cannot be written is refused with the reason; then nothing is
written at all and the exit code is 1. No runs are looked at.

example: sparktune patch . --job load_orders --set spark.executor.memory=6g`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		job := flags.String("job", "", "`ID` that 'sparktune jobs' prints, or a part of it that only one job has; not needed where one job is declared")
		sets := flags.StringArray("set", nil, "Spark property and its new value, `KEY=VALUE`; may be repeated")
		write := flags.Bool("write", false, "change the files")
		out := outputFlag(flags)
		return func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Sprintf("patch needs one folder, got %d arguments", len(args))}
			}
			settings, err := parseSettings(*sets)
			if err != nil {
				return err
			}
			res, err := c.patch(args[0], *job, settings)
			if err != nil {
				return err
			}
			if err := c.showPatch(res, *out); err != nil {
				return err
			}
			if n := refused(res.Outcomes); n > 0 {
				return fmt.Errorf("%d of %s refused, nothing was written", n, plural(len(res.Outcomes), "setting"))
			}
			if *write && len(res.Patches) > 0 {
				return c.write(args[0], bot.Decision{Patches: res.Patches})
			}
			return nil
		}
	},
}

// parseSettings reads --set KEY=VALUE. Only the numbers, sizes, durations and
// switches that sparktune knows are taken: no text, which might run code or
// hold a credential.
func parseSettings(sets []string) ([]patcher.Setting, error) {
	if len(sets) == 0 {
		return nil, usageError{"patch needs at least one --set KEY=VALUE"}
	}
	var out []patcher.Setting
	for _, text := range sets {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" || value == "" {
			return nil, usageError{fmt.Sprintf("--set %q is not KEY=VALUE", text)}
		}
		p, known := analysis.FindProperty(key)
		if !known || p.Kind == analysis.KindText {
			return nil, usageError{fmt.Sprintf("%s is no size or switch that sparktune knows; 'sparktune metrics' lists them", key)}
		}
		if !validValue(p, value) {
			return nil, usageError{fmt.Sprintf("%q is no value of %s", value, key)}
		}
		out = append(out, patcher.Setting{Key: key, To: value})
	}
	return out, nil
}

// validValue reports whether Spark would take a value, and it is not below zero.
func validValue(p *analysis.Property, value string) bool {
	c := analysis.Conf{p.Name: value}
	switch p.Kind {
	case analysis.KindBytes:
		return c.Bytes(p.Name).V > 0
	case analysis.KindMillis:
		n := c.Millis(p.Name)
		return n.OK && n.V >= 0
	case analysis.KindInt:
		n := c.Int(p.Name)
		return n.OK && n.V >= 0
	case analysis.KindFloat:
		return c.Float(p.Name).V > 0
	case analysis.KindBool:
		return c.Bool(p.Name).OK
	case analysis.KindText:
	}
	return false
}

// patch plans the edits. What the repository says now is the precondition of
// each: who asks has looked at it.
func (c *cli) patch(dir, job string, settings []patcher.Setting) (patcher.Result, error) {
	files, err := openTree(dir)
	if err != nil {
		return patcher.Result{}, err
	}
	repo, err := c.findJobs(files)
	if err != nil {
		return patcher.Result{}, err
	}
	j, err := chosenJob(repo.Jobs, job)
	if err != nil {
		return patcher.Result{}, err
	}
	var wants []patcher.Want
	for _, s := range settings {
		if w := j.Winner(s.Key); w != nil {
			s.From = w.Value
		}
		wants = append(wants, patcher.Want{Job: j.ID, Setting: s})
	}
	return patcher.Rewrite(files, repo, wants)
}

// findJobs finds the jobs of a tree with what its policy says of its operators.
func (c *cli) findJobs(files fs.FS) (*patcher.Repository, error) {
	pol, err := policy.Load(files)
	if err != nil {
		return nil, hintError{err, "nothing was changed; mend the file, or remove it to use the defaults"}
	}
	repo, err := patcher.Find(files, pol.Operators...)
	if err != nil {
		return nil, err
	}
	c.saySkipped(repo.Skipped)
	return repo, nil
}

// chosenJob is the job that a part of an ID names, or the only one.
func chosenJob(jobs []patcher.Job, part string) (*patcher.Job, error) {
	if part == "" && len(jobs) != 1 {
		return nil, hintError{fmt.Errorf("%s are declared here", plural(len(jobs), "job")), "say which with --job; 'sparktune jobs' lists them"}
	}
	i, err := pickJob(jobs, part)
	if err != nil {
		return nil, err
	}
	return &jobs[i], nil
}

func refused(outcomes []patcher.Outcome) int {
	n := 0
	for _, o := range outcomes {
		if o.Status == patcher.Refused {
			n++
		}
	}
	return n
}

// patchOutput is the result of 'patch'.
type patchOutput struct {
	Job      string    `json:"job"`
	Outcomes []outcome `json:"outcomes"`
	Notes    []note    `json:"notes"`
	Diff     string    `json:"diff"`
}

// showPatch prints the diff on stdout, where 'git apply' reads it, and what
// there is to say of it on stderr.
func (c *cli) showPatch(res patcher.Result, out output) error {
	if out == outputJSON {
		return writeJSON(c.stdout, newPatchOutput(res))
	}
	for _, o := range res.Outcomes {
		place := fmt.Sprintf("%s:%d", o.Path, o.Line)
		switch o.Status {
		case patcher.Applied:
		case patcher.Already:
			c.logf("%s is %s already, at %s", o.Key, o.To, place)
		case patcher.Refused:
			c.logf("%s is left alone: %s", o.Key, o.Reason)
		}
	}
	for _, n := range res.Notes {
		c.logf("note, %s:%d: %s", n.Path, n.Line, n.Text)
	}
	if len(res.Patches) == 0 {
		return nil
	}
	_, err := io.WriteString(c.stdout, c.terminal().Diff(patcher.Diff(res.Patches)))
	return err
}

func newPatchOutput(res patcher.Result) patchOutput {
	out := patchOutput{Outcomes: []outcome{}, Notes: []note{}, Diff: patcher.Diff(res.Patches)}
	for _, o := range res.Outcomes {
		out.Job = o.Job
		out.Outcomes = append(out.Outcomes, outcome{o.Key, o.To, bot.StatusText(o.Status), o.Path, o.Line, o.Reason})
	}
	for _, n := range res.Notes {
		out.Notes = append(out.Notes, note{n.Path, n.Line, n.Text})
	}
	return out
}
