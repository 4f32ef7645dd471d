"""Customer features for the ranking models, every Sunday night.

The whole purchase history of a customer segment is folded into one row, the
model wants it that way.
"""
import pendulum
from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

# No retries: stale features are worse than a late model, a person decides.
ARGS = dict(owner="ranking", retries=0, depends_on_past=False)

with DAG(
    dag_id="features_weekly",
    schedule="0 23 * * 0",
    start_date=pendulum.datetime(2026, 8, 2, tz="UTC"),
    catchup=False,
    default_args=ARGS,
    tags=["ml", "ranking"],
    doc_md=__doc__,
) as dag:
    build_features = SparkSubmitOperator(
        task_id="build_features",
        application="jobs/build_features.py",
        application_args=["--date={{ ds }}", "--lake={{ var.value.lake }}"],
        executor_cores=1,
        num_executors=2,
        conf={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            # Without a hook of our own YARN's kills the JVM at its first
            # OutOfMemoryError, mostly before the task can report it.
            "spark.executor.extraJavaOptions": "-XX:OnOutOfMemoryError='echo heap exhausted in %p'",
        },
    )
