"""Which SFTP servers do tests talk to, and how are they started?

Real ones, each a process of its own on a free port of this machine: OpenSSH's where ``sshd`` is installed, and asyncssh's, which can also
leave out what OpenSSH always offers, overwrite where it must not, or be full. ``Wire`` is a way to a server that can be cut.

Run as a program it is the asyncssh server: ``python sftp_server.py FOLDER PORT [bare] [overwriting] [full] [full-at-close]``.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.open import open_store
from airflow_amlpipe.storage.sftp import SftpStore

__all__ = ["PASSWORD", "SftpTestServer", "Wire", "asyncssh_server", "end_sftp_servers", "openssh_server"]

PASSWORD = "planted-sftp-password"
_STARTING_SECONDS = 60
_processes: list[subprocess.Popen[bytes]] = []
_folders: list[Path] = []


@dataclass(frozen=True)
class SftpTestServer:
    """A server on this machine that shows all its files to ``user``.

    :ivar host_key: as ``known_hosts`` has it
    :ivar key_file: of the user
    """

    port: int
    user: str
    host_key: str
    key_file: Path

    def url(self, folder: Path, *, port: int | None = None) -> str:
        """Return the URL of ``folder`` on this server."""
        return f"sftp://127.0.0.1:{port or self.port}{folder}"

    def login(self, *, port: int | None = None, password: str | None = None, **extra: object) -> Login:
        """Return what a connection ``files`` to this server says, by the user's key unless there is a ``password``."""
        given = {"host_key": self.host_key, **({} if password else {"key_file": str(self.key_file)}), **extra}
        kept = {name: value for name, value in given.items() if value is not None}
        return Login("files", "sftp", "127.0.0.1", port or self.port, login=self.user, password=password, extra=kept)

    def open(self, folder: Path, *, wire: Wire | None = None, **extra: object) -> SftpStore:
        """Return the store of ``folder`` on this server, over ``wire`` if there is one."""
        port = self.port if wire is None else wire.port
        store = open_store(self.url(folder, port=port), login=self.login(port=port, **extra))
        assert isinstance(store, SftpStore)
        return store


@cache
def asyncssh_server(*flags: str) -> SftpTestServer:
    """Return asyncssh's server.

    :param flags: ``bare``: without extensions; ``overwriting``: its rename replaces what is there; ``full``: no file becomes larger than
        64 KiB; ``full-at-close``: nor smaller, but only closing it tells
    """
    folder = _folder_with_keys()
    port = _started(lambda port: [sys.executable, __file__, str(folder), str(port), *flags])
    return SftpTestServer(port, "tester", (folder / "host.pub").read_text().strip(), folder / "user")


@cache
def openssh_server() -> SftpTestServer | None:
    """Return OpenSSH's server, ``None`` where it is not installed. It takes keys only."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    folder = _folder_with_keys()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def command(port: int) -> list[str]:
        (folder / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
            "Subsystem sftp internal-sftp\n"
        )
        return [program, "-D", "-e", "-f", str(folder / "sshd_config")]

    import getpass

    return SftpTestServer(_started(command), getpass.getuser(), (folder / "host.pub").read_text().strip(), folder / "user")


def end_sftp_servers() -> None:
    """End what was started, by its process."""
    for process in _processes:
        process.terminate()
    for process in _processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _processes.clear()
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)
    _folders.clear()


atexit.register(end_sftp_servers)


class Wire:
    """A port of this machine that leads to ``port``, until it is cut.

    :ivar connections: how many were made
    :ivar carried_down: how many bytes came from the server since :meth:`cut_when` or the last cut
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._cuts: list[Callable[[int, int], bool]] = []
        self._is_deaf = False
        self.connections = 0
        self._up = self.carried_down = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_when(self, is_time: Callable[[int, int], bool]) -> None:
        """Cut all connections once, as soon as ``is_time(bytes to the server, bytes from it)``; the server gets what was sent.

        Bytes count since this call or since the last cut. Several calls are so many cuts, one after the other.
        """
        with self._lock:
            self._up = self.carried_down = 0
            self._cuts.append(is_time)

    def lose_answers(self) -> None:
        """From now on the server hears everything and nobody hears the server, until :meth:`cut`."""
        self._is_deaf = True

    def cut(self) -> None:
        """End the connections there are."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
            self._is_deaf = False
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        """Lead nowhere from now on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits there would take one more
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._pairs.append((client, server))
                    self.connections += 1
                for source, target, is_up in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._carry, args=(source, target, is_up), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_up: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                if is_up:
                    target.sendall(block)
                with self._lock:
                    self._up += len(block) if is_up else 0
                    self.carried_down += 0 if is_up else len(block)
                    is_time = bool(self._cuts) and self._cuts[0](self._up, self.carried_down)
                    if is_time:
                        self._cuts.pop(0)
                        self._up = self.carried_down = 0
                if is_time:
                    self.cut()
                    return
                if not is_up and not self._is_deaf:
                    target.sendall(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _folder_with_keys() -> Path:
    import asyncssh

    folder = Path(tempfile.mkdtemp(prefix="amlpipe-sftp-"))
    _folders.append(folder)
    for name in ("host", "user"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(folder / name))
        key.write_public_key(str(folder / f"{name}.pub"))
        (folder / name).chmod(0o600)
    return folder


def _started(command: Callable[[int], list[str]]) -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    process = subprocess.Popen(command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _processes.append(process)
    give_up = time.monotonic() + _STARTING_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return port
        time.sleep(0.05)
    raise RuntimeError(f"an SFTP server did not start (exit code {process.poll()})")


def _serve(folder: Path, port: int, flags: set[str]) -> None:
    import asyncio

    import asyncssh
    from asyncssh import sftp

    if "bare" in flags:
        sftp.SFTPServerHandler._extensions = []

    class Files(asyncssh.SFTPServer):
        def write(self, file_obj: object, offset: int, data: bytes) -> int:
            if "full" in flags and offset + len(data) > 1 << 16:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(file_obj, offset, data)

        def close(self, file_obj: IO[bytes]) -> None:
            is_written = file_obj.writable()
            super().close(file_obj)
            if "full-at-close" in flags and is_written:
                raise OSError(errno.ENOSPC, "No space left on device")

        def rename(self, oldpath: bytes, newpath: bytes) -> None:
            if "overwriting" in flags:
                os.replace(self.map_path(oldpath), self.map_path(newpath))
            else:
                super().rename(oldpath, newpath)

    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return password == PASSWORD

    async def run() -> None:
        await asyncssh.create_server(
            Door,
            "127.0.0.1",
            port,
            server_host_keys=[str(folder / "host")],
            authorized_client_keys=str(folder / "user.pub"),
            sftp_factory=Files,
            backlog=100,
        )
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), set(sys.argv[3:]))
