"""Gives every Spark application the identity of the Airflow task that ran it.

An Airflow cluster policy: put this file on the PYTHONPATH of schedulers, DAG
processors and workers, usually as $AIRFLOW_HOME/config/airflow_local_settings.py.
Works on Airflow 2.11 and 3.2; no DAG has to change. See docs/airflow.md.

Why a policy: `conf` in default_args is replaced, not merged, by the `conf` of
an operator, so the only place that reaches every task is here. What a DAG
sets itself always wins, and a task that this file does not understand is left
as it is: measuring must never break a DAG.

If you already have an airflow_local_settings.py, copy this file beside it
under another name and call add_identity(task) from your own task_policy.
"""

import copy
import logging
import os

# The property names are a stored format: sparktune reads them from the event
# log. They are Jinja templates, rendered by the worker for each try.
IDENTITY = {
    "spark.airflow.dag_id": "{{ dag.dag_id }}",
    "spark.airflow.task_id": "{{ task.task_id }}",
    "spark.airflow.run_id": "{{ run_id }}",
    "spark.airflow.try_number": "{{ ti.try_number }}",
    "spark.airflow.map_index": "{{ ti.map_index }}",
    # scheduled, manual, backfill, asset_triggered. A string in Airflow 2, an
    # enum in Airflow 3.
    "spark.airflow.run_type": "{{ dag_run.run_type.value | default(dag_run.run_type) }}",
    # Empty for an Airflow 3 run that has no logical date.
    "spark.airflow.logical_date": "{{ ts | default('') }}",
}


def environment():
    """Which of your environments this Airflow is (dev, prod ...), or None.

    From SPARKTUNE_ENVIRONMENT, else from the option `environment` in the
    section [sparktune] of airflow.cfg, which managed services can set. Not
    from an Airflow Variable: that would be a lookup for every task.
    """
    name = os.environ.get("SPARKTUNE_ENVIRONMENT")
    if not name:
        from airflow.configuration import conf

        name = conf.get("sparktune", "environment", fallback=None)
    return name or None


def identity():
    """Returns the properties to add, with the environment if there is one."""
    name = environment()
    return {**IDENTITY, "spark.airflow.environment": name} if name else dict(IDENTITY)


def with_conf(conf):
    """Returns conf with the identity, or None when conf can't be merged.

    It can't when it is no dict: an XComArg, or one template for the whole.
    """
    if conf is None or isinstance(conf, dict):
        return {**identity(), **(conf or {})}
    return None


def with_args(args):
    """Returns the arguments of a spark-submit with the identity, or None.

    None when they don't begin with spark-submit. The flags go right behind
    it, before anything that could be an argument of the application.
    """
    if not isinstance(args, list) or not args or os.path.basename(str(args[0])) != "spark-submit":
        return None
    said = [str(a) for a in args]
    flags = []
    for key, value in identity().items():
        if not any(s.startswith((key + "=", "--conf=" + key + "=")) for s in said):
            flags += ["--conf", f"{key}={value}"]
    return args[:1] + flags + args[1:]


def spark_submit(task):
    """SparkSubmitOperator and its subclasses."""
    for name in ("conf", "_conf"):  # _conf before version 4.8 of the provider
        if hasattr(task, name):
            conf = with_conf(getattr(task, name))
            if conf is not None:
                setattr(task, name, conf)
            return


def mapped_spark_submit(task):
    """SparkSubmitOperator.partial(...).expand(...)."""
    conf = task.partial_kwargs.get("conf")
    if "conf" not in task.partial_kwargs:
        # A key may be given once only. expand() says which keys it has;
        # expand_kwargs() knows at run time, so it is left alone.
        mapped = getattr(task._get_specified_expand_input(), "value", None)
        if not isinstance(mapped, dict) or "conf" in mapped:
            return
    conf = with_conf(conf)
    if conf is not None:
        task.partial_kwargs["conf"] = conf


def emr_steps(task):
    """EmrAddStepsOperator whose steps are a list of dicts."""
    if not isinstance(task.steps, list):
        return
    steps = copy.deepcopy(task.steps)  # the DAG file may use the list elsewhere
    for step in steps:
        jar = step.get("HadoopJarStep") if isinstance(step, dict) else None
        args = with_args(jar.get("Args")) if isinstance(jar, dict) else None
        if args is not None:
            jar["Args"] = args
    task.steps = steps


def spark_kubernetes(task):
    """SparkKubernetesOperator with template_spec; a manifest file is not touched."""
    spec = getattr(task, "template_spec", None)
    if not isinstance(spec, dict):
        return
    spec = copy.deepcopy(spec)
    inner = spec.get("spark", spec)
    inner = inner.get("spec") if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        return
    conf = with_conf(inner.get("sparkConf"))
    if conf is not None:
        # A SparkApplication wants strings.
        inner["sparkConf"] = {k: v if isinstance(v, str) else str(v) for k, v in conf.items()}
        task.template_spec = spec


def add_identity(task):
    """Adds the identity to one task. Never raises."""
    try:
        mapped = hasattr(task, "partial_kwargs")
        # By name, so that no provider is imported for a DAG that uses none.
        kinds = {c.__name__ for c in getattr(task.operator_class if mapped else type(task), "__mro__", ())}
        if "SparkSubmitOperator" in kinds:
            mapped_spark_submit(task) if mapped else spark_submit(task)
        elif "EmrAddStepsOperator" in kinds and not mapped:
            emr_steps(task)
        elif "SparkKubernetesOperator" in kinds and not mapped:
            spark_kubernetes(task)
    except Exception:
        logging.getLogger(__name__).warning("no Spark identity for task %s", getattr(task, "task_id", "?"), exc_info=True)


def task_policy(task):
    """Called by Airflow for each task of each DAG that it loads."""
    add_identity(task)
