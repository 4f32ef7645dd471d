package lab_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// airflows are the environments of lab/setup that must agree with each other.
var airflows = []string{"airflow", "airflow2"}

// task is what argv.py says about one task.
type task struct {
	Operator string
	Argv     []string
	Fields   map[string]any
	Mapped   map[string]any
	Error    string
}

// load is the answer of argv.py for one repository.
type load struct {
	Airflow string
	Errors  map[string]string
	Dags    map[string]map[string]task
}

// python returns the Python of an environment of lab/setup. Without it the
// test is skipped, except in CI, where a skipped oracle would go unnoticed.
func python(t *testing.T, env string) string {
	t.Helper()
	cache := os.Getenv("SPARKTUNE_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "sparktune")
	}
	name := filepath.Join(cache, env, "bin", "python")
	if _, err := os.Stat(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no %s: run lab/setup %s", name, env)
		}
		t.Skipf("no %s: run lab/setup %s", name, env)
	}
	return name
}

// ask runs argv.py in the named environment.
func ask(t *testing.T, env string, args ...string) load {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python(t, env), append([]string{"argv.py"}, args...)...)
	cmd.Env = append(os.Environ(), "SPARKTUNE_ENVIRONMENT=dev")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("argv.py %v: %v\n%s", args, err, &stderr)
	}
	var l load
	if err := json.Unmarshal(out, &l); err != nil {
		t.Fatalf("argv.py %v: %v in\n%s", args, err, out)
	}
	for file, text := range l.Errors {
		t.Errorf("Airflow %s: %s does not import: %s", l.Airflow, file, text)
	}
	for dag, tasks := range l.Dags {
		for id, task := range tasks {
			if task.Error != "" {
				t.Errorf("Airflow %s: %s.%s: %s", l.Airflow, dag, id, task.Error)
			}
		}
	}
	return l
}

// submits returns the spark-submit command lines by "dag.task".
func submits(l load) map[string][]string {
	all := map[string][]string{}
	for dag, tasks := range l.Dags {
		for id, task := range tasks {
			if task.Argv != nil {
				all[dag+"."+id] = task.Argv
			}
		}
	}
	return all
}

// TestRepo holds that real Airflow, in both versions, imports testdata/repo
// and would submit exactly what the golden file says.
func TestRepo(t *testing.T) {
	const golden = "argv_golden.json"
	for _, env := range airflows {
		t.Run(env, func(t *testing.T) {
			l := ask(t, env, "../testdata/repo")
			var dags []string
			for dag := range l.Dags {
				dags = append(dags, dag)
			}
			slices.Sort(dags)
			want := []string{
				"billing_emr", "clickstream_compaction", "demand_forecast", "features_weekly", "inventory_snapshot",
				"marts_daily", "orders_daily", "partner_exports", "reco_training", "sessions_hourly",
			}
			if diff := cmp.Diff(want, dags); diff != "" {
				t.Errorf("DAGs of testdata/repo (-want +got):\n%s", diff)
			}
			if *update {
				out, err := json.MarshalIndent(submits(l), "", " ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, append(out, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var argv map[string][]string
			if err := json.Unmarshal(data, &argv); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(argv, submits(l)); diff != "" {
				t.Errorf("what Airflow submits (-golden +got; -update rewrites):\n%s", diff)
			}
		})
	}
}

// identity is what docs/airflow_local_settings.py adds, as argv.py renders it.
func identity(dag, id string) []string {
	var flags []string
	for _, kv := range []string{
		"dag_id=" + dag, "task_id=" + id, "run_id=scheduled__2026-11-01T00:00:00+00:00", "try_number=1",
		"map_index=-1", "run_type=scheduled", "logical_date=2026-11-01T00:00:00+00:00", "environment=dev",
	} {
		flags = append(flags, "--conf", "spark.airflow."+kv)
	}
	return flags
}

// TestPolicyOnRepo holds that the policy adds the identity to each spark-submit
// of testdata/repo, and nothing else.
func TestPolicyOnRepo(t *testing.T) {
	for _, env := range airflows {
		t.Run(env, func(t *testing.T) {
			before, after := submits(ask(t, env, "../testdata/repo")), ask(t, env, "--policy", "../docs", "../testdata/repo")
			for key, argv := range submits(after) {
				dag, id, _ := strings.Cut(key, ".")
				added := identity(dag, id)
				at := slices.Index(argv, added[1]) - 1
				if at < 0 || !slices.Equal(argv[at:at+len(added)], added) {
					t.Errorf("%s has no identity: %q", key, argv)
					continue
				}
				rest := slices.Delete(slices.Clone(argv), at, at+len(added))
				if diff := cmp.Diff(before[key], rest); diff != "" {
					t.Errorf("%s: the policy changed more than it should (-before +after):\n%s", key, diff)
				}
			}
			step := after.Dags["billing_emr"]["add_steps"].Fields["steps"].([]any)[0].(map[string]any)
			args := step["HadoopJarStep"].(map[string]any)["Args"].([]any)
			if len(args) < 3 || args[0] != "spark-submit" || args[2] != "spark.airflow.dag_id=billing_emr" {
				t.Errorf("EMR step has no identity behind spark-submit: %q", args)
			}
		})
	}
}

// hardCases is a DAG whose tasks the policy must treat with care.
const hardCases = `
from datetime import datetime
from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

SHARED = {"spark.a": "1"}

class OwnOperator(SparkSubmitOperator):
    pass

with DAG("hard", schedule=None, start_date=datetime(2026, 1, 1), default_args={"conf": {"spark.default": "1"}}):
    SparkSubmitOperator(task_id="inherits", application="a.py")
    SparkSubmitOperator(task_id="said", application="a.py", conf={"spark.airflow.run_id": "mine"})
    OwnOperator(task_id="subclass", application="a.py", conf=SHARED)
    SparkSubmitOperator.partial(task_id="mapped", application="a.py", conf=SHARED).expand(name=["x", "y"])
    SparkSubmitOperator.partial(task_id="bare", application="a.py").expand(application_args=[["x"], ["y"]])
    SparkSubmitOperator.partial(task_id="confs", application="a.py").expand(conf=[{"spark.a": "1"}])
    SparkKubernetesOperator(task_id="k8s", template_spec={"spark": {"spec": {"sparkConf": {"spark.a": "1"}}}})

assert SHARED == {"spark.a": "1"}, SHARED
`

// TestPolicyHardCases holds what the policy does where a plain merge would be
// wrong: what the user said wins, shared dicts are not changed, and no key is
// given twice to a mapped operator.
func TestPolicyHardCases(t *testing.T) {
	repo := t.TempDir()
	if err := os.WriteFile(filepath.Join(repo, "hard.py"), []byte(hardCases), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, env := range airflows {
		t.Run(env, func(t *testing.T) {
			tasks := ask(t, env, "--policy", "../docs", repo).Dags["hard"]
			has := func(id, flag string, want bool) {
				t.Helper()
				if slices.Contains(tasks[id].Argv, flag) != want {
					t.Errorf("%s: has %s is %v, want %v: %q", id, flag, !want, want, tasks[id].Argv)
				}
			}
			has("inherits", "spark.default=1", true)
			has("inherits", "spark.airflow.task_id=inherits", true)
			has("said", "spark.airflow.run_id=mine", true)
			has("said", "spark.airflow.run_id=scheduled__2026-11-01T00:00:00+00:00", false)
			has("said", "spark.airflow.dag_id=hard", true)
			has("subclass", "spark.airflow.task_id=subclass", true)
			has("subclass", "spark.a=1", true)

			conf := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
			for _, id := range []string{"mapped", "bare"} {
				if got := conf(tasks[id].Mapped["conf"])["spark.airflow.map_index"]; got != "{{ ti.map_index }}" {
					t.Errorf("%s: map_index is %v", id, got)
				}
			}
			if got, ok := tasks["confs"].Mapped["conf"]; ok && len(conf(got)) > 1 {
				t.Errorf("confs: conf is mapped and got a second one: %v", got)
			}
			spec := conf(conf(conf(tasks["k8s"].Fields["template_spec"])["spark"])["spec"])
			if got := conf(spec["sparkConf"])["spark.airflow.task_id"]; got != "k8s" {
				t.Errorf("k8s: sparkConf is %v", spec["sparkConf"])
			}
		})
	}
}
