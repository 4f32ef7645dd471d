"""Folds the purchase history of each customer segment into one row."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("build_features").getOrCreate()
    purchases = spark.read.parquet(f"{a.lake}/raw/purchases")
    features = (
        purchases.groupBy("segment")
        .agg(
            F.collect_list(
                F.struct("customer_id", "article_id", "day", "quantity", "price_cents", "basket")
            ).alias("history")
        )
        .select(
            "segment",
            F.size("history").alias("purchases"),
            F.size(F.array_distinct("history.article_id")).alias("articles"),
            F.aggregate("history.price_cents", F.lit(0).cast("long"), lambda x, y: x + y).alias("spent_cents"),
        )
    )
    features.write.mode("overwrite").parquet(f"{a.lake}/features/dt={a.date}")
    spark.stop()


if __name__ == "__main__":
    main()
