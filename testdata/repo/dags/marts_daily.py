"""The two marts that finance reads before nine."""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

# Both marts read the same facts and were always sized together.
MART_EXECUTOR_MEMORY = "2g"

COMMON_CONF = {
    "spark.sql.shuffle.partitions": "16",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
}

with DAG(
    dag_id="marts_daily",
    schedule="30 4 * * *",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    default_args={"owner": "finance-data", "retries": 1},
    tags=["finance", "tier-1"],
) as dag:
    mart_sales = SparkSubmitOperator(
        task_id="mart_sales",
        name="mart_sales",
        application="jobs/mart.py",
        application_args=["sales", "{{ ds }}", "{{ var.value.lake }}"],
        executor_memory=MART_EXECUTOR_MEMORY,
        executor_cores=1,
        num_executors=2,
        conf=COMMON_CONF,
    )

    mart_margin = SparkSubmitOperator(
        task_id="mart_margin",
        name="mart_margin",
        application="jobs/mart.py",
        application_args=["margin", "{{ ds }}", "{{ var.value.lake }}"],
        executor_memory=MART_EXECUTOR_MEMORY,
        executor_cores=1,
        num_executors=2,
        conf=COMMON_CONF,
    )
