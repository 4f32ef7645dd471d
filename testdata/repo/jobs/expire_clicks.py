"""Drops click partitions that are older than they may be."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--keep-days", type=int, required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("expire_clicks").getOrCreate()
    clicks = spark.read.parquet(f"{a.lake}/clicks_compacted")
    young = clicks.filter(F.to_date("hour") >= F.date_sub(F.current_date(), a.keep_days))
    young.write.mode("overwrite").partitionBy("hour").parquet(f"{a.lake}/clicks")
    spark.stop()


if __name__ == "__main__":
    main()
