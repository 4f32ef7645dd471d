// Command sparktune tunes the Spark jobs of an Airflow repository from their
// measured runs.
//
// The way of the data is load, decide, word, submit:
//
//	analysis/eventlog  a Spark event log -> one analysis.Run
//	analysis/lake      Runs in an Iceberg table
//	patcher            the repository's bytes -> jobs, places, edits
//	analysis           a job's Runs -> Advice
//	bot                orchestrates: a Snapshot -> a Decision
//	prompts            Facts -> a report
//	cmd/sparktune      flags, wiring, and where it is shown
//
// What the terminal gets: results on stdout, everything else on stderr, every
// line of it beginning with "sparktune:"; no capitals, no full stops. Progress
// is shown only when stderr is a terminal. Exit codes: 0 done, 1 failed,
// 2 wrong usage, 3 changes are proposed (tune --check only).
package main

import (
	"context"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	c := &cli{
		stdout: os.Stdout,
		stderr: os.Stderr,
		now:    time.Now,
		getenv: os.Getenv,
	}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
