package patcher

import (
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
