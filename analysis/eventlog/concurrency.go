package eventlog

import "github.com/sparktune/sparktune/analysis"

// concurrency follows how many tasks run. It needs no times, only the order of
// the events.
type concurrency struct {
	started bool // a TaskStart was seen: Spark 4.1 can leave them out
	running int64
	most    int64
	stages  int64 // submitted and not completed
}

func (c *concurrency) start() {
	c.started = true
	c.running++
	c.most = max(c.most, c.running)
}

func (c *concurrency) end() { c.running = max(c.running-1, 0) }

// stageEnd mends the count where events were lost: no stage, no task.
func (c *concurrency) stageEnd() {
	c.stages = max(c.stages-1, 0)
	if c.stages == 0 {
		c.running = 0
	}
}

// peak is at most the slots: an end is logged after the slot is free again.
func (c *concurrency) peak(slots int64) analysis.Opt[int64] {
	switch {
	case !c.started:
		return analysis.Opt[int64]{}
	case slots > 0:
		return some(min(c.most, slots))
	}
	return some(c.most)
}
