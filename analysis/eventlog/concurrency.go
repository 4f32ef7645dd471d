package eventlog

import "github.com/sparktune/sparktune/analysis"

// concurrency follows how many tasks run. It needs no times, only the order of
// the events.
type concurrency struct {
	started bool // a TaskStart was seen: Spark 4.1 can leave them out
	lost    bool // starts and ends are not in pairs
	running int64
	most    int64
	stages  int64 // submitted and not completed
	resets  int64 // of running, to 0
}

func (c *concurrency) start() {
	c.started = true
	c.running++
	c.most = max(c.most, c.running)
}

// end takes in that a task of a stage ended. An end too many is one whose start
// came before the log or was lost: how many others ran beside those that were
// counted is then unknown.
func (c *concurrency) end(st *stage) {
	switch {
	case st.late || st.completed && st.resets < c.resets: // no longer counted
	case c.running == 0:
		c.lost = true
	default:
		c.running--
	}
}

// stageEnd mends the count where events were lost: no stage, no task.
func (c *concurrency) stageEnd() {
	c.stages = max(c.stages-1, 0)
	if c.stages == 0 {
		c.running = 0
		c.resets++
	}
}

// peak is at most the slots: an end is logged after the slot is free again.
func (c *concurrency) peak(slots int64) analysis.Opt[int64] {
	switch {
	case !c.started || c.lost:
		return analysis.Opt[int64]{}
	case slots > 0:
		return some(min(c.most, slots))
	}
	return some(c.most)
}
