"""What other tools would set, by their published formulas.

Not the tools themselves: each looks at runs of History Servers or services of
its own. The formulas are those of the places named; like their users do, each
is shown the newest run. Input are rows of the metrics table, as `sparktune runs
--output json` prints them; the answer is a dict of Spark properties, empty for
"keep".
"""

import heapq
import math
import re

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MEMORY, OVERHEAD = "spark.executor.memory", "spark.executor.memoryOverhead"
CORES, INSTANCES = "spark.executor.cores", "spark.executor.instances"
UNITS = {"b": 1, "k": KIB, "m": MIB, "g": GIB, "t": GIB << 10}


def size(text):
    number, unit = re.fullmatch(r"(\d+)([bkmgt]?)b?", text.lower()).groups()
    return int(number) * UNITS[unit or "m"]


def spell(n):
    return f"{math.ceil(n / MIB)}m"


class Newest:
    """The newest run, with Spark's defaults where nothing was set."""

    def __init__(self, rows):
        self.row = max(rows, key=lambda r: r["start_ts"])
        conf = self.row["conf"]
        self.memory = size(conf.get(MEMORY, "1g"))
        self.cores = int(conf.get(CORES, "1"))
        self.instances = int(conf.get(INSTANCES, "0"))
        self.heap = self.row["peak_heap_bytes"]

    def share(self, part, whole):
        return (self.row[part] or 0) / max(self.row[whole] or 0, 1)


def dataflint(rows):
    """DataFlint, Alerts/MemoryAlertsReducer.ts and MetricsReducer.ts: the heap is the
    sampled peak and a fifth, unless it lies between 70 and 95 %; above half idle,
    fewer executors. It names no number of executors: a quarter above what was
    busy is taken."""
    r, settings = Newest(rows), {}
    if r.heap and not 0.70 <= r.heap / r.memory <= 0.95:
        # Spark refuses executors below 450 MiB.
        settings[MEMORY] = spell(max(r.heap * 1.2, 450 * MIB))
    busy = r.share("run_ms", "core_ms")
    if r.instances and busy < 0.5:
        settings[INSTANCES] = str(max(1, round(r.instances * busy * 1.25)))
    return settings


def tunein(rows):
    """Dr. Elephant, branch tuning_20190221: ConfigurationParametersHeuristic and
    ConfigurationParameterAdjustment. Container kills add a gigabyte of overhead;
    spill walks its ladder; OOM or GC takes one step; only else the heap shrinks."""
    r, settings = Newest(rows), {}
    tasks, lost = max(r.row["tasks"] or 0, 1), r.row["executors_lost"] or {}
    kills = lost.get("container_memory", 0)
    data = max(r.row[k] or 0 for k in ("input_bytes", "output_bytes", "shuffle_read_bytes", "shuffle_write_bytes"))
    spill = (r.row["memory_spilled_bytes"] or 0) / max(data, 1)
    oom = (r.row["heap_oom_tasks"] or 0) / tasks
    gc = r.share("gc_ms", "run_ms")
    if kills / tasks >= 0.1:
        settings[OVERHEAD] = spell(max(384 * MIB, r.memory // 10) + GIB)
    if spill >= 0.1:
        if ladder := [m for m in (4, 6, 8, 10) if m * GIB > r.memory]:
            settings[MEMORY] = f"{ladder[0]}g"
    elif oom >= 0.1 or gc >= 0.09:
        if r.cores > 4:
            settings[CORES] = str(r.cores // 2)
        elif r.memory < 8 * GIB or r.cores <= 2:
            settings[MEMORY] = spell(r.memory * (2 if r.memory < 4 * GIB else 1.5 if r.memory < 8 * GIB else 1.25))
        else:
            settings[CORES] = "2"
    elif not kills and r.heap:
        over = r.memory / (r.heap + 300 * MIB)
        if (r.memory > 4 * GIB and over >= 1.25) or (r.memory > 2 * GIB and over >= 1.5):
            settings[MEMORY] = spell(min(r.memory, max(640 * MIB, r.heap * 1.25 + 300 * MIB)))
    return settings


def advisor(rows):
    """aws-emr-advisor, optimizer/SparkBaseOptimizer.scala: heap from execution memory
    and results alone, at least 2g; of a curve over 1 to 500 executors the last
    number that is still 5 % faster than the one before. The curve is made from
    the number of tasks and their mean time, as a row has no more."""
    r = Newest(rows)
    need = ((r.row["peak_execution_memory_bytes"] or 0) + (r.row["max_result_bytes"] or 0)) * r.cores + 300 * MIB
    settings = {MEMORY: f"{max(2, math.ceil(need / GIB))}g"}
    if r.instances:
        stages, tasks = max(r.row["stages"] or 0, 1), r.row["tasks"] or 0
        per_stage, mean = math.ceil(tasks / stages), (r.row["run_ms"] or 0) / max(tasks, 1)
        best, before = 1, None
        for n in range(1, 501):
            now = (r.row["driver_only_ms"] or 0) + stages * makespan([mean] * per_stage, n * r.cores)
            if before is not None and now and (before - now) / now >= 0.05:
                best = n
            before = now
        settings[INSTANCES] = str(best)
    return settings


def makespan(tasks, slots):
    """Milliseconds of these tasks on so many slots, one after another as slots get free."""
    free = [0] * min(slots, max(len(tasks), 1))
    for task in tasks:
        heapq.heapreplace(free, free[0] + task)
    return max(free)


PEERS = {"DataFlint": dataflint, "Dr. Elephant / TuneIn": tunein, "aws-emr-advisor": advisor}
