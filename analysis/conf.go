package analysis

import (
	"math"
	"strconv"
	"strings"
)

// Conf is a set of Spark properties, explicit ones only: what is absent has
// its default. Values are as the user spelled them.
type Conf map[string]string

// Kind is the type of a property's value.
type Kind int

// The kinds of values that sizing properties have.
const (
	KindText   Kind = iota
	KindBytes       // a size; see Key.Unit for what a bare number means
	KindMillis      // a duration
	KindInt
	KindFloat
	KindBool
)

// Property is one Spark property that sparktune reads, and how.
type Property struct {
	Name    string
	Aliases []string // deprecated names with the same meaning
	Column  string   // its column in the lake
	Kind    Kind
	Unit    int64  // bytes or milliseconds of a number without a unit
	Default string // Spark's default where it is one value on all platforms; "" otherwise
	Doc     string
	// Write means that sparktune may change it. Every other property is read
	// and talked about only: it may change results or side effects, or run code.
	Write bool
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Properties is the closed list of what is read of an application's
// configuration. Nothing else of it is stored: the rest may hold secrets.
// Sorted by Name. Source of the defaults: Spark 3.5's configuration page.
var Properties = []Property{
	{Name: "spark.default.parallelism", Column: "default_parallelism", Kind: KindInt, Doc: "Partitions of RDD shuffles where none is given."},
	{Name: "spark.driver.cores", Column: "driver_cores", Kind: KindInt, Default: "1", Doc: "Cores of the driver, cluster mode only."},
	{Name: "spark.driver.extraJavaOptions", Column: "driver_extra_java_options", Kind: KindText, Doc: "JVM options of the driver, those that start with -X only."},
	{Name: "spark.driver.maxResultSize", Column: "driver_max_result_bytes", Kind: KindBytes, Unit: 1, Default: "1g", Doc: "Limit of the serialized results of one action."},
	{Name: "spark.driver.memory", Column: "driver_memory_bytes", Kind: KindBytes, Unit: mib, Default: "1g", Doc: "Heap of the driver.", Write: true},
	{Name: "spark.driver.memoryOverhead", Aliases: []string{"spark.yarn.driver.memoryOverhead"}, Column: "driver_memory_overhead_bytes", Kind: KindBytes, Unit: mib, Doc: "Non-heap memory of the driver's container."},
	{Name: "spark.driver.memoryOverheadFactor", Column: "driver_memory_overhead_factor", Kind: KindFloat, Doc: "Share of the driver's heap that is added as overhead."},
	{Name: "spark.dynamicAllocation.enabled", Column: "dynamic_allocation", Kind: KindBool, Default: "false", Doc: "Executors come and go with the load."},
	{Name: "spark.dynamicAllocation.executorAllocationRatio", Column: "dynamic_allocation_ratio", Kind: KindFloat, Default: "1.0", Doc: "Share of full parallelism to ask executors for."},
	{Name: "spark.dynamicAllocation.executorIdleTimeout", Column: "dynamic_allocation_idle_timeout_ms", Kind: KindMillis, Unit: 1000, Default: "60s", Doc: "Idle time after which an executor is released."},
	{Name: "spark.dynamicAllocation.initialExecutors", Column: "dynamic_allocation_initial", Kind: KindInt, Doc: "Executors at start."},
	{Name: "spark.dynamicAllocation.maxExecutors", Column: "dynamic_allocation_max", Kind: KindInt, Doc: "Upper bound of executors; unset is unbounded.", Write: true},
	{Name: "spark.dynamicAllocation.minExecutors", Column: "dynamic_allocation_min", Kind: KindInt, Default: "0", Doc: "Lower bound of executors.", Write: true},
	{Name: "spark.dynamicAllocation.schedulerBacklogTimeout", Column: "dynamic_allocation_backlog_timeout_ms", Kind: KindMillis, Unit: 1000, Default: "1s", Doc: "Backlog time after which executors are asked for."},
	{Name: "spark.dynamicAllocation.shuffleTracking.enabled", Column: "dynamic_allocation_shuffle_tracking", Kind: KindBool, Doc: "Keeps executors that hold shuffle data."},
	{Name: "spark.eventLog.logStageExecutorMetrics", Column: "log_stage_executor_metrics", Kind: KindBool, Default: "false", Doc: "Peaks per stage and executor are in the event log.", Write: true},
	{Name: "spark.executor.cores", Column: "executor_cores_conf", Kind: KindInt, Doc: "Task slots of an executor; 1 on YARN and Kubernetes, all on standalone.", Write: true},
	{Name: "spark.executor.extraJavaOptions", Column: "executor_extra_java_options", Kind: KindText, Doc: "JVM options of the executors, those that start with -X only."},
	{Name: "spark.executor.instances", Column: "executor_instances", Kind: KindInt, Doc: "Static number of executors; 2 on YARN and Kubernetes.", Write: true},
	{Name: "spark.executor.memory", Column: "executor_memory_bytes", Kind: KindBytes, Unit: mib, Default: "1g", Doc: "Heap of an executor.", Write: true},
	{Name: "spark.executor.memoryOverhead", Aliases: []string{"spark.yarn.executor.memoryOverhead", "spark.kubernetes.executor.memoryOverhead"}, Column: "executor_memory_overhead_bytes", Kind: KindBytes, Unit: mib, Doc: "Non-heap memory of an executor's container; max(384 MiB, factor x heap) when unset.", Write: true},
	{Name: "spark.executor.memoryOverheadFactor", Column: "executor_memory_overhead_factor", Kind: KindFloat, Doc: "Share of the heap that is added as overhead; since Spark 3.3. Unset it is the platform's."},
	{Name: "spark.executor.metrics.pollingInterval", Column: "metrics_polling_interval_ms", Kind: KindMillis, Unit: 1, Default: "0", Doc: "How often memory is sampled; 0 means at heartbeats only.", Write: true},
	{Name: "spark.executor.minMemoryOverhead", Column: "executor_min_memory_overhead_bytes", Kind: KindBytes, Unit: mib, Default: "384m", Doc: "Least overhead where none is set; since Spark 4.0."},
	{Name: "spark.executor.processTreeMetrics.enabled", Column: "process_tree_metrics", Kind: KindBool, Default: "false", Doc: "Resident set sizes of JVM, Python and other processes are sampled.", Write: true},
	{Name: "spark.executor.pyspark.memory", Column: "executor_pyspark_memory_bytes", Kind: KindBytes, Unit: mib, Doc: "Hard limit of each Python worker, added to the container."},
	{Name: "spark.kubernetes.driver.limit.cores", Column: "k8s_driver_limit_cores", Kind: KindText, Doc: "CPU limit of the driver's pod, as a Kubernetes quantity."},
	{Name: "spark.kubernetes.driver.request.cores", Column: "k8s_driver_request_cores", Kind: KindText, Doc: "CPU request of the driver's pod; spark.driver.cores when unset."},
	{Name: "spark.kubernetes.executor.limit.cores", Column: "k8s_executor_limit_cores", Kind: KindText, Doc: "CPU limit of an executor's pod."},
	{Name: "spark.kubernetes.executor.request.cores", Column: "k8s_executor_request_cores", Kind: KindText, Doc: "CPU request of an executor's pod, such as 500m or 2; spark.executor.cores when unset."},
	{Name: "spark.kubernetes.memoryOverheadFactor", Column: "k8s_memory_overhead_factor", Kind: KindFloat, Doc: "The overhead's share on Kubernetes where the other is unset; Spark itself writes it in cluster mode: 0.4 for jobs that are not of the JVM."},
	{Name: "spark.kubernetes.resource.type", Column: "k8s_resource_type", Kind: KindText, Doc: "java, python or r; Spark itself writes it in Kubernetes' cluster mode."},
	{Name: "spark.kryoserializer.buffer.max", Column: "kryo_buffer_max_bytes", Kind: KindBytes, Unit: mib, Default: "64m", Doc: "Largest Kryo buffer."},
	{Name: "spark.locality.wait", Column: "locality_wait_ms", Kind: KindMillis, Unit: 1, Default: "3s", Doc: "Wait for a data-local slot."},
	{Name: "spark.memory.fraction", Column: "memory_fraction", Kind: KindFloat, Default: "0.6", Doc: "Share of (heap - 300 MiB) for execution and storage."},
	{Name: "spark.memory.offHeap.enabled", Column: "off_heap_enabled", Kind: KindBool, Default: "false", Doc: "Execution memory outside the heap."},
	{Name: "spark.memory.offHeap.size", Column: "off_heap_bytes", Kind: KindBytes, Unit: 1, Default: "0", Doc: "Size of the memory outside the heap."},
	{Name: "spark.memory.storageFraction", Column: "memory_storage_fraction", Kind: KindFloat, Default: "0.5", Doc: "Share of the unified region that storage keeps."},
	{Name: "spark.serializer", Column: "serializer", Kind: KindText, Doc: "Serializer class of RDD data."},
	{Name: "spark.shuffle.service.enabled", Column: "shuffle_service", Kind: KindBool, Default: "false", Doc: "External shuffle service."},
	{Name: "spark.speculation", Column: "speculation", Kind: KindBool, Default: "false", Doc: "Slow tasks are started twice."},
	{Name: "spark.sql.adaptive.advisoryPartitionSizeInBytes", Aliases: []string{"spark.sql.adaptive.shuffle.targetPostShuffleInputSize"}, Column: "aqe_advisory_partition_bytes", Kind: KindBytes, Unit: 1, Default: "64m", Doc: "Partition size that AQE aims at."},
	{Name: "spark.sql.adaptive.coalescePartitions.enabled", Column: "aqe_coalesce", Kind: KindBool, Default: "true", Doc: "AQE merges small shuffle partitions."},
	{Name: "spark.sql.adaptive.coalescePartitions.initialPartitionNum", Column: "aqe_initial_partitions", Kind: KindInt, Doc: "Shuffle partitions before AQE merges them; spark.sql.shuffle.partitions when unset."},
	{Name: "spark.sql.adaptive.coalescePartitions.minPartitionNum", Column: "aqe_min_partitions", Kind: KindInt, Doc: "Suggested least number of merged partitions; when unset that of the cores, 1 where parallelismFirst is false."},
	{Name: "spark.sql.adaptive.coalescePartitions.minPartitionSize", Column: "aqe_min_partition_bytes", Kind: KindBytes, Unit: 1, Default: "1m", Doc: "Least size of a merged partition; since Spark 3.2."},
	{Name: "spark.sql.adaptive.coalescePartitions.parallelismFirst", Column: "aqe_parallelism_first", Kind: KindBool, Default: "true", Doc: "Merging keeps every core busy before it aims at the advisory size; since Spark 3.2."},
	{Name: "spark.sql.adaptive.enabled", Column: "aqe", Kind: KindBool, Doc: "Adaptive query execution; on since Spark 3.2."},
	{Name: "spark.sql.adaptive.skewJoin.enabled", Column: "aqe_skew_join", Kind: KindBool, Default: "true", Doc: "AQE splits skewed join partitions."},
	{Name: "spark.sql.adaptive.skewJoin.skewedPartitionFactor", Column: "aqe_skewed_partition_factor", Kind: KindFloat, Default: "5", Doc: "How many medians a partition has to have to be split."},
	{Name: "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", Column: "aqe_skewed_partition_bytes", Kind: KindBytes, Unit: 1, Default: "256m", Doc: "How large a partition has to be to be split."},
	{Name: "spark.sql.autoBroadcastJoinThreshold", Column: "broadcast_threshold_bytes", Kind: KindBytes, Unit: 1, Default: "10m", Doc: "Largest table that is broadcast in a join; -1 is never."},
	{Name: "spark.sql.files.maxPartitionBytes", Column: "max_partition_bytes", Kind: KindBytes, Unit: 1, Default: "128m", Doc: "Largest input split."},
	{Name: "spark.sql.files.openCostInBytes", Column: "open_cost_bytes", Kind: KindBytes, Unit: 1, Default: "4m", Doc: "Cost of opening a file, in bytes."},
	{Name: "spark.sql.shuffle.partitions", Column: "shuffle_partitions", Kind: KindInt, Default: "200", Doc: "Partitions of SQL shuffles.", Write: true},
	{Name: "spark.task.cpus", Column: "task_cpus", Kind: KindInt, Default: "1", Doc: "Slots that one task takes."},
	{Name: "spark.task.maxFailures", Column: "task_max_failures", Kind: KindInt, Default: "4", Doc: "Failures of one task that fail the job."},
	{Name: "spark.yarn.executor.memoryOverheadFactor", Column: "emr_memory_overhead_factor", Kind: KindFloat, Doc: "Amazon EMR's name of the overhead's share; has no effect elsewhere."},
	// Wrong keys that look right; kept because a rule reports them.
	{Name: "spark.executors.instances", Column: "wrong_executors_instances", Kind: KindText, Doc: "No such property in Spark: has no effect."},
	{Name: "spark.executors.memory", Column: "wrong_executors_memory", Kind: KindText, Doc: "No such property in Spark: has no effect."},
}

// propertyByName finds a Property by its name or an alias.
var propertyByName = func() map[string]*Property {
	m := make(map[string]*Property)
	for i := range Properties {
		p := &Properties[i]
		m[p.Name] = p
		for _, a := range p.Aliases {
			m[a] = p
		}
	}
	return m
}()

// FindProperty is the Property that name, current or deprecated, stands for.
func FindProperty(name string) (*Property, bool) {
	p, ok := propertyByName[name]
	return p, ok
}

// Redacted is the text that Spark writes in place of a secret. It says nothing
// about the value, so such a property counts as absent.
const Redacted = "*********(redacted)"

// Int is the value of an integer property, its default when unset, missing
// when it has none or does not parse.
func (c Conf) Int(name string) Opt[int64] { return c.number(name, parseInt) }

// Bytes is the value of a size property in bytes.
func (c Conf) Bytes(name string) Opt[int64] { return c.number(name, ParseBytes) }

// Millis is the value of a duration property in milliseconds.
func (c Conf) Millis(name string) Opt[int64] { return c.number(name, ParseMillis) }

func (c Conf) number(name string, parse func(string, int64) Opt[int64]) Opt[int64] {
	p, ok := FindProperty(name)
	if !ok {
		return Opt[int64]{}
	}
	return parse(c.text(p), p.Unit)
}

// Float is the value of a fraction property.
func (c Conf) Float(name string) Opt[float64] {
	p, ok := FindProperty(name)
	if !ok {
		return Opt[float64]{}
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(c.text(p)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return Opt[float64]{}
	}
	return Some(f)
}

// Bool is the value of a switch.
func (c Conf) Bool(name string) Opt[bool] {
	p, ok := FindProperty(name)
	if !ok {
		return Opt[bool]{}
	}
	switch strings.ToLower(strings.TrimSpace(c.text(p))) {
	case "true":
		return Some(true)
	case "false":
		return Some(false)
	}
	return Opt[bool]{}
}

func (c Conf) text(p *Property) string {
	if v, ok := c[p.Name]; ok {
		return v
	}
	return p.Default
}

func parseInt(s string, _ int64) Opt[int64] {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return Opt[int64]{}
	}
	return Some(n)
}

var byteUnits = map[string]int64{"b": 1, "k": kib, "kb": kib, "m": mib, "mb": mib, "g": gib, "gb": gib, "t": 1 << 40, "tb": 1 << 40, "p": 1 << 50, "pb": 1 << 50}

var milliUnits = map[string]int64{"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

// ParseBytes reads a size as Spark does ("4g", "512M", "2kb"); a number
// without a unit counts in bare bytes. Missing when it is no such text.
func ParseBytes(s string, bare int64) Opt[int64] { return parseUnit(s, bare, byteUnits) }

// ParseMillis reads a duration as Spark does ("500ms", "10s", "2min").
func ParseMillis(s string, bare int64) Opt[int64] { return parseUnit(s, bare, milliUnits) }

func parseUnit(s string, bare int64, units map[string]int64) Opt[int64] {
	s = strings.ToLower(strings.TrimSpace(s))
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || i == 0 && s[i] == '-') {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return Opt[int64]{}
	}
	unit := bare
	if suffix := s[i:]; suffix != "" {
		u, ok := units[suffix]
		if !ok {
			return Opt[int64]{}
		}
		unit = u
	}
	if unit <= 0 || n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return Opt[int64]{}
	}
	return Some(n * unit)
}

// FormatMemory spells a number of bytes as Spark's memory properties take it:
// whole gibibytes as "4g", else whole mebibytes, rounded up, as "3400m".
func FormatMemory(n int64) string {
	m := (n + mib - 1) / mib
	if m%1024 == 0 {
		return strconv.FormatInt(m/1024, 10) + "g"
	}
	return strconv.FormatInt(m, 10) + "m"
}
