"""Many small click files of a day become few large ones."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--date", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("compact_clicks").getOrCreate()
    clicks = spark.read.parquet(f"{a.lake}/raw/clicks").filter(F.col("hour").startswith(a.date))
    clicks.repartition(24, "hour").write.mode("overwrite").partitionBy("hour").parquet(f"{a.lake}/clicks_compacted")
    spark.stop()


if __name__ == "__main__":
    main()
