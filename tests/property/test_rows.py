"""Does every row come out of its file as it went in, and do different rows never share bytes?"""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_amlpipe.runtime.errors import AmlPipeError
from airflow_amlpipe.runtime.rows import JsonText, RowFile, RowWriter, decode_row, encode_row

UTC = dt.UTC
MIDNIGHT = dt.datetime.fromisoformat("2024-01-01")
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.times().map(lambda value: value.replace(fold=0)),  # no database has it
    st.datetimes().map(lambda value: value.replace(fold=0)),
    st.datetimes(timezones=ZONES),
    st.timedeltas(),
    st.uuids(),
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ).map(lambda value: JsonText(json.dumps(value))),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
ROWS = st.lists(VALUES, max_size=6)


def typed(value: Any) -> Any:
    """Return what tells a value from every other, also where Python calls two of them equal: 1, 1.0 and True, 1.1 and 1.10, NaN and NaN."""
    if isinstance(value, (list, tuple)):
        return ["list", *(typed(item) for item in value)]
    if isinstance(value, JsonText):
        return ["json", repr(json.loads(value.text))]
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return ["instant", instant(value)]
    if isinstance(value, dt.datetime):
        return ["datetime", value.isoformat()]
    return [type(value).__name__, repr(value)]


def instant(value: dt.datetime) -> str:
    try:
        return value.astimezone(UTC).isoformat()
    except OverflowError:
        return value.isoformat()


def decoded(value: Any) -> Any:
    """Return how a value is told by its reader: JSON is read."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return json.loads(value.text) if isinstance(value, JsonText) else value


@given(ROWS)
def test_a_row_is_read_as_it_was_written(row: list[Any]) -> None:
    found = decode_row(encode_row(row))
    assert [typed(value) for value in found] == [typed(decoded(value)) for value in row]


@given(ROWS, ROWS)
def test_different_rows_have_different_lines(first: list[Any], second: list[Any]) -> None:
    """S29."""
    if encode_row(first) == encode_row(second):
        assert typed(first) == typed(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (None, ""),
        (None, "null"),
        (1, "1"),
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (decimal.Decimal("1.1"), decimal.Decimal("1.10")),
        (decimal.Decimal(1), 1),
        (2**53, 2**53 + 1),
        (b"a", "a"),
        (b"", None),
        ("2024-01-01", dt.date(2024, 1, 1)),
        (MIDNIGHT, dt.date(2024, 1, 1)),
        (MIDNIGHT, MIDNIGHT.replace(tzinfo=UTC)),
        (float("nan"), None),
        (float("nan"), "nan"),
        (JsonText("null"), None),
        (JsonText('{"decimal":"1"}'), decimal.Decimal(1)),
        ("\u00e9", "e\u0301"),
        ([1], [[1]]),
    ],
)
def test_values_that_look_alike_are_kept_apart(first: Any, second: Any) -> None:
    """S29."""
    assert encode_row([first]) != encode_row([second])


def test_an_instant_is_known_by_when_it_is_and_not_by_the_zone_it_is_told_in() -> None:
    there = dt.datetime(2024, 1, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert encode_row([there]) == encode_row([there.astimezone(UTC)]) == '[{"instant":"2024-01-01T00:30:00+00:00"}]'


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(VALUES, VALUES), max_size=5))
def test_a_file_of_rows_is_read_as_it_was_written(rows: list[tuple[Any, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows"
    with path.open("wb") as file:
        writer = RowWriter(file, ["a", "b"])
        writer.write(rows)
        writer.finish()
    found = RowFile(str(path))
    assert found.columns == ["a", "b"]
    assert [typed(row) for row in found] == [typed([decoded(value) for value in row]) for row in rows]
    assert writer.size_bytes == path.stat().st_size


@given(st.lists(ROWS.map(lambda row: (row,)), max_size=4), st.integers(0, 10))
def test_how_rows_arrive_makes_no_difference(rows: list[tuple[Any]], at: int) -> None:
    def written(*parts: list[tuple[Any]]) -> str:
        writer = RowWriter(io.BytesIO(), ["a"])
        for part in parts:
            writer.write(part)
        return writer.finish()

    assert written(rows) == written(rows[:at], [], rows[at:])


@settings(max_examples=40)
@given(cut=st.integers(0, 10_000))
def test_a_file_that_was_cut_is_never_read_as_whole(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path: Path = tmp_path_factory.mktemp("rows") / "rows"
    with path.open("wb") as file:
        writer = RowWriter(file, ["a"])
        writer.write([(number,) for number in range(30)])
        writer.finish()
    body = path.read_bytes()
    path.write_bytes(body[: cut % len(body)])
    with pytest.raises(AmlPipeError, match="was damaged"):
        list(RowFile(str(path)))
