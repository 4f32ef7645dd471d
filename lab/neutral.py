#!/usr/bin/env python3
"""neutral.py: copies event logs and makes the paths in them neutral.

Reads one JSON object from stdin: {"replace": [[from, to]...], "target": folder,
"logs": [{"from": file, "job": name or ""}...]}. Nothing but those strings is
changed in the text of a log; it is compressed again, harder than Spark does.
A log without a job name goes to the folder of its Airflow task. Needs the
zstandard package, which lab/setup puts beside PySpark.
"""

import json
import shutil
import sys
from pathlib import Path

import zstandard


def job_of(text):
    for line in text.splitlines():
        if '"SparkListenerEnvironmentUpdate"' in line:
            return json.loads(line)["Spark Properties"].get("spark.airflow.task_id", "")
    return ""


def main():
    order = json.load(sys.stdin)
    target = Path(order["target"])
    cleared, total = set(), 0
    for log in order["logs"]:
        source = Path(log["from"])
        with open(source, "rb") as f:
            data = zstandard.ZstdDecompressor().stream_reader(f, read_across_frames=True).read()
        text = data.decode("utf-8")
        for old, new in order["replace"]:
            text = text.replace(old, new)
        folder = target / (log["job"] or job_of(text) or "unknown")
        if folder not in cleared:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            cleared.add(folder)
        packed = zstandard.ZstdCompressor(level=19).compress(text.encode("utf-8"))
        (folder / source.name).write_bytes(packed)
        total += len(packed)
    print(f"{len(order['logs'])} logs, {total // 1024} KiB, in {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
