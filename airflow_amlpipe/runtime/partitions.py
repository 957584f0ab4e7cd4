"""Which values does the path of a file hold, by a format like ``{region}/{day:yyyy/MM/dd}/data.csv``?

``{name}`` is a text between two slashes (or other letters of the format), ``{name:yyyy/MM/dd/HH/mm/ss}`` a time; one time may be spread over
several places. The format describes the end of the path, as SDK v1's ``partition_format`` did.
"""

from __future__ import annotations

import re
from datetime import datetime

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional, Tuple

__all__ = ["PartitionFormat"]

_PLACE = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_UNITS = (("yyyy", r"\d{4}"), ("MM", r"\d{1,2}"), ("dd", r"\d{1,2}"), ("HH", r"\d{1,2}"), ("mm", r"\d{1,2}"), ("ss", r"\d{1,2}"))
_LETTERS = re.compile("|".join(letters for letters, _ in _UNITS))
_EARLIEST = {"yyyy": 1, "MM": 1, "dd": 1, "HH": 0, "mm": 0, "ss": 0}


class PartitionFormat:
    """A format that was understood.

    :ivar keys: the names in it, in their order
    :raises UserErrorException: it has no ``{name}``, a brace that is not closed, or a time without its letters
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: List[str] = []
        # For each group of the expression: the name, and the letters if it is a part of a time.
        self._groups: List[Tuple[str, str]] = []
        pattern, position = "", 0
        for place in _PLACE.finditer(text):
            pattern += self._literal(text[position : place.start()]) + self._place(place.group(1), place.group(2))
            position = place.end()
        pattern += self._literal(text[position:])
        if not self.keys:
            self._refuse("it names no part of the path; write {name}, or {name:yyyy/MM/dd}")
        self._expression = re.compile(("" if text.startswith("/") else "(?:^|/)") + pattern + "$")

    def values(self, path: str) -> Dict[str, Any]:
        """Return what ``path`` holds, by name: texts and times.

        :raises UserErrorException: it is not of this format
        """
        found = self._expression.search(path if path.startswith("/") else "/" + path)
        if found is None:
            raise UserErrorException(
                "the path %.200r is not of the partition_format %r; the format describes the path from its first {name} to its end, "
                "correct it, or name fewer files" % (path, self.text)
            )
        values: Dict[str, Any] = {}
        times: Dict[str, Dict[str, int]] = {}
        for (name, letters), text in zip(self._groups, found.groups()):
            if letters:
                times.setdefault(name, dict(_EARLIEST))[letters] = int(text)
                values.setdefault(name, None)
            elif values.setdefault(name, text) != text:
                raise UserErrorException("the path %.200r has two values for %r of the partition_format %r" % (path, name, self.text))
        for name, parts in times.items():
            values[name] = self._time(path, name, parts)
        return values

    def _time(self, path: str, name: str, parts: Dict[str, int]) -> datetime:
        try:
            return datetime(parts["yyyy"], parts["MM"], parts["dd"], parts["HH"], parts["mm"], parts["ss"])  # noqa: DTZ001
        except ValueError as error:
            raise UserErrorException(
                "the path %.200r has no time at %r of the partition_format %r: %s" % (path, name, self.text, error)
            ) from error

    def _literal(self, text: str) -> str:
        if "{" in text or "}" in text:
            self._refuse("a brace is not closed, or stands alone")
        return "".join("[^/]*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text))

    def _place(self, name: str, letters: Optional[str]) -> str:
        if not name.strip():
            self._refuse("a {name} is empty")
        if name not in self.keys:
            self.keys.append(name)
        if letters is None:
            self._groups.append((name, ""))
            return "([^/]+?)"
        pattern, position = "", 0
        units = dict(_UNITS)
        for unit in _LETTERS.finditer(letters):
            self._groups.append((name, unit.group()))
            pattern += re.escape(letters[position : unit.start()]) + "(" + units[unit.group()] + ")"
            position = unit.end()
        if not position:
            self._refuse("%r are not the letters of a time; use yyyy, MM, dd, HH, mm, ss" % (letters,))
        return pattern + re.escape(letters[position:])

    def _refuse(self, why: str) -> NoReturn:
        raise UserErrorException("partition_format %.200r: %s" % (self.text, why))
