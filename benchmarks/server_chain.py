"""On a running server, how long does a chain of ten reused steps take beside ten bare BashOperators?

Starts an Airflow of its own (`airflow standalone`, SQLite, LocalExecutor) on the loopback interface, triggers both DAGs in turn and reads their times
from its REST API. The scheduler's idle sleep is made short, so that what a task process imports and does is what is seen.

    python benchmarks/server_chain.py [--steps 10] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from measure import Report, environment, write_bash_chain, write_chain

MOST_TIMES_AS_LONG = 1.1
START_SECONDS = 180
RUN_SECONDS = 300


class Server:
    """An Airflow's REST API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def run(self, dag_id: str) -> tuple[float, float]:
        """Run a DAG; return the seconds from its first task's start to its last one's end, and the mean duration of its tasks."""
        run_id = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]
        place = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        deadline = time.monotonic() + RUN_SECONDS
        while (state := self.ask("GET", place)["state"]) not in {"success", "failed"}:
            if time.monotonic() > deadline:
                raise SystemExit(f"{dag_id} did not end in {RUN_SECONDS} seconds")
            time.sleep(0.2)
        if state != "success":
            raise SystemExit(f"{dag_id} ended as {state}")
        tasks = self.ask("GET", f"{place}/taskInstances?limit=1000")["task_instances"]
        started, ended = (sorted(datetime.fromisoformat(task[when]) for task in tasks) for when in ("start_date", "end_date"))
        return (ended[-1] - started[0]).total_seconds(), statistics.mean(task["duration"] for task in tasks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    report = Report()
    report.title(f"a chain of {arguments.steps} tasks on a running server")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_chain(folder / "dags", arguments.steps)
        write_bash_chain(folder / "dags", arguments.steps)
        with server(folder) as airflow:
            report.row("steps, first run", airflow.run("chain")[0])
            airflow.run("bash")  # warm-up
            rounds = [(airflow.run("bash"), airflow.run("chain")) for _ in range(arguments.rounds)]
    bare, bare_task = (statistics.median(round_[0][part] for round_ in rounds) for part in (0, 1))
    reused, reused_task = (statistics.median(round_[1][part] for round_ in rounds) for part in (0, 1))
    report.row("BashOperators", bare, note=f"{bare_task * 1000:.0f} ms in a task")
    note = f"{reused / bare:.2f} times as long, {reused_task * 1000:.0f} ms in a task"
    report.row("steps, reused", reused, MOST_TIMES_AS_LONG * bare, note)
    return report.exit_code


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start an Airflow, wait until it has parsed both DAGs, and stop it at the end."""
    port, *others = free_ports(4)
    env = environment(folder / "home") | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # standalone starts its parts by name
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(others[0]),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(others[1]),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(others[2]),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.05",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    command = [sys.executable, "-m", "airflow", "standalone"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield wait_until_ready(Server(port), process, folder / "server.log")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_ready(airflow: Server, process: subprocess.Popen[bytes], log: Path) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            airflow.token = airflow.token or airflow.ask("GET", "/auth/token")["access_token"]
            for dag_id in ("bash", "chain"):
                airflow.ask("GET", f"/api/v2/dags/{dag_id}")
            return airflow
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    raise SystemExit(
        f"the server did not get ready in {START_SECONDS} seconds\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
    )


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports: list[int] = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


if __name__ == "__main__":
    sys.exit(main())
