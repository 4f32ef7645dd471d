"""Stock per warehouse, three times a day.

All three tasks are small and alike, so their sizes stand once, in the
default_args; only the reconciliation needs more.
"""
from __future__ import annotations

import datetime

from airflow.decorators import dag
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

default_args = {
    "owner": "supply",
    "retries": 1,
    "executor_memory": "2g",
    "executor_cores": 2,
    "num_executors": 3,
    "driver_memory": "1g",
    "conf": {"spark.dynamicAllocation.enabled": "false"},
}


@dag(
    dag_id="inventory_snapshot",
    schedule="0 6,12,18 * * *",
    start_date=datetime.datetime(2026, 9, 1),
    catchup=False,
    default_args=default_args,
    tags=["supply"],
    doc_md=__doc__,
)
def inventory_snapshot():
    snapshots = [
        SparkSubmitOperator(
            task_id=f"snapshot_{region}",
            name=f"inventory_snapshot_{region}",
            application="jobs/inventory_snapshot.py",
            application_args=["--region", region, "--at", "{{ ts }}", "--lake", "{{ var.value.lake }}"],
        )
        for region in ("north", "south")
    ]
    reconcile = SparkSubmitOperator(
        task_id="reconcile",
        name="inventory_reconcile",
        application="jobs/inventory_reconcile.py",
        application_args=["--at", "{{ ts }}", "--lake", "{{ var.value.lake }}"],
        executor_memory="3g",
    )
    snapshots >> reconcile


inventory_snapshot()
