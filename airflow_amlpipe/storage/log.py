"""How does a thing that changes live in a store whose objects never change?

As a folder of numbered entries, ``00000001.json``, ``00000002.json``, ... Whoever creates the next number has written the next entry;
its state is what its entries say, read in order.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

from airflow_amlpipe.exceptions import DatastoreUnavailableError, shorten
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import Store

__all__ = ["AppendLog"]

_ENTRY = re.compile(r"(\d{8,})\.json")
_TRIES = 1000


class AppendLog:
    """The entries below ``folder``. Numbers start at 1, none is missing, none is given twice, whoever appends at the same time."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self.folder = folder

    def entries(self, *, after: int = 0) -> list[tuple[int, bytes]]:
        """Return (number, body) of every entry, or of those that follow number ``after``, oldest first."""
        return [(number, self._store.read(self._path(number))) for number in self._numbers() if number > after]

    def latest(self) -> tuple[int, bytes] | None:
        """Return the newest entry, ``None`` if there is none."""
        numbers = self._numbers()
        return (numbers[-1], self._store.read(self._path(numbers[-1]))) if numbers else None

    def append(self, body: bytes, *, durable: bool = True) -> int:
        """Write the next entry, whatever others append meanwhile, and return its number.

        :raises CommitUnknownError: nobody can say whether it was written
        :raises DatastoreUnavailableError: it was not written
        """
        number = self._last()
        crash_point("entry-numbered")
        for attempt in range(_TRIES):
            number += 1
            if self._store.create_exclusive(self._path(number), body, durable=durable):
                return number
            # Somebody else got this number. Each loss is another's success, so somebody always gets on.
            if attempt % 8 == 7:
                time.sleep(random.uniform(0, 0.02))  # noqa: S311  # only spreads the appenders
                number = max(number, self._last())
        raise self._too_busy()

    def append_if(self, expected_latest: int, body: bytes, *, durable: bool = True) -> int | None:
        """Write the entry after number ``expected_latest`` (0: the first) and return its number, ``None`` if that is not the newest any more.

        For changes that are right only for the state the caller has read: read it again and decide anew.

        :raises CommitUnknownError: nobody can say whether it was written
        :raises DatastoreUnavailableError: it was not written
        """
        if self._last() != expected_latest:
            return None
        number = expected_latest + 1
        crash_point("entry-numbered-if")
        return number if self._store.create_exclusive(self._path(number), body, durable=durable) else None

    def append_after(self, read_up_to: int, body: bytes, *, durable: bool = True) -> bool:
        """Write the entry that follows number ``read_up_to``, up to which the caller has just read the log; ``False`` if it is written already.

        As :meth:`append_if`, without another listing.

        :raises CommitUnknownError: nobody can say whether it was written
        :raises DatastoreUnavailableError: it was not written
        """
        return self._store.create_exclusive(self._path(read_up_to + 1), body, durable=durable)

    def append_decided(self, decide: Callable[[list[tuple[int, bytes]]], bytes | None], *, durable: bool = True) -> int | None:
        """Write the entry that ``decide`` makes of all entries there are, and return its number; ``None`` if it makes none.

        Whenever somebody else was first, ``decide`` is asked again with what they wrote: what it was right for is what its entry follows.

        :raises CommitUnknownError: nobody can say whether it was written
        :raises DatastoreUnavailableError: it was not written
        """
        entries: list[tuple[int, bytes]] = []
        for attempt in range(_TRIES):
            number = entries[-1][0] if entries else 0
            entries += self.entries(after=number)
            number = entries[-1][0] if entries else 0
            body = decide(entries)
            if body is None:
                return None
            if self.append_after(number, body, durable=durable):
                return number + 1
            time.sleep(random.uniform(0, 0.002 * min(attempt, 10)))  # noqa: S311  # only spreads the appenders
        raise self._too_busy()

    def _last(self) -> int:
        return max(self._numbers(), default=0)

    def _too_busy(self) -> DatastoreUnavailableError:
        return DatastoreUnavailableError(
            f"datastore {shorten(self._store.url)}: {shorten(repr(self.folder))} took no new entry in {_TRIES} attempts; "
            "nothing was written, run again when fewer others write to it"
        )

    def _numbers(self) -> list[int]:
        found = (_ENTRY.fullmatch(name) for name in self._store.list_names(self.folder))
        return sorted(int(match.group(1)) for match in found if match)

    def _path(self, number: int) -> str:
        return f"{self.folder}/{number:08d}.json"
