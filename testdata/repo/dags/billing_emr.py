"""Invoices of the month. Still on EMR, the auditors know it there."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.amazon.aws.operators.emr import EmrAddStepsOperator
from airflow.providers.amazon.aws.sensors.emr import EmrStepSensor

SPARK_STEPS = [
    {
        "Name": "rate_usage",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [
                "spark-submit",
                "--deploy-mode", "cluster",
                "--executor-memory", "8g",
                "--executor-cores", "4",
                "--num-executors", "10",
                "--conf", "spark.sql.shuffle.partitions=400",
                "s3://marlo-artifacts/jobs/rate_usage.py",
                "--month", "{{ macros.ds_format(ds, '%Y-%m-%d', '%Y-%m') }}",
            ],
        },
    },
    {
        "Name": "write_invoices",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [
                "spark-submit",
                "--deploy-mode", "cluster",
                "--executor-memory", "8g",
                "--executor-cores", "4",
                "--num-executors", "4",
                "s3://marlo-artifacts/jobs/write_invoices.py",
                "--month", "{{ macros.ds_format(ds, '%Y-%m-%d', '%Y-%m') }}",
            ],
        },
    },
]

with DAG(
    dag_id="billing_emr",
    schedule="0 3 1 * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"owner": "billing", "retries": 0},
    tags=["billing", "emr"],
) as dag:
    add_steps = EmrAddStepsOperator(
        task_id="add_steps",
        job_flow_id="{{ var.value.billing_cluster }}",
        aws_conn_id="aws_default",
        steps=SPARK_STEPS,
    )

    wait = EmrStepSensor(
        task_id="wait",
        job_flow_id="{{ var.value.billing_cluster }}",
        step_id="{{ task_instance.xcom_pull(task_ids='add_steps', key='return_value')[-1] }}",
        poke_interval=timedelta(minutes=2).total_seconds(),
        timeout=timedelta(hours=6).total_seconds(),
    )

    add_steps >> wait
