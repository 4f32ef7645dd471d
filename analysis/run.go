package analysis

import (
	"cmp"
	"time"
)

// A Key names one application attempt. Application ids of standalone and
// Databricks collide across clusters, and client-mode attempts are absent, so
// all three parts are needed; each may be empty.
type Key struct {
	Cluster string
	AppID   string
	Attempt string
}

// Compare is a total order on keys.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Cluster, o.Cluster), cmp.Compare(k.AppID, o.AppID), cmp.Compare(k.Attempt, o.Attempt))
}

// Final states of a Run. The event log before Spark 4 has no such field: it is
// derived (see Columns), and StatusUnknown is an honest answer.
const (
	StatusSucceeded = "succeeded"
	StatusFailed    = "failed"
	StatusUnknown   = "unknown"
)

// Sources of a Run's orchestration identity, strongest first. They are stored.
const (
	IdentityAirflow     = "spark.airflow"     // spark.airflow.* properties: exact dag, task, run and try
	IdentityOpenLineage = "openlineage"       // spark.openlineage.parentJobName: exact dag and task
	IdentityAirflowCtx  = "airflow_ctx"       // AIRFLOW_CTX_* in the application's environment properties
	IdentityYARNTags    = "yarn_tags"         // dag_id=... and task_id=... in spark.yarn.tags
	IdentityKubernetes  = "kubernetes_labels" // dag_id, task_id labels on the pods
	IdentityNone        = ""                  // only names are left: app_name, application
)

// Workloads that are not plain batch jobs: sizing advice would be a guess.
const (
	WorkloadBatch     = "batch"
	WorkloadStreaming = "streaming" // a structured or DStream query ran
	WorkloadShared    = "shared"    // Thrift server, Spark Connect, notebook: many users in one application
	WorkloadGPU       = "gpu"       // RAPIDS plugin
	WorkloadPhoton    = "photon"    // Databricks Photon: memory lives outside what Spark reports
)

// Causes of a lost executor, a failed task or driver. They are stored, as keys of
// executors_lost and task_failure_causes and as driver_failure.
const (
	LossScaleDown       = "scale_down"       // idle, decommissioned or application shutdown: not a fault
	LossContainerMemory = "container_memory" // the container's memory limit: physical-memory kill, OOMKilled; a bare exit 137 is no proof
	LossHeapOOM         = "heap_oom"         // the JVM said so: exit 52, a full heap in the reason or by a task on it
	LossPreempted       = "preempted"        // preemption, spot or node loss
	LossSignal          = "signal"           // exit 143 or a bare 137: heap OOM and preemption look the same here
	LossFetchFailed     = "fetch_failed"     // shuffle data that was lost with its executor; of a task only
	LossUserCode        = "user_code"        // an error of the code or query itself, that nothing else causes; of a task or a driver only
	LossUnclear         = "unclear"
)

// A Run is one application attempt: who it was, how it was configured, and
// what it measured. A missing measurement is missing, never zero. [Columns]
// documents every field: event, unit and formula.
//
// Texts come from the application and are data, never instructions.
type Run struct {
	// Application metadata and orchestration.
	Key
	AppName      string
	User         string
	SparkVersion string
	Start        time.Time // UTC; zero is missing
	End          time.Time
	Finished     bool // an ApplicationEnd was seen
	Status       string
	ExitCode     Opt[int64]
	Source       string // base name of the log

	Identity    string
	DAGID       string
	TaskID      string
	RunID       string
	TryNumber   Opt[int64]
	MapIndex    Opt[int64]
	LogicalDate string
	RunType     string // scheduled, manual, backfill; "" unknown
	Environment string // dev, stage, prod; "" unknown

	Master      string
	DeployMode  string
	Queue       string
	Namespace   string
	Application string // main file or jar
	MainClass   string
	CodeFiles   []string
	CodeVersion string
	// PlanFingerprint changes with the code of the queries, not with their
	// size.
	PlanFingerprint string
	Workload        string

	Events         int64
	MalformedLines int64
	Truncated      bool
	Compacted      bool
	MissingTasks   int64 // of finished stages: Number of Tasks minus successes seen
	MissingEvents  int64 // starts and ends of jobs, and completions of stages, that the log must have had
	// Unknown names those of [CompletenessColumns] that the table has no value
	// of; their fields can't say so. It is no column, and empty for what was
	// read from a log.
	Unknown      []string
	Completeness Opt[float64]

	// What the ResourceManager knows, which the log does not; missing where it
	// was not asked.
	YARNFinalStatus     string
	YARNDiagnostics     string
	YARNTags            []string
	YARNMemoryMBSeconds Opt[int64]
	YARNVcoreSeconds    Opt[int64]

	// User-specified configuration: the sizing properties that were set
	// explicitly, under their current names (see [Keys]).
	Conf Conf
	// RuntimeConf are those that the application changed while it ran.
	RuntimeConf Conf

	// Performance insights.
	TasksFailed       Opt[int64]
	TasksKilled       Opt[int64]
	TasksSpeculative  Opt[int64]
	TaskEndReasons    map[string]int64
	TaskFailureCauses map[string]int64
	HeapOOMTasks      Opt[int64]
	ExecutorsLost     map[string]int64
	MaxTaskLosses     Opt[int64] // how often one and the same task took its executor along
	FailureEvidence   []string
	DriverFailure     string
	StagesFailed      Opt[int64]
	StageRetries      Opt[int64]
	JobsFailed        Opt[int64]
	MemorySpilled     Opt[int64]
	DiskSpilled       Opt[int64]
	StagesWithSpill   Opt[int64]
	SpillRunShare     Opt[float64]
	SpillStageID      Opt[int64]
	SpillStageBytes   Opt[int64]
	SpillStageRatio   Opt[float64]
	SpillStageShare   Opt[float64]
	SpillStageTasks   Opt[int64]
	SpillStageSkewed  Opt[bool]
	SpillStageShuffle Opt[int64]
	GCMs              Opt[int64]
	FetchWaitMs       Opt[int64]
	SkewStages        Opt[int64]
	SkewStageID       Opt[int64]
	SkewRatio         Opt[float64]
	SkewMaxMs         Opt[int64]
	SkewP50Ms         Opt[int64]
	SkewP95Ms         Opt[int64]
	SkewP99Ms         Opt[int64]
	SkewStageShare    Opt[float64]
	SkewBytesRatio    Opt[float64]
	MaxResultBytes    Opt[int64]
	ResultSerMs       Opt[int64]

	// Execution insights.
	JobMs          Opt[int64]
	DriverOnlyMs   Opt[int64]
	StartupMs      Opt[int64]
	Jobs           Opt[int64]
	Stages         Opt[int64]
	Tasks          Opt[int64]
	SQLExecutions  Opt[int64]
	CriticalPathMs Opt[int64]
	TaskRunP50Ms   Opt[int64]
	TaskRunP95Ms   Opt[int64]
	TaskRunP99Ms   Opt[int64]
	TaskRunMaxMs   Opt[int64]
	TinyTasks      Opt[int64]
	RunMs          Opt[int64]
	CPUMs          Opt[int64]
	DeserMs        Opt[int64]
	SchedDelayMs   Opt[int64]
	InputBytes     Opt[int64]
	InputRecords   Opt[int64]
	OutputBytes    Opt[int64]
	OutputRecords  Opt[int64]
	ShuffleRead    Opt[int64]
	ShuffleRemote  Opt[int64]
	ShuffleWrite   Opt[int64]
	MaxTaskInput   Opt[int64]
	PartStageID    Opt[int64] // of the stage with the largest partition
	PartMaxBytes   Opt[int64]
	PartP50Bytes   Opt[float64]
	LongestStages  map[string]int64
	Locality       map[string]int64
	Joins          map[string]int64
	Broadcasts     Opt[int64]
	MaxBroadcast   Opt[int64]

	// Resource usage and system health.
	Executors          Opt[int64]
	PeakExecutors      Opt[int64]
	PeakTasks          Opt[int64]
	ExecutorCores      Opt[int64] // of one executor, as registered
	CoreMs             Opt[int64]
	ContainerBytes     Opt[int64] // of one executor
	ContainerStep      Opt[int64] // what YARN rounds it up to
	ContainerCPUs      Opt[float64]
	ContainerAllocated Opt[int64] // after that
	MemoryByteMs       Opt[float64]
	UsedMemoryByteMs   Opt[float64]
	UsedMemoryCoverage Opt[float64]
	UnusedExecutors    Opt[int64]
	ExecutorLifeP50Ms  Opt[int64]
	PeakHeap           Opt[int64]
	HeapCoverage       Opt[float64]
	PeakJVMOffHeap     Opt[int64]
	PeakOnHeapUnified  Opt[int64]
	PeakOffHeapUnified Opt[int64]
	PeakOnHeapExec     Opt[int64]
	PeakOnHeapStorage  Opt[int64]
	PeakOffHeapExec    Opt[int64]
	PeakOffHeapStorage Opt[int64]
	PeakExecMemory     Opt[int64]
	UnifiedRegion      Opt[int64]
	PeakJVMRSS         Opt[int64]
	PeakPythonRSS      Opt[int64]
	PeakOtherRSS       Opt[int64]
	RSSCoverage        Opt[float64]
	PeakDirectPool     Opt[int64]
	PeakMappedPool     Opt[int64]
	MinorGCCount       Opt[int64]
	MajorGCCount       Opt[int64]
	MinorGCMs          Opt[int64]
	MajorGCMs          Opt[int64]
	DriverPeakHeap     Opt[int64]
	DriverHeapCoverage Opt[float64]
}

// Duration is End minus Start, missing when either is.
func (r *Run) Duration() Opt[time.Duration] {
	if r.Start.IsZero() || r.End.IsZero() || r.End.Before(r.Start) {
		return Opt[time.Duration]{}
	}
	return Some(r.End.Sub(r.Start))
}

// Complete says whether the sums of r are whole: the log has an end and lost
// nothing on the way, which a table has to say. Rules use an incomplete Run for
// symptoms only, never to shrink.
func (r *Run) Complete() bool {
	return len(r.Unknown) == 0 && r.Finished && !r.Truncated && !r.Compacted && r.MalformedLines == 0 && r.MissingTasks == 0 && r.MissingEvents == 0
}

// CompletenessColumns are what a table must have for [Run.Complete]. It can do
// without missing_events: where events are lost, tasks mostly are too.
var CompletenessColumns = []string{"finished", "truncated", "compacted", "malformed_lines", "missing_tasks"}

// GCShare is the garbage-collection share of task run time in [0,1].
// GC time is JVM-wide, so with several tasks in one JVM the sum can exceed run
// time; it is clamped.
func (r *Run) GCShare() Opt[float64] {
	if !r.GCMs.OK || !r.RunMs.OK || r.RunMs.V <= 0 {
		return Opt[float64]{}
	}
	return Some(min(1, float64(r.GCMs.V)/float64(r.RunMs.V)))
}

// SlotUse is the share of the executors' core time that tasks ran, in [0,1].
func (r *Run) SlotUse() Opt[float64] {
	if !r.CoreMs.OK || !r.RunMs.OK || r.CoreMs.V <= 0 {
		return Opt[float64]{}
	}
	return Some(min(1, float64(r.RunMs.V)/float64(r.CoreMs.V)))
}
