"""When does the log say how far a transfer is?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.workspace.progress import TransferProgress, readable_size


class Clock:
    """Says what the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_short_transfer_says_nothing(clock: Clock, said: list[str]) -> None:
    progress = TransferProgress("input 'images'", 2, 400, said.append, clock=clock)
    progress.begin("copied from datastore 'lake'")
    progress.add(1, 200)
    clock.now = 1.9
    progress.add(1, 200)
    progress.end()
    assert said == []


def test_a_long_transfer_tells_every_few_seconds_and_how_long_it_took(clock: Clock, said: list[str]) -> None:
    progress = TransferProgress("input 'images'", 2_000, 400_000_000, said.append, clock=clock)
    progress.begin("copied from datastore 'lake'")
    for second in range(10):
        clock.now = float(second)
        for _ in range(200):
            progress.add(1, 200_000)
    clock.now = 9.5
    progress.end()
    assert said == [
        "input 'images': 401 of 2,000 files, 80.2 MB of 400 MB, 40.1 MB/s",
        "input 'images': 1,401 of 2,000 files, 280 MB of 400 MB, 40 MB/s",
        "input 'images': 2,000 files, 400 MB in 9.5 s (42.1 MB/s)",
    ]


@pytest.mark.parametrize(("files", "size", "counted"), [(1, 600_000_000, "1 file, 600 MB"), (10_000, 10_000, "10,000 files, 10 kB")])
def test_a_large_transfer_is_announced_and_closed_even_if_it_was_quick(
    clock: Clock, said: list[str], files: int, size: int, counted: str
) -> None:
    progress = TransferProgress("output 'model'", files, size, said.append, clock=clock)
    progress.begin("stored on datastore 'lake'")
    progress.add(files, size)
    clock.now = 1.0
    progress.end()
    assert said[0] == f"output 'model': {counted}, stored on datastore 'lake'"
    assert said[1].startswith(f"output 'model': {counted} in 1.0 s")


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (999_600, "1 MB"), (240_000_000, "240 MB"), (2e12, "2 TB"), (5e15, "5e+03 TB")],
)
def test_sizes_are_readable(size: float, expected: str) -> None:
    assert readable_size(size) == expected
