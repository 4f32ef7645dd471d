"""Clicks of one hour become sessions (30 minutes of silence end one)."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

with DAG(
    "sessions_hourly",
    schedule="@hourly",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "web", "retries": 1, "retry_delay": timedelta(minutes=2)},
    tags=["web"],
) as dag:
    SparkSubmitOperator(
        task_id="sessionize",
        name="sessionize_{{ ts_nodash }}",
        application="jobs/sessionize.py",
        application_args=[
            "--hour", "{{ logical_date.strftime('%Y-%m-%dT%H') }}",
            "--lake", "{{ var.value.lake }}",
        ],
        conf={
            # AQE made one task of everything in the incident of March.
            # Two partitions were plenty when the shop was small.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": 2,
            "spark.executor.memory": "1g",
            "spark.executor.cores": "1",
            "spark.executor.instances": "2",
            "spark.driver.memory": "1g",
            "spark.sql.session.timeZone": "UTC",
        },
        verbose=False,
    )
