"""Which PostgreSQL do tests ask, and how is it started?

A real one: Debian's package, which ``.ci/run`` installs. Each has its files in a temporary folder and a free port of 127.0.0.1. PostgreSQL
refuses to run as root, so for root it runs as the user that the package made. Where it is not installed, ``tests/servers.py`` says what
becomes of its tests.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from airflow_amlpipe.storage.login import Login
from tests.servers import leave_out

__all__ = ["PASSWORD", "PostgresServer", "end_postgres_servers", "new_postgres_server", "postgres_server"]

PASSWORD = "planted-postgres-password"
USER = "tester"
_STARTING_SECONDS = 60
_servers: list[PostgresServer] = []


@dataclass
class PostgresServer:
    """A server of its own files, with one user who may do everything and logs in by :data:`PASSWORD`."""

    programs: Path
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def new_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return name

    def execute(self, database: str, *statements: str, rows: Sequence[Sequence[Any]] = ()) -> list[tuple[Any, ...]]:
        """Carry out statements, the last one once for each of ``rows`` if there are any, and return what the last one gave."""
        import psycopg

        with psycopg.connect(self.dsn(database), autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements[:-1]:
                cursor.execute(statement)  # type: ignore[call-overload]
            if rows:
                cursor.executemany(statements[-1], rows)  # type: ignore[arg-type]
                return []
            cursor.execute(statements[-1])  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def dsn(self, database: str) -> str:
        """Return how psycopg itself connects."""
        return f"host=127.0.0.1 port={self.port} dbname={database} user={USER} password={PASSWORD}"

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the URL of a datastore's record."""
        return f"postgresql://127.0.0.1:{port or self.port}/{database}"

    def login(self, *, password: str | None = PASSWORD, **extra: object) -> Login:
        """Return what a connection ``pg`` to this server says."""
        return Login("pg", "postgres", host="127.0.0.1", login=USER, password=password, extra=extra)

    def connection(self, **extra: object) -> str:
        """Return the value of ``AIRFLOW_CONN_PG``."""
        return json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "login": USER, "password": PASSWORD, "extra": extra})

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off"]
        self._process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **_as_whom(),
        )
        give_up = time.monotonic() + _STARTING_SECONDS
        while self._process.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(Exception):
                self.execute("postgres", "SELECT 1")
                return
            time.sleep(0.05)
        leave_out("PostgreSQL", f"its server did not start (exit code {self._process.poll()})")

    def stop(self) -> None:
        """End it as a crash would, all its connections with it; twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # "immediate shutdown"
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@cache
def postgres_server() -> PostgresServer:
    """Return the server that tests share, without encryption; each makes a database of its own there and restarts nothing."""
    return new_postgres_server()


def new_postgres_server(*, encrypts: bool = False) -> PostgresServer:
    """Return a server of the caller's own.

    :param encrypts: whether it takes encrypted connections as well as others
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-postgres-"))
    password = folder / "password"
    password.write_text(PASSWORD)
    server = PostgresServer(programs, folder, _free_port())
    _servers.append(server)
    for path in (folder, password):
        _give_away(path)
    command = [programs / "initdb", "-D", folder / "data", "-U", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    made = subprocess.run(
        [*command, "--no-sync", f"--pwfile={password}"], capture_output=True, text=True, check=False, cwd=folder, **_as_whom()
    )
    if made.returncode:
        leave_out("PostgreSQL", f"initdb failed: {made.stderr.strip()[-300:]}")
    if encrypts:
        _encrypt(folder / "data")
    server.start()
    return server


def end_postgres_servers() -> None:
    """End what was started, by its process."""
    for server in _servers:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
    _servers.clear()


atexit.register(end_postgres_servers)


def _programs() -> Path:
    """Return the folder of the newest version that is installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not folders:
        leave_out("PostgreSQL", "it is not installed (apt-get install postgresql)")
    return folders[-1]


def _as_whom() -> dict[str, Any]:
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}


def _give_away(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _encrypt(data: Path) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-new",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-out",
            "server.crt",
            "-keyout",
            "server.key",
        ],
        cwd=data,
        capture_output=True,
        check=True,
    )
    for name in ("server.crt", "server.key"):
        (data / name).chmod(0o600)
        _give_away(data / name)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\nssl = on\n")
