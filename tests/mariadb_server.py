"""Which MySQL do tests ask, and how is it started?

MariaDB, which speaks its language: Debian's packages mariadb-server-core and mariadb-client-core, which ``.ci/run`` installs. Its files are in a
temporary folder, its port is a free one of 127.0.0.1.
"""

from __future__ import annotations

import atexit
import contextlib
import getpass
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from airflow_amlpipe.storage.login import Login
from tests.servers import leave_out

__all__ = ["MariaServer", "end_mariadb", "mariadb_server"]

PASSWORD = "planted-mariadb-password"
USER = "tester"
_STARTING_SECONDS = 60
_started: list[tuple[subprocess.Popen[bytes], Path]] = []


@dataclass(frozen=True)
class MariaServer:
    """A server with one user, who logs in by :data:`PASSWORD`."""

    folder: Path
    port: int

    def new_database(self, *statements: str) -> str:
        """Make a database, carry out statements in it, and return its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}", f"GRANT ALL ON {name}.* TO '{USER}'@'%'", f"USE {name}", *statements)
        return name

    def execute(self, *statements: str) -> Any:
        """Carry out statements as the one who may do everything, and return what the last one gave."""
        import pymysql

        connection = pymysql.connect(unix_socket=str(self.folder / "socket"), user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def url(self, database: str) -> str:
        """Return the URL of a datastore's record."""
        return f"mysql://127.0.0.1:{self.port}/{database}"

    def login(self, *, password: str = PASSWORD) -> Login:
        """Return what a connection to this server says."""
        return Login("maria", "mysql", host="127.0.0.1", login=USER, password=password)


@cache
def mariadb_server() -> MariaServer:
    """Return the server that tests share; each makes a database of its own there."""
    program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if program is None or shutil.which("mariadb-install-db") is None:
        leave_out("MySQL", "MariaDB is not installed (apt-get install mariadb-server-core mariadb-client-core)")
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-mariadb-"))
    user = f"--user={getpass.getuser()}"
    made = subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            user,
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        leave_out("MySQL", f"mariadb-install-db failed: {made.stderr.strip()[-300:]}")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = [
        f"--datadir={folder}/data",
        f"--socket={folder}/socket",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--pid-file={folder}/pid",
    ]
    process = subprocess.Popen(
        [program, "--no-defaults", user, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _started.append((process, folder))
    server = MariaServer(folder, port)
    give_up = time.monotonic() + _STARTING_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(Exception):
            server.execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'")
            return server
        time.sleep(0.1)
    return leave_out("MySQL", f"its server did not start (exit code {process.poll()})")


def end_mariadb() -> None:
    """End what was started, by its process."""
    for process, folder in _started:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    _started.clear()


atexit.register(end_mariadb)
