"""How are the rows of a query written as a CSV file?

In UTF-8, with a line of the columns' names, every text in quotes and nothing else, so that an empty text is told from ``NULL``, which is nothing at all.
Times are ISO 8601's, truth values ``true`` and ``false``, bytes Base64, lists JSON. The same rows are the same bytes.
"""

from __future__ import annotations

import base64
import csv
import json
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from airflow_amlpipe.runtime.rows import RowFile

__all__ = ["write_csv"]


def write_csv(rows: Path, target: Path) -> Path:
    """Write the file of rows ``rows`` as the new CSV file ``target``, which is returned; one row at a time."""
    file = RowFile(str(rows))
    with target.open("w", encoding="utf-8", newline="") as written:
        plain = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
        plain.writerow(file.columns)
        for row in file.cells():
            written.write(",".join(map(_text, row)) + "\n")
    return target


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if cell is True or cell is False:
        return str(cell).lower()
    if isinstance(cell, str):
        return '"' + cell.replace('"', '""') + '"'
    if isinstance(cell, dict):
        return _typed(*next(iter(cell.items())), RowFile.value(cell))
    return repr(cell) if isinstance(cell, (int, float)) else _text(json.dumps(cell, separators=(",", ":")))


def _typed(kind: str, raw: Any, value: Any) -> str:
    if kind in {"decimal", "float"}:
        return str(raw)
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    if isinstance(value, (date, time)):
        return value.isoformat()
    return _text(base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(raw))
