"""Where may a test kill this process? At the named points of the order in which a step is stored.

A point is nothing but a call of an empty function, unless ``AMLPIPE_TEST_CRASH`` names it (``after-result``, or ``after-result:3`` for the
third time it is passed) when this module is first imported: then the process kills itself there, as a power cut would, so that no
``finally`` runs.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

__all__ = ["crash_point"]


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


crash_point: Callable[[str], None] = _armed(os.environ["AMLPIPE_TEST_CRASH"]) if os.environ.get("AMLPIPE_TEST_CRASH") else _unarmed
