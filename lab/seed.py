#!/usr/bin/env python3
"""seed.py LAKE: the raw tables that the jobs of testdata/repo read.

Synthetic and always the same: every value is a function of a row number.
About 1.5 GB in memory per table and far less on disk, because the long texts
repeat. The days of orders and the hours of clicks are hard links to the same
files, some more and some less of them, so that the input of a job varies by
day as it does in life. Run it with lab/setup's Spark; a finished table is kept.
"""

import argparse
import os
import shutil
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

TERMS = " ".join(
    "the goods remain ours until they are paid and may be returned within thirty days of delivery".split()
)


def pick(seed, n):
    """A number below n that looks random and depends on the row only."""
    return F.pmod(F.xxhash64("id", F.lit(seed)), F.lit(n))


def orders(spark):
    t = spark.range(0, 5_000_000, 1, 10).select(
        F.col("id").alias("order_id"),
        (pick(1, 3) + 1).cast("int").alias("version"),
        pick(2, 400_000).alias("customer_id"),
        pick(3, 1000).cast("int").alias("store_id"),
        pick(4, 30_000).cast("int").alias("article_id"),
        (pick(5, 5) + 1).cast("int").alias("quantity"),
        (pick(6, 20_000) + 50).alias("price_cents"),
    )
    return t.withColumn(
        "document",
        F.concat(
            F.lit('{"order_id":'), "order_id", F.lit(',"price_cents":'), "price_cents",
            F.lit(',"currency":"EUR","lane":"'), F.pmod("store_id", F.lit(40)),
            F.lit(f'","terms":"{TERMS}","notes":"{TERMS}","legal":"{TERMS}","imprint":"{TERMS}",'
                  f'"privacy":"{TERMS}","transport":"{TERMS}"}}'),
        ),
    )  # fmt: skip


def clicks(spark):
    return spark.range(0, 9_000_000, 1, 10).select(
        pick(1, 250_000).alias("visitor_id"),
        (pick(2, 3600) + 1_790_000_000).alias("ts"),
        F.concat(F.lit("https://shop.marlo.example/articles/"), pick(3, 30_000), F.lit("?campaign="), pick(4, 50)).alias("url"),
        F.concat(F.lit("https://search.example/?q="), pick(5, 3000)).alias("referrer"),
        F.concat(F.lit("Mozilla/5.0 (X11; Linux x86_64; rv:"), pick(6, 80), F.lit(".0) Gecko/20100101")).alias("agent"),
    )


def purchases(spark):
    # Six segments of about 230 MB as objects, three of them in each of two
    # partitions: with a heap of 1g the copy of a segment does not fit beside
    # the objects, with 2g it does. (Filling the heap with small objects alone
    # dies as surely, but slowly, in the garbage collector.)
    return spark.range(0, 4_600_000, 1, 10).select(
        (pick(1, 6) + 11).cast("int").alias("segment"),
        pick(3, 400_000).alias("customer_id"),
        pick(4, 30_000).alias("article_id"),
        pick(5, 700).alias("day"),
        (pick(6, 5) + 1).alias("quantity"),
        (pick(7, 20_000) + 50).alias("price_cents"),
        F.concat(F.lit(f"{TERMS}, coupon "), pick(8, 9000), F.lit(f", {TERMS}")).alias("basket"),
    )


def sales(spark):
    return spark.range(0, 9_000_000, 1, 10).select(
        pick(1, 40).cast("int").alias("store_id"),
        pick(2, 2000).cast("int").alias("article_id"),
        F.date_add(F.lit("2026-05-01").cast("date"), pick(3, 180).cast("int")).alias("day"),
        (pick(4, 40)).cast("int").alias("quantity"),
        F.concat(F.lit("counted by hand, shelf "), pick(5, 900), F.lit(", "), pick(6, 50), F.lit(" left over")).alias("note"),
    )


def link(source, target, count):
    """Makes target a table of the first count files of source."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in sorted(source.glob("part-*"))[:count]:
        os.link(file, target / file.name)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lake", type=Path, help="root of the lake to fill")
    p.add_argument("--days", nargs="*", default=[], help="days of orders, as 2026-11-10")
    p.add_argument("--hours", nargs="*", default=[], help="hours of clicks, as 2026-11-16T00")
    a = p.parse_args()

    spark = None
    for make in (orders, clicks, purchases, sales):
        out = a.lake / ("seed" if make in (orders, clicks) else "raw") / make.__name__
        if (out / "_SUCCESS").exists():
            continue
        if spark is None:
            spark = (
                SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
                .config("spark.ui.showConsoleProgress", "false").config("spark.driver.memory", "2g")
                .config("spark.eventLog.enabled", "false").getOrCreate()
            )  # fmt: skip
        make(spark).write.mode("overwrite").option("compression", "zstd").parquet(str(out))
    if spark:
        spark.stop()
    for i, day in enumerate(a.days):
        link(a.lake / "seed" / "orders", a.lake / "raw" / "orders" / f"dt={day}", 7 - i % 2 if i % 5 else 10)
    for i, hour in enumerate(a.hours):
        link(a.lake / "seed" / "clicks", a.lake / "raw" / "clicks" / f"hour={hour}", 10 - i % 2)


if __name__ == "__main__":
    main()
