"""Reads the runs of some DAGs in a window, all columns, some times.

Usage: pyiceberg_figures.py LAKE; LAKE_QUERY is of lab/lake.

Prints the number of rows and the wall and processor times in seconds, without
loading the catalog, as JSON.
"""

import json
import os
import sys
import time
from datetime import datetime, timezone

from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import And, GreaterThanOrEqual, In, LessThan

lake, query = sys.argv[1], json.loads(os.environ["LAKE_QUERY"])
start, end = (datetime.fromtimestamp(query[t], timezone.utc).isoformat() for t in ("from", "to"))
catalog = load_catalog("sparktune", type="sql", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")
where = And(GreaterThanOrEqual("start_ts", start), LessThan("start_ts", end), In("dag_id", query["dags"]))
wall, cpu = [], []
for _ in range(query["times"]):
    begin = time.perf_counter(), time.process_time()
    rows = catalog.load_table("sparktune.runs").scan(row_filter=where).to_arrow()
    wall.append(time.perf_counter() - begin[0])
    cpu.append(time.process_time() - begin[1])
print(json.dumps({"rows": rows.num_rows, "wall": wall, "cpu": cpu}))
