"""Reads the runs of some DAGs in a window, all columns, six times.

Usage: spark_figures.py LAKE JARS FROM TO DAG...

Times are in seconds since 1970. Prints the number of rows, the best wall time
and the best processor time in nanoseconds, without the start of the session.
"""

import os
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col

lake, jars, start, end = sys.argv[1:5]
dags = sys.argv[5:]
catalog = "spark.sql.catalog.sparktune"
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jars)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "2g")
    .config("spark.sql.execution.arrow.pyspark.enabled", "false")
    .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
    .config(f"{catalog}.catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
    .config(f"{catalog}.uri", f"jdbc:sqlite:{lake}/catalog.db")
    .config(f"{catalog}.warehouse", f"file://{lake}/warehouse")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
window = f"start_ts >= timestamp_seconds({start}) AND start_ts < timestamp_seconds({end})"
jvm = spark.sparkContext._gateway.proc.pid


def processor_ns():
    """The processor time of the JVM; its own bean for that is closed to Python."""
    with open(f"/proc/{jvm}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


wall, cpu = [], []
for _ in range(6):
    begin = time.perf_counter_ns(), processor_ns()
    runs = spark.table("sparktune.sparktune.runs").where(window).where(col("dag_id").isin(dags))
    # Into the JVM: what follows would measure Python.
    count = len(runs._jdf.collectAsList())
    wall.append(time.perf_counter_ns() - begin[0])
    cpu.append(processor_ns() - begin[1])
print()
print(count, min(wall), min(cpu))
