package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
	"github.com/sparktune/sparktune/prompts"
)

var runsCommand = command{
	name: "runs",
	help: `list what the lake holds, a row per application attempt

With --output json every row has all columns, null where nothing was measured.

example: sparktune runs --output json`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError{"runs takes no arguments"}
			}
			lk, err := c.openLake(ctx, *lakeDir)
			if err != nil {
				return err
			}
			defer lk.Close()
			runs, err := lk.Runs(ctx, lake.Query{})
			if err != nil {
				return err
			}
			if *out == outputJSON {
				return writeJSONLines(c.stdout, runs)
			}
			return c.showRuns(runs)
		}
	},
}

func (c *cli) showRuns(runs []analysis.Run) error {
	if len(runs) == 0 {
		c.logf("the lake is empty; 'sparktune ingest PATH' reads event logs into it")
		return nil
	}
	rows := [][]string{{"START (UTC)", "APPLICATION", "JOB", "STATUS", "DURATION", "EXECUTORS", "HEAP PEAK", "SAMPLED", "SPILLED"}}
	for i := range runs {
		rows = append(rows, runRow(&runs[i]))
	}
	var b strings.Builder
	table(&b, rows)
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

func runRow(r *analysis.Run) []string {
	start := "-"
	if !r.Start.IsZero() {
		start = r.Start.UTC().Format(time.DateTime)
	}
	duration := analysis.Opt[int64]{}
	if d := r.Duration(); d.OK {
		duration = analysis.Some(d.V.Milliseconds())
	}
	return []string{
		start, prompts.Inert(appOf(r.AppID, r.Attempt)), prompts.Inert(jobOf(r)), r.Status, cell(duration, "ms"),
		cell(r.PeakExecutors, "count"), cell(r.PeakHeap, "bytes"), cell(r.HeapCoverage, "ratio"), cell(r.MemorySpilled, "bytes"),
	}
}

// appOf names an application attempt.
func appOf(id, attempt string) string {
	if attempt == "" {
		return id
	}
	return id + "/" + attempt
}

// jobOf names the job of a run: its DAG and task, or the application's name.
func jobOf(r *analysis.Run) string {
	if r.DAGID != "" {
		return r.DAGID + "." + r.TaskID
	}
	return r.AppName
}

// cell is a measurement, or a dash where it is missing.
func cell[T int64 | float64](v analysis.Opt[T], unit string) string {
	if !v.OK {
		return "-"
	}
	return fmt.Sprint(prompts.Quantity(float64(v.V), unit))
}
