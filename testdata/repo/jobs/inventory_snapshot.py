"""Stock per warehouse of one region, now."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--region", required=True)
    p.add_argument("--at", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("inventory_snapshot").getOrCreate()
    moves = spark.read.parquet(f"{a.lake}/raw/stock_moves").filter((F.col("region") == a.region) & (F.col("ts") <= a.at))
    stock = moves.groupBy("warehouse_id", "article_id").agg(F.sum("quantity").alias("quantity"))
    stock.write.mode("overwrite").parquet(f"{a.lake}/stock/region={a.region}")
    spark.stop()


if __name__ == "__main__":
    main()
