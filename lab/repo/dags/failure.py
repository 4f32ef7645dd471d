"""Jobs of the lab that fail, or lose executors. The label of each is in ../labels.json."""

from datetime import datetime

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

START = datetime(2026, 9, 1)

with DAG("lab_driver_oom", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="driver_oom",
        name="driver_oom",
        application="jobs/driver_collect.py",
        application_args=["3000000"],
        executor_memory="1g",
        executor_cores=1,
        num_executors=2,
        driver_memory="512m",
        conf={"spark.driver.maxResultSize": "0"},
    )

with DAG("lab_user_error", schedule="@daily", start_date=START, catchup=False):
    SparkSubmitOperator(
        task_id="user_error",
        name="user_error",
        application="jobs/user_error.py",
        executor_memory="512m",
        executor_cores=1,
        num_executors=2,
    )

with DAG("lab_preempted", schedule="@daily", start_date=START, catchup=False):
    # The runner terminates executors of this one from outside.
    SparkSubmitOperator(
        task_id="preempted",
        name="preempted",
        application="jobs/wait.py",
        application_args=["30x4"],
        executor_memory="512m",
        executor_cores=1,
        num_executors=3,
    )
