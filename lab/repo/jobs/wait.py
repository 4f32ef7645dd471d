"""Jobs whose trouble is parallelism. Their tasks wait instead of working, so
that what they show does not depend on how many cores the machine has.

    wait.py STAGES     STAGES is 8x2.5,2x10: eight tasks of 2.5 s, then two of 10 s;
                       d20 lets the driver wait 20 s
"""
import sys
import time

from pyspark.sql import SparkSession


def wait(seconds):
    time.sleep(seconds)
    return 1


def main(stages):
    spark = SparkSession.builder.getOrCreate()
    for stage in stages.split(","):
        if stage.startswith("d"):
            time.sleep(float(stage[1:]))
            continue
        tasks, seconds = stage.split("x")
        spark.sparkContext.parallelize([float(seconds)] * int(tasks), int(tasks)).map(wait).count()
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
