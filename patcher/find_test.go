package patcher

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A call that is never closed takes the rest of the file along: the file is
// named with the line, the statements before it are served.
func TestUnparsedStatementIsSaid(t *testing.T) {
	const src = `from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

dag = DAG("sales")
load = SparkSubmitOperator(task_id="load", application="load.py", dag=dag)

with DAG("x"):
    a = SparkSubmitOperator(task_id="a", application="a.py"
def (:
`
	repo, err := Find(fstest.MapFS{"dags/sales.py": {Data: []byte(src)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Jobs) != 1 || repo.Jobs[0].ID != "sales.load" {
		t.Errorf("jobs are %+v", repo.Jobs)
	}
	if len(repo.Skipped) != 1 || repo.Skipped[0].Path != "dags/sales.py" || repo.Skipped[0].Line < 7 {
		t.Errorf("skipped are %+v", repo.Skipped)
	}
}

// What other people's code submits is nobody's job here.
func TestForeignFoldersAreLeftOut(t *testing.T) {
	const script = "spark-submit --executor-memory 4g job.py\n"
	repo, err := Find(fstest.MapFS{
		"docker/spark-2.4.5-bin-hadoop2.6/sbin/start.sh": {Data: []byte(script)},
		"venv/lib/submit.sh":                             {Data: []byte(script)},
		"jobs/submit.sh":                                 {Data: []byte(script)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Jobs) != 1 || repo.Jobs[0].Path != "jobs/submit.sh" {
		t.Errorf("jobs are %+v", repo.Jobs)
	}
}

// A repository that Find did not make knows no operators of the house, and a
// file that has changed since is not what the plan is for.
func TestRewriteOnlyWhatFindRead(t *testing.T) {
	const src = "from glent import GlentJob\nx = GlentJob(task_id='x', memory='8g')\n"
	house := Operator{Class: "GlentJob", Settings: map[string]string{"memory": "spark.executor.memory"}}
	files := fstest.MapFS{"dags/x.py": {Data: []byte(src)}}
	repo, err := Find(files, house)
	if err != nil || len(repo.Jobs) != 1 {
		t.Fatalf("%+v, %v", repo, err)
	}
	wants := []Want{{repo.Jobs[0].ID, Setting{"spark.executor.memory", "8g", "5g"}}}
	for _, foreign := range []*Repository{nil, {}, {Jobs: repo.Jobs}} {
		if res, err := Rewrite(files, foreign, wants); err == nil {
			t.Errorf("%+v was rewritten: %+v", foreign, res)
		}
	}
	files["dags/x.py"] = &fstest.MapFile{Data: []byte("# new\n" + src)}
	res, err := Rewrite(files, repo, wants)
	if err != nil || len(res.Patches) > 0 || res.Outcomes[0].Status != Refused || !strings.Contains(res.Outcomes[0].Reason, "changed since") {
		t.Errorf("%+v, %v", res, err)
	}
}

// What a person could do about a job that takes nothing more is said once.
func TestRemedyIsSaidOnce(t *testing.T) {
	for src, want := range map[string]string{
		"from house import Job\nx = Job(task_id='x', executor_memory='4g', application='a.py')\n":                                "add it by hand",
		"from airflow.operators import DatabricksRunNowOperator\nx = DatabricksRunNowOperator(task_id='x', job_id=1)  # spark\n": "change it there",
	} {
		repo, err := Find(fstest.MapFS{"dags/x.py": {Data: []byte(src)}})
		if err != nil || len(repo.Jobs) != 1 || len(repo.Jobs[0].Refusals) != 1 {
			t.Fatalf("%+v, %v", repo, err)
		}
		if r := repo.Jobs[0].Refusals[0]; r.Remedy != want || strings.Contains(r.Reason, want) {
			t.Errorf("%q; %q, want the remedy %q", r.Reason, r.Remedy, want)
		}
	}
}
