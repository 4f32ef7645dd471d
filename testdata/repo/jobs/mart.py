"""The finance marts: mart.py {sales,margin} DATE LAKE."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def measures(mart):
    if mart == "sales":
        return [F.sum("amount_cents").alias("sales_cents"), F.countDistinct("customer_id").alias("customers")]
    return [F.sum(F.col("amount_cents") * 23 / 100).alias("margin_cents"), F.count("*").alias("orders")]


def main(mart, date, lake):
    spark = SparkSession.builder.appName(f"mart_{mart}").getOrCreate()
    orders = spark.read.parquet(f"{lake}/orders/dt={date}")
    (
        orders.groupBy("store_id", "article_id")
        .agg(*measures(mart))
        .write.mode("overwrite")
        .parquet(f"{lake}/marts/{mart}/dt={date}")
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
