package analysis

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A job of 30 nights with everything measured, ten executors of four slots, and
// profiles of the latest runs.
func benchJob(r *rand.Rand, stages int) (runs []Run, details map[Key]RunProfile, now time.Time) {
	start := time.Date(2026, 9, 1, 2, 0, 0, 0, time.UTC)
	details = make(map[Key]RunProfile)
	for i := range 30 {
		at := start.AddDate(0, 0, 2*i)
		run := Run{
			Key: Key{AppID: fmt.Sprint("application_", i)}, Start: at, End: at.Add(40 * time.Minute), Finished: true, Status: StatusSucceeded,
			SparkVersion: "3.5.1", Workload: WorkloadBatch, PlanFingerprint: "a", Application: "etl.py",
			Conf:           Conf{keyMemory: "8g", keyCores: "4", keyInstances: "10", keyPartitions: "200"},
			TaskEndReasons: map[string]int64{"Success": 5000}, ExecutorsLost: map[string]int64{}, Locality: map[string]int64{"ANY": 5000},
		}
		for _, c := range Columns {
			switch f := c.Field(&run).(type) {
			case *Opt[int64]:
				*f = Some(int64(0))
			case *Opt[float64]:
				*f = Some(0.0)
			}
		}
		run.RunMs, run.Tasks, run.PeakTasks, run.ExecutorCores, run.PeakExecutors = Some(int64(6e7)), Some(int64(5000)), Some(int64(40)), Some(int64(4)), Some(int64(10))
		run.PeakHeap, run.HeapCoverage, run.MemoryByteMs, run.CriticalPathMs, run.InputBytes = Some(int64(6*gib)), Some(0.95), Some(4e16), Some(int64(1e5)), Some(int64(50*gib))
		runs = append(runs, run)
		if i < 26 {
			continue
		}
		var work [][]int64
		for range stages {
			work = append(work, randomTasks(r, 1+r.IntN(160)))
		}
		rp := *profileOf(10, work...)
		rp.Key, rp.Start = run.Key, at
		for k := range rp.Executors {
			rp.Executors[k].Cores = 4
		}
		details[rp.Key] = rp
	}
	return runs, details, start.AddDate(0, 0, 59)
}

// 10,000 jobs of 30 runs each. Divide by the number of simulated runs for the
// second: 50 stages of 80 tasks on average, 500 in one job of twenty.
//
//	go test ./analysis -run '^$' -bench 'Advise' -cpu 1
func BenchmarkAdvise(b *testing.B) {
	pol := DefaultPolicy()
	r := rand.New(rand.NewPCG(1, 2))
	usual, usualDetails, now := benchJob(r, 50)
	large, largeDetails, _ := benchJob(r, 500)
	for _, simulated := range []bool{false, true} {
		b.Run(fmt.Sprintf("jobs=200,simulated=%t", simulated), func(b *testing.B) {
			for b.Loop() {
				for i := range 200 {
					runs, details := usual, usualDetails
					if i%20 == 0 {
						runs, details = large, largeDetails
					}
					p := NewProfile("job", runs, now, pol)
					if simulated {
						p.Attach(details)
					}
					Advise(p, pol)
				}
			}
		})
	}
}
