# Compacts yesterday's clickstream files. Written by the web team before the
# Spark provider was installed here, hence spark-submit by hand.
#
# TODO(jonas): move to SparkSubmitOperator. The déjà-vu partitions of 2025 are
# excluded in the job, not here.

from datetime import datetime

from airflow import DAG
from airflow.providers.standard.operators.bash import BashOperator

dag = DAG(
    "clickstream_compaction",
    schedule="15 1 * * *",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    default_args={"owner": "web", "retries": 3},
    tags=["web", "maintenance"],
)

COMPACT = """
set -euo pipefail
spark-submit \\
  --master yarn \\
  --deploy-mode cluster \\
  --name clickstream_compaction \\
  --executor-memory 6g \\
  --executor-cores 2 \\
  --num-executors 4 \\
  --conf spark.sql.shuffle.partitions=200 \\
  --conf spark.executor.memoryOverhead=1g \\
  jobs/compact_clicks.py --date {{ ds }} --lake {{ var.value.lake }}
"""

compact = BashOperator(task_id="compact", bash_command=COMPACT, dag=dag)

expire = BashOperator(
    task_id="expire",
    bash_command="spark-submit --master yarn --name clickstream_expire "
    "--executor-memory 1g --num-executors 1 "
    "jobs/expire_clicks.py --keep-days 400 --lake {{ var.value.lake }}",
    dag=dag,
)

compact >> expire
