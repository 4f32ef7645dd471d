package analysis

import (
	"fmt"
	"slices"
)

var overProvisionedOverhead = Rule{
	Name:  "over_provisioned_overhead",
	Title: "more memory outside the heap than needed",
	Doc: `The overhead is set, above Spark's default, and the resident memory of the
executors' processes beside the heap's largest peak never came near it, over the
policy's history, without a container kill. Sampled with
spark.executor.processTreeMetrics.enabled=true.

A heap that is not full leaves room that the overhead then seems not to need: what
counts is what was resident beside the heap that was used. More may have been there
between two samples, and a container that outgrows its limit dies: advice, never
written. New overhead: largest measured x 1.25 + 384 MiB.`,
	Needs:  slices.Concat(symptoms, soundness),
	Keys:   []string{keyOverhead},
	Advice: true,
	concerns: func(p *Profile, _ Policy) string {
		if !p.Conf().set(keyOverhead) {
			return "the overhead is the default"
		}
		return ""
	},
	eval: evalOverProvisionedOverhead,
}

func evalOverProvisionedOverhead(p *Profile, pol Policy) Finding {
	runs, no := p.shrinkable(pol)
	if no != nil {
		return *no
	}
	sampled := func(r *Run) Opt[float64] { return r.RSSCoverage }
	runs = p.sampledSince(runs, sampled, pol, keyProcessTree, keyPolling)
	if low := minOf(runs, sampled); len(measured(runs, sampled)) < len(runs) || low.V < pol.MinCoverage {
		return unmeasured("resident memory was not sampled well; set " + keyProcessTree + "=true and " + keyPolling + "=1s to measure it")
	}
	if why := watchedTooLittle(runs, pol); why != "" {
		return unmeasured(why)
	}
	used := maxOf(p.witnesses(), outsideHeap)
	cur := p.overhead(p.Conf())
	ev := []Evidence{{"peak_jvm_rss_bytes", "resident memory outside the heap, largest", float64(used.V), "bytes"}}
	to := roundUp(int64(float64(used.V)*heapMargin)+minOverhead, pol.MemoryStep)
	if !used.OK || float64(to) > float64(cur)*(1-pol.DeadBand) {
		return silent("the overhead is near what was used", ev...)
	}
	return advises(fmt.Sprintf("memory outside the heap was never above %.0f %% of the overhead", 100*float64(used.V)/float64(max(1, cur))), ev,
		Change{Key: keyOverhead, To: FormatMemory(to), Confidence: Low})
}
