"""Prices the usage of a month (EMR)."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--month", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("rate_usage").getOrCreate()
    usage = spark.read.parquet(f"s3://marlo-lake/usage/month={a.month}")
    prices = spark.read.parquet("s3://marlo-lake/prices")
    rated = usage.join(F.broadcast(prices), "product_id").withColumn("amount", F.col("units") * F.col("unit_price"))
    rated.write.mode("overwrite").parquet(f"s3://marlo-lake/rated/month={a.month}")
    spark.stop()


if __name__ == "__main__":
    main()
