"""How do the rows of a query become a pandas DataFrame?

Whole numbers stay exact, also beyond 2**53 and beside a missing one; dates are times at midnight, times with a zone are told in UTC, JSON is its
text. Decimals stay decimals here, so that a column can still be read as its text; :func:`as_numbers` makes of them what SDK v1 gave.
"""

from __future__ import annotations

import datetime as dt
import decimal

from airflow_amlpipe.runtime.rows import RowFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Mapping

__all__ = ["as_numbers", "read_rows"]

_NUMBERS = {int, float}
_EXACT = 2**53
_TIMES = (dt.datetime, dt.date)


def read_rows(_reading: Mapping[str, Any], paths: List[str], _shown: List[str]) -> List[Any]:
    """Return a DataFrame for each file of rows."""
    return [_frame(path) for path in paths]


def as_numbers(column: Any) -> Any:
    """Return a column of decimals as ``float64``, any other as it is."""
    values = [value for value in column if value is not None] if column.dtype == "object" else []
    if values and all(isinstance(value, decimal.Decimal) for value in values):
        return column.map(float, na_action="ignore").astype("float64")
    return column


def _frame(path: str) -> Any:
    import pandas as pd

    file = RowFile(path)
    columns: List[List[Any]] = [[] for _ in file.columns]
    for row in file.cells():
        for column, cell in zip(columns, row):
            column.append(cell if cell.__class__ is not dict else _shown(cell))
    return pd.DataFrame({name: _series(columns[index]) for index, name in enumerate(file.columns)}, columns=file.columns)


def _shown(cell: Mapping[str, Any]) -> Any:
    ((kind, text),) = cell.items()
    return text if kind in ("json", "uuid") else RowFile.value(cell)


def _series(values: List[Any]) -> Any:
    import pandas as pd

    kinds = {value.__class__ for value in values}
    is_whole = type(None) not in kinds
    kinds.discard(type(None))
    if kinds == {bool}:
        return pd.Series(values, dtype="bool" if is_whole else "object")
    if kinds == {int}:
        return _whole_numbers(values, is_whole)
    if kinds and kinds <= _NUMBERS:
        return pd.Series(values, dtype="float64")
    if kinds and all(issubclass(kind, _TIMES) for kind in kinds):
        return pd.Series([_in_utc(value) for value in values], dtype="datetime64[us]")
    if kinds == {dt.timedelta}:
        return pd.Series(values, dtype="timedelta64[us]")
    return pd.Series(values, dtype="object")


def _whole_numbers(values: List[Any], is_whole: bool) -> Any:
    import pandas as pd

    if not is_whole:
        is_exact = all(value is None or -_EXACT <= value <= _EXACT for value in values)
        return pd.Series(values, dtype="float64" if is_exact else "object")
    try:
        return pd.Series(values, dtype="int64")
    except OverflowError:
        return pd.Series(values, dtype="object")


def _in_utc(value: Any) -> Any:
    if value is None or value.__class__ is dt.date or value.tzinfo is None:
        return value
    return value.astimezone(dt.timezone.utc).replace(tzinfo=None)
