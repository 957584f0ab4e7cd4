"""How is an answer printed: as a table for people, or as JSON for scripts?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

__all__ = [
    "human_duration",
    "human_size",
    "human_time",
    "print_json",
    "print_list",
    "print_table",
    "reuse_word",
    "short_id",
    "status_style",
]

_STYLES = {"Finished": "green", "Failed": "red", "Canceled": "yellow", "Running": "cyan"}


def print_json(document: Any) -> None:
    """Print ``document`` as JSON; other tools read it, so it has no colours and keeps its order."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_list(
    as_json: bool,
    documents: Sequence[Any],
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    if_empty: str,
    styles: Sequence[str] | None = None,
) -> int:
    """Print a list of things, and return the exit code: as JSON a list of objects, for people a table, or a sentence where there is nothing.

    :param rows: one for each document
    :param if_empty: that there is none, and how there comes to be one
    """
    if as_json:
        print_json(documents)
    elif not documents:
        print(if_empty)
    else:
        print_table(columns, rows, styles=styles)
    return 0


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", styles: Sequence[str] | None = None) -> None:
    """Print a table: on a terminal coloured and as wide as that, anywhere else plain, with nothing cut or folded.

    :param styles: a style for each row
    """
    cells = [[_printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_coloured(columns, cells, title, styles)
    else:
        _print_plain(columns, cells, title)


def _print_coloured(columns: Sequence[str], rows: list[list[str]], title: str, styles: Sequence[str] | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # What is printed is data: it is never read as rich's markup.
    table = Table(title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for index, row in enumerate(rows):
        table.add_row(*map(Text, row), style=styles[index] if styles else None)
    Console(highlight=False).print(table)


def _print_plain(columns: Sequence[str], rows: list[list[str]], title: str) -> None:
    lines = [line for row in (list(columns), *rows) for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    if title:
        print(title)
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def status_style(status: str) -> str:
    """Return the colour of a status word."""
    return _STYLES.get(status, "")


def reuse_word(step: dict[str, Any]) -> str:
    """Return whether a step, as ``services.runs`` describes it, was reused or ran."""
    if step["status"] in {"NotStarted", "Running"} or step["reason"] is None:
        return "-"
    return "reused" if step["reused"] else "ran"


def human_duration(seconds: float | None) -> str:
    """Return a duration as people say it."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def human_size(size_bytes: int) -> str:
    """Return a size as people say it."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def human_time(text: str | None) -> str:
    """Return an ISO time as the local time to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else "-"


def short_id(run_id: str) -> str:
    """Return the beginning of a run id that people type: the part made of time and a few random digits."""
    return run_id[:18]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
