"""Reads a lake with Spark, then writes to it.

Usage: spark_lake.py CATALOG JARS

CATALOG has the properties of the catalog as JSON. Prints the docs of the
columns, the rows and the profiles as JSON on the last line, times in
microseconds. Then appends a copy of the run "app" as "copy", with its profile,
deletes the run "gone" with a delete file, adds a column, and compacts.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from pyspark.sql import SparkSession
from pyspark.sql.functions import lit

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def plain(value):
    if isinstance(value, datetime):
        return (value.astimezone(timezone.utc) - EPOCH) // timedelta(microseconds=1)
    return value


properties, jars = sys.argv[1:]
builder = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", jars)
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "America/New_York")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.sparktune", "org.apache.iceberg.spark.SparkCatalog")
)
for key, value in json.loads(properties).items():
    builder = builder.config(f"spark.sql.catalog.sparktune.{key}", value)
spark = builder.getOrCreate()
runs = spark.table("sparktune.sparktune.runs")
out = {
    "docs": {f.name: f.metadata.get("comment") for f in runs.schema},
    "rows": [{k: plain(v) for k, v in row.asDict().items()} for row in runs.collect()],
    "profiles": [
        {k: plain(v) for k, v in row.asDict(recursive=True).items()}
        for row in spark.table("sparktune.sparktune.run_profiles").collect()
    ],
}

table = "sparktune.sparktune.runs"
for name in "runs", "run_profiles":
    rows = spark.table(f"sparktune.sparktune.{name}").where("app_id = 'app'")
    rows.withColumn("app_id", lit("copy")).writeTo(f"sparktune.sparktune.{name}").append()
spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')")
spark.sql(f"DELETE FROM {table} WHERE app_id = 'gone'")
spark.sql(f"ALTER TABLE {table} ADD COLUMN team string")
spark.sql(f"CALL sparktune.system.rewrite_data_files(table => '{table}', options => map('min-input-files', '2'))")
print()
print(json.dumps(out))
