"""Loads the raw orders of one day: newest version of each order, typed, by store."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.getOrCreate()
    raw = spark.read.parquet(f"{a.lake}/raw/orders/dt={a.date}")

    orders = (
        raw.groupBy("order_id")
        .agg(
            F.max_by(F.struct("customer_id", "store_id", "article_id", "quantity", "price_cents"), "version").alias("o"),
            F.max("version").alias("version"),
        )
        .select("order_id", "version", "o.*")
        .withColumn("amount_cents", F.col("quantity") * F.col("price_cents"))
    )
    orders.write.mode("overwrite").parquet(f"{a.lake}/orders/dt={a.date}")

    per_store = (
        spark.read.parquet(f"{a.lake}/orders/dt={a.date}")
        .groupBy("store_id")
        .agg(F.count("*").alias("orders"), F.sum("amount_cents").alias("amount_cents"))
    )
    per_store.coalesce(1).write.mode("overwrite").parquet(f"{a.lake}/orders_per_store/dt={a.date}")
    spark.stop()


if __name__ == "__main__":
    main()
