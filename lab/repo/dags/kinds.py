"""A job of the lab that a scheduler runs, and somebody runs again. Its label is in ../labels.json."""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

with DAG(
    "lab_kinds",
    schedule="@daily",
    start_date=datetime(2026, 11, 1),
    end_date=datetime(2026, 11, 2),
    catchup=True,
    max_active_runs=1,
):
    SparkSubmitOperator.partial(
        task_id="kinds",
        name="kinds",
        application="jobs/wait.py",
        executor_memory="512m",
        executor_cores=1,
        num_executors=3,
    ).expand(application_args=[["12x2.5"], ["9x2.5"]])
