"""Jobs of the lab whose question is memory. The label of each is in ../labels.json."""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

START = datetime(2026, 9, 1)

MEASURED = {
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.processTreeMetrics.enabled": "true",
    "spark.executor.metrics.pollingInterval": "500",
}

with DAG("lab_pykill", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="pykill",
        name="pykill",
        application="jobs/python_memory.py",
        application_args=["900"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_gc", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="gc",
        name="gc",
        application="jobs/collect_list.py",
        application_args=["2400000", "2", "3"],
        executor_memory="600m",
        executor_cores=2,
        num_executors=1,
        conf={**MEASURED, "spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"},
    )

with DAG("lab_overmem_blind", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="overmem_blind",
        name="overmem_blind",
        application="jobs/sum.py",
        application_args=["300000000", "8"],
        executor_memory="4g",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_overmem", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="overmem",
        name="overmem",
        application="jobs/sum.py",
        application_args=["300000000", "8"],
        executor_memory="4g",
        executor_cores=1,
        num_executors=2,
        conf={**MEASURED},
    )

with DAG("lab_well_cached", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="well_cached",
        name="well_cached",
        application="jobs/cached.py",
        application_args=["1600000", "8", "6"],
        executor_memory="1g",
        executor_cores=1,
        num_executors=2,
        conf={"spark.sql.shuffle.partitions": "8", **MEASURED},
    )

with DAG("lab_growing", schedule="@daily", start_date=START, catchup=False):
    # The table that it keeps in memory is larger every day.
    SparkSubmitOperator(
        task_id="growing",
        name="growing",
        application="jobs/cached.py",
        application_args=["{{ logical_date.day * 400000 }}", "8", "6"],
        executor_memory="2g",
        executor_cores=1,
        num_executors=2,
        conf={**MEASURED},
    )

with DAG("lab_reconfigured", schedule="@daily", start_date=START, catchup=False):
    # Was 3g until the second of November.
    SparkSubmitOperator(
        task_id="reconfigured",
        name="reconfigured",
        application="jobs/sum.py",
        application_args=["150000000", "8"],
        executor_memory="2g",
        executor_cores=1,
        num_executors=2,
        conf={**MEASURED},
    )

with DAG("lab_two_runs", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="two_runs",
        name="two_runs",
        application="jobs/sort.py",
        application_args=["6000000"],
        executor_memory="600m",
        executor_cores=1,
        num_executors=2,
        conf={"spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"},
    )
