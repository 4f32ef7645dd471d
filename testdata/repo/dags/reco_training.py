"""Trains the recommender on Kubernetes; the manifest holds the sizes."""

from datetime import datetime

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

with DAG(
    dag_id="reco_training",
    schedule="0 1 * * 6",
    start_date=datetime(2026, 9, 1),
    catchup=False,
    default_args={"owner": "ranking", "retries": 1},
    tags=["ml", "k8s"],
) as dag:
    SparkKubernetesOperator(
        task_id="train",
        namespace="spark-jobs",
        application_file="manifests/reco_training.yaml",
        kubernetes_conn_id="kubernetes_default",
        do_xcom_push=False,
    )
