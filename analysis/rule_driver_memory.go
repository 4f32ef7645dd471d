package analysis

import (
	"fmt"
	"slices"
	"strconv"
)

var driverMemory = Rule{
	Name:  "driver_memory",
	Title: "heap of the driver",
	Doc: `The driver's heap was never near its size, over the policy's history, in complete
runs: largest peak x 1.25 + 300 MiB is what it needs, and as much is taken away at a
time as of an executor's heap (over_provisioned_heap). Its peak is only known with
spark.eventLog.logStageExecutorMetrics=true, and counts where as many stages were
sampled as the policy asks of the run time of executors.

A peak contains garbage, so a high one is no reason to grow. In client mode the
driver's heap is that of the process that submits. Advice: a driver that dies
takes the application along. Source: TuneIn (peak x 1.25 + 300 MiB).`,
	Needs:  slices.Concat([]string{"driver_peak_heap_bytes", "driver_heap_coverage"}, soundness),
	Keys:   []string{keyDriver},
	Advice: true,
	eval:   evalDriverMemory,
}

func evalDriverMemory(p *Profile, pol Policy) Finding {
	if n := count(p.witnesses(), driverOutOfHeap); n > 0 {
		return silent(fmt.Sprintf("the driver died of its heap in %s: nothing is taken away", plural(n, "run")))
	}
	runs := p.sound()
	if why := tooLittleToShrink(p, runs, pol); why != "" {
		return silent(why)
	}
	runs = p.sampledSince(runs, driverCoverage, pol, keyStageMetrics)
	if c := missing([]string{"driver_peak_heap_bytes", "driver_heap_coverage"}, runs, 1); c != "" {
		return unmeasured("some runs have no value of " + c)
	}
	peak := maxOf(p.witnesses(), func(r *Run) Opt[int64] { return r.DriverPeakHeap })
	low := minOf(runs, driverCoverage)
	heap := p.Conf().Bytes(keyDriver)
	ev := []Evidence{
		{"driver_peak_heap_bytes", "peak heap of the driver, largest", float64(peak.V), "bytes"},
		{"driver_heap_coverage", "stages with samples of the driver's heap, least", low.V, "ratio"},
	}
	if low.V < pol.MinCoverage {
		return unmeasured(fmt.Sprintf("the driver's heap was sampled in less than %.0f %% of the stages in some runs", 100*pol.MinCoverage), ev...)
	}
	if why := watchedTooLittle(runs, pol); why != "" {
		return unmeasured(why, ev...)
	}
	need := int64(float64(peak.V)*heapMargin) + reservedHeap
	goal := roundUp(max(pol.MinHeap, need), pol.MemoryStep)
	if float64(goal) > float64(heap.V)*(1-pol.DeadBand) {
		return silent("what its largest peak needs is near its size, or above: right as it is, or filled by the collector", ev...)
	}
	to := max(goal, pol.stepDown(heap.V, need))
	f := advises(fmt.Sprintf("the driver's largest heap peak is %.0f %% of its heap", 100*float64(peak.V)/float64(heap.V)), ev,
		Change{Key: keyDriver, To: FormatMemory(to), Confidence: Medium})
	if to > goal {
		return f.railed("the measured need is %s; %s", FormatMemory(goal), pol.oneStep())
	}
	return f
}

func driverCoverage(r *Run) Opt[float64] { return r.DriverHeapCoverage }

var driverCores = Rule{
	Name:  "driver_cores",
	Title: "cores of the driver",
	Doc: `The driver runs in the cluster with more than the policy's driver_cores, and no
more than driver_executors at a time and driver_tasks in a run to schedule for.

Nothing in the event log measures how busy the driver is, so this is advice: a
driver that computes on its own may need them. Source: TuneIn (at most 2), AWS EMR
Advisor (executors / 100).`,
	Needs:  []string{"peak_executors", "tasks"},
	Keys:   []string{keyDriverCores},
	Advice: true,
	eval:   evalDriverCores,
}

func evalDriverCores(p *Profile, pol Policy) Finding {
	n := p.Conf().Int(keyDriverCores).V
	peak := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.PeakExecutors })
	tasks := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.Tasks })
	ev := []Evidence{
		{"peak_executors", "most executors at a time", float64(peak.V), "count"},
		{"tasks", "most tasks of a run", float64(tasks.V), "count"},
	}
	if n <= pol.DriverCores || p.Newest().DeployMode != "cluster" || peak.V > pol.DriverExecutors || tasks.V > pol.DriverTasks {
		return silent("the driver's cores are not many for what it schedules", ev...)
	}
	return advises(fmt.Sprintf("the driver has %s for little to schedule", plural(int(n), "core")), ev, Change{Key: keyDriverCores, To: strconv.FormatInt(pol.DriverCores, 10), Confidence: Low})
}
