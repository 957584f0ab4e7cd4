"""How long does it take to know that a folder of many files did not change, or that one did, beside a bare walk over it?

python benchmarks/identify_files.py [--files 10000 100000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from measure import Report, environment, whole_process

MOST_TIMES_A_WALK = 1.6
WHOLE_PROCESS_SECONDS = {10_000: 0.5, 100_000: 1.0}
ONE_CHANGED_SECONDS = 1.5
FILES_IN_A_FOLDER = 500

CHECK = """
import sys
from pathlib import Path
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
print(identify_tree(Path(sys.argv[1]), HashMemo(Path(sys.argv[2]))).digest)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()

    report = Report()
    for count in arguments.files:
        with tempfile.TemporaryDirectory() as temporary:
            measure(report, Path(temporary), count, arguments.repeat)
    return report.exit_code


def measure(report: Report, folder: Path, count: int, repeat: int) -> None:
    report.title(f"a folder of {count} files of 100 bytes")
    root, memo = folder / "data", HashMemo(folder / "memo")
    write_files(root, count)
    time.sleep(2.5)  # what was written a moment ago is not believed to be at rest
    report.row("first look: every file is read", median(lambda: identify_tree(root, memo), 1))

    walks, looks = [], []
    for _ in range(repeat):  # in turn, so that both meet the same neighbours
        walks.append(median(lambda: walk(root), 1))
        looks.append(median(lambda: identify_tree(root, memo), 1))
    bare, unchanged = statistics.median(walks), statistics.median(looks)
    report.row("bare walk: scandir and stat", bare)
    report.row("unchanged", unchanged, MOST_TIMES_A_WALK * bare, f"{unchanged / bare:.2f} times a walk")
    command = [sys.executable, "-c", CHECK, str(root), str(folder / "memo")]
    env = environment(folder / "home")
    report.row("unchanged, whole process", whole_process(command, env=env, cwd=folder, repeat=repeat), WHOLE_PROCESS_SECONDS.get(count))

    changed = []
    for number in range(repeat):
        (root / "0000" / f"{number:06d}.txt").write_text(f"changed {number}", encoding="ascii")
        changed.append(median(lambda: identify_tree(root, memo), 1))
    report.row("one file changed", statistics.median(changed), ONE_CHANGED_SECONDS)


def write_files(root: Path, count: int) -> None:
    for number in range(count):
        folder = root / f"{number // FILES_IN_A_FOLDER:04d}"
        if number % FILES_IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        with open(folder / f"{number:06d}.txt", "w", encoding="ascii") as file:
            file.write(f"{number:0100d}")


def walk(root: Path) -> int:
    """Look at every file once and do nothing else: what any check has to pay."""
    total, folders = 0, [os.fspath(root)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def median(action: Callable[[], object], repeat: int) -> float:
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    sys.exit(main())
