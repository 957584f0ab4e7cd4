"""Is every table read as it was written, and every split of it whole?"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_amlpipe.runtime.dataset_files import take_part
from airflow_amlpipe.runtime.tabular import read_table
from airflow_amlpipe.spec.dataset import DatasetDefinition, Delimited

pytest.importorskip("pandas", reason="part of the dev extra")

# What UTF-8 can hold, without the zero that no text file has and the mark that begins one.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\r\n"), max_size=8)
SHARED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tables(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    # One field more, which is never empty: a row of nothing is no row.
    return st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(texts, min_size=width, max_size=width).map(lambda row: ["-", *row]), max_size=6)
    )


def read(folder: Path, rows: list[list[str]], **reading: Any) -> list[list[str]]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    (folder / "t.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    definition = DatasetDefinition(
        kind="tabular", reading=Delimited(header="none", infer_column_types=False, empty_as_string=True, **reading)
    ).model_dump(mode="json")
    found = read_table(definition, [(str(folder / "t.csv"), "/t.csv")])
    return [list(row) for row in found.itertuples(index=False)]


@SHARED
@given(rows=tables(TEXTS))
def test_what_was_written_is_read(tmp_path: Path, rows: list[list[str]]) -> None:
    assert read(tmp_path, rows, support_multi_line=True) == rows


@SHARED
@given(rows=tables(ONE_LINE))
def test_texts_of_one_line_are_the_same_whether_fields_may_cross_lines_or_not(tmp_path: Path, rows: list[list[str]]) -> None:
    assert read(tmp_path, rows, support_multi_line=False) == rows


@given(items=st.lists(st.integers()), percentage=st.floats(0, 1), seed=st.integers())
def test_the_parts_of_a_split_are_the_whole_and_share_nothing(items: list[int], percentage: float, seed: int) -> None:
    positions = list(range(len(items)))
    split = {"operation": "split", "percentage": percentage, "seed": seed}
    first, second = (take_part({**split, "part": part}, positions) for part in ("first", "second"))
    assert sorted(first + second) == positions
    assert first == take_part({**split, "part": "first"}, positions)
    if percentage in {0.0, 1.0}:
        assert len(first) == int(percentage) * len(items)
