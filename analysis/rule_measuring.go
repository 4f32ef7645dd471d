package analysis

import "fmt"

var measuring = Rule{
	Name:  "measuring",
	Title: "an expensive job that is not measured",
	Doc: `The heap is sampled during less of the run time than the policy asks for, the
settings that would measure it are not on, and the job reserves enough memory in
a month to be worth it. By default 0.1 to 4 % of tasks are sampled: those that
overlap a heartbeat.

Stage executor metrics, a polling interval of one second and process-tree metrics
are switched on; they change nothing about how the job runs, and the next runs
can be judged. Nothing else is proposed with them.`,
	Needs: []string{"memory_byte_ms", "run_ms"},
	Keys:  []string{keyStageMetrics, keyPolling, keyProcessTree},
	eval:  evalMeasuring,
}

func evalMeasuring(p *Profile, pol Policy) Finding {
	low := minOf(p.Runs, coverage)
	ev := []Evidence{{"heap_coverage", "run time with heap samples, least", low.V, "ratio"}}
	if len(measured(p.Runs, coverage)) == len(p.Runs) && low.V >= pol.MinCoverage {
		return silent("the heap is measured", ev...)
	}
	changes := p.measures()
	if len(changes) == 0 {
		return silent("what measures the heap is on: wait for more runs with it", ev...)
	}
	month := medianOf(p.Runs, gbHours).V * cadence(p)
	ev = append(ev, Evidence{"memory_byte_ms", "GiB x hours reserved in a month", month, "count"})
	if p.Conf().Bytes(keyMemory).V <= pol.MinHeap {
		return silent("its heap is as small as it may get", ev...)
	}
	if month < pol.MinMeasuring {
		return silent(fmt.Sprintf("it reserves less than %.0f GiB x hours a month, as far as is known: too little to be worth measuring", pol.MinMeasuring), ev...)
	}
	return advises("the heap is not measured, and the job reserves enough memory to be worth it", ev, changes...)
}

// measures are the settings that measure the heap and are not on yet.
func (p *Profile) measures() []Change {
	c := p.Conf()
	var changes []Change
	if !c.Bool(keyStageMetrics).V {
		changes = append(changes, Change{Key: keyStageMetrics, To: "true", Purpose: Measuring, Confidence: High})
	}
	if c.Millis(keyPolling).V == 0 && !older(p.Newest().SparkVersion, 3, 0) {
		changes = append(changes, Change{Key: keyPolling, To: "1s", Purpose: Measuring, Confidence: High})
	}
	if len(changes) > 0 && !c.Bool(keyProcessTree).V {
		changes = append(changes, Change{Key: keyProcessTree, To: "true", Purpose: Measuring, Confidence: High})
	}
	return changes
}
