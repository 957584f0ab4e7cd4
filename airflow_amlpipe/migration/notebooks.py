"""What of a notebook is Python?

Lines that only a notebook understands (``%matplotlib inline``, ``!pip install x``) are taken out so that every other line keeps its number.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["Cell", "cell_source", "code_cells", "is_python_notebook", "read_notebook", "without_magics"]

# Cell magics below which the rest of the cell is still this notebook's Python.
_PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "python", "python3"}
_ASSIGNED = re.compile(r"^(\s*[\w.\[\]'\", ]+=\s*)[%!].*$")


@dataclass(frozen=True)
class Cell:
    """One cell of code.

    :ivar number: its place in the notebook, from 1; cells of text count too
    :ivar code: Python, line by line where it stands in the cell
    :ivar shell: the lines that a shell would run, with their line numbers
    :ivar writes: the script that the cell is written to, instead of being run (``%%writefile train/train.py``)
    """

    number: int
    code: str
    shell: tuple[tuple[int, str], ...] = ()
    writes: str | None = None


def read_notebook(text: str) -> dict[str, Any]:
    """Return a notebook's document.

    :raises DefinitionError: it is no notebook
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"it is no notebook: {shorten(str(error))}") from error
    if not isinstance(document, dict) or not isinstance(document.get("cells"), list):
        raise DefinitionError(
            "it is no notebook: it has no list of cells; open it in Jupyter and save it, which brings old formats up to date"
        )
    return document


def is_python_notebook(document: dict[str, Any]) -> bool:
    """Whether its kernel speaks Python; one that does not say is taken to."""
    metadata = document.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    return not isinstance(language, str) or language.lower() == "python"


def code_cells(document: dict[str, Any]) -> list[Cell]:
    """Return the cells of code, in order."""
    found = []
    for number, cell in enumerate(document["cells"], 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell_source(cell)
            code, shell = without_magics(source)
            found.append(Cell(number, code, shell, _written_to(source)))
    return found


def cell_source(cell: dict[str, Any]) -> str:
    """Return the text of a cell, which notebooks keep as text or as a list of lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def without_magics(source: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return a cell's Python, in which ``pass`` stands for lines that are none, and its shell lines by number."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        magic = first[2:].split() or [""]
        at = lines.index(first)
        if _written_to(source) is not None:
            return "\n".join(["", *lines[1:]] if at == 0 else [*[""] * (at + 1), *lines[at + 1 :]]), ()
        if magic[0] in {"bash", "sh"}:
            return "", tuple((number, line) for number, line in enumerate(lines, 1) if number > at + 1)
        if magic[0] not in _PYTHON_MAGICS:
            return "", ()
        lines[at] = ""
    code, shell, goes_on = [], [], False
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if goes_on or bare.startswith(("!", "%", "?")) or (bare.endswith("?") and re.fullmatch(r"[\w.]+\?{1,2}", bare)):
            code.append("" if goes_on else line[: len(line) - len(line.lstrip())] + "pass")
            if goes_on or bare.startswith(("!", "%pip", "%conda")):
                shell.append((number, bare.lstrip("!%")))
            goes_on = bare.endswith("\\")
        else:
            code.append(_ASSIGNED.sub(r"\1None", line))
    return "\n".join(code), tuple(shell)


def _written_to(source: str) -> str | None:
    magic, *names = (source.lstrip().split("\n", maxsplit=1)[0].split()) or [""]
    name = names[-1].strip("\"'") if names else ""
    return name if magic in {"%%writefile", "%%file"} and name.endswith(".py") else None
