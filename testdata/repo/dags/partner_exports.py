"""One export per partner, from the table in config/jobs.yaml."""

from datetime import datetime
from pathlib import Path

import yaml
from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

TABLE = Path(__file__).resolve().parent.parent / "config" / "jobs.yaml"

with TABLE.open(encoding="utf-8") as f:
    JOBS = yaml.safe_load(f)["jobs"]

with DAG(
    dag_id="partner_exports",
    schedule="0 7 * * 1-5",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    default_args={"owner": "commerce", "retries": 2},
    tags=["partners"],
) as dag:
    for job in JOBS:
        SparkSubmitOperator(
            task_id=job["name"],
            name=job["name"],
            application=job["application"],
            application_args=job["args"] + ["--date", "{{ ds }}", "--lake", "{{ var.value.lake }}"],
            executor_memory=job["executor_memory"],
            executor_cores=job["executor_cores"],
            num_executors=job["num_executors"],
            driver_memory=job["driver_memory"],
            conf=job.get("conf", {}),
        )
