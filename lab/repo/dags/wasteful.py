"""Jobs of the lab with settings that were copied from another job, or set once and forgotten.

They work rather than wait. The label of each is in ../labels.json.
"""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

START = datetime(2026, 9, 1)

MEASURED = {
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.processTreeMetrics.enabled": "true",
    "spark.executor.metrics.pollingInterval": "500",
}

with DAG("lab_copied", schedule="@daily", start_date=START, catchup=False):
    # From a job ten times as large: too many executors, each too large.
    SparkSubmitOperator(
        task_id="copied",
        name="copied",
        application="jobs/sum.py",
        application_args=["600000000", "2"],
        executor_memory="2g",
        executor_cores=1,
        num_executors=4,
        conf={"spark.sql.shuffle.partitions": "8", **MEASURED},
    )

with DAG("lab_idle_work", schedule="@daily", start_date=START, catchup=False):
    # Two files a day, which was five when somebody counted them.
    SparkSubmitOperator(
        task_id="idle_work",
        name="idle_work",
        application="jobs/sum.py",
        application_args=["600000000", "2"],
        executor_memory="1g",
        executor_cores=1,
        num_executors=5,
    )

with DAG("lab_overmem_tpch", schedule="@daily", start_date=START, catchup=False):
    # Given 5g after one bad night.
    SparkSubmitOperator(
        task_id="overmem_tpch",
        name="overmem_tpch",
        application="jobs/tpch.py",
        application_args=["{{ var.value.lake }}/tpch", "q1", "q13"],
        executor_memory="5g",
        executor_cores=1,
        num_executors=2,
        conf={"spark.sql.shuffle.partitions": "16", **MEASURED},
    )

with DAG("lab_oom", schedule="@daily", start_date=START, catchup=False):
    # Its rows outgrew the heap.
    SparkSubmitOperator(
        task_id="oom",
        name="oom",
        application="jobs/blobs.py",
        application_args=["600", "40"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_starved_work", schedule="@daily", start_date=START, catchup=False):
    # One file a day, until there were two.
    SparkSubmitOperator(
        task_id="starved_work",
        name="starved_work",
        application="jobs/sum.py",
        application_args=["4600000000", "2"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=1,
        conf={"spark.default.parallelism": "2"},
    )
