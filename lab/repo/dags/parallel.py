"""Jobs of the lab whose question is parallelism: their tasks wait.

The label of each is in ../labels.json.
"""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

START = datetime(2026, 9, 1)

with DAG("lab_idle", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="idle",
        name="idle",
        application="jobs/wait.py",
        application_args=["2x12,2x12,2x12"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=6,
    )

with DAG("lab_starved", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="starved",
        name="starved",
        application="jobs/wait.py",
        application_args=["40x2.5"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_da_unbounded", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="da_unbounded",
        name="da_unbounded",
        application="jobs/wait.py",
        application_args=["2x8,24x1,2x20"],
        executor_memory="512m",
        executor_cores=1,
        conf={
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            "spark.dynamicAllocation.executorIdleTimeout": "60s",
        },
    )

with DAG("lab_skew", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="skew",
        name="skew",
        application="jobs/skew.py",
        executor_memory="512m",
        executor_cores=1,
        num_executors=4,
    )

with DAG("lab_tiny", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="tiny",
        name="tiny",
        application="jobs/sum.py",
        application_args=["4000000", "8"],
        executor_memory="1g",
        executor_cores=1,
        num_executors=2,
        conf={"spark.sql.shuffle.partitions": "6000", "spark.sql.adaptive.enabled": "false"},
    )

with DAG("lab_driver_bound", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="driver_bound",
        name="driver_bound",
        application="jobs/wait.py",
        application_args=["4x2,d18,4x2,d18"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=4,
    )

with DAG("lab_well_parallel", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="well_parallel",
        name="well_parallel",
        application="jobs/wait.py",
        application_args=["12x6,12x4"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=3,
    )

# Long enough for the gates that a rule has by default.

with DAG("lab_idle_long", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="idle_long",
        name="idle_long",
        application="jobs/wait.py",
        application_args=["2x80,2x80,2x80,2x80"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=5,
    )

with DAG("lab_starved_long", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="starved_long",
        name="starved_long",
        application="jobs/wait.py",
        application_args=["64x10"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_driver_long", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="driver_long",
        name="driver_long",
        application="jobs/wait.py",
        application_args=["4x5,d150,4x5,d150"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=4,
    )
