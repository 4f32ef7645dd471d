"""By what runs of the same settings are compared: lab/prove looks for the best
point of a grid with it, lab/report says how far sparktune stayed behind. Rows
are those of lab/proof.jsonl."""

import math
from statistics import median


def healthy(row):
    """Whether a run lost nothing."""
    return row["status"] == "succeeded" and not row["executors_lost"] and not row["tasks_failed"]


def score(rows):
    """Geometric mean of GB-hours and duration (ms), medians; smaller is better."""
    return math.sqrt(median(row["gb_hours"] for row in rows) * median(row["duration_ms"] for row in rows))
