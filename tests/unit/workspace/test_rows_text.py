"""What does a CSV file hold of the rows of a query?"""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from airflow_amlpipe.runtime.rows import JsonText, RowWriter
from airflow_amlpipe.workspace.rows_text import write_csv


def written(folder: Path, columns: list[str], *rows: tuple[Any, ...]) -> str:
    with (folder / "rows").open("wb") as file:
        writer = RowWriter(file, columns)
        writer.write(rows)
        writer.finish()
    return write_csv(folder / "rows", folder / "rows.csv").read_text(encoding="utf-8")


def test_texts_are_quoted_and_nothing_else_so_that_null_is_told_from_an_empty_text(tmp_path: Path) -> None:
    text = written(tmp_path, ["id", 'a "b"'], (1, "x"), (None, ""), (2**60, 'a "quoted",\nü'), (True, None))
    assert text == f'"id","a ""b"""\n1,"x"\n,""\n{2**60},"a ""quoted"",\nü"\ntrue,\n'
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[3] == [str(2**60), 'a "quoted",\nü']


def test_each_type_is_written_as_others_read_it(tmp_path: Path) -> None:
    row = (
        Decimal("1.10"),
        1.5,
        float("nan"),
        dt.date(2024, 2, 29),
        dt.datetime(2024, 2, 29, 1, tzinfo=dt.UTC),
        dt.time(1, 2, 3),
        dt.timedelta(minutes=1, microseconds=5),
        b"\x00\xff",
        JsonText('{"a": 1}'),
        [1, None],
    )
    text = written(tmp_path, list("abcdefghij"), row)
    assert text.splitlines()[1] == ('1.10,1.5,nan,2024-02-29,2024-02-29T01:00:00+00:00,01:02:03,60.000005,"AP8=","{""a"": 1}","[1,null]"')


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    assert written(tmp_path, ["a", "b"]) == '"a","b"\n'
