package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
	"github.com/sparktune/sparktune/prompts"
)

var simulateCommand = command{
	name: "simulate",
	args: "APP...",
	help: `say how long applications would have taken with other numbers of executors

APP is an application ID, as 'sparktune runs' prints it. The measured times of its
tasks are scheduled on so many executors, in the order of its stages, with the time
that executors take to come and to warm up, and the driver's own time as it was.
The table starts with the run as it was, and all executors that came in it; how
far a replay with these is off is the model's error. Nothing is advised: what a
job should have is decided over several runs, by 'sparktune tune'.

example: sparktune simulate application_1763800000000_0001 --executors 2,4,8`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		numbers := flags.IntSlice("executors", nil, "`NUMBERS` of executors (default: from a quarter to four times as many as there were)")
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usageError{"simulate needs an application ID"}
			}
			if slices.ContainsFunc(*numbers, func(n int) bool { return n < 1 }) {
				return usageError{"--executors must be 1 or more"}
			}
			all, err := c.simulate(ctx, *lakeDir, args, *numbers)
			if err != nil {
				return err
			}
			if *out == outputJSON {
				return writeJSONLines(c.stdout, all)
			}
			return c.showSimulated(all)
		}
	},
}

// simulated is an application attempt with other numbers of executors.
type simulated struct {
	AppID       string                `json:"app_id"`
	Attempt     string                `json:"attempt"`
	Job         string                `json:"job"` // DAG and task, or the application's name
	Measured    analysis.Prediction   `json:"measured"`
	Error       float64               `json:"error"` // of active_ms, replayed
	Predictions []analysis.Prediction `json:"predictions"`
}

// simulate reads the runs of applications and their profiles, and simulates
// each with numbers of executors.
func (c *cli) simulate(ctx context.Context, dir string, apps []string, numbers []int) ([]simulated, error) {
	lk, err := c.openLake(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer lk.Close()
	runs, err := lk.Runs(ctx, lake.Query{Columns: []string{"conf"}})
	if err != nil {
		return nil, err
	}
	runs = slices.DeleteFunc(runs, func(r analysis.Run) bool { return !slices.Contains(apps, r.AppID) })
	var keys []analysis.Key
	for i := range runs {
		keys = append(keys, runs[i].Key)
	}
	for _, app := range apps {
		if !slices.ContainsFunc(keys, func(k analysis.Key) bool { return k.AppID == app }) {
			return nil, hintError{fmt.Errorf("the lake has no run of %s", app), "'sparktune runs' lists those that it has"}
		}
	}
	profiles, err := lk.Profiles(ctx, keys)
	if err != nil {
		return nil, err
	}
	var all []simulated
	for i := range runs {
		rp, ok := profiles[keys[i]]
		if !ok {
			return nil, hintError{fmt.Errorf("the lake has no run profile of %s", keys[i].AppID), "'sparktune ingest PATH' writes one as it reads an event log; a table of somebody else has none"}
		}
		s, err := simulateRun(&runs[i], &rp, numbers)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func simulateRun(r *analysis.Run, rp *analysis.RunProfile, numbers []int) (simulated, error) {
	s, why := analysis.NewSimulation(rp, r.Conf)
	switch {
	case !rp.Complete || !rp.Finished:
		return simulated{}, fmt.Errorf("%s can't be simulated: its event log is not complete", r.AppID)
	case why != "":
		return simulated{}, fmt.Errorf("%s can't be simulated: %s", r.AppID, why)
	}
	out := simulated{AppID: r.AppID, Attempt: r.Attempt, Job: jobOf(r), Measured: s.Measured(), Error: s.Error()}
	asked := len(numbers) > 0
	if !asked {
		numbers = around(int(out.Measured.Executors))
	}
	for _, n := range numbers {
		p := s.At(int64(n))
		if asked && p.Executors != int64(n) {
			return simulated{}, usageError{fmt.Sprintf("--executors: at most %d of this size are simulated", p.Executors)}
		}
		out.Predictions = append(out.Predictions, p)
	}
	return out, nil
}

// around are numbers of executors from a quarter to four times n.
func around(n int) []int {
	numbers := []int{max(1, n/4), max(1, n/2), n, n + (n+1)/2, 2 * n, 4 * n}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func (c *cli) showSimulated(all []simulated) error {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		s.print(&b)
	}
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

func (s simulated) print(b *strings.Builder) {
	fmt.Fprintf(b, "%s of %s\n\n", prompts.Printable(appOf(s.AppID, s.Attempt)), prompts.Printable(s.Job))
	rows := [][]string{{"EXECUTORS", "DURATION", "BETWEEN", "STAGES AT WORK", "EXECUTOR TIME"}, predictionRow(", measured", s.Measured)}
	for _, p := range s.Predictions {
		rows = append(rows, predictionRow("", p))
	}
	table(b, rows)
	fmt.Fprintf(b, "\n  Replayed with its own executors, the stages were at work %.0f %% longer or shorter than measured.\n", 100*s.Error)
}

func predictionRow(note string, p analysis.Prediction) []string {
	ms := func(v float64) string { return prompts.Quantity(v, "ms") }
	bounds := "-"
	if low, high := ms(p.LowMs), ms(p.HighMs); low != high {
		bounds = low + " and " + high
	}
	return []string{fmt.Sprint(p.Executors) + note, ms(p.DurationMs), bounds, ms(p.ActiveMs), ms(p.ExecutorMs)}
}
