"""Reads the runs of some DAGs in a window, all columns, some times.

Usage: spark_figures.py LAKE JARS; LAKE_QUERY is of lab/lake.

Prints the number of rows and the wall and processor times in seconds, without
the start of the session, as JSON.
"""

import json
import os
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col

lake, jars = sys.argv[1:]
query = json.loads(os.environ["LAKE_QUERY"])
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
window = f"start_ts >= timestamp_seconds({query['from']}) AND start_ts < timestamp_seconds({query['to']})"
jvm = spark.sparkContext._gateway.proc.pid


def processor_time():
    """The processor time of the JVM; its own bean for that is closed to Python."""
    with open(f"/proc/{jvm}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


wall, cpu = [], []
for _ in range(query["times"]):
    begin = time.perf_counter(), processor_time()
    runs = spark.table("sparktune.sparktune.runs").where(window).where(col("dag_id").isin(query["dags"]))
    # Into the JVM: what follows would measure Python.
    count = len(runs._jdf.collectAsList())
    wall.append(time.perf_counter() - begin[0])
    cpu.append(processor_time() - begin[1])
print()
print(json.dumps({"rows": count, "wall": wall, "cpu": cpu}))
