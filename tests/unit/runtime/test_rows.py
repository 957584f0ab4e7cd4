"""Which bytes are the rows of a query? What they are known by must not change by accident."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import uuid
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.runtime.errors import AmlPipeError, DefinitionError
from airflow_amlpipe.runtime.rows import JsonText, RowFile, RowWriter, encode_row

FILE = b'{"format":"amlpipe/rows/v1","columns":["id","name"]}\n[1,"a"]\n[2,null]\n{"rows":2}\n'
UTC = dt.UTC


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (9007199254740993, "9007199254740993"),
        (1.0, "1.0"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        (float("nan"), '{"float":"nan"}'),
        (float("-inf"), '{"float":"-inf"}'),
        ('ü"\\\n', '"\\u00fc\\"\\\\\\n"'),
        (Decimal("1.10"), '{"decimal":"1.10"}'),
        (Decimal("NaN"), '{"decimal":"NaN"}'),
        (dt.date(2024, 2, 29), '{"date":"2024-02-29"}'),
        (dt.time(1, 2, 3, 4), '{"time":"01:02:03.000004"}'),
        (dt.datetime.fromisoformat("2024-02-29T01:02:03"), '{"datetime":"2024-02-29T01:02:03"}'),
        (dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), '{"instant":"2024-02-29T01:02:03+00:00"}'),
        (dt.timedelta(days=-1, microseconds=5), '{"interval":[-1,0,5]}'),
        (b"\x00\xff", '{"bytes":"AP8="}'),
        (memoryview(b"\x00\xff"), '{"bytes":"AP8="}'),
        (uuid.UUID(int=1), '{"uuid":"00000000-0000-0000-0000-000000000001"}'),
        (JsonText('{"a": 1.10}'), '{"json":"{\\"a\\": 1.10}"}'),
        ({"b": 1, "a": None}, '{"json":"{\\"a\\":null,\\"b\\":1}"}'),
        ([1, None, [Decimal(2)]], '[1,null,[{"decimal":"2"}]]'),
        ((1, "a"), '[1,"a"]'),
        (ipaddress.ip_address("10.0.0.1"), '"10.0.0.1"'),
    ],
)
def test_each_value_has_one_encoding(value: Any, text: str) -> None:
    assert encode_row([value]) == f"[{text}]"


def written(columns: list[str], *rows: tuple[Any, ...]) -> tuple[bytes, str]:
    file = BytesIO()
    writer = RowWriter(file, columns)
    writer.write(rows)
    digest = writer.finish()
    return file.getvalue(), digest


def test_a_file_of_rows_says_its_columns_first_and_its_count_last() -> None:
    body, digest = written(["id", "name"], (1, "a"), (2, None))
    assert body == FILE
    assert digest == hashlib.sha256(FILE).hexdigest()


@pytest.mark.parametrize("value", [object(), 1j, type("Text", (str,), {})("a"), type("Number", (int,), {})(1), {1, 2}, [object()]])
def test_a_value_of_an_unknown_type_is_refused_by_its_column_and_row(value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"column 'name', row 3: a value of the type \w+ cannot be kept; .*CAST"):
        written(["id", "name"], (1, "a"), (2, "b"), (3, value))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}\n",
        b"id,name\n1,a\n",
        FILE.replace(b"v1", b"v2"),
        FILE.replace(b'{"rows":2}', b'{"rows":3}'),
        FILE.replace(b"[2,null]\n", b""),
        FILE.replace(b"[2,null]", b"[2]"),
        FILE.replace(b"[2,null]", b"[2,nul]"),
        FILE[:-1],
    ],
)
def test_a_file_that_was_damaged_is_not_read_as_whole(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(body)
    with pytest.raises(AmlPipeError, match="was damaged"):
        list(RowFile(str(tmp_path / "rows")))
