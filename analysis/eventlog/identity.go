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
// both DAG and task wins; weaker ones that do not contradict it add what it
// leaves open.
func (e *environment) identify(r *analysis.Run) {
	var id orchestration
	for _, o := range []orchestration{e.airflow(), e.openLineage(), e.airflowContext(), e.yarnTags(), e.kubernetesLabels()} {
		if o.dag != "" && o.task != "" && id.source == "" {
			id.dag, id.task, id.source = o.dag, o.task, o.source
		}
		if id.source == "" || agrees(o.dag, id.dag) && agrees(o.task, id.task) {
			id.complete(o)
		}
	}
	if id.run == "" && id.source == analysis.IdentityOpenLineage {
		id.run = e.spark["spark.openlineage.rootParentRunId"]
	}
	r.Identity = id.source
	r.DAGID, r.TaskID, r.RunID = clip(id.dag, maxText), clip(id.task, maxText), clip(id.run, maxText)
	r.TryNumber, r.MapIndex = integer(id.try), integer(id.mapped)
	r.LogicalDate, r.Environment = clip(id.logicalDate, maxText), clip(id.environment, maxText)
	r.RunType = clip(first(id.kind, runType(id.run)), maxText)
}

func agrees(said, known string) bool { return said == "" || said == known }

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
// clear enough.
func (e *environment) openLineage() orchestration {
	o := orchestration{source: analysis.IdentityOpenLineage}
	parent, root := e.spark["spark.openlineage.parentJobName"], e.spark["spark.openlineage.rootParentJobName"]
	if task, ok := strings.CutPrefix(parent, root+"."); ok && root != "" {
		o.dag, o.task = root, task
	} else if root == "" && strings.Count(parent, ".") == 1 {
		o.dag, o.task, _ = strings.Cut(parent, ".")
	}
	return o
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

func (e *environment) kubernetesLabels() orchestration {
	get := func(key string) string { return e.spark["spark.kubernetes.driver.label."+key] }
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
