"""Where may a test kill this process? At the named points of the order in which a step is stored.

A point is nothing but a call of an empty function, unless ``AMLPIPE_TEST_CRASH`` is set when this module is first imported. Then it is

- the name of a point (``result-stored``, or ``result-stored:3`` for the third time it is passed): there the process kills itself, as a power
  cut would, so that no ``finally`` runs; or
- ``ask``: what happens at each point is what :func:`at_crash_points` was given. A process that starts many short-lived children needs this:
  which of them is to die is known after the fork only, long after the import.

Every name stands in ``tests/crash/points.py``, with what a crash there has to leave behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from airflow_amlpipe.exceptions import DefinitionError

__all__ = ["at_crash_points", "crash_point"]

_VARIABLE = "AMLPIPE_TEST_CRASH"
_ASK = "ask"


def _armed(text: str) -> Callable[[str], None]:
    wanted, _, times = text.partition(":")
    left = int(times or 1)

    def pass_point(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    return pass_point


def _unarmed(name: str) -> None:
    """Go on."""


_answer: Callable[[str], None] = _unarmed


def _asking(name: str) -> None:
    _answer(name)


def _chosen(text: str) -> Callable[[str], None]:
    if not text:
        return _unarmed
    return _asking if text == _ASK else _armed(text)


crash_point: Callable[[str], None] = _chosen(os.environ.get(_VARIABLE, ""))


def at_crash_points(act: Callable[[str], None]) -> None:
    """Call ``act`` with the name of each point that is passed from now on, in this process and in those it forks.

    :raises DefinitionError: the process was not started with ``AMLPIPE_TEST_CRASH=ask``
    """
    global _answer  # noqa: PLW0603  # one process, one test
    if crash_point is not _asking:
        raise DefinitionError(f"crash points cannot be armed: this process was not started with {_VARIABLE}={_ASK}; only a test does that")
    _answer = act
