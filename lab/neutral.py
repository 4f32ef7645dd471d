#!/usr/bin/env python3
"""neutral.py: copies event logs and makes the paths in them neutral.

Reads one JSON object from stdin: {"replace": [[from, to]...], "target": folder,
"logs": [{"from": file or folder, "job": name or ""}...]}. Nothing but those strings is
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


def parts(log):
    """The files of a log: itself, or those of a rolling log's folder, which Spark 4 writes."""
    return sorted(log.iterdir()) if log.is_dir() else [log]


def read(file):
    if ".zstd" not in file.suffixes:  # the empty file that says how far a rolling log is
        return file.read_text()
    with open(file, "rb") as f:
        return zstandard.ZstdDecompressor().stream_reader(f, read_across_frames=True).read().decode("utf-8")


def main():
    order = json.load(sys.stdin)
    target = Path(order["target"])
    cleared, total = set(), 0
    for log in order["logs"]:
        source = Path(log["from"])
        texts = {part: read(part) for part in parts(source)}
        folder = target / (log["job"] or next(filter(None, map(job_of, texts.values())), "unknown"))
        if folder not in cleared:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            cleared.add(folder)
        for part, text in texts.items():
            for old, new in order["replace"]:
                text = text.replace(old, new)
            data = text.encode("utf-8")
            if ".zstd" in part.suffixes:
                data = zstandard.ZstdCompressor(level=19).compress(data)
            out = folder / part.relative_to(source.parent)
            out.parent.mkdir(exist_ok=True)
            out.write_bytes(data)
            total += len(data)
    print(f"{len(order['logs'])} logs, {total // 1024} KiB, in {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
