"""Reads the runs of some DAGs in a window, all columns, six times.

Usage: pyiceberg_figures.py LAKE FROM TO DAG...

Times are in seconds since 1970. Prints the number of rows, the best wall time
and the best processor time in nanoseconds, without loading the catalog.
"""

import sys
import time
from datetime import datetime, timezone

from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import And, GreaterThanOrEqual, In, LessThan

lake, *times = sys.argv[1:4]
dags = sys.argv[4:]
start, end = (datetime.fromtimestamp(int(t), timezone.utc).isoformat() for t in times)
catalog = load_catalog("sparktune", type="sql", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")
where = And(GreaterThanOrEqual("start_ts", start), LessThan("start_ts", end), In("dag_id", dags))
wall, cpu = [], []
for _ in range(6):
    begin = time.perf_counter_ns(), time.process_time_ns()
    rows = catalog.load_table("sparktune.runs").scan(row_filter=where).to_arrow()
    wall.append(time.perf_counter_ns() - begin[0])
    cpu.append(time.process_time_ns() - begin[1])
print(rows.num_rows, min(wall), min(cpu))
