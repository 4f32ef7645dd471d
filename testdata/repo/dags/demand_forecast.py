"""Demand per store and article for the next weeks.

The number of stores changes with every opening, and the memory with it; the
rollout team sets FORECAST_STORES on the workers.
"""

import os
from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

STORES = int(os.environ.get("FORECAST_STORES", "40"))
HEAP_MB_PER_STORE = 16

with DAG(
    dag_id="demand_forecast",
    schedule="0 5 * * *",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    default_args={"owner": "supply", "retries": 1, "retry_delay": timedelta(minutes=10)},
    tags=["supply", "ml"],
    doc_md=__doc__,
) as dag:
    forecast = SparkSubmitOperator(
        task_id="forecast",
        name="demand_forecast",
        application="jobs/forecast.py",
        application_args=["--date", "{{ ds }}", "--lake", "{{ var.value.lake }}"],
        executor_memory=f"{STORES * HEAP_MB_PER_STORE}m",
        executor_cores=1,
        num_executors=2,
        conf={
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": os.environ.get("FORECAST_PARTITIONS", "2"),
        },
    )
