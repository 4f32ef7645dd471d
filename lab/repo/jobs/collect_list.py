"""Objects that can't be spilled: collect_list.py ROWS PARTITIONS PASSES."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(rows, partitions, passes):
    spark = SparkSession.builder.getOrCreate()
    for p in range(passes):
        (
            spark.range(p, p + rows, 1, partitions)
            .groupBy((F.col("id") % 50).alias("k"))
            .agg(F.collect_list(F.struct("id", F.concat(F.lit("value of "), F.col("id")).alias("v"))).alias("all"))
            .select("k", F.size("all").alias("n"))
            .write.format("noop").mode("overwrite").save()
        )
    spark.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
