import argparse

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

SILENCE = 30 * 60  # seconds


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--hour", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.getOrCreate()
    clicks = spark.read.parquet(f"{a.lake}/raw/clicks/hour={a.hour}")

    by_visitor = Window.partitionBy("visitor_id").orderBy("ts")
    sessions = (
        clicks.withColumn("gap", F.col("ts") - F.lag("ts").over(by_visitor))
        .withColumn("new", (F.col("gap").isNull() | (F.col("gap") > SILENCE)).cast("int"))
        .withColumn("session", F.sum("new").over(by_visitor))
        .groupBy("visitor_id", "session")
        .agg(
            F.min("ts").alias("start"),
            F.max("ts").alias("end"),
            F.count("*").alias("clicks"),
            F.first("referrer").alias("referrer"),
            F.last("url").alias("exit_url"),
            F.first("agent").alias("agent"),
        )
    )
    sessions.write.mode("overwrite").parquet(f"{a.lake}/sessions/hour={a.hour}")
    spark.stop()


if __name__ == "__main__":
    main()
