package analysis

// Pillar groups the columns of the metrics table.
type Pillar string

// The five pillars. They are stored in column docs and printed.
const (
	Metadata    Pillar = "application metadata and orchestration"
	Config      Pillar = "user-specified configuration"
	Performance Pillar = "performance insights"
	Execution   Pillar = "execution insights"
	Resources   Pillar = "resource usage and system health"
)

// A Column documents one field of [Run]: where it comes from and what it
// means. Names are a stored format: they are the columns of the lake's table.
type Column struct {
	Name   string
	Pillar Pillar
	Unit   string // "bytes", "ms", "count", "ratio", "text", "time", "flag"
	Event  string // Spark listener event or property the value comes from
	Doc    string // meaning and formula
	// Field points to the column's field in a Run. Its type is one of
	// *string, *bool, *int64, *time.Time, *Opt[int64], *Opt[float64],
	// *Opt[bool], *[]string, *map[string]int64 and *Conf.
	// Empty text, a zero time and a nil map or slice are NULL in the table.
	Field func(*Run) any
}

// Columns describes every field of Run, in the order of the table. The
// parsed properties of [Properties] follow them there, one column each.
var Columns = []Column{
	{"cluster", Metadata, "text", "EnvironmentUpdate, caller", "Cluster or account the application ran on: the cluster id on Databricks, else what the caller says, else the master's address on standalone; part of the key, may be empty.", func(r *Run) any { return &r.Cluster }},
	{"app_id", Metadata, "text", "ApplicationStart", "Application id; part of the key.", func(r *Run) any { return &r.AppID }},
	{"attempt", Metadata, "text", "ApplicationStart", "Application attempt id; empty in client mode and outside YARN; part of the key.", func(r *Run) any { return &r.Attempt }},
	{"app_name", Metadata, "text", "ApplicationStart", "spark.app.name as the application had it.", func(r *Run) any { return &r.AppName }},
	{"user", Metadata, "text", "ApplicationStart", "Spark user.", func(r *Run) any { return &r.User }},
	{"spark_version", Metadata, "text", "LogStart", "Spark version with the vendor's suffix.", func(r *Run) any { return &r.SparkVersion }},
	{"start_ts", Metadata, "time", "ApplicationStart", "Start of the application, UTC.", func(r *Run) any { return &r.Start }},
	{"end_ts", Metadata, "time", "ApplicationEnd", "End of the application, UTC; the largest event time seen when the log has no end (finished is false then).", func(r *Run) any { return &r.End }},
	{"finished", Metadata, "flag", "ApplicationEnd", "The log has an ApplicationEnd.", func(r *Run) any { return &r.Finished }},
	{"status", Metadata, "text", "ApplicationEnd, JobEnd, SQLExecutionEnd", "succeeded, failed or unknown. Failed: an exit code not 0 (Spark 4), a failed last job or SQL execution, YARN's FAILED or KILLED. Unknown: no end of the log, nor YARN's SUCCEEDED in cluster mode.", func(r *Run) any { return &r.Status }},
	{"exit_code", Metadata, "count", "ApplicationEnd", "Exit code, Spark 4 and later.", func(r *Run) any { return &r.ExitCode }},
	{"source", Metadata, "text", "caller", "Base name of the event log.", func(r *Run) any { return &r.Source }},
	{"identity", Metadata, "text", "EnvironmentUpdate", "Which properties gave dag_id and task_id: spark.airflow, openlineage, airflow_ctx, yarn_tags, kubernetes_labels (of driver or executors), or none.", func(r *Run) any { return &r.Identity }},
	{"dag_id", Metadata, "text", "EnvironmentUpdate", "Airflow DAG.", func(r *Run) any { return &r.DAGID }},
	{"task_id", Metadata, "text", "EnvironmentUpdate", "Airflow task, with its task groups.", func(r *Run) any { return &r.TaskID }},
	{"run_id", Metadata, "text", "EnvironmentUpdate", "Airflow DAG run; where only OpenLineage tells, its UUID (rootParentRunId or rootRunId), or else that of the try of the task (parentRunId).", func(r *Run) any { return &r.RunID }},
	{"try_number", Metadata, "count", "EnvironmentUpdate", "Airflow try of the task, from 1.", func(r *Run) any { return &r.TryNumber }},
	{"map_index", Metadata, "count", "EnvironmentUpdate", "Index of a mapped task; missing or -1 when not mapped.", func(r *Run) any { return &r.MapIndex }},
	{"logical_date", Metadata, "text", "EnvironmentUpdate", "Airflow logical date, as given.", func(r *Run) any { return &r.LogicalDate }},
	{"run_type", Metadata, "text", "EnvironmentUpdate", "Kind of DAG run: scheduled, manual, backfill; never pooled.", func(r *Run) any { return &r.RunType }},
	{"environment", Metadata, "text", "EnvironmentUpdate", "dev, stage, prod as the platform names it; never pooled.", func(r *Run) any { return &r.Environment }},
	{"master", Metadata, "text", "EnvironmentUpdate", "spark.master.", func(r *Run) any { return &r.Master }},
	{"deploy_mode", Metadata, "text", "EnvironmentUpdate", "spark.submit.deployMode.", func(r *Run) any { return &r.DeployMode }},
	{"queue", Metadata, "text", "EnvironmentUpdate, ResourceManager", "spark.yarn.queue, or where the ResourceManager says it ran.", func(r *Run) any { return &r.Queue }},
	{"namespace", Metadata, "text", "EnvironmentUpdate", "spark.kubernetes.namespace.", func(r *Run) any { return &r.Namespace }},
	{"application", Metadata, "text", "EnvironmentUpdate", "Main script or jar of spark-submit, as its command line has it.", func(r *Run) any { return &r.Application }},
	{"main_class", Metadata, "text", "EnvironmentUpdate", "Main class of a jar.", func(r *Run) any { return &r.MainClass }},
	{"code_files", Metadata, "text", "EnvironmentUpdate", "Names of the files that the application ran: the main file, --py-files and --jars without their folders, --packages with their versions; sorted, at most 64.", func(r *Run) any { return &r.CodeFiles }},
	{"code_version", Metadata, "text", "EnvironmentUpdate", "Version of the code as names tell it: of the main file (etl-1.4.2.jar), else of its folder (a version or a commit), else of the files shipped beside it; NULL where none does. Tells a change of code from one of size.", func(r *Run) any { return &r.CodeVersion }},
	{"plan_fingerprint", Metadata, "text", "SQLExecutionStart", "Hash over the set of first physical plans: their operators without those that Spark chooses by size (exchanges, sorts, kinds of joins) and without numbers. It changes when the queries do.", func(r *Run) any { return &r.PlanFingerprint }},
	{"workload", Metadata, "text", "EnvironmentUpdate, streaming and Connect events", "batch, streaming, shared, gpu or photon; only batch is sized.", func(r *Run) any { return &r.Workload }},
	{"events", Metadata, "count", "all", "Lines read as events.", func(r *Run) any { return &r.Events }},
	{"malformed_lines", Metadata, "count", "all", "Lines that are no event; the last line of a truncated log is not counted here.", func(r *Run) any { return &r.MalformedLines }},
	{"truncated", Metadata, "flag", "all", "The log ends or starts in the middle: half a line, a compressed frame that lost data, a missing part, no ApplicationStart.", func(r *Run) any { return &r.Truncated }},
	{"compacted", Metadata, "flag", "file name", "The History Server compacted the log: sums are lower bounds.", func(r *Run) any { return &r.Compacted }},
	{"missing_tasks", Metadata, "count", "StageCompleted, TaskEnd", "Over stage attempts that completed without failure: Number of Tasks minus distinct successful partitions seen, and minus what earlier attempts finished after their end; above 0 events were dropped.", func(r *Run) any { return &r.MissingTasks }},
	{"missing_events", Metadata, "count", "JobStart, JobEnd, StageCompleted", "Others that must have been there: starts of jobs that ended or whose stages ran; of a finished log also ends of jobs and completions of stages; or of stages too many at a time (1,024) to follow.", func(r *Run) any { return &r.MissingEvents }},
	{"completeness", Metadata, "ratio", "all", "Events read over events read, malformed lines, missing tasks and missing events together: 1 where nothing is known to be lost. NULL where nobody can say how much is: no end, truncated, compacted, or more than 1,024 stages at a time.", func(r *Run) any { return &r.Completeness }},
	{"yarn_final_status", Metadata, "text", "ResourceManager", "finalStatus of the application: SUCCEEDED, FAILED, KILLED, or UNDEFINED while it runs; of its last attempt only, as the diagnostics and the sums. NULL when the ResourceManager was not asked or has forgotten.", func(r *Run) any { return &r.YARNFinalStatus }},
	{"yarn_diagnostics", Metadata, "text", "ResourceManager", "diagnostics of the application, cut to 1000 bytes. Data of the application.", func(r *Run) any { return &r.YARNDiagnostics }},
	{"yarn_tags", Metadata, "text", "ResourceManager", "applicationTags.", func(r *Run) any { return &r.YARNTags }},
	{"conf", Config, "text", "EnvironmentUpdate", "The known properties that were set, under their current names, as spelled; redacted ones are absent, and of JVM options only those that start with -X are kept.", func(r *Run) any { return &r.Conf }},
	{"runtime_conf", Config, "text", "SQLExecutionStart, JobStart", "Known properties that the application changed while it ran, the last value of each: modifiedConfigs (Spark 3.3 and later) and SQL's in a job's properties, but for adaptive execution off: Spark does so for cached tables.", func(r *Run) any { return &r.RuntimeConf }},

	{"tasks_failed", Performance, "count", "TaskEnd", "Ends that are neither Success nor Resubmitted, TaskKilled or TaskCommitDenied.", func(r *Run) any { return &r.TasksFailed }},
	{"tasks_killed", Performance, "count", "TaskEnd", "TaskKilled and TaskCommitDenied.", func(r *Run) any { return &r.TasksKilled }},
	{"tasks_speculative", Performance, "count", "TaskEnd", "Ends of speculative attempts.", func(r *Run) any { return &r.TasksSpeculative }},
	{"task_end_reasons", Performance, "count", "TaskEnd", "Ends by Reason.", func(r *Run) any { return &r.TaskEndReasons }},
	{"task_failure_causes", Performance, "count", "TaskEnd", "Failed ends by cause, as each reported it: heap_oom, container_memory, preempted, scale_down, signal, fetch_failed, user_code (an exception that neither is nor has for a cause one of input, output, network, store or Spark itself), unclear.", func(r *Run) any { return &r.TaskFailureCauses }},
	{"heap_oom_tasks", Performance, "count", "TaskEnd", "Tasks whose exception, or a cause of it, is a full heap: OutOfMemoryError of the heap (not of threads, class metadata, direct buffers or too large an array), or Spark's own of it (not with execution memory off the heap, nor a full disk).", func(r *Run) any { return &r.HeapOOMTasks }},
	{"executors_lost", Performance, "count", "ExecutorRemoved", "Removed executors by cause: scale_down, container_memory, heap_oom, preempted, signal, unclear. Each counts once, by its most telling reason; heap_oom also where a task reported a full heap. Empty when none was lost.", func(r *Run) any { return &r.ExecutorsLost }},
	{"max_task_losses", Performance, "count", "TaskEnd", "The most often that one and the same task ended with ExecutorLostFailure caused by the application.", func(r *Run) any { return &r.MaxTaskLosses }},
	{"failure_evidence", Performance, "text", "TaskEnd, ExecutorRemoved, JobEnd, SQLExecutionEnd", "Up to 8 distinct messages of failures, of every cause at least the first, each cut to 300 bytes around what tells the cause. Data of the application.", func(r *Run) any { return &r.FailureEvidence }},
	{"driver_failure", Performance, "text", "SQLExecutionEnd, JobEnd, ResourceManager", "What failed the driver, the most telling: heap_oom (also while it built a broadcast or serialized a task), user_code, unclear; in cluster mode, of YARN, container_memory, preempted, signal. NULL when none.", func(r *Run) any { return &r.DriverFailure }},
	{"stages_failed", Performance, "count", "StageCompleted", "Stage attempts with a Failure Reason.", func(r *Run) any { return &r.StagesFailed }},
	{"stage_retries", Performance, "count", "StageCompleted", "Stage attempts above the first.", func(r *Run) any { return &r.StageRetries }},
	{"jobs_failed", Performance, "count", "JobEnd", "Jobs whose result is JobFailed. NULL where the log has tasks and neither starts nor ends of jobs.", func(r *Run) any { return &r.JobsFailed }},
	{"memory_spilled_bytes", Performance, "bytes", "TaskEnd", "Sum of Memory Bytes Spilled: size in memory of what was spilled.", func(r *Run) any { return &r.MemorySpilled }},
	{"disk_spilled_bytes", Performance, "bytes", "TaskEnd", "Sum of Disk Bytes Spilled: its compressed size on disk.", func(r *Run) any { return &r.DiskSpilled }},
	{"stages_with_spill", Performance, "count", "TaskEnd", "Stage attempts with Memory Bytes Spilled above 0.", func(r *Run) any { return &r.StagesWithSpill }},
	{"spill_run_share", Performance, "ratio", "TaskEnd", "Run time of the stages that spilled over all run time.", func(r *Run) any { return &r.SpillRunShare }},
	{"spill_stage_id", Performance, "count", "TaskEnd", "The stage that spilled most (lowest id wins a tie).", func(r *Run) any { return &r.SpillStageID }},
	{"spill_stage_bytes", Performance, "bytes", "TaskEnd", "Memory Bytes Spilled of that stage.", func(r *Run) any { return &r.SpillStageBytes }},
	{"spill_stage_ratio", Performance, "ratio", "TaskEnd", "Its Memory Bytes Spilled over the largest of its input, output, shuffle read and shuffle write bytes.", func(r *Run) any { return &r.SpillStageRatio }},
	{"spill_stage_share", Performance, "ratio", "TaskEnd", "Its run time over all run time.", func(r *Run) any { return &r.SpillStageShare }},
	{"spill_stage_tasks", Performance, "count", "StageCompleted", "Its Number of Tasks.", func(r *Run) any { return &r.SpillStageTasks }},
	{"spill_stage_skewed", Performance, "flag", "TaskEnd", "Its largest task spilled, or ran, at least 5 times the median task's.", func(r *Run) any { return &r.SpillStageSkewed }},
	{"spill_stage_shuffle_read_bytes", Performance, "bytes", "TaskEnd", "Its shuffle read: above 0, the number of its tasks follows spark.sql.shuffle.partitions.", func(r *Run) any { return &r.SpillStageShuffle }},
	{"gc_ms", Performance, "ms", "TaskEnd", "Sum of JVM GC Time. JVM-wide during each task: with several slots it counts more than once.", func(r *Run) any { return &r.GCMs }},
	{"fetch_wait_ms", Performance, "ms", "TaskEnd", "Sum of shuffle Fetch Wait Time.", func(r *Run) any { return &r.FetchWaitMs }},
	{"skew_stages", Performance, "count", "TaskEnd", "Stage attempts of at least 10 tasks with a median of at least 100 ms and max over median run time of at least 5.", func(r *Run) any { return &r.SkewStages }},
	{"skew_stage_id", Performance, "count", "TaskEnd", "The stage with the largest excess of its longest task over its median, of those with at least 2 tasks.", func(r *Run) any { return &r.SkewStageID }},
	{"skew_ratio", Performance, "ratio", "TaskEnd", "Its max over median run time of successful tasks.", func(r *Run) any { return &r.SkewRatio }},
	{"skew_max_ms", Performance, "ms", "TaskEnd", "Its longest task's run time.", func(r *Run) any { return &r.SkewMaxMs }},
	{"skew_p50_ms", Performance, "ms", "TaskEnd", "Median run time of its successful tasks, by nearest rank; within 0.8 % where it had more than 1024.", func(r *Run) any { return &r.SkewP50Ms }},
	{"skew_p95_ms", Performance, "ms", "TaskEnd", "95th percentile of it.", func(r *Run) any { return &r.SkewP95Ms }},
	{"skew_p99_ms", Performance, "ms", "TaskEnd", "99th percentile of it.", func(r *Run) any { return &r.SkewP99Ms }},
	{"skew_stage_share", Performance, "ratio", "StageCompleted", "Its wall time over the application's.", func(r *Run) any { return &r.SkewStageShare }},
	{"skew_bytes_ratio", Performance, "ratio", "TaskEnd", "Its max over median of bytes read (input and shuffle): high with skew_ratio means skewed data, near 1 a slow host.", func(r *Run) any { return &r.SkewBytesRatio }},
	{"max_result_bytes", Performance, "bytes", "TaskEnd", "Largest Result Size of a task.", func(r *Run) any { return &r.MaxResultBytes }},
	{"result_serialization_ms", Performance, "ms", "TaskEnd", "Sum of Result Serialization Time.", func(r *Run) any { return &r.ResultSerMs }},

	{"job_ms", Execution, "ms", "JobStart, JobEnd", "Length of the union of all job intervals; a job that runs where an unfinished log ends lasts until then. NULL where the start or the end of a job is missing; so are driver_only_ms and critical_path_ms.", func(r *Run) any { return &r.JobMs }},
	{"driver_only_ms", Execution, "ms", "JobStart, JobEnd", "Duration minus job_ms: nothing but the driver worked.", func(r *Run) any { return &r.DriverOnlyMs }},
	{"startup_ms", Execution, "ms", "ApplicationStart, TaskEnd", "First task launch minus application start.", func(r *Run) any { return &r.StartupMs }},
	{"jobs", Execution, "count", "JobStart", "Jobs, each id once. NULL where the log has tasks and no job.", func(r *Run) any { return &r.Jobs }},
	{"stages", Execution, "count", "StageCompleted", "Stage attempts that ran and completed. NULL where the log has tasks and no completion; so are stages_failed and stage_retries.", func(r *Run) any { return &r.Stages }},
	{"tasks", Execution, "count", "TaskEnd", "Task ends without Resubmitted ones, each Task ID once.", func(r *Run) any { return &r.Tasks }},
	{"sql_executions", Execution, "count", "SQLExecutionStart", "SQL executions, each id once.", func(r *Run) any { return &r.SQLExecutions }},
	{"critical_path_ms", Execution, "ms", "JobStart, JobEnd, StageCompleted, TaskEnd", "Per job the longest chain of its parent stages, each weighed with its longest successful task; of these the largest sum over jobs that did not overlap: a lower bound of job_ms however many cores there are.", func(r *Run) any { return &r.CriticalPathMs }},
	{"task_run_p50_ms", Execution, "ms", "TaskEnd", "Median Executor Run Time of successful tasks; within 0.8 %.", func(r *Run) any { return &r.TaskRunP50Ms }},
	{"task_run_p95_ms", Execution, "ms", "TaskEnd", "95th percentile of it.", func(r *Run) any { return &r.TaskRunP95Ms }},
	{"task_run_p99_ms", Execution, "ms", "TaskEnd", "99th percentile of it.", func(r *Run) any { return &r.TaskRunP99Ms }},
	{"task_run_max_ms", Execution, "ms", "TaskEnd", "Largest, exact.", func(r *Run) any { return &r.TaskRunMaxMs }},
	{"tiny_tasks", Execution, "count", "TaskEnd", "Successful tasks that ran below 100 ms.", func(r *Run) any { return &r.TinyTasks }},
	{"run_ms", Execution, "ms", "TaskEnd", "Sum of Executor Run Time of all ends that carry metrics.", func(r *Run) any { return &r.RunMs }},
	{"cpu_ms", Execution, "ms", "TaskEnd", "Sum of Executor CPU Time (ns), divided once.", func(r *Run) any { return &r.CPUMs }},
	{"deserialize_ms", Execution, "ms", "TaskEnd", "Sum of Executor Deserialize Time.", func(r *Run) any { return &r.DeserMs }},
	{"scheduler_delay_ms", Execution, "ms", "TaskEnd", "Sum of max(0, finish - launch - run - deserialize - serialize - getting result).", func(r *Run) any { return &r.SchedDelayMs }},
	{"input_bytes", Execution, "bytes", "TaskEnd", "Sum of Input Metrics, Bytes Read.", func(r *Run) any { return &r.InputBytes }},
	{"input_records", Execution, "count", "TaskEnd", "Sum of Input Metrics, Records Read.", func(r *Run) any { return &r.InputRecords }},
	{"output_bytes", Execution, "bytes", "TaskEnd", "Sum of Output Metrics, Bytes Written.", func(r *Run) any { return &r.OutputBytes }},
	{"output_records", Execution, "count", "TaskEnd", "Sum of Output Metrics, Records Written.", func(r *Run) any { return &r.OutputRecords }},
	{"shuffle_read_bytes", Execution, "bytes", "TaskEnd", "Sum of Remote and Local Bytes Read.", func(r *Run) any { return &r.ShuffleRead }},
	{"shuffle_remote_read_bytes", Execution, "bytes", "TaskEnd", "The part of it that came from other executors: Remote Bytes Read.", func(r *Run) any { return &r.ShuffleRemote }},
	{"shuffle_write_bytes", Execution, "bytes", "TaskEnd", "Sum of Shuffle Bytes Written.", func(r *Run) any { return &r.ShuffleWrite }},
	{"max_task_input_bytes", Execution, "bytes", "TaskEnd", "Largest Bytes Read of Input Metrics of a task.", func(r *Run) any { return &r.MaxTaskInput }},
	{"partition_stage_id", Execution, "count", "TaskEnd", "The stage with the largest partition: bytes read by one successful task, input and shuffle.", func(r *Run) any { return &r.PartStageID }},
	{"partition_max_bytes", Execution, "bytes", "TaskEnd", "That partition.", func(r *Run) any { return &r.PartMaxBytes }},
	{"partition_p50_bytes", Execution, "bytes", "TaskEnd", "Median partition of that stage.", func(r *Run) any { return &r.PartP50Bytes }},
	{"longest_stages", Execution, "ms", "StageCompleted", "Completion minus submission time of the five longest stage attempts, by stage id and attempt (12.0).", func(r *Run) any { return &r.LongestStages }},
	{"locality", Execution, "count", "TaskEnd", "Task ends by Locality.", func(r *Run) any { return &r.Locality }},
	{"joins", Execution, "count", "SQLExecutionStart, SQLAdaptiveExecutionUpdate", "Joins by operator (BroadcastHashJoin, SortMergeJoin, CartesianProduct ...) in the last plan of each SQL execution.", func(r *Run) any { return &r.Joins }},
	{"broadcasts", Execution, "count", "DriverAccumUpdates", "Tables that were broadcast: metrics 'data size' of a plan that the driver measured.", func(r *Run) any { return &r.Broadcasts }},
	{"max_broadcast_bytes", Execution, "bytes", "DriverAccumUpdates", "The largest of them: what it takes in memory, on the driver and on each executor. NULL where none was measured.", func(r *Run) any { return &r.MaxBroadcast }},

	{"executors", Resources, "count", "ExecutorAdded", "Distinct executors. NULL where the log has tasks and no executor; so are peak_executors and unused_executors.", func(r *Run) any { return &r.Executors }},
	{"peak_executors", Resources, "count", "ExecutorAdded, ExecutorRemoved", "Most executors at a time.", func(r *Run) any { return &r.PeakExecutors }},
	{"peak_tasks", Resources, "count", "TaskStart, TaskEnd", "Most tasks at a time, at most the slots. NULL where starts and ends are not in pairs: starts are left out, the log begins while tasks run, or it repeats itself.", func(r *Run) any { return &r.PeakTasks }},
	{"executor_cores", Resources, "count", "ExecutorAdded", "Total Cores of an executor; the most common value (the larger one on a tie).", func(r *Run) any { return &r.ExecutorCores }},
	{"core_ms", Resources, "ms", "ExecutorAdded, ExecutorRemoved", "Sum over executors of cores x lifetime.", func(r *Run) any { return &r.CoreMs }},
	{"container_bytes", Resources, "bytes", "ResourceProfileAdded, EnvironmentUpdate", "Memory asked for one executor's container in the default resource profile: heap + overhead + off-heap + PySpark memory, before the platform rounds it; NULL in local mode and where a size is not known.", func(r *Run) any { return &r.ContainerBytes }},
	{"container_step_bytes", Resources, "bytes", "EnvironmentUpdate", "yarn.scheduler.minimum-allocation-mb of the submitter's Hadoop configuration: YARN rounds containers up to a multiple. The ResourceManager's own setting may differ.", func(r *Run) any { return &r.ContainerStep }},
	{"container_allocated_bytes", Resources, "bytes", "EnvironmentUpdate", "container_bytes rounded up to that; missing where the step is.", func(r *Run) any { return &r.ContainerAllocated }},
	{"container_cpus", Resources, "count", "ResourceProfileAdded, EnvironmentUpdate", "CPUs asked for one executor's container: on Kubernetes spark.kubernetes.executor.request.cores, else the cores of its default resource profile or spark.executor.cores; missing where neither is given.", func(r *Run) any { return &r.ContainerCPUs }},
	{"memory_byte_ms", Resources, "bytes x ms", "ExecutorAdded, ExecutorRemoved", "Sum over executors of the container of their resource profile x lifetime; NULL where one is not known.", func(r *Run) any { return &r.MemoryByteMs }},
	{"used_memory_byte_ms", Resources, "bytes x ms", "TaskEnd, StageExecutorMetrics", "Sum over the executors that were sampled of their largest memory x lifetime: the resident set of JVM, Python and other processes where it was sampled, else used heap and off-heap unified memory.", func(r *Run) any { return &r.UsedMemoryByteMs }},
	{"used_memory_coverage", Resources, "ratio", "TaskEnd, StageExecutorMetrics", "Share of the executors' lifetime that belongs to sampled ones: used_memory_byte_ms over this is to be compared with memory_byte_ms.", func(r *Run) any { return &r.UsedMemoryCoverage }},
	{"unused_executors", Resources, "count", "ExecutorAdded, TaskEnd", "Executors on which no task ended.", func(r *Run) any { return &r.UnusedExecutors }},
	{"executor_life_p50_ms", Resources, "ms", "ExecutorAdded, ExecutorRemoved", "Median lifetime of executors.", func(r *Run) any { return &r.ExecutorLifeP50Ms }},
	{"peak_heap_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest JVMHeapMemory of an executor: used heap, garbage included. Without coverage it is no peak.", func(r *Run) any { return &r.PeakHeap }},
	{"heap_coverage", Resources, "ratio", "TaskEnd, StageExecutorMetrics", "Share of run time during which the heap was sampled: of tasks with a sample of their own, or whose stage and executor have one.", func(r *Run) any { return &r.HeapCoverage }},
	{"peak_jvm_off_heap_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest JVMOffHeapMemory: what the JVM itself holds beside the heap, as classes and compiled code; no direct buffers. heap_coverage tells how well it was sampled.", func(r *Run) any { return &r.PeakJVMOffHeap }},
	{"peak_on_heap_unified_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OnHeapUnifiedMemory: execution and storage. Sampled as the heap is, which heap_coverage tells; so are the following, down to major_gc_ms, but for the resident set.", func(r *Run) any { return &r.PeakOnHeapUnified }},
	{"peak_off_heap_unified_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OffHeapUnifiedMemory.", func(r *Run) any { return &r.PeakOffHeapUnified }},
	{"peak_on_heap_execution_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OnHeapExecutionMemory; sampled as the heap is.", func(r *Run) any { return &r.PeakOnHeapExec }},
	{"peak_on_heap_storage_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OnHeapStorageMemory.", func(r *Run) any { return &r.PeakOnHeapStorage }},
	{"peak_off_heap_execution_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OffHeapExecutionMemory.", func(r *Run) any { return &r.PeakOffHeapExec }},
	{"peak_off_heap_storage_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest OffHeapStorageMemory.", func(r *Run) any { return &r.PeakOffHeapStorage }},
	{"peak_execution_memory_bytes", Resources, "bytes", "TaskEnd", "Largest Peak Execution Memory of a task; Spark 3.0 and later. NULL where no task has the field.", func(r *Run) any { return &r.PeakExecMemory }},
	{"unified_region_bytes", Resources, "bytes", "BlockManagerAdded", "Largest Maximum Memory of an executor's block manager.", func(r *Run) any { return &r.UnifiedRegion }},
	{"peak_jvm_rss_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest ProcessTreeJVMRSSMemory; needs spark.executor.processTreeMetrics.enabled.", func(r *Run) any { return &r.PeakJVMRSS }},
	{"peak_python_rss_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest ProcessTreePythonRSSMemory.", func(r *Run) any { return &r.PeakPythonRSS }},
	{"peak_other_rss_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest ProcessTreeOtherRSSMemory.", func(r *Run) any { return &r.PeakOtherRSS }},
	{"rss_coverage", Resources, "ratio", "TaskEnd, StageExecutorMetrics", "As heap_coverage, for the resident set size.", func(r *Run) any { return &r.RSSCoverage }},
	{"peak_direct_pool_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest DirectPoolMemory.", func(r *Run) any { return &r.PeakDirectPool }},
	{"peak_mapped_pool_bytes", Resources, "bytes", "TaskEnd, StageExecutorMetrics", "Largest MappedPoolMemory.", func(r *Run) any { return &r.PeakMappedPool }},
	{"minor_gc_count", Resources, "count", "TaskEnd, StageExecutorMetrics", "Largest MinorGCCount of an executor (cumulative since its start).", func(r *Run) any { return &r.MinorGCCount }},
	{"major_gc_count", Resources, "count", "TaskEnd, StageExecutorMetrics", "Largest MajorGCCount of an executor.", func(r *Run) any { return &r.MajorGCCount }},
	{"minor_gc_ms", Resources, "ms", "TaskEnd, StageExecutorMetrics", "Largest MinorGCTime of an executor (cumulative since its start).", func(r *Run) any { return &r.MinorGCMs }},
	{"major_gc_ms", Resources, "ms", "TaskEnd, StageExecutorMetrics", "Largest MajorGCTime of an executor.", func(r *Run) any { return &r.MajorGCMs }},
	{"driver_peak_heap_bytes", Resources, "bytes", "StageExecutorMetrics, ExecutorMetricsUpdate", "Largest JVMHeapMemory of the driver.", func(r *Run) any { return &r.DriverPeakHeap }},
	{"driver_heap_coverage", Resources, "ratio", "StageExecutorMetrics", "Share of the stage attempts for which the driver's heap was sampled.", func(r *Run) any { return &r.DriverHeapCoverage }},
	{"yarn_memory_mb_seconds", Resources, "MiB x s", "ResourceManager", "memorySeconds: container memory as YARN allocated it x time, the application master and all attempts included.", func(r *Run) any { return &r.YARNMemoryMBSeconds }},
	{"yarn_vcore_seconds", Resources, "count x s", "ResourceManager", "vcoreSeconds, likewise.", func(r *Run) any { return &r.YARNVcoreSeconds }},
}

var columnByName = func() map[string]*Column {
	m := make(map[string]*Column, len(Columns))
	for i := range Columns {
		m[Columns[i].Name] = &Columns[i]
	}
	return m
}()
