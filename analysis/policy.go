package analysis

import "time"

// Policy holds every gate that has an absolute value. A repository or a server
// may set them; the zero Policy is not useful, start from [DefaultPolicy].
type Policy struct {
	MinRuns       int           // fewest runs of one configuration before anything is advised
	MinRunsShrink int           // fewest complete, successful ones before anything is taken away
	Lookback      time.Duration // runs that started earlier are not looked at
	MinHistory    time.Duration // a shrink needs runs over at least this time, so that month end is inside
	MaxAge        time.Duration // with no run younger than this the metrics are stale
	MinDuration   time.Duration // median duration below which spill and waste are not worth a change

	MinCoverage float64 // least share of run time with heap samples for a peak to count
	MinSpill    int64   // bytes of memory spilled by the worst stage, median over runs
	MinSpillRatio,
	MinSpillShare float64 // of its data; of the application's run time
	MinGC          float64 // GC share that is worth more heap
	MaxGCShrink    float64 // GC share above which nothing is taken away
	MaxSpillShrink float64 // spilled share of the data above which nothing is taken away

	DeadBand  float64 // relative change below which a value is right as it is
	MaxShrink float64 // largest relative cut of one proposal, taken twice far above the need
	MaxGrow   float64 // largest factor of growth of one proposal

	Goal          Goal          // what a number of executors is chosen for
	MaxModelError float64       // of the simulation on the runs as they were, above which it says nothing
	MaxExecutors  int64         // most executors that are ever written
	MinSkew       time.Duration // longest task of a stage from which on its skew is worth a word
	MinMeasuring  float64       // GiB x hours a month from which on an unmeasured heap is worth measuring
	MinCadence    time.Duration // least time that runs cover for what they come to in a month
	MaxProbe      float64       // largest share of a heap that a probe takes away; 0 turns probes off

	// Prices, 0 where nobody said. Those of cores and memory count only where
	// containers are billed; a node's by the dominant share of it.
	CoreHourPrice float64
	GBHourPrice   float64
	NodePrice     float64 // per hour
	NodeCores     float64
	NodeMemory    int64

	MemoryStep    int64 // heaps and overheads are rounded up to a multiple of it
	MinHeap       int64
	MaxHeap       int64
	OverheadStep  int64 // least growth of the overhead after a container kill
	MaxOverhead   int64
	MaxPartitions int64 // most shuffle partitions that are ever written
	MaxCores      int64 // most cores of an executor that are ever written
	// MaxPartitionStep is the largest factor by which shuffle partitions change
	// in one proposal: more of them cost little, but a wrong model should not
	// cost a thousandfold.
	MaxPartitionStep int64

	// What counts as large, many or small, and what is named in its place.
	WantedCores      int64 // of an executor; with more, a full heap gets fewer cores before it grows
	ManyCores        int64 // of an executor, whose garbage collection is looked at
	OneCoreExecutors int64 // executors of one core each that are worth a word
	LargeTask        int64 // bytes that a stage's median task reads
	ManyTasks        int64 // of a stage that reads files; below it, small splits are fine
	ManyPartitions   int64 // of a shuffle; up to it, tiny tasks are fine
	SmallSplit       int64 // bytes of input of a stage's median task
	WantedSplit      int64 // in place of small ones
	WantedPartition  int64 // bytes that a task should read in place of a large one
	SmallPartition   int64 // bytes that a task reads at most when tiny ones are merged
	LargeBroadcast   int64 // threshold of broadcast joins, in bytes
	MinRDDShuffle    int64 // bytes of RDDs that are worth another serializer
	// A driver of up to so many executors and tasks has little to schedule, and
	// needs no more than DriverCores for it.
	DriverCores     int64
	DriverExecutors int64
	DriverTasks     int64
}

// DefaultPolicy is what holds where nobody said otherwise.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		MinRuns:        3,
		MinRunsShrink:  5,
		Lookback:       60 * day,
		MinHistory:     35 * day,
		MaxAge:         35 * day,
		MinDuration:    5 * time.Minute,
		MinCoverage:    0.8,
		MinSpill:       1 * gib,
		MinSpillRatio:  0.1,
		MinSpillShare:  0.1,
		MinGC:          0.1,
		MaxGCShrink:    0.05,
		MaxSpillShrink: 0.01,
		DeadBand:       0.2,
		MaxShrink:      0.3,
		MaxGrow:        2,
		Goal:           Balanced,
		MaxModelError:  0.15,
		MaxExecutors:   1000,
		MinSkew:        time.Minute,
		MinMeasuring:   100,
		MinCadence:     7 * day,
		MemoryStep:     256 * mib,
		MinHeap:        1 * gib,
		MaxHeap:        64 * gib,
		OverheadStep:   1 * gib,
		MaxOverhead:    16 * gib,
		MaxPartitions:  20_000,
		MaxCores:       64,

		MaxPartitionStep: 4,
		WantedCores:      4,
		ManyCores:        8,
		OneCoreExecutors: 8,
		LargeTask:        512 * mib,
		ManyTasks:        1000,
		ManyPartitions:   200,
		SmallSplit:       8 * mib,
		WantedSplit:      256 * mib,
		WantedPartition:  128 * mib,
		SmallPartition:   16 * mib,
		LargeBroadcast:   100 * mib,
		MinRDDShuffle:    1 * gib,
		DriverCores:      2,
		DriverExecutors:  100,
		DriverTasks:      10_000,
	}
}
