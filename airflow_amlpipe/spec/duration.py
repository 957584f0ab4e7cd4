"""How is a length of time written where people give one as text: an age, a window?"""

from __future__ import annotations

import re
from typing import Final

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["DURATION_FORMS", "duration_text", "parse_duration", "rough_duration"]

DURATION_FORMS: Final = "90s, 30m, 12h, 7d or 2w"

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_READ: Final = {"w": 604_800, **_UNITS}  # what is written is 7d, whether it was given as that or as 1w
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,9})([wdhms])", re.ASCII)
_LONGEST: Final = 36_500 * _UNITS["d"]  # what a date can be moved by


def parse_duration(what: str, text: str) -> int:
    """Return the seconds that ``text`` means, at least one.

    :param what: names the text in an error
    :raises DefinitionError: it is no whole number with a unit, or more than a hundred years
    """
    written = _WRITTEN.fullmatch(text)
    seconds = int(written[1]) * _READ[written[2]] if written else 0
    if not 0 < seconds <= _LONGEST:
        raise DefinitionError(
            f"{what}: {shorten(repr(text))} is no length of time; write a whole number with its unit, such as {DURATION_FORMS}"
        )
    return seconds


def duration_text(seconds: int) -> str:
    """Return the text that :func:`parse_duration` reads as ``seconds``, in the largest unit that is whole."""
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def rough_duration(seconds: float) -> str:
    """Return a length of time to the two largest of its units: ``9d 3h``."""
    rest, counts = max(int(seconds), 0), []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        counts.append((count, unit))
    largest = next((place for place, (count, _) in enumerate(counts) if count), 0)
    return " ".join(f"{count}{unit}" for count, unit in counts[largest : largest + 2] if count) or "0s"
