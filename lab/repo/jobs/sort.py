"""Sorts more than fits: sort.py ROWS."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(rows):
    spark = SparkSession.builder.getOrCreate()
    t = spark.range(0, rows, 1, 4).select(F.xxhash64("id").alias("h"), F.concat(F.lit("x" * 150), "id").alias("text"))
    t.repartition("h").sortWithinPartitions("h").write.format("noop").mode("overwrite").save()
    spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
