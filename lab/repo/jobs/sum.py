"""Reads much, keeps little: sum.py ROWS PARTITIONS."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(rows, partitions):
    spark = SparkSession.builder.getOrCreate()
    t = spark.range(0, rows, 1, partitions)
    print(t.groupBy((F.xxhash64("id") % 1000).alias("k")).agg(F.sum("id"), F.count("*")).count())
    spark.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
