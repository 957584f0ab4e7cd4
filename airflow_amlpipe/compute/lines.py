"""How do bytes that a program prints become lines that a person can read, while they still come?"""

from __future__ import annotations

import codecs

__all__ = ["LONGEST_LINE", "LineSplitter"]

LONGEST_LINE = 16_384


class LineSplitter:
    r"""Bytes of one stream in, finished lines out.

    Bytes may be cut anywhere, also inside a character; what is not UTF-8 becomes the replacement character. A progress bar that goes back
    with ``\r`` leaves only what it showed last. Longer lines than ``LONGEST_LINE`` come in pieces, so that memory stays small.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""
        self._redrawn = False

    def feed(self, content: bytes) -> list[str]:
        """Return the lines that ``content`` finishes."""
        *lines, self._pending = (self._pending + self._decoder.decode(content)).split("\n")
        found = [piece for line in lines for piece in _pieces(_last_drawn(line))]
        if "\r" in self._pending:
            self._pending = self._pending[self._pending.rfind("\r", 0, -1) + 1 :]
            self._redrawn = True
        if len(self._pending) > LONGEST_LINE:
            *pieces, self._pending = _pieces(self._pending)
            found += pieces
        return found

    def glimpse(self) -> str | None:
        """Return what a progress bar shows at the moment, if it was drawn anew since the last glimpse."""
        if not self._redrawn:
            return None
        self._redrawn = False
        return self._pending.rstrip("\r") or None

    def finish(self) -> list[str]:
        """Return the line without an end that is left, if any."""
        self._pending += self._decoder.decode(b"", final=True)
        left, self._pending = _last_drawn(self._pending), ""
        return _pieces(left) if left else []


def _last_drawn(line: str) -> str:
    line = line.rstrip("\r")
    return line[line.rfind("\r") + 1 :]


def _pieces(line: str) -> list[str]:
    return [line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE)] or [""]
