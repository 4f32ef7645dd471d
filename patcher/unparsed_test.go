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
