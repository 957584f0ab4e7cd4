"""What does pandas hold of the rows of a query?"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.rows import JsonText, RowWriter
from airflow_amlpipe.runtime.tabular import read_table

MORNING = dt.datetime.fromisoformat("2024-02-29T01:02:03.000004")


def frame(tmp_path: Path, columns: list[str], *rows: tuple[Any, ...], types: tuple[dict[str, Any], ...] = (), **options: str) -> Any:
    with (tmp_path / "rows").open("wb") as file:
        writer = RowWriter(file, columns)
        writer.write(rows)
        writer.finish()
    definition = {
        "kind": "tabular",
        "reading": {"format": "sql"},
        "column_types": [{"formats": [], "decimal_mark": ".", **each} for each in types],
        "partition_format": None,
        "include_path": False,
        "operations": [],
    }
    return read_table(definition, [(str(tmp_path / "rows"), "/rows")], **options)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2**62], "int64", [1, 2**62]),
        ([1, None], "float64", [1.0, None]),
        ([1, 2**53 + 1, None], "object", [1, 2**53 + 1, None]),
        ([2**70, 1], "object", [2**70, 1]),
        ([1.5, None], "float64", [1.5, None]),
        ([float("inf"), 1.0], "float64", [float("inf"), 1.0]),
        ([Decimal("1.10"), None], "float64", [1.1, None]),
        ([True, False], "bool", [True, False]),
        ([True, None], "object", [True, None]),
        (["", None], "object", ["", None]),
        ([b"\x00", None], "object", [b"\x00", None]),
        ([None, None], "object", [None, None]),
        ([JsonText('{"a": 1.10}'), JsonText("null")], "object", ['{"a": 1.10}', "null"]),
        ([uuid.UUID(int=1)], "object", [str(uuid.UUID(int=1))]),
        ([[1, [None]], None], "object", [[1, [None]], None]),
        ([dt.date(2024, 2, 29), None], "datetime64[ns]", [dt.datetime.fromisoformat("2024-02-29"), None]),
        ([MORNING, None], "datetime64[ns]", [MORNING, None]),
        ([MORNING.replace(tzinfo=dt.timezone(dt.timedelta(hours=1)))], "datetime64[ns]", [MORNING - dt.timedelta(hours=1)]),
    ],
)
def test_a_column_is_as_sdk_v1_gave_it_and_whole_numbers_stay_exact(
    tmp_path: Path, values: list[Any], dtype: str, expected: list[Any]
) -> None:
    import pandas as pd

    column = frame(tmp_path, ["a"], *((value,) for value in values))["a"]
    assert str(column.dtype) == dtype
    assert [value if isinstance(value, list) else None if pd.isna(value) else value for value in column] == expected


def test_a_column_of_decimals_can_be_had_as_its_exact_text(tmp_path: Path) -> None:
    column = frame(tmp_path, ["a"], (Decimal("1.10"),), (None,), types=({"name": "a", "type": "string"},))["a"]
    assert list(column) == ["1.10", None]


def test_a_time_that_pandas_cannot_hold_is_missing_or_an_error(tmp_path: Path) -> None:
    import pandas as pd

    rows = [(dt.date(9999, 12, 31),), (dt.date(2024, 1, 1),)]
    assert pd.isna(frame(tmp_path, ["a"], *rows)["a"][0])
    with pytest.raises(UserErrorException, match="column 'a'"):
        frame(tmp_path, ["a"], *rows, out_of_range_datetime="fail")


def test_a_query_without_rows_has_its_columns(tmp_path: Path) -> None:
    found = frame(tmp_path, ["b", "a"])
    assert (list(found.columns), len(found)) == (["b", "a"], 0)
