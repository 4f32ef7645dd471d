"""Invoices of a month, one file per customer (EMR)."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--month", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("write_invoices").getOrCreate()
    rated = spark.read.parquet(f"s3://marlo-lake/rated/month={a.month}")
    invoices = rated.groupBy("customer_id").agg(F.sum("amount").alias("amount"), F.collect_list("product_id").alias("lines"))
    invoices.write.mode("overwrite").partitionBy("customer_id").json(f"s3://marlo-lake/invoices/month={a.month}")
    spark.stop()


if __name__ == "__main__":
    main()
