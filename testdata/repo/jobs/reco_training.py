"""Trains the recommender: co-purchases as embeddings."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--until", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("reco_training").getOrCreate()
    orders = spark.read.parquet("s3a://marlo-lake/orders").filter(F.col("dt") <= a.until)
    pairs = orders.alias("a").join(orders.alias("b"), "customer_id").groupBy("a.article_id", "b.article_id").count()
    pairs.write.mode("overwrite").parquet(f"s3a://marlo-lake/models/reco/{a.until}")
    spark.stop()


if __name__ == "__main__":
    main()
