"""Which servers do tests of stores talk to, and how are they started?

Real ones, on free ports of this machine, one of each for all tests of a process, ended with it. Where one cannot be had, its tests are
skipped with the reason, and the end of the test run says which stores were left out; in continuous integration (``CI=true``) that is a
failure.

S3 is moto, one request at a time: with threads it is not atomic. Azure is Azurite, which ``.ci/run`` installs into ``.servers/`` (or
``AMLPIPE_AZURITE`` names its ``main.js``). PostgreSQL is in ``postgres_server.py``, SFTP in ``sftp_server.py``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.store_url import Service
from tests.gcs_xml import serve_xml

__all__ = [
    "AZURITE_ACCOUNT",
    "AZURITE_KEY",
    "azure_place",
    "azure_url",
    "end_servers",
    "gcs_place",
    "leave_out",
    "left_out",
    "put_s3_object",
    "s3_place",
    "s3_url",
]

AZURITE_ACCOUNT = "devstoreaccount1"
# The emulator's well-known key, printed in its documentation.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_MOTO = """
import logging, sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
logging.getLogger("werkzeug").setLevel(logging.ERROR)
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
_STARTING_SECONDS = 60

left_out: dict[str, str] = {}
_processes: list[subprocess.Popen[bytes]] = []


def s3_place(bucket: str | None = None, *, prefix: str = "", endpoint: str | None = None, patience_seconds: float = 20) -> ObjectPlace:
    """Return a place on the S3 server: in a new bucket, or in ``bucket``."""
    server = _s3_server()
    if bucket is None:
        bucket = f"amlpipe-{uuid.uuid4().hex[:12]}"
        _make_bucket(server, bucket)
    return ObjectPlace(
        Service.S3,
        f"s3://{bucket}/{prefix}".rstrip("/"),
        bucket,
        prefix,
        config={
            "endpoint": endpoint or server,
            "region": "us-east-1",
            "access_key_id": "test",
            "secret_access_key": "test",
            "virtual_hosted_style_request": False,
        },
        client_options={"allow_http": True},
        patience_seconds=patience_seconds,
    )


def azure_place(
    container: str | None = None, *, prefix: str = "", endpoint: str | None = None, patience_seconds: float = 20
) -> ObjectPlace:
    """Return a place on Azurite: in a new container, or in ``container``."""
    server = _azure_server()
    if container is None:
        container = f"amlpipe-{uuid.uuid4().hex[:12]}"
        _make_container(server, container)
    return ObjectPlace(
        Service.AZURE,
        f"abfs://{container}/{prefix}".rstrip("/"),
        container,
        prefix,
        config={"account_name": AZURITE_ACCOUNT, "account_key": AZURITE_KEY, "endpoint": f"{endpoint or server}/{AZURITE_ACCOUNT}"},
        client_options={"allow_http": True},
        patience_seconds=patience_seconds,
    )


def gcs_place(*, prefix: str = "", enforces: bool = True, patience_seconds: float = 20) -> ObjectPlace:
    """Return a place in a new bucket of the Google Cloud Storage emulator; without ``enforces`` it creates what exists."""
    emulator = _gcs_server()
    bucket = f"amlpipe-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(
        f"http://{emulator}/storage/v1/b", json.dumps({"name": bucket}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    return ObjectPlace(
        Service.GCS,
        f"gs://{bucket}/{prefix}".rstrip("/"),
        bucket,
        prefix,
        config={"base_url": _gcs_xml(enforces), "bearer_token": "test"},
        client_options={"allow_http": True},
        patience_seconds=patience_seconds,
    )


def s3_url(prefix: str = "") -> tuple[str, dict[str, str]]:
    """Return the URL of a new place on the S3 server, and the environment in which a process can open it."""
    place = s3_place(prefix=prefix)
    names = {"AWS_ENDPOINT_URL": "endpoint", "AWS_ACCESS_KEY_ID": "access_key_id", "AWS_SECRET_ACCESS_KEY": "secret_access_key"}
    return place.url, {name: str(place.config[key]) for name, key in names.items()} | {"AWS_REGION": "us-east-1"}


def azure_url(prefix: str = "") -> tuple[str, dict[str, str]]:
    """Return the URL of a new place on Azurite, and the environment in which a process can open it."""
    place = azure_place(prefix=prefix)
    fields = {"AccountName": AZURITE_ACCOUNT, "AccountKey": AZURITE_KEY, "BlobEndpoint": place.config["endpoint"]}
    return place.url, {"AZURE_STORAGE_CONNECTION_STRING": ";".join(f"{name}={value}" for name, value in fields.items())}


def put_s3_object(place: ObjectPlace, key: str, body: bytes) -> None:
    """Put an object into a bucket as another program would, under a name that ours cannot write."""
    _s3_client(_s3_server()).put_object(Bucket=place.bucket, Key=key, Body=body)


@cache
def _s3_server() -> str:
    try:
        import moto.server  # noqa: F401
    except ImportError:
        leave_out("S3", "moto is not installed; run make setup")
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    return _started("S3", lambda port: [sys.executable, "-c", _MOTO, str(port)], environment)


@cache
def _azure_server() -> str:
    named = os.environ.get("AMLPIPE_AZURITE")
    main = Path(named) if named else Path(__file__).parents[1] / ".servers/node_modules/azurite/dist/src/blob/main.js"
    node = shutil.which("node")
    if node is None or not main.is_file():
        leave_out("Azure", "Azurite is not installed; run .ci/install-servers (it needs node and npm)")
    options = ["--skipApiVersionCheck", "--silent", "--disableTelemetry", "--inMemoryPersistence"]
    return _started("Azure", lambda port: [str(node), str(main), "--blobHost", "127.0.0.1", "--blobPort", str(port), *options], None)


@cache
def _gcs_server() -> str:
    try:
        import gcp_storage_emulator  # noqa: F401
    except ImportError:
        leave_out("Google Cloud Storage", "gcp-storage-emulator is not installed; run make setup")
    options = ["-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--in-memory", "--port"]
    url = _started("Google Cloud Storage", lambda port: [sys.executable, *options, str(port)], None)
    return url.removeprefix("http://")


@cache
def _gcs_xml(enforces: bool) -> str:
    return f"http://127.0.0.1:{serve_xml(_gcs_server(), enforces=enforces).server_address[1]}"


def leave_out(store: str, reason: str) -> NoReturn:
    """Skip the test that needs ``store``, and say so at the end of the run; fail it in continuous integration."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{store}: {reason}", pytrace=False)
    left_out[store] = reason
    pytest.skip(f"{store}: {reason}")


def _started(store: str, command: Callable[[int], list[str]], environment: dict[str, str] | None) -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        command(port), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _processes.append(process)
    give_up = time.monotonic() + _STARTING_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    leave_out(store, f"its server did not start (exit code {process.poll()})")


def end_servers() -> None:
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


def _make_bucket(server: str, bucket: str) -> None:
    _s3_client(server).create_bucket(Bucket=bucket)


def _s3_client(server: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=server, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


def _make_container(server: str, container: str) -> None:
    # obstore makes no containers, and this one request is no reason for Azure's own client.
    version, date = "2021-08-06", datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    account = AZURITE_ACCOUNT
    text = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{version}\n/{account}/{account}/{container}\nrestype:container"
    signature = base64.b64encode(hmac.new(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers = {"x-ms-date": date, "x-ms-version": version, "Authorization": f"SharedKey {account}:{signature}", "Content-Length": "0"}
    request = urllib.request.Request(f"{server}/{account}/{container}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
