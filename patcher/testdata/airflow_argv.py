"""Prints what Airflow itself would run for each task of a DAG folder.

Usage: airflow_argv.py FOLDER, in an environment with Airflow and its Spark
provider. Output: {"errors": {file: text}, "tasks": {"dag.task": [...]}}: the
argv that SparkSubmitHook builds, the words of a command, the arguments of EMR
steps.
"""
import json
import os
import shlex
import sys

folder = os.path.abspath(sys.argv[1])
sys.path.insert(0, folder)
os.environ.setdefault("AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE", "False")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW_CONN_SPARK_DEFAULT", '{"conn_type": "spark", "host": "yarn"}')

out, sys.stdout = sys.stdout, sys.stderr  # Airflow logs to stdout

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag


def describe(task):
    if hasattr(task, "_get_hook") and hasattr(task, "application"):
        return task._get_hook()._build_spark_submit_command(task.application)
    if hasattr(task, "bash_command"):
        words = shlex.split(task.bash_command)
        return words[words.index("spark-submit"):] if "spark-submit" in words else words
    return [word for step in getattr(task, "steps", []) for word in step["HadoopJarStep"]["Args"]]


bag = DagBag(dag_folder=folder, include_examples=False)
tasks = {f"{d.dag_id}.{t.task_id}": describe(t) for d in bag.dags.values() for t in d.tasks}
json.dump({"errors": {os.path.relpath(k, folder): v for k, v in bag.import_errors.items()}, "tasks": tasks}, out)
