"""Grows the Python worker, not the heap: python_memory.py MEGABYTES."""
import sys
import time

from pyspark.sql import SparkSession


def hold(mb):
    held = bytearray(mb << 20)
    held[:: 4096] = b"x" * len(held[:: 4096])  # touched, or it would not count
    time.sleep(3)
    return len(held)


def main(mb):
    spark = SparkSession.builder.getOrCreate()
    sc = spark.sparkContext
    sc.parallelize([20] * 8, 8).map(hold).count()  # what fits
    sc.parallelize([mb] * 2, 2).map(hold).count()
    spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
