package eventlog

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sparktune/sparktune/analysis"
)

// An app is the state of one application while its events go by. Everything
// in it is bounded, whatever the log says.
type app struct {
	run     analysis.Run // what is known as soon as it is read
	started bool         // an ApplicationStart was seen
	context string       // SparkContext id of a Databricks log
	start   int64        // milliseconds; 0 is missing
	end     int64
	last    int64 // largest event time seen

	env         environment
	profiles    profiles
	executors   executors
	concurrency concurrency
	jobs        jobs
	stages      stages
	tasks       taskTotals
	peaks       peaks
	driver      peaks
	evidence    evidence
	outcome     outcome
	workload    workload
	sql         sqlState

	profiler *profiler // nil when no profile is wanted
	profile  analysis.RunProfile
}

// Bounds on texts that are kept.
const (
	maxText = 1 << 10
	maxID   = 128
)

// maxTime is the end of the year 9999 in milliseconds; what is beyond is no
// time.
const maxTime = 253_402_300_799_999

// see returns an event's time and remembers the largest; 0 when it is none.
func (a *app) see(ms int64) int64 {
	if ms <= 0 || ms > maxTime {
		return 0
	}
	a.last = max(a.last, ms)
	return ms
}

// finish makes the row. The app is not used afterwards.
func (a *app) finish() analysis.Run {
	end := a.end
	if end == 0 {
		end = a.last
	}
	r := &a.run
	r.Start, r.End = instant(a.start), instant(end)
	a.env.fill(r)
	r.Workload = a.workload.name(r, &a.env)
	a.stages.finish(a)
	if r.Finished {
		r.MissingEvents = a.stages.lost(a.concurrency.stages)
	}
	a.jobs.finish(a, end)
	if a.profiler != nil {
		a.profile = a.profiler.finish(a, end)
	}
	a.executors.finish(a, end)
	a.tasks.fill(r)
	a.fillStages(r)
	a.peaks.fill(r)
	if a.driver.Heap > 0 {
		r.DriverPeakHeap = some(a.driver.Heap)
		r.DriverHeapCoverage = ratio(min(a.driver.stages, a.stages.completed), a.stages.completed)
	}
	r.PeakTasks = a.concurrency.peak(a.executors.slots(a))
	a.sql.fill(r)
	r.FailureEvidence = a.evidence.texts
	r.Status = a.outcome.status(r)
	return *r
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// clip cuts a text of the log to n bytes, at a rune. What it gives does not hold
// the text that it is a part of.
func clip(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.Clone(s)
}

// An outcome follows what the last job or SQL execution came to.
type outcome struct {
	failed bool
	cut    bool // cancelled because the driver stopped
}

// shutdownText marks jobs that a stopping driver cancelled: no failure by
// itself, since sessions are closed that way, but no success either.
const shutdownText = "cancelled because SparkContext was shut down"

func (o *outcome) job(failed bool, message string) {
	o.cut = failed && strings.Contains(message, shutdownText)
	o.failed = failed && !o.cut || o.cut && o.failed
}

// status is what became of the application. Spark on YARN stops one that lost
// more than twice its executors, which is a failure and looks like a shutdown.
func (o *outcome) status(r *analysis.Run) string {
	switch {
	case r.ExitCode.OK && r.ExitCode.V != 0, o.failed, o.cut && diedOfLosses(r):
		return analysis.StatusFailed
	case r.Finished && !o.cut:
		return analysis.StatusSucceeded
	}
	return analysis.StatusUnknown
}

// diedOfLosses says whether executors were lost as they are by an application's
// own fault. Those that the platform took back are not counted by Spark either.
func diedOfLosses(r *analysis.Run) bool {
	own := []string{analysis.LossHeapOOM, analysis.LossContainerMemory, analysis.LossSignal, analysis.LossUnclear}
	return slices.ContainsFunc(own, func(class string) bool { return r.ExecutorsLost[class] > 0 })
}
