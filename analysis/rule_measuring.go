package analysis

import "fmt"

var measuring = Rule{
	Name:  "measuring",
	Title: "an expensive job that is not measured",
	Doc: `The heap is sampled during less of the run time than the policy asks for, the
setting that would measure it is not on, and the job reserves enough memory in a
month to be worth it, in heaps that are not about as small as the policy allows. By
default 0.1 to 4 % of tasks are sampled: those that overlap a heartbeat.

One line: a polling interval of one second, with which every task that lasts so
long carries its peaks. On real runs that alone gives the peaks that stage executor
metrics give too. Where the runs that have it are still sampled too little, because
their tasks are shorter, stage executor metrics are the next line. Neither changes
how the job runs, and nothing else is proposed with it. Spark before 3.0 has none
of them.`,
	Needs: []string{"memory_byte_ms", "run_ms"},
	Keys:  []string{keyStageMetrics, keyPolling},
	eval:  evalMeasuring,
}

func evalMeasuring(p *Profile, pol Policy) Finding {
	runs := p.sampledSince(p.Runs, coverage, pol, heapSettings...)
	low := minOf(runs, coverage)
	ev := []Evidence{{"heap_coverage", "run time with heap samples, least", low.V, "ratio"}}
	if len(measured(runs, coverage)) == len(runs) && low.V >= pol.MinCoverage {
		return silent("the heap is measured", ev...)
	}
	line := p.measures(pol)
	if line == nil {
		return silent("what measures the heap is on, or is not to be had: wait for more runs with it, or for Spark 3.0", ev...)
	}
	month := medianOf(p.Runs, gbHours).V * cadence(p, pol)
	ev = append(ev, Evidence{"memory_byte_ms", "GiB x hours reserved in a month", month, "count"})
	if float64(p.Conf().Bytes(keyMemory).V)*(1-pol.DeadBand) < float64(pol.MinHeap) {
		return silent("its heap is about as small as it may get, whatever is measured", ev...)
	}
	if month < pol.MinMeasuring {
		return silent(fmt.Sprintf("it reserves less than %.0f GiB x hours a month, as far as is known: too little to be worth measuring", pol.MinMeasuring), ev...)
	}
	return advises("the heap is not measured, and the job reserves enough memory to be worth it", ev, *line)
}

// measures is the one line that is to measure the heap next; nil when nothing is
// left to switch on, or nobody knows yet what is on already does.
func (p *Profile) measures(pol Policy) *Change {
	c := p.Conf()
	polled := pick(p.Runs, func(r *Run) bool { return r.Conf.Millis(keyPolling).V > 0 })
	short := count(polled, func(r *Run) bool { return coverage(r).V < pol.MinCoverage })
	switch {
	case older(p.Newest().SparkVersion, 3, 0):
		return nil
	case c.Millis(keyPolling).V == 0:
		return &Change{Key: keyPolling, To: "1s", Purpose: Measuring, Confidence: High}
	case !c.Bool(keyStageMetrics).V && short >= pol.MinRuns:
		return &Change{Key: keyStageMetrics, To: "true", Purpose: Measuring, Confidence: confidenceOf(short, len(polled))}
	}
	return nil
}
