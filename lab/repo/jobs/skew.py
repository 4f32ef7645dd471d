"""One key has most of the rows. The tasks wait as long as their rows want."""
import time

from pyspark.sql import SparkSession

ROWS, HOT = 60_000, 0.75


def pair(i):
    return (0 if i % 100 < HOT * 100 else i, "x" * 200 + str(i))


def work(rows):
    n = sum(1 for _ in rows)
    time.sleep(n / 1000)
    yield n


def main():
    spark = SparkSession.builder.getOrCreate()
    pairs = spark.sparkContext.parallelize(range(ROWS), 8).map(pair)
    print(pairs.partitionBy(16).mapPartitions(work).collect())
    spark.stop()


if __name__ == "__main__":
    main()
