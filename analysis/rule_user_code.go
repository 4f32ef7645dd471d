package analysis

import "fmt"

var userCode = Rule{
	Name:  "user_code",
	Title: "failures of the job's own code",
	Doc: `Runs failed, and nothing that was lost with them speaks of memory or of the
platform: no OutOfMemoryError, no container over its limit, no executor that was
killed or taken away. Tasks ended with an exception of the code that they ran, and
with no other, or the query was wrong. What disks, networks, stores and Spark itself
cause as well as the code, a Python worker that died among them, proves nothing.

No size helps: this is for whoever owns the code. Where no task failed either and
the log does not say why, the driver ended by itself: its own log tells. A failed
run is never a reason to take anything away.`,
	Needs:  []string{"status", "task_end_reasons", "heap_oom_tasks", "executors_lost"},
	Advice: true,
	eval:   evalUserCode,
}

func evalUserCode(p *Profile, _ Policy) Finding {
	failed := p.FailedRuns()
	if failed == 0 {
		return silent(fmt.Sprintf("no failed run of %s", plural(len(p.Runs), "run")))
	}
	own := count(p.Runs, failedByItself)
	unclear := count(p.Runs, threw) - own
	ev := []Evidence{{"status", "failed runs", float64(failed), "count"}}
	if died := count(p.Runs, driverDied); own == 0 && died > 0 {
		return advises(fmt.Sprintf("%d of %s failed although no task and no executor did: the driver's own log tells why", died, plural(len(p.Runs), "run")), ev)
	}
	if own == 0 && unclear > 0 {
		return silent(fmt.Sprintf("%d of %s failed with exceptions that the platform causes as well as the code: their logs tell", unclear, plural(len(p.Runs), "run")), ev...)
	}
	if own == 0 {
		return silent("the failed runs also lost memory or executors, or their driver", ev...)
	}
	return advises(fmt.Sprintf("%d of %s failed with an exception of their own code and without any sign of memory: no size helps", own, plural(len(p.Runs), "run")), ev)
}

// threw says whether a run failed with an exception, whoever's it was, and
// without any sign of memory or of the platform.
func threw(r *Run) bool {
	wrong := r.TaskEndReasons["ExceptionFailure"] > 0 || r.DriverFailure == LossUserCode
	return r.Status == StatusFailed && wrong && !outOfHeap(r) && !driverOutOfHeap(r) && faults(r) == 0
}

// failedByItself says whether a run failed and nothing but its code speaks for
// it.
func failedByItself(r *Run) bool {
	code := r.TaskFailureCauses[LossUserCode] > 0 || r.DriverFailure == LossUserCode
	return threw(r) && code && r.TaskFailureCauses[LossUnclear] == 0
}

// telling are the runs whose figures tell of their sizes: not those that an
// exception ended in the middle; why says that they are too few.
func (p *Profile) telling(pol Policy) (runs []*Run, why string) {
	runs = pick(p.Runs, func(r *Run) bool { return !threw(r) })
	if len(runs) < pol.MinRuns {
		why = fmt.Sprintf("%d of %s failed with an exception and without any sign of memory, and it takes %d others to tell", len(p.Runs)-len(runs), plural(len(p.Runs), "run"), pol.MinRuns)
	}
	return runs, why
}

// driverDied says whether a run failed and nothing but its driver did, of
// another cause than its heap or its code.
func driverDied(r *Run) bool {
	known := r.DriverFailure == LossHeapOOM || r.DriverFailure == LossUserCode
	return r.Status == StatusFailed && r.TasksFailed.OK && r.TasksFailed.V == 0 && !outOfHeap(r) && faults(r) == 0 && !known
}

// faults counts the executors that were lost for another reason than the end of
// their work.
func faults(r *Run) int64 {
	var n int64
	for cause, k := range r.ExecutorsLost {
		if cause != LossScaleDown {
			n += k
		}
	}
	return n
}
