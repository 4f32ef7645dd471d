#!/usr/bin/env python3
"""argv.py REPO: what real Airflow would hand to Spark for every task of a repository.

The oracle of a patch: run it before and after, and only the wanted values may
differ. Airflow's own DagBag loads REPO/dags (or REPO, when it has no such
folder), Airflow's own code renders the templates, and for SparkSubmitOperator
the provider's own hook builds the spark-submit command line. Nothing is
submitted and no database is needed.

Run it with a Python that has Airflow (`lab/setup airflow` makes one). Prints
one JSON object:

  {"airflow": "3.2.2",
   "errors": {"dags/x.py": "last line of the traceback"},
   "dags": {"orders_daily": {
       "load_orders": {"operator": "SparkSubmitOperator", "argv": ["spark-submit", ...]},
       "wait":        {"operator": "EmrStepSensor", "fields": {"step_id": ...}}}}}

A task that can't be rendered has "error" instead. Values that only a running
Airflow knows are fixed (ds is 2026-11-01) or spelled as a placeholder, as in
"<var.lake>". This executes the repository's DAG files: use it on trusted ones.
"""

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

# Airflow reads its configuration when it is imported: an empty home so that
# nothing of this machine leaks in, and safe mode off because it skips files
# that do not contain both "dag" and "airflow", silently.
SETTINGS = {
    "AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE": "False",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "yarn"}',
}


class Placeholder:
    """Stands for `var.value`, `var.json` or `conn` in a template."""

    def __init__(self, path):
        self._path = path

    def get(self, key, default=None):
        return getattr(self, key)

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(key)
        return Placeholder(f"{self._path}.{key}")

    def __getitem__(self, key):
        return Placeholder(f"{self._path}.{key}")

    def __str__(self):
        return f"<{self._path}>"


class Instance:
    """Stands for the task instance: XComs are placeholders."""

    def __init__(self, task, run_id):
        self.task, self.run_id, self.task_id, self.dag_id = task, run_id, task.task_id, task.dag_id
        self.try_number, self.map_index = 1, -1

    def xcom_pull(self, task_ids=None, key="return_value", **_):
        return Placeholder(f"xcom.{task_ids}.{key}")


class Run:
    """Stands for the DAG run."""

    def __init__(self, dag, when):
        self.dag_id, self.logical_date, self.run_type = dag.dag_id, when, "scheduled"
        self.run_id = f"scheduled__{when.isoformat()}"
        self.conf = {}


def context(dag, task):
    import pendulum

    try:
        from airflow.sdk.execution_time import macros
    except ImportError:
        from airflow import macros
    when = pendulum.datetime(2026, 11, 1)
    run = Run(dag, when)
    instance = Instance(task, run.run_id)
    var = Placeholder("var")
    var.value, var.json = Placeholder("var"), Placeholder("var")
    return {
        "dag": dag, "task": task, "dag_run": run, "run_id": run.run_id, "ti": instance, "task_instance": instance,
        "logical_date": when, "execution_date": when, "data_interval_start": when, "data_interval_end": when.add(days=1),
        "ds": "2026-11-01", "ds_nodash": "20261101", "ts": when.isoformat(), "ts_nodash": "20261101T000000",
        "macros": macros, "params": {k: v for k, v in dag.params.items()}, "var": var, "conn": Placeholder("conn"),
    }  # fmt: skip


def plain(value):
    """Makes a value fit for JSON; what JSON has no word for is told by its type."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value) if isinstance(value, Placeholder) else f"<{type(value).__name__}>"


def describe(dag, task):
    out = {"operator": getattr(task, "task_type", type(task).__name__)}
    try:
        if hasattr(task, "partial_kwargs"):
            out["mapped"] = plain(dict(task.partial_kwargs.items()))
            return out
        task.render_template_fields(context(dag, task))
        if hasattr(task, "_get_hook") and hasattr(task, "application"):
            out["argv"] = plain(task._get_hook()._build_spark_submit_command(task.application))
        else:
            out["fields"] = {f: plain(getattr(task, f, None)) for f in sorted(task.template_fields)}
    except Exception as e:  # an oracle reports every task
        out["error"] = f"{type(e).__name__}: {e}"
    return out


def load(repo):
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    from airflow import __version__

    folder = repo / "dags" if (repo / "dags").is_dir() else repo
    # Airflow puts the DAG folder on sys.path itself; many repositories also
    # import from their root.
    sys.path[:0] = [str(folder), str(repo)]
    bag = DagBag(dag_folder=str(folder), include_examples=False)
    errors = {
        os.path.relpath(path, repo): text.strip().splitlines()[-1] for path, text in sorted(bag.import_errors.items())
    }
    dags = {
        dag_id: {task.task_id: describe(dag, task) for task in sorted(dag.tasks, key=lambda t: t.task_id)}
        for dag_id, dag in sorted(bag.dags.items())
    }
    return {"airflow": __version__, "errors": errors, "dags": dags}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", type=Path, help="root of an Airflow repository")
    parser.add_argument("--policy", type=Path, help="folder with an airflow_local_settings.py to apply")
    args = parser.parse_args()

    sys.dont_write_bytecode = True  # the repository may be read-only, or in git
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(SETTINGS, AIRFLOW_HOME=home)
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(args.repo)
        if args.policy:
            sys.path.insert(0, str(args.policy.resolve()))
        repo = args.repo.resolve()
        os.chdir(repo)
        # Airflow 3 and many a DAG write to stdout; ours must be JSON only.
        with contextlib.redirect_stdout(sys.stderr):
            logging.disable(logging.ERROR)
            result = load(repo)
    json.dump(result, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
