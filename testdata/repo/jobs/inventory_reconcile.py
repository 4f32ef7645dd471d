"""Stock that the books and the warehouses disagree on."""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--at", required=True)
    p.add_argument("--lake", required=True)
    a = p.parse_args()

    spark = SparkSession.builder.appName("inventory_reconcile").getOrCreate()
    stock = spark.read.parquet(f"{a.lake}/stock")
    books = spark.read.parquet(f"{a.lake}/raw/ledger").filter(F.col("ts") <= a.at)
    wrong = stock.join(books, ["warehouse_id", "article_id"], "full").filter(~F.col("quantity").eqNullSafe(F.col("booked")))
    wrong.write.mode("overwrite").parquet(f"{a.lake}/stock_differences")
    spark.stop()


if __name__ == "__main__":
    main()
