"""Orders of one day: load what the shop wrote, then check it.

The checks must see exactly what was loaded, so they run after the load and
not in parallel. When `orders_quality` fails, finance is blocked: page.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

default_args = {
    "owner": "commerce",
    "email": ["data-commerce@marlo.example"],
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
}

with DAG(
    dag_id="orders_daily",
    description="Raw orders to the lake, then data quality",
    schedule="0 2 * * *",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    max_active_runs=1,
    default_args=default_args,
    tags=["orders", "tier-1"],
    doc_md=__doc__,
) as dag:

    load_orders = SparkSubmitOperator(
        task_id="load_orders",
        application="jobs/load_orders.py",
        application_args=["--date", "{{ ds }}", "--lake", "{{ var.value.lake }}"],
        # Sized for Black Friday 2024 (executor_memory="2g" was not enough then).
        executor_memory="2560m",
        executor_cores=1,
        num_executors=2,
        driver_memory="1g",
        conf={
            "spark.sql.shuffle.partitions": "8",
            "spark.eventLog.logStageExecutorMetrics": "true",
            "spark.executor.processTreeMetrics.enabled": "true",
            "spark.executor.metrics.pollingInterval": "500",
        },
    )

    orders_quality = SparkSubmitOperator(
        task_id="orders_quality",
        application="jobs/orders_quality.py",
        application_args=["--date", "{{ ds }}", "--lake", "{{ var.value.lake }}"],
        # Keeps the day in memory: every check reads it again.
        executor_memory="2560m",
        executor_cores=1,
        num_executors=2,
        driver_memory="1g",
        conf={
            "spark.sql.shuffle.partitions": "8",
            "spark.eventLog.logStageExecutorMetrics": "true",
            "spark.executor.processTreeMetrics.enabled": "true",
            "spark.executor.metrics.pollingInterval": "500",
        },
    )

    load_orders >> orders_quality
