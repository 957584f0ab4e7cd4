"""How is a workspace read so that trouble is never taken for damage, nor damage for trouble?

Every question reads through a :class:`Survey`, in *units*: one key, one run, one log. What cannot be read now ends its unit with a note of
trouble, and nothing is concluded from the rest of it. Units are looked at by many threads, because a remote store answers each read slowly.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from airflow_amlpipe.exceptions import AmlPipeError, shorten
from airflow_amlpipe.services.fsck.findings import Check, Finding, Repair
from airflow_amlpipe.services.fsck.secret_shapes import secret_shape
from airflow_amlpipe.spec.document import explain_validation
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Progress", "Survey", "Unreadable", "entry_number", "read_as", "read_json"]

ItemT = TypeVar("ItemT")
ModelT = TypeVar("ModelT", bound=SpecModel)

Progress = Callable[[int, str], None]

_THREADS = 16
_ENTRY = re.compile(r"(\d{8,})\.json")
_FORMAT = re.compile(r"(amlpipe/[a-z-]+/)v(\d+)")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a record is not what it should be.

    :ivar is_newer: it is whole, and of a version that is not known here
    """

    problem: str
    is_newer: bool = False


@dataclass
class Survey:
    """One look at one workspace.

    :ivar on_progress: is told how many units are done, and what is being looked at
    """

    workspace: WorkspaceStore
    on_progress: Progress | None = None
    found: list[Finding] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: int = 0

    def report(self, check: Check, where: str, problem: str, repair: Repair | None = None) -> None:
        """Note something that was found."""
        with self._lock:
            self.found.append(Finding(check, where, problem, repair))

    def count(self, what: str, number: int = 1) -> None:
        """Note that ``number`` things called ``what`` were looked at."""
        with self._lock:
            self.looked_at[what] += number

    def each(self, look: Callable[[ItemT], None], units: Iterable[tuple[str, ItemT]], what: str) -> None:
        """Look at every unit, each given with the place it is at."""

        def one(unit: tuple[str, ItemT]) -> None:
            where, item = unit
            self.guarded(where, lambda: look(item))
            with self._lock:
                self._done += 1
                if self.on_progress is not None:
                    self.on_progress(self._done, what)

        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            for _ in pool.map(one, units):
                pass

    def guarded(self, where: str, look: Callable[[], None]) -> None:
        """Look at one unit; what cannot be read now is noted as trouble."""
        try:
            look()
        except AmlPipeError as error:
            # Not there now, or not for us: no login, a wrong connection, a package that is missing.
            self.report(Check.UNAVAILABLE, where, shorten(str(error), 400))
        except FileNotFoundError as error:
            # A listing named it a moment ago.
            self.report(Check.UNAVAILABLE, where, f"{shorten(str(error.filename or error), 300)} went away while it was looked at")

    def names(self, folder: str) -> list[str]:
        return self.workspace.store.list_names(folder)

    def read(self, path: str) -> bytes | None:
        """Return a record's bytes, ``None`` if it is not there; what looks like a secret in them is reported."""
        try:
            body = self.workspace.store.read(path)
        except FileNotFoundError:
            return None
        self.count("records")
        shape = secret_shape(body)
        if shape is not None:
            self.report(Check.SECRET, path, f"it holds what looks like a secret: {shape}")
        return body

    def record(self, model: type[ModelT], path: str, check: Check, repair: Repair | None = None) -> ModelT | None:
        """Return the record at ``path``, ``None`` if it is not there, or is damaged (which is reported as ``check``) or newer."""
        body = self.read(path)
        if body is None:
            return None
        found = read_as(model, body)
        if not isinstance(found, Unreadable):
            return found
        self.report_unreadable(found, path, check, repair)
        return None

    def report_unreadable(self, found: Unreadable, path: str, check: Check, repair: Repair | None = None) -> None:
        """Note that something is damaged, or newer than we are."""
        self.report(Check.NEWER if found.is_newer else check, path, found.problem, None if found.is_newer else repair)

    def log(self, folder: str, *, from_one: bool = True, marks: str = "") -> list[int]:
        """Return the numbers of a log's entries; holes, doubles and names that are none are reported.

        :param from_one: nobody ever clears its beginning away
        :param marks: how the names of marks that belong to an entry end
        """
        numbers: list[int] = []
        for name in self.names(folder):
            number = entry_number(name)
            if marks and name.endswith(marks):
                continue
            if number is None:
                self.report(Check.FOREIGN_NAME, f"{folder}/{name}", f"{shorten(repr(name))} is no entry of a numbered log")
            else:
                numbers.append(number)
        for number, times in Counter(numbers).items():
            if times > 1:
                self.report(Check.LOG_DUPLICATE, folder, f"{times} entries have the number {number}")
        present = set(numbers)
        if present:
            missing = sorted(set(range(1 if from_one else min(present), max(present))) - present)
            if missing:
                shown = ", ".join(map(str, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
                self.report(
                    Check.LOG_HOLE,
                    folder,
                    f"the newest entry is {max(present)}, and {shown} {'is' if len(missing) == 1 else 'are'} missing",
                )
        return sorted(present)


def entry_number(name: str) -> int | None:
    """Return the number of the log entry that is called ``name``; ``None`` if it is none."""
    match = _ENTRY.fullmatch(name)
    return int(match.group(1)) if match else None


def read_as(model: type[ModelT], body: bytes) -> ModelT | Unreadable:
    """Return ``body`` as a ``model``, or why it is none.

    Newer is what has a higher number in its format, or has all that we know and fields that we do not.
    """
    expected = model.model_fields["format"].default if "format" in model.model_fields else None
    found = read_json(body, expected)
    if isinstance(found, Unreadable):
        return found
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        is_newer = all(item["type"] == "extra_forbidden" for item in error.errors(include_url=False))
        problem = "it has fields that this version does not know" if is_newer else "it is no such record"
        return Unreadable(f"{problem}: {explain_validation(error)}", is_newer)


def read_json(body: bytes, expected: object = None) -> object | Unreadable:
    """Return the document in ``body``, or why there is none; one whose format is a later version of ``expected`` is newer."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Unreadable(f"it is not JSON: {shorten(str(error))} ({len(body)} bytes)")
    written_as = document.get("format") if isinstance(document, dict) else None
    ours, theirs = (_FORMAT.fullmatch(text) if isinstance(text, str) else None for text in (expected, written_as))
    if ours and theirs and ours.group(1) == theirs.group(1) and int(theirs.group(2)) > int(ours.group(2)):
        return Unreadable(f"its format is {written_as!r}; this version reads {expected!r}", is_newer=True)
    result: object = document
    return result
