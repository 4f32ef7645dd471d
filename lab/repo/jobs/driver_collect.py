"""Collects to the driver until its heap is full: driver_collect.py ROWS."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(rows):
    spark = SparkSession.builder.getOrCreate()
    t = spark.range(0, rows, 1, 20).withColumn("text", F.concat(F.lit("x" * 500), "id"))
    t._jdf.collect()  # in the JVM: Python itself would hold no row of it
    spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
