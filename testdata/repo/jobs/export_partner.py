"""The catalogue of one partner as CSV."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--partner", required=True)
    p.add_argument("--full", action="store_true")
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("export_partner").getOrCreate()
    articles = spark.read.parquet(f"{a.lake}/articles").filter(F.col("partner") == a.partner)
    if not a.full:
        articles = articles.filter(F.col("changed") >= a.date)
    articles.write.mode("overwrite").csv(f"{a.lake}/exports/{a.partner}/{a.date}", header=True)
    spark.stop()


if __name__ == "__main__":
    main()
