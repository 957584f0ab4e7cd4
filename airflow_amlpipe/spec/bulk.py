"""How are thousands of specs and tasks built without the garbage collector looking at each of them?

A pipeline of a thousand steps is some seventy thousand small objects while it is turned into a DAG, and a third of that afterwards. The
collector sees them grow and looks through everything that Airflow has loaded, which takes as long as building the DAG (measured: 0.13 s of
0.33 s). None of them is ever part of a cycle that only the collector could free.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from starting inside the block; also a decorator. Where it is off already, it stays off."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
