"""Reads a lake with pyiceberg, then writes to it.

Usage: pyiceberg_lake.py CATALOG

CATALOG has the properties of the catalog as JSON.

Prints the docs of the columns, the rows and the profiles as JSON, times in
microseconds. Then appends a copy of the run "app" as "copy", with its profile,
and deletes the run "gone".
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import pyarrow as pa
from pyiceberg.catalog import load_catalog

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def plain(value):
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def as_map(name, value, maps):
    return {} if name in maps and value == [] else plain(value)


catalog = load_catalog("sparktune", **json.loads(sys.argv[1]))
table = catalog.load_table("sparktune.runs")
rows = table.scan().to_arrow()
maps = {f.name for f in rows.schema if pa.types.is_map(f.type)}
json.dump(
    {
        "docs": {f.name: f.doc for f in table.schema().fields},
        "profiles": plain(catalog.load_table("sparktune.run_profiles").scan().to_arrow().to_pylist()),
        "rows": [{k: as_map(k, v, maps) for k, v in row.items()} for row in rows.to_pylist()],
    },
    sys.stdout,
)

for name in "runs", "run_profiles":
    table = catalog.load_table(f"sparktune.{name}")
    copy = table.scan(row_filter="app_id = 'app'").to_arrow()
    ids = pa.array(["copy"] * copy.num_rows, copy.schema.field("app_id").type)
    table.append(copy.set_column(copy.schema.get_field_index("app_id"), copy.schema.field("app_id"), ids))
catalog.load_table("sparktune.runs").delete("app_id = 'gone'")
