"""Runs Airflow DAGs on the lab's YARN, one DAG run after another, and keeps their event logs.

Shared by lab/testdata, lab/round and lab/prove. A run has a folder of its own below
DIR/runs with its event logs, its Airflow log and, when it is over, done.json;
a run without that file is made again from nothing. So the whole may be killed
at any time and started again. Standard library only.
"""

import contextlib
import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent
CACHE = Path(os.environ.get("SPARKTUNE_CACHE") or Path.home() / ".cache" / "sparktune")

# How many seconds a run may take before it counts as hung. The longest job of
# the lab takes seven minutes.
TIMEOUT = 1200


@dataclass(frozen=True)
class Run:
    """One DAG run. Tasks that match skip are marked as done without running."""

    dag: str
    date: str  # logical date, ISO 8601
    skip: str = ""
    identity: bool = True  # whether the cluster policy of docs/ is installed
    seconds: int = 60  # about how long it takes, for the forecast only
    env: tuple = ()  # what the Airflow process gets besides, as (name, value)
    job: str = ""  # name of the job when its log does not say it
    kill: tuple = ()  # seconds after which one executor is terminated from outside, each
    edit: tuple = ()  # (file, old, new): the DAG file as it was at that date
    repo: Path | None = None  # the DAG repository, when it is not the lab's
    variant: str = ""  # tells runs of one DAG and date with different settings apart
    # How Airflow comes to run it. manual is dags test. scheduled is a real
    # scheduler, which runs the dates before as well when its DAG catches up.
    kind: str = "manual"

    @property
    def key(self):
        key = f"{self.dag}.{self.date.replace(':', '').replace('+0000', '')}"
        key += f".{self.variant}" if self.variant else ""
        return key if self.kind == "manual" else f"{key}.{self.kind}"

    @property
    def airflow(self):
        """The environment of lab/setup that makes it. Airflow 2, for a backfill
        in one process and a scheduler that needs no API server beside it."""
        return "airflow" if self.kind == "manual" else "airflow2"

    @property
    def command(self):
        airflow = CACHE / self.airflow / "bin" / "airflow"
        if self.kind == "scheduled":
            return [airflow, "scheduler"]
        if self.kind == "backfill":
            return [airflow, "dags", "backfill", "--start-date", self.date, "--end-date", self.date, "--yes", self.dag]
        skip = ["--mark-success-pattern", self.skip] if self.skip else []
        return [airflow, "dags", "test", self.dag, self.date, *skip]


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def plural(n, noun):
    return f"{n} {noun}" + ("" if n == 1 else "s")


def stop(child):
    """Ends a run and all that it started; Airflow does not always obey a SIGTERM."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sig)
            child.wait(15)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            pass


def scheduled(home, run):
    """Whether a scheduler (of Airflow 2) has finished the DAG run of a logical date."""
    with contextlib.closing(sqlite3.connect(f"file:{home}/airflow.db?mode=ro", uri=True)) as db:
        try:
            rows = db.execute(
                "SELECT 1 FROM dag_run WHERE dag_id = ? AND execution_date LIKE ? AND state IN ('success', 'failed')",
                (run.dag, run.date[:10] + "%"),
            ).fetchall()
        except sqlite3.OperationalError:  # locked: the next look will tell
            return False
    return bool(rows)


class Lab:
    def __init__(self, folder, repo, spark="spark"):
        self.folder, self.repo, self.spark = Path(folder).resolve(), Path(repo).resolve(), spark
        self.env = {}

    def __enter__(self):
        # So that what was started is stopped, however we are asked to end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.folder.mkdir(parents=True, exist_ok=True)
        # Children inherit the lock: after a kill of this process alone, the
        # next one waits for the run that is still going, then makes it again.
        self.lock = os.open(self.folder / "runner.lock", os.O_CREAT | os.O_RDWR)
        os.set_inheritable(self.lock, True)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another run is going on in this folder, waiting")
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        subprocess.run([LAB / "setup", self.spark, "yarn"], check=True, stdout=subprocess.DEVNULL)
        out = subprocess.run(
            [LAB / "up", "--dir", self.folder, "--spark", self.spark], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        dump = subprocess.run(["bash", "-c", f". '{out}' && env -0"], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.env = dict(pair.split("=", 1) for pair in dump.split("\0") if pair)
        return self

    def __exit__(self, *_):
        subprocess.run([LAB / "down", "--dir", self.folder], check=True)
        os.close(self.lock)

    def python(self):
        """Python of the Spark environment."""
        return CACHE / self.spark / "bin" / "python"

    def spark_home(self):
        return next((CACHE / self.spark / "lib").glob("python3*/site-packages/pyspark"))

    def home(self, run):
        """Returns an AIRFLOW_HOME with its database, with or without the identity policy."""
        home = self.folder / (run.airflow if run.identity else run.airflow + "-plain")
        (home / "config").mkdir(parents=True, exist_ok=True)
        if run.identity:
            shutil.copy(ROOT / "docs" / "airflow_local_settings.py", home / "config")
        if not (home / ".migrated").exists():
            for f in home.glob("airflow.db*"):
                f.unlink()
            with open(home / "migrate.log", "w") as log:
                subprocess.run(
                    [CACHE / run.airflow / "bin" / "airflow", "db", "migrate"],
                    check=True, env=self.airflow_env(run, home), stdout=log, stderr=log,
                )  # fmt: skip
            (home / ".migrated").touch()
        return home

    def airflow_env(self, run, home):
        return {
            **self.env,
            "PATH": f"{self.env['SPARK_HOME']}/bin:{CACHE}/{run.airflow}/bin:{self.env['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "yarn", "extra": {"deploy-mode": "client"}}',
            "AIRFLOW_VAR_LAKE": f"file://{self.folder}/lake",
            "SPARKTUNE_ENVIRONMENT": "prod",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def done(self, run):
        try:
            return json.loads((self.folder / "runs" / run.key / "done.json").read_text())
        except (OSError, ValueError):
            return None

    def make(self, run):
        """Makes one DAG run and returns what done.json says."""
        home = self.home(run)
        folder = self.folder / "runs" / run.key
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "events").mkdir(parents=True)
        if run.kind != "manual":
            # A scheduler, and a backfill, go on where the database says that
            # the last one stopped: each has its own.
            home = shutil.copytree(home, folder / "airflow", ignore=shutil.ignore_patterns("airflow.cfg"))
        # A folder of event logs for each run: whatever a killed run left
        # behind can't be taken for a log of this one.
        shutil.copytree(self.env["SPARK_CONF_DIR"], folder / "spark-conf")
        conf = folder / "spark-conf" / "spark-defaults.conf"
        conf.write_text(conf.read_text().replace(f"file://{self.folder}/events", f"file://{folder}/events"))
        repo = run.repo or self.repo
        if run.edit:
            repo = shutil.copytree(repo, folder / "repo")
            file, old, new = run.edit
            text = (repo / file).read_text()
            if old not in text:
                raise SystemExit(f"{file} does not say {old!r}")
            (repo / file).write_text(text.replace(old, new))
        env = self.airflow_env(run, home) | {"SPARK_CONF_DIR": str(folder / "spark-conf"), **dict(run.env)}
        # Only the file that declares the DAG: loading all of them three times
        # is half of what a short run costs.
        (folder / "dags").mkdir()
        for file in (repo / "dags").glob("*.py"):
            if f'"{run.dag}"' in file.read_text():
                (folder / "dags" / file.name).symlink_to(file)
        env["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder / "dags")
        start, load = time.monotonic(), os.getloadavg()[0]
        with open(folder / "airflow.log", "w") as log:
            child = subprocess.Popen(
                run.command, cwd=repo, env=env, stdout=log, stderr=log, pass_fds=[self.lock], start_new_session=True
            )
            try:
                over = self.watch(child, run, home, start)
            except BaseException:
                stop(child)
                raise
        result = {
            "seconds": round(time.monotonic() - start),
            "exit": child.returncode,
            "timeout": over,
            # One that is still in progress is the log of a driver that died.
            "logs": sorted(p.name for p in (folder / "events").iterdir() if not p.name.startswith(".")),
            "load": round(load, 2),
        }
        result["yarn"] = [self.yarn(name) for name in result["logs"]]
        partial = folder / "done.json.tmp"
        partial.write_text(json.dumps(result))
        partial.rename(folder / "done.json")
        return result

    def watch(self, child, run, home, start):
        """Waits for a run, terminating executors when it asks for that. True means it took too long."""
        kills = list(run.kill)
        first = None
        while child.poll() is None:
            if time.monotonic() - start > TIMEOUT:
                stop(child)
                return True
            if run.kind == "scheduled" and scheduled(home, run):
                stop(child)
            if kills:
                executors = self.executors()
                if executors and first is None:
                    first = time.monotonic()
                if executors and first is not None and time.monotonic() - first > kills[0]:
                    kills.pop(0)
                    os.kill(executors[0], signal.SIGTERM)
            time.sleep(0.5)
        return False

    def yarn(self, log):
        """What the ResourceManager says that the application of a log took, AM included."""
        app = re.match(r"application_\d+_\d+", log)
        if not app:
            return None
        with urllib.request.urlopen(f"{self.env['LAB_YARN']}/ws/v1/cluster/apps/{app[0]}") as answer:
            said = json.load(answer)["app"]
        return {k: said[k] for k in ("finalStatus", "elapsedTime", "memorySeconds", "vcoreSeconds")}

    def executors(self):
        """Process ids of the executors' JVMs in the lab's containers, oldest first."""
        found = []
        for proc in Path("/proc").iterdir():
            try:
                if not proc.name.isdigit() or not os.readlink(proc / "cwd").startswith(f"{self.folder}/node/"):
                    continue
                words = (proc / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"java") and any(b"YarnCoarseGrainedExecutorBackend" in w for w in words):
                found.append(int(proc.name))
        return sorted(found)

    def make_all(self, runs, after=lambda run: None):
        """Makes every run that is not done yet, and tells how far it is. Calls after
        with each that was made, as long as the cluster still knows of it."""
        todo = [r for r in runs if self.done(r) is None]
        subprocess.run([LAB / "setup", *{r.airflow for r in todo}], check=True, stdout=subprocess.DEVNULL)
        say(f"{plural(len(runs), 'run')}, {len(runs) - len(todo)} done before; about {sum(r.seconds for r in todo) // 60 + 1} min to go")
        start = time.monotonic()
        for i, run in enumerate(todo):
            result = self.make(run)
            after(run)
            left = sum(r.seconds for r in todo[i + 1 :])
            say(
                f"{i + 1}/{len(todo)} {run.key}: {result['seconds']} s, {plural(len(result['logs']), 'log')}"
                + (" TIMED OUT" if result["timeout"] else "")
                + f"; about {left // 60} min left"
            )
        say(f"all runs done, {round(time.monotonic() - start)} s for {plural(len(todo), 'run')} now")

    def neutral(self):
        """What in a log tells of this machine, and what stands there instead; longest first."""
        home, user = str(Path.home()), pwd.getpwuid(os.getuid()).pw_name
        pairs = {
            str(self.repo): "/srv/pipelines",
            str(self.spark_home()): "/opt/spark",
            str(CACHE / self.spark): "/opt/python",
            str(CACHE): "/opt",
            str(self.folder): "/lab",
            str(ROOT): "/srv",
            home: "/home/airflow",
            f"/{user}/stderr": "/airflow/stderr",
            f"/{user}/stdout": "/airflow/stdout",
            f'"User":"{user}"': '"User":"airflow"',
            f'"USER":"{user}"': '"USER":"airflow"',
            os.uname().release: "6.1.0",
            f'"user.name":"{user}"': '"user.name":"airflow"',
            socket.gethostname() + '"': 'localhost"',
        }
        return sorted(((k, v) for k, v in pairs.items() if len(k) > 4), key=lambda p: -len(p[0]))

    def collect(self, runs, target):
        """Copies the logs of finished runs to target/JOB/, with neutral paths."""
        jobs = []
        for run in runs:
            result = self.done(run) or {"logs": []}
            for name in result["logs"]:
                jobs.append({"from": str(self.folder / "runs" / run.key / "events" / name), "job": run.job})
        order = {"replace": self.neutral(), "target": str(target), "logs": jobs}
        subprocess.run([self.python(), LAB / "neutral.py"], input=json.dumps(order), text=True, check=True)


def tpch(lake):
    """Makes the tables of TPC-H that the jobs read, a gigabyte as text."""
    if (lake / "tpch").exists():
        return
    subprocess.run([LAB / "setup", "tpch"], check=True, stdout=subprocess.DEVNULL)
    partial = lake / "tpch.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    subprocess.run(
        [CACHE / "tpch" / "bin" / "tpchgen-cli", "parquet", "--scale-factor", "1", "--output-dir", partial]
        + ["--tables", "customer,lineitem,orders"],
        check=True, stdout=sys.stderr,
    )  # fmt: skip
    partial.rename(lake / "tpch")


def arguments(doc, **defaults):
    """The options that every script of the lab has."""
    import argparse

    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dir", type=Path, default=CACHE / defaults["dir"], help="where runs are kept (default: %(default)s)")
    p.add_argument("--only-collect", action="store_true", help="run nothing, copy the logs of the runs that are done")
    p.add_argument("--out", type=Path, default=defaults["out"], help="where the logs go (default: %(default)s)")
    return p
