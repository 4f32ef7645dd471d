"""Keeps a table in memory that just fits: cached.py ROWS PARTITIONS PASSES."""
import sys

from pyspark import StorageLevel
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

# As Scala's MEMORY_ONLY. PySpark's own is serialized and compressed, which
# makes this text a fiftieth of its size.
IN_MEMORY = StorageLevel(useDisk=False, useMemory=True, useOffHeap=False, deserialized=True)


def main(rows, partitions, passes):
    spark = SparkSession.builder.getOrCreate()
    table = spark.range(0, rows, 1, partitions).withColumn("text", F.concat(F.col("id"), F.lit("x" * 400)))
    table = table.persist(IN_MEMORY)
    for p in range(passes):
        print(table.filter(F.col("text").endswith(F.lit(str(p)))).count())
    spark.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
