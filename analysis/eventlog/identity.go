package eventlog

import (
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// An orchestration is what one source of properties says about the task that
// submitted the application.
type orchestration struct {
	source                         string
	dag, task, run, try, mapped    string
	logicalDate, kind, environment string
}

// identify fills the orchestrator's fields. The strongest source that names
// both DAG and task wins; the others, strong or weak, add what it leaves open if
// they do not contradict it. Where none names both, the first that names one of
// them is whom the others must not contradict.
func (e *environment) identify(r *analysis.Run) {
	sources := []orchestration{e.airflow(), e.openLineage(), e.airflowContext(), e.yarnTags(), e.labels("driver"), e.labels("executor")}
	id := settle(sources)
	for _, o := range sources {
		if o.agrees(&id) {
			id.complete(o)
		}
	}
	switch id.source {
	case analysis.IdentityNone:
		id.dag, id.task = "", "" // half a name is none
	case analysis.IdentityOpenLineage:
		id.run = first(id.run, e.openLineageRun())
	}
	r.Identity = id.source
	r.DAGID, r.TaskID, r.RunID = clip(id.dag, maxText), clip(id.task, maxText), clip(id.run, maxText)
	r.TryNumber, r.MapIndex = integer(id.try), integer(id.mapped)
	r.LogicalDate, r.Environment = clip(id.logicalDate, maxText), clip(id.environment, maxText)
	r.RunType = clip(first(id.kind, runType(id.run)), maxText)
}

// settle says whose word counts. It has a source only with both names.
func settle(sources []orchestration) orchestration {
	for _, o := range sources {
		if o.dag != "" && o.task != "" {
			return o
		}
	}
	for _, o := range sources {
		if o.dag != "" || o.task != "" {
			o.source = analysis.IdentityNone
			return o
		}
	}
	return orchestration{}
}

// agrees says whether two sources may speak of the same run of the same task.
func (o *orchestration) agrees(with *orchestration) bool {
	may := func(a, b string) bool { return a == "" || b == "" || a == b }
	return may(o.dag, with.dag) && may(o.task, with.task) && may(o.run, with.run)
}

func (o *orchestration) complete(by orchestration) {
	o.run = first(o.run, by.run)
	o.try = first(o.try, by.try)
	o.mapped = first(o.mapped, by.mapped)
	o.logicalDate = first(o.logicalDate, by.logicalDate)
	o.kind = first(o.kind, by.kind)
	o.environment = first(o.environment, by.environment)
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func integer(s string) analysis.Opt[int64] {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return analysis.Opt[int64]{}
	}
	return some(n)
}

func (e *environment) airflow() orchestration {
	get := func(key string) string { return e.spark["spark.airflow."+key] }
	return orchestration{
		source: analysis.IdentityAirflow,
		dag:    get("dag_id"), task: get("task_id"), run: get("run_id"),
		try: get("try_number"), mapped: get("map_index"),
		logicalDate: first(get("logical_date"), get("execution_date")),
		kind:        get("run_type"), environment: get("environment"),
	}
}

// openLineage names the parent "dag.task". Both may contain dots, so the name
// of the root, the DAG, is needed to cut it; without a root a single dot is
// clear enough. The root has two spellings: that of OpenLineage's own
// integrations, and that of Airflow's documentation.
func (e *environment) openLineage() orchestration {
	o := orchestration{source: analysis.IdentityOpenLineage}
	parent, root := e.lineage("parentJobName"), e.lineage("rootParentJobName", "rootJobName")
	if task, ok := strings.CutPrefix(parent, root+"."); ok && root != "" {
		o.dag, o.task = root, task
	} else if root == "" && strings.Count(parent, ".") == 1 {
		o.dag, o.task, _ = strings.Cut(parent, ".")
	}
	return o
}

// openLineageRun is the UUID of the DAG's run, or else that of the task's try.
func (e *environment) openLineageRun() string {
	return e.lineage("rootParentRunId", "rootRunId", "parentRunId")
}

// lineage is the first of OpenLineage's properties that is there.
func (e *environment) lineage(keys ...string) string {
	for _, key := range keys {
		if v := e.spark["spark.openlineage."+key]; v != "" {
			return v
		}
	}
	return ""
}

// airflowContext are Airflow's own environment variables where the submitter
// passed them on.
func (e *environment) airflowContext() orchestration {
	get := func(key string) string {
		return first(e.spark["spark.yarn.appMasterEnv.AIRFLOW_CTX_"+key],
			e.spark["spark.kubernetes.driverEnv.AIRFLOW_CTX_"+key],
			e.spark["spark.executorEnv.AIRFLOW_CTX_"+key])
	}
	return orchestration{
		source: analysis.IdentityAirflowCtx,
		dag:    get("DAG_ID"), task: get("TASK_ID"), run: get("DAG_RUN_ID"), try: get("TRY_NUMBER"),
		logicalDate: first(get("LOGICAL_DATE"), get("EXECUTION_DATE")),
	}
}

// yarnTags are those that say what they are: dag_id=load, airflow_task_id:orders.
func (e *environment) yarnTags() orchestration {
	tags := make(map[string]string)
	for tag := range strings.SplitSeq(e.spark["spark.yarn.tags"], ",") {
		if i := strings.IndexAny(tag, "=:"); i > 0 {
			name := strings.ToLower(strings.TrimSpace(tag[:i]))
			name = strings.TrimLeft(strings.TrimPrefix(name, "airflow"), "._-")
			tags[name] = strings.TrimSpace(tag[i+1:])
		}
	}
	return orchestration{
		source: analysis.IdentityYARNTags,
		dag:    tags["dag_id"], task: tags["task_id"], run: tags["run_id"],
		try: tags["try_number"], mapped: tags["map_index"],
	}
}

// labels are those of Kubernetes' pods of this kind.
func (e *environment) labels(pods string) orchestration {
	get := func(key string) string { return e.spark["spark.kubernetes."+pods+".label."+key] }
	return orchestration{
		source: analysis.IdentityKubernetes,
		dag:    get("dag_id"), task: get("task_id"), run: get("run_id"),
		try: get("try_number"), mapped: get("map_index"),
	}
}

// runType reads the kind of a DAG run off its id, as Airflow builds it.
func runType(runID string) string {
	kind, _, ok := strings.Cut(runID, "__")
	if !ok {
		return ""
	}
	switch kind {
	case "scheduled", "manual", "backfill", "dataset_triggered", "asset_triggered":
		return kind
	}
	return ""
}
