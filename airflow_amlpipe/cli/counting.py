"""How does a command that looks at many things show that it gets on? As one line on a terminal, as nothing anywhere else."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

__all__ = ["ProgressLine"]

_INTERVAL_SECONDS = 0.2


class ProgressLine:
    """One line on standard error that is written over and over, and is gone when the block ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown_at:
            self._write("")

    def show(self, done: int, what: str) -> None:
        """Say how many things are done, and what is being looked at; called from many threads, which is why it waits for none."""
        now = monotonic()
        if self._is_terminal and now - self._shown_at > _INTERVAL_SECONDS:
            self._shown_at = now
            self._write(f"{done} looked at, now: {what}")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()
