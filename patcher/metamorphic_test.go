package patcher

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// plainDAG has one job of each common form, written so that every change of
// TestSameMeaning leaves what it means.
const plainDAG = `from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

MEM = "8g"
SHARED = {"spark.sql.shuffle.partitions": "200"}
DEFAULTS = dict(owner="shop", executor_cores=4)

with DAG("shop", default_args=DEFAULTS) as dag:
    a = SparkSubmitOperator(task_id="a", application="a.py", executor_memory="8g", num_executors=20)
    b = SparkSubmitOperator(task_id="b", executor_memory=MEM, conf=SHARED)
    c = SparkSubmitOperator(task_id="c", conf={"spark.executor.memory": "8g", **SHARED})
    d = BashOperator(task_id="d", bash_command="spark-submit --executor-memory 8g d.py")
    e = SparkSubmitOperator(task_id="e", executor_memory=load("mem"))
    for name in ["f", "g"]:
        SparkSubmitOperator(task_id=name, executor_memory="8g")
`

// verdicts are what a reader cares for: the jobs, the values that win, and how
// every want ended, without places.
func verdicts(t *testing.T, text string) []string {
	t.Helper()
	files := fstest.MapFS{"dags/x.py": {Data: []byte(text)}}
	repo, err := Find(files)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, j := range repo.Jobs {
		for _, s := range j.Sites {
			out = append(out, fmt.Sprintf("%s %s=%s %v", j.ID, s.Key, s.Value, s.Dynamic != ""))
		}
	}
	wants := fuzzWants(repo)
	_, res := rewrite(t, files, wants)
	checkInvariants(t, files, wants, res)
	for _, o := range res.Outcomes {
		out = append(out, fmt.Sprintf("%s %s -> %s: %d", o.Job, o.Key, o.To, o.Status))
	}
	slices.Sort(out)
	return out
}

// TestSameMeaning: what Python does not care for changes no job, no value and
// no verdict.
func TestSameMeaning(t *testing.T) {
	want := verdicts(t, plainDAG)
	if len(want) < 20 {
		t.Fatalf("too little is found to compare: %q", want)
	}
	call := regexp.MustCompile(`SparkSubmitOperator\((task_id=[^,]+), ([^\n]*)\)\n`)
	for name, change := range map[string]func(string) string{
		"comments":    func(s string) string { return strings.ReplaceAll(s, "\n", "  # 8g, executor_memory=\n") },
		"blank lines": func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") },
		"quotes":      func(s string) string { return strings.ReplaceAll(s, `"`, "'") },
		"indent": func(s string) string {
			return regexp.MustCompile(`(?m)^(    )+`).ReplaceAllStringFunc(s, func(in string) string { return strings.Repeat("\t", len(in)/4) })
		},
		"order of arguments": func(s string) string { return call.ReplaceAllString(s, "SparkSubmitOperator($2, $1)\n") },
		"a line each": func(s string) string {
			return call.ReplaceAllString(s, "SparkSubmitOperator(\n            $1,\n            $2,\n    )\n")
		},
		"names": func(s string) string {
			return strings.NewReplacer("MEM", "SIZE_OF_IT", "SHARED", "common", "DEFAULTS", "Args").Replace(s)
		},
		"alias": func(s string) string {
			return strings.ReplaceAll(strings.Replace(s, "import SparkSubmitOperator", "import SparkSubmitOperator as Run", 1), "= SparkSubmitOperator(", "= Run(")
		},
		"in a function": func(s string) string {
			head, body, _ := strings.Cut(s, "with DAG")
			return head + "def build():\n    with DAG" + strings.ReplaceAll(body, "\n    ", "\n        ") + "\n\nbuild()\n"
		},
		"in an if": func(s string) string {
			head, body, _ := strings.Cut(s, "with DAG")
			return head + "if True:\n    with DAG" + strings.ReplaceAll(body, "\n    ", "\n        ")
		},
		"dag argument": func(s string) string {
			s = strings.Replace(s, "with DAG(\"shop\", default_args=DEFAULTS) as dag:", "dag = DAG(\"shop\", default_args=DEFAULTS)\nif dag:", 1)
			return strings.ReplaceAll(s, "Operator(task_id", "Operator(dag=dag, task_id")
		},
		"CRLF": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			changed := change(plainDAG)
			if changed == plainDAG {
				t.Fatal("nothing is changed")
			}
			if diff := cmp.Diff(want, verdicts(t, changed)); diff != "" {
				t.Errorf("(-plain +changed):\n%s\n%s", diff, changed)
			}
		})
	}
}

// TestOtherMeaning: what does change a job, a value or a verdict is told apart,
// so TestSameMeaning can fail.
func TestOtherMeaning(t *testing.T) {
	want := verdicts(t, plainDAG)
	for name, change := range map[string][2]string{
		"a value":             {`executor_memory="8g", num_executors=20`, `executor_memory="9g", num_executors=20`},
		"a key":               {`{"spark.executor.memory": "8g", **SHARED}`, `{"spark.driver.memory": "8g", **SHARED}`},
		"what wins":           {`{"spark.executor.memory": "8g", **SHARED}`, `{"spark.executor.memory": "8g", **unknown()}`},
		"a task":              {`task_id="b"`, `task_id="bb"`},
		"the DAG":             {`DAG("shop"`, `DAG("store"`},
		"a job less":          {`    e = SparkSubmitOperator`, `    # e = SparkSubmitOperator`},
		"a literal":           {`load("mem")`, `"8g"`},
		"an option's place":   {`--executor-memory 8g d.py`, `d.py --executor-memory 8g`},
		"a loop":              {`for name in ["f", "g"]`, `for name in names()`},
		"a constant's reader": {`MEM = "8g"`, "MEM = \"8g\"\nprint(MEM)\nMEM += \"\""},
		"a mark":              {`    a = Spark`, "    # sparktune: ignore\n    a = Spark"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(plainDAG, change[0], change[1], 1)
			if changed == plainDAG {
				t.Fatal("nothing is changed")
			}
			if slices.Equal(want, verdicts(t, changed)) {
				t.Errorf("the verdicts are the same:\n%s", changed)
			}
		})
	}
}
