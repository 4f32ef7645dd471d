package analysis

import (
	"cmp"
	"slices"
)

// Properties that rules change.
const (
	keyMemory     = "spark.executor.memory"
	keyOverhead   = "spark.executor.memoryOverhead"
	keyCores      = "spark.executor.cores"
	keyInstances  = "spark.executor.instances"
	keyMaxExecs   = "spark.dynamicAllocation.maxExecutors"
	keyMinExecs   = "spark.dynamicAllocation.minExecutors"
	keyPartitions = "spark.sql.shuffle.partitions"

	keyDynamic     = "spark.dynamicAllocation.enabled"
	keyInitial     = "spark.dynamicAllocation.initialExecutors"
	keyDriver      = "spark.driver.memory"
	keyDriverCores = "spark.driver.cores"
	keyAdaptive    = "spark.sql.adaptive.enabled"
	keySkewJoin    = "spark.sql.adaptive.skewJoin.enabled"
	keyCoalesce    = "spark.sql.adaptive.coalescePartitions.enabled"
	keySplit       = "spark.sql.files.maxPartitionBytes"
	keyBroadcast   = "spark.sql.autoBroadcastJoinThreshold"
	keySpeculation = "spark.speculation"
	keyLocality    = "spark.locality.wait"
	keySerializer  = "spark.serializer"
	keyPySpark     = "spark.executor.pyspark.memory"
	keyOffHeap     = "spark.memory.offHeap.enabled"
	keyOffHeapSize = "spark.memory.offHeap.size"

	// The share of the heap that an overhead is which is not set, by where it
	// has an effect: everywhere, on Kubernetes, on Amazon EMR.
	keyFactor    = "spark.executor.memoryOverheadFactor"
	keyPodFactor = "spark.kubernetes.memoryOverheadFactor"
	keyEMRFactor = "spark.yarn.executor.memoryOverheadFactor"

	keyLeastOverhead = "spark.executor.minMemoryOverhead"
	keyPodLanguage   = "spark.kubernetes.resource.type"

	keyStageMetrics = "spark.eventLog.logStageExecutorMetrics"
	keyProcessTree  = "spark.executor.processTreeMetrics.enabled"
	keyPolling      = "spark.executor.metrics.pollingInterval"
)

const (
	// reservedHeap is what Spark keeps for itself out of every heap before it
	// splits the rest (UnifiedMemoryManager.RESERVED_SYSTEM_MEMORY_BYTES).
	reservedHeap = 300 * mib
	// minOverhead is the least overhead of a container that does not set it.
	minOverhead = 384 * mib
	// heapMargin is how much more than the measured peak a heap is given:
	// Dr. Elephant's tuning branch takes peak x 1.25 + 300 MiB.
	heapMargin = 1.25
)

// slots is how many tasks an executor runs at a time: as registered when a run
// shows it, else as configured.
func slots(p *Profile) int64 {
	cores := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.ExecutorCores })
	n := cores.Or(p.Conf().Int(keyCores).Or(1))
	return max(1, n/p.Conf().taskCPUs())
}

// taskCPUs are the cores that one task takes.
func (c Conf) taskCPUs() int64 { return max(1, c.Int("spark.task.cpus").Or(1)) }

// executorNumbers are the set properties that say how many executors there are,
// and their values.
func (p *Profile) executorNumbers() map[string]int64 {
	keys := []string{keyInstances}
	switch {
	case p.Conf().Bool(keyDynamic).V:
		keys = append(keys, keyMinExecs, keyInitial, keyMaxExecs)
	case p.Newest().Platform() == Standalone:
		keys = nil // see withoutEffect
	}
	numbers := make(map[string]int64)
	for _, key := range keys {
		if n := p.Conf().Int(key); n.V > 0 {
			numbers[key] = n.V
		}
	}
	return numbers
}

// platformChooses says whether neither the application nor its work says how many
// executors there are.
func (p *Profile) platformChooses() bool {
	return !p.Conf().Bool(keyDynamic).V && len(p.executorNumbers()) == 0
}

// taskMemory is the execution memory that one task of a full executor is sure
// of, in bytes: its share of the unified region.
func taskMemory(p *Profile) int64 {
	region := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.UnifiedRegion })
	if !region.OK {
		c := p.Conf()
		region = Some(int64(float64(c.Bytes(keyMemory).V-reservedHeap) * c.Float("spark.memory.fraction").Or(0.6)))
	}
	return max(0, region.V) / slots(p)
}

// grown is the heap after one step up, 0 when the ladder has ended: small
// heaps double, larger ones grow more carefully. The steps are those of
// LinkedIn's TuneIn, here rounded up to the policy's step.
func grown(heap int64, pol Policy) int64 {
	factor := 1.25
	switch {
	case heap < 4*gib:
		factor = 2
	case heap < 8*gib:
		factor = 1.5
	}
	factor = min(factor, pol.MaxGrow)
	to := roundUp(int64(float64(heap)*factor), pol.MemoryStep)
	if to > pol.MaxHeap {
		return 0
	}
	return to
}

func roundUp(n, step int64) int64 {
	if step <= 1 {
		return n
	}
	return (n + step - 1) / step * step
}

func sortChanges(c []Change) []Change {
	slices.SortFunc(c, func(a, b Change) int { return cmp.Compare(a.Key, b.Key) })
	return c
}
