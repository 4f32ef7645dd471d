"""Demand of the next day per store and article: a weighted mean of the past."""
import argparse

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.getOrCreate()
    sales = spark.read.parquet(f"{a.lake}/raw/sales").filter(F.col("day") < F.lit(a.date))

    series = Window.partitionBy("store_id", "article_id").orderBy("day")
    demand = (
        sales.withColumn("week", F.avg("quantity").over(series.rowsBetween(-6, 0)))
        .withColumn("month", F.avg("quantity").over(series.rowsBetween(-27, 0)))
        .groupBy("store_id", "article_id")
        .agg(
            F.max_by(F.col("week") * 0.7 + F.col("month") * 0.3, "day").alias("demand"),
            F.max_by("note", "day").alias("note"),
        )
    )
    demand.write.mode("overwrite").parquet(f"{a.lake}/forecast/dt={a.date}")
    spark.stop()


if __name__ == "__main__":
    main()
