"""Jobs of the lab that ask TPC-H its questions. The label of each is in ../labels.json."""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

START = datetime(2026, 9, 1)

MEASURED = {
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.processTreeMetrics.enabled": "true",
    "spark.executor.metrics.pollingInterval": "500",
}

with DAG("lab_tpch", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="tpch",
        name="tpch",
        application="jobs/tpch.py",
        application_args=["{{ var.value.lake }}/tpch", "q1", "q3", "q13", "q18"],
        executor_memory="2g",
        executor_cores=1,
        num_executors=2,
        conf={"spark.sql.shuffle.partitions": "16", **MEASURED},
    )

with DAG("lab_tpch_spill", schedule="@daily", start_date=START, catchup=False):
    # Hash joins are off because Spark would broadcast what fits here.
    SparkSubmitOperator(
        task_id="tpch_spill",
        name="tpch_spill",
        application="jobs/tpch.py",
        application_args=["{{ var.value.lake }}/tpch", "q18"],
        executor_memory="600m",
        executor_cores=1,
        num_executors=2,
        conf={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.autoBroadcastJoinThreshold": "-1",
        },
    )
