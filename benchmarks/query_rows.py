"""How long, and how much memory, does it take to identify the rows of a query, beside psql's COPY, and to read them in a step?

python benchmarks/query_rows.py [--rows 1000000]

Starts a PostgreSQL of its own (Debian's package) on the loopback interface.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import REPOSITORY, Report, environment

sys.path.insert(0, str(REPOSITORY))
from tests.postgres_server import PASSWORD, new_postgres_server

MOST_MEGABYTES_MORE = 32
MOST_TIMES_PSQL = 12
QUERY = (
    "SELECT n AS id, 'shop ' || n % 1000 AS shop, (n % 100000) / 100.0 AS price, n / 7.0::float8 AS weight, "
    "timestamptz '2024-01-01' + n * interval '1 second' AS sold FROM generate_series(1, {rows}) AS n"
)
IDENTIFY = """
import resource, sys, time
from pathlib import Path
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.spec.dataset import SqlQuery
from airflow_amlpipe.workspace.queries import ask_rows
workspace = open_workspace(sys.argv[1], home=Path(sys.argv[2]))
began = time.perf_counter()
rows = ask_rows(workspace, SqlQuery(datastore="db", query=sys.argv[3], timeout_seconds=0), "the benchmark")
seconds = time.perf_counter() - began
rows.put(Path(sys.argv[4]))
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rows.size_bytes)
"""
ITERATE = """
import resource, sys, time
from airflow_amlpipe.runtime.rows import RowFile
began = time.perf_counter()
count = sum(1 for _ in RowFile(sys.argv[1]))
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count)
"""
FRAME = """
import resource, sys, time
from airflow_amlpipe.runtime.rows_frame import read_rows
import pandas
began = time.perf_counter()
(frame,) = read_rows({}, [sys.argv[1]], [""])
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(frame))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    report = Report()
    server = new_postgres_server()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            measure(report, Path(temporary), server.url("postgres"), server.connection(), server.port, arguments.rows)
    finally:
        server.stop()
    return report.exit_code


def measure(report: Report, folder: Path, url: str, connection: str, port: int, rows: int) -> None:
    report.title(f"a query of {rows:,} rows and five columns")
    env = {**environment(folder / "home"), "AIRFLOW_CONN_PG": connection}
    register(folder, url, env)
    query, few = QUERY.format(rows=rows), QUERY.format(rows=1000)
    copied = psql(query, port)
    report.row("psql: COPY the same rows to a CSV file", copied)
    _, base, _ = told(IDENTIFY, env, str(folder / "ws"), str(folder / "home"), few, str(folder / "few"))
    seconds, megabytes, size = told(IDENTIFY, env, str(folder / "ws"), str(folder / "home"), query, str(folder / "rows"))
    report.row("identified, and kept for a step", seconds, MOST_TIMES_PSQL * copied, f"{size / 1e6:.0f} MB, {rows / seconds:,.0f} rows/s")
    more = megabytes - base
    verdict = "ok" if more <= MOST_MEGABYTES_MORE else "MISSED"
    print(
        f"  {'memory, beside 1,000 rows':<58}{more:9.1f} MB  limit {MOST_MEGABYTES_MORE:8.1f} MB  {verdict}  {megabytes:.0f} MB in all",
        flush=True,
    )
    if verdict == "MISSED":
        report.missed.append("memory")
    for what, script in (("read in a step, row by row", ITERATE), ("read in a step, as a pandas DataFrame", FRAME)):
        seconds, megabytes, _ = told(script, env, str(folder / "rows"))
        report.row(what, seconds, note=f"{megabytes:.0f} MB of memory")


def register(folder: Path, url: str, env: dict[str, str]) -> None:
    script = (
        "import sys; from pathlib import Path; from airflow_amlpipe.hooks.opening import open_workspace; "
        "from airflow_amlpipe.workspace.datastores import DatastoreRecord; "
        "open_workspace(sys.argv[1], home=Path(sys.argv[2])).datastores.register('db', "
        "DatastoreRecord(name='db', url=sys.argv[3], conn_id='pg', sdk_type='AzurePostgreSql'))"
    )
    subprocess.run([sys.executable, "-c", script, str(folder / "ws"), str(folder / "home"), url], env=env, check=True)


def psql(query: str, port: int) -> float:
    began = time.perf_counter()
    command = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "tester", "-d", "postgres", "-c", f"COPY ({query}) TO STDOUT CSV"]
    subprocess.run(command, env={**os.environ, "PGPASSWORD": PASSWORD}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def told(script: str, env: dict[str, str], *arguments: str) -> list[float]:
    answer = subprocess.run([sys.executable, "-c", script, *arguments], env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr[-3000:])
    return [float(json.loads(word)) for word in answer.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
