package analysis

import (
	"strconv"
	"testing"
	"time"
)

// A model of a job that behaves as the simulation and the memory rules expect:
// a need of heap that does not depend on the heap, work that is scheduled, and
// memory errors below the need.
type behaviour struct {
	need      int64 // bytes of heap that a run really holds at its peak
	tasks     int
	taskMs    int64
	overhead  int64 // bytes outside the heap
	partition int64 // bytes in memory of the whole shuffle; 0 is none
}

// history is forty nights of the job under a configuration.
func (b behaviour) history(c Conf) ([]Run, map[Key]RunProfile) {
	start := time.Date(2026, 9, 20, 2, 0, 0, 0, time.UTC)
	heap, n := c.Bytes(keyMemory).V, int(c.Int(keyInstances).V)
	tasks := make([]int64, b.tasks)
	for i := range tasks {
		tasks[i] = b.taskMs + int64(i%7)*b.taskMs/20
	}
	rp := profileOf(n, tasks)
	s, _ := NewSimulation(rp, c)
	real := s.At(int64(n))
	details := make(map[Key]RunProfile)
	var runs []Run
	for i := range 40 {
		at := start.AddDate(0, 0, i)
		r := Run{
			Key: Key{AppID: strconv.Itoa(i)}, Start: at, End: at.Add(time.Duration(real.DurationMs) * time.Millisecond), Finished: true, Status: StatusSucceeded,
			SparkVersion: "3.5.1", Workload: WorkloadBatch, Conf: c, ExecutorsLost: map[string]int64{}, HeapOOMTasks: Some(int64(0)), MemorySpilled: Some(int64(0)),
			GCMs: Some(int64(0)), RunMs: Some(rp.Stages[0].RunMs), PeakTasks: Some(int64(min(n, b.tasks))), ExecutorCores: Some(int64(1)), CriticalPathMs: Some(rp.Stages[0].RunMaxMs),
			PeakHeap: Some(min(heap, b.need)), HeapCoverage: Some(1.0), MemoryByteMs: Some(real.ExecutorMs * float64(heap+minOverhead)), PeakExecutors: Some(int64(n)),
		}
		if heap < b.need {
			r.HeapOOMTasks, r.Status = Some(int64(4)), StatusFailed
		}
		if over := c.Bytes(keyOverhead).Or(minOverhead); over < b.overhead {
			r.ExecutorsLost = map[string]int64{LossContainerMemory: 2}
		}
		if parts := c.Int(keyPartitions).V; b.partition > 0 {
			per := b.partition / parts
			share := (heap - reservedHeap) * 6 / 10
			if spilled := (per - share) * parts; spilled > 0 {
				r.MemorySpilled, r.SpillStageBytes, r.SpillStageTasks, r.SpillStageShuffle = Some(spilled), Some(spilled), Some(parts), Some(b.partition/5)
				r.SpillStageRatio, r.SpillStageShare, r.SpillStageSkewed, r.UnifiedRegion = Some(2.0), Some(0.9), Some(false), Some(share)
			}
		}
		if i > 35 {
			d := *rp
			d.Key, d.Start = r.Key, r.Start
			details[r.Key] = d
		}
		runs = append(runs, r)
	}
	return runs, details
}

// Applied and advised anew on a job that behaves as predicted, advice reaches a
// fixpoint within five steps, and no key goes there and back.
func TestAdviceReachesAFixpoint(t *testing.T) {
	pol := DefaultPolicy()
	pol.MinDuration = 0
	for name, c := range map[string]struct {
		job  behaviour
		conf Conf
	}{
		"heap far too large":      {behaviour{need: 2 * gib, tasks: 40, taskMs: 60_000}, Conf{keyMemory: "8g", keyInstances: "4"}},
		"heap too small":          {behaviour{need: 7 * gib, tasks: 40, taskMs: 60_000}, Conf{keyMemory: "1g", keyInstances: "4"}},
		"heap a little too small": {behaviour{need: 1100 * mib, tasks: 40, taskMs: 60_000}, Conf{keyMemory: "1g", keyInstances: "4"}},
		"overhead too small":      {behaviour{need: gib, tasks: 40, taskMs: 60_000, overhead: 2 * gib}, Conf{keyMemory: "2g", keyInstances: "4"}},
		"idle":                    {behaviour{need: 4 * gib, tasks: 3, taskMs: 600_000}, Conf{keyMemory: "6g", keyInstances: "24"}},
		"starved":                 {behaviour{need: 4 * gib, tasks: 400, taskMs: 60_000}, Conf{keyMemory: "6g", keyInstances: "12"}},
		"spill":                   {behaviour{need: 4 * gib, tasks: 40, taskMs: 60_000, partition: 300 * gib}, Conf{keyMemory: "6g", keyInstances: "4", keyPartitions: "20"}},
		"right":                   {behaviour{need: 4 * gib, tasks: 40, taskMs: 600_000}, Conf{keyMemory: "6g", keyInstances: "40"}},
	} {
		t.Run(name, func(t *testing.T) {
			conf, directions := c.conf, make(map[string]int64)
			for step := 0; ; step++ {
				runs, details := c.job.history(conf)
				p := NewProfile("job", runs, runs[39].Start.Add(24*time.Hour), pol)
				p.Attach(details)
				a := Advise(p, pol)
				checkAdvice(t, name, a, pol)
				if len(a.Changes) == 0 {
					t.Logf("fixpoint after %d steps: %v", step, conf)
					break
				}
				if step == 5 {
					t.Fatalf("no fixpoint: still %+v at %v", a.Changes, conf)
				}
				next := Conf{}
				for _, ch := range a.Changes {
					next[ch.Key] = ch.To
					up := numberOf(ch.Key, ch.To) - numberOf(ch.Key, ch.Effective)
					if up*directions[ch.Key] < 0 {
						t.Errorf("step %d turns back: %s %s -> %s", step, ch.Key, ch.Effective, ch.To)
					}
					directions[ch.Key] = up
				}
				conf = next.over(conf)
			}
		})
	}
}

func numberOf(key, value string) int64 {
	c := Conf{key: value}
	return c.Bytes(key).Or(c.Int(key).V)
}
