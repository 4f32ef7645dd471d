"""Reads the runs of some DAGs in a window, all columns, six times.

Usage: spark_figures.py LAKE JARS FROM TO DAG...

Times are in seconds since 1970. Prints the number of rows and the best time
in nanoseconds, without the start of the session.
"""

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
best = None
for _ in range(6):
    begin = time.perf_counter_ns()
    runs = spark.table("sparktune.sparktune.runs")
    # A collect into the JVM: what follows would measure Python.
    rows = runs.where(window).where(col("dag_id").isin(dags))
    count = len(rows._jdf.collectAsList())
    took = time.perf_counter_ns() - begin
    best = took if best is None else min(best, took)
print()
print(count, best)
