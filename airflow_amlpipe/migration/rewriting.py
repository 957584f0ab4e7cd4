"""How do scripts and notebooks come to import ``airflow_amlpipe.sdk`` instead of ``azureml``? (``amlpipe migrate``)

Nothing else of a file changes. What is to be written is written at once or not at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.migration.files import SCRIPTS, decode_script, files_below
from airflow_amlpipe.migration.imports import NEW, OLD, Rewriting, Spot, find_imports, split_lines
from airflow_amlpipe.migration.json_strings import json_strings, raw_offset
from airflow_amlpipe.migration.notebooks import cell_source, code_cells, is_python_notebook, read_notebook

__all__ = ["Rewritten", "rewrite_below", "write_file"]

_INSIDE = "inside a step azureml is served in every environment (--steps rewrites it)"


@dataclass(frozen=True)
class Rewritten:
    """What becomes of one file.

    :ivar before: its text, line ends as they are
    :ivar after: its new text; the same if nothing is to be changed
    :ivar changed: how many times ``azureml`` became ``airflow_amlpipe.sdk``
    :ivar notes: what was left alone, and why
    :ivar problem: why the file cannot be rewritten; empty if it can
    """

    path: Path
    before: str = ""
    after: str = ""
    encoding: str = "utf-8"
    changed: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""


def rewrite_below(paths: Iterable[str], *, steps_too: bool = False) -> Iterator[Rewritten]:
    """Yield what becomes of each script and notebook that is named or lies below a folder that is; nothing is written.

    :param steps_too: also scripts that run inside a step, where the runtime serves ``azureml`` in every environment
    :raises UnknownNameError: there is no such file or folder
    """
    for path in files_below(paths, suffixes=SCRIPTS):
        try:
            yield _rewrite(path, steps_too=steps_too)
        except OSError as error:
            yield Rewritten(path, problem=f"it cannot be read: {error.strerror or error}")
        except DefinitionError as error:
            yield Rewritten(path, problem=str(error))


def write_file(rewritten: Rewritten) -> None:
    """Put the new text in the file's place; permissions stay, and of a link the file that it leads to is written.

    :raises DefinitionError: the file was changed since it was read
    :raises OSError: it cannot be written; it is as it was
    """
    place = Path(os.path.realpath(rewritten.path))
    if place.read_bytes() != rewritten.before.encode(rewritten.encoding):
        raise DefinitionError("it was changed in the meantime; try again")
    handle, aside = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(rewritten.after.encode(rewritten.encoding))
        os.chmod(aside, place.stat().st_mode & 0o7777)
        os.replace(aside, place)
    except BaseException:
        os.unlink(aside)
        raise


def _rewrite(path: Path, *, steps_too: bool) -> Rewritten:
    content = path.read_bytes()
    if OLD.encode() not in content:
        return Rewritten(path)
    text, encoding = decode_script(content)
    # Decoding as "utf-8-sig" takes the mark off, and encoding so puts it on again.
    if path.suffix.lower() == ".ipynb":
        after, changed, notes = _of_notebook(text, steps_too=steps_too)
        return Rewritten(path, text, after, encoding, changed, notes)
    found = find_imports(text)
    if found.spots and found.runs_in_step and not steps_too:
        return Rewritten(path, text, text, encoding, 0, (f"left alone: it asks for the run that it is part of, and {_INSIDE}",))
    return Rewritten(path, text, _changed(text, found.spots), encoding, len(found.spots), tuple(_left(found, "")))


def _of_notebook(text: str, *, steps_too: bool) -> tuple[str, int, tuple[str, ...]]:
    document = read_notebook(text)
    if not is_python_notebook(document):
        return text, 0, ()
    offsets: list[int] = []
    notes: list[str] = []
    strings = {string.path: string for string in json_strings(text)}
    is_bound = False
    for cell in code_cells(document):
        try:
            found = find_imports(cell.code, is_bound=is_bound and cell.writes is None)
        except DefinitionError as error:
            if cell.writes is not None:
                notes.append(f"cell {cell.number}, which writes {cell.writes}, is left alone: {error}")
                continue
            raise DefinitionError(f"cell {cell.number}: {error}") from error
        if cell.writes is None:
            is_bound = is_bound or found.binds
        elif found.spots and not steps_too:
            notes.append(f"cell {cell.number}, which writes {cell.writes}, is left alone: {_INSIDE}")
            continue
        notes += _left(found, f"cell {cell.number}, ")
        for at in _offsets(cell_source(document["cells"][cell.number - 1]), found.spots):
            path: tuple[str | int, ...] = ("cells", cell.number - 1, "source")
            inside = at
            for part in range(len(document["cells"][cell.number - 1]["source"]) if path not in strings else 0):
                path = ("cells", cell.number - 1, "source", part)
                if inside < len(strings[path].text):
                    break
                inside -= len(strings[path].text)
            offsets.append(raw_offset(text, strings[path], inside))
    return _replaced(text, offsets), len(offsets), tuple(notes)


def _changed(text: str, spots: Iterable[Spot]) -> str:
    return _replaced(text, _offsets(text, spots))


def _offsets(text: str, spots: Iterable[Spot]) -> list[int]:
    starts, at = [], 0
    for line in split_lines(text):
        starts.append(at)
        at += len(line) + (2 if text.startswith("\r\n", at + len(line)) else 1)
    return [starts[spot.line] + spot.column for spot in spots]


def _replaced(text: str, offsets: Iterable[int]) -> str:
    for at in sorted(offsets, reverse=True):
        if not text.startswith(OLD, at):
            raise DefinitionError(f"character {at} is not where {OLD} stands; it is left as it is")
        text = f"{text[:at]}{NEW}{text[at + len(OLD) :]}"
    return text


def _left(found: Rewriting, where: str) -> Iterator[str]:
    for line, name in found.left:
        yield f"{where}line {line}: {name} is not here, its import is left alone (amlpipe doctor says what to do)"
    for line, name in found.named:
        yield f"{where}line {line}: the text {name!r} is left alone; where it names a module of SDK v1, write {NEW + name.removeprefix(OLD)!r}"
