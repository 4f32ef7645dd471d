"""Rows of many megabytes: blobs.py MEGABYTES ROWS."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(mb, rows):
    spark = SparkSession.builder.getOrCreate()
    # Ids of eight digits, so that each row has the same size and none is constant.
    blobs = spark.range(10**7, 10**7 + rows, 1, 4).select(F.expr(f"repeat(id, {mb << 17})").alias("blob"))
    print(blobs.select(F.sum(F.xxhash64("blob"))).first())
    spark.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
