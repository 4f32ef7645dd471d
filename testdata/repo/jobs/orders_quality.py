"""Checks the orders of one day. Exits with 1 when a check fails.

Each check is a scan of the day, so the day is kept in memory, as objects and
with the document that the shop sent.
"""
import argparse
import sys

from pyspark import StorageLevel
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def checks():
    """What must not be, by name."""
    return {
        "order without customer": F.col("customer_id").isNull(),
        "negative price": F.col("price_cents") < 0,
        "document is cut": ~F.col("document").endswith("}"),
        "document has no currency": ~F.col("document").contains('"currency":"EUR"'),
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.getOrCreate()
    day = spark.read.parquet(f"{a.lake}/raw/orders/dt={a.date}").persist(StorageLevel.MEMORY_ONLY)

    failed = 0
    for name, broken in checks().items():
        n = day.filter(broken).count()
        print(f"{name}: {n}")
        failed += n > 0
    spark.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
