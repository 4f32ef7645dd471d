package analysis

import "fmt"

var driverOOM = Rule{
	Name:  "driver_oom",
	Title: "driver out of heap",
	Doc: `The driver itself died of its heap: an SQL execution or a job ended with an
OutOfMemoryError that is none of its tasks', or while a table to be broadcast was
built or a task serialized. Event logs say so since Spark 3.4.

One step: the driver's heap grows x 2 below 4 GiB, x 1.5 below 8 GiB, then x 1.25,
up to the policy's largest. The executors stay as they are. A result that is
collected or a table that is broadcast can outgrow every driver: past the largest
heap a person has to look at the job. Source: TuneIn's ladder for executors.

Runs that failed although no task and no executor did, and whose log does not say
why, are Unmeasured.`,
	Needs: []string{"status"},
	Keys:  []string{keyDriver},
	concerns: func(p *Profile, _ Policy) string {
		known := missing([]string{"status"}, p.Runs, len(p.Runs)) == ""
		if known && p.FailedRuns()+count(p.Runs, driverOutOfHeap) == 0 {
			return "no run failed"
		}
		return ""
	},
	eval: evalDriverOOM,
}

func evalDriverOOM(p *Profile, pol Policy) Finding {
	hit := count(p.Runs, driverOutOfHeap)
	if hit == 0 {
		if n := count(p.Runs, func(r *Run) bool { return driverDied(r) && r.DriverFailure == "" }); n > 0 {
			return unmeasured(fmt.Sprintf("the driver ended by itself in %s, and no log says of what: the driver's own log tells, or a log of Spark 3.4 or later", plural(n, "run")))
		}
		return silent(fmt.Sprintf("no log of %s says that the driver died of its heap", plural(len(p.Runs), "run")))
	}
	reason := fmt.Sprintf("the driver died of its heap in %d of %s", hit, plural(len(p.Runs), "run"))
	ev := []Evidence{{"driver_failure", "runs whose driver died of its heap", float64(hit), "count"}}
	heap := p.Conf().Bytes(keyDriver)
	to := grown(heap.V, pol)
	if !heap.OK || to == 0 {
		return silent(fmt.Sprintf("%s, but its heap is already at %s and the policy's largest is %s: a person has to look at the job", reason, p.effective(keyDriver), FormatMemory(pol.MaxHeap)), ev...)
	}
	return advises(reason, ev, Change{Key: keyDriver, To: FormatMemory(to), Confidence: confidenceOf(hit, len(p.Runs))})
}

func driverOutOfHeap(r *Run) bool { return r.DriverFailure == LossHeapOOM }
