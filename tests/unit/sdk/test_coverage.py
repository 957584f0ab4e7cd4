"""Are the rows of SDK v1's members read as they are written, and refused when they say nothing?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk.coverage import Kind, class_rows, coverage, read_coverage

RUN = """["azureml.core.Run"]
log = "same"
clean = "absent: leave it out"
get = "same; better: finds step runs too"
"""


def test_a_row_says_the_same_or_what_to_do_instead_or_what_differs(tmp_path: Path) -> None:
    (tmp_path / "azureml.core.toml").write_text(RUN)
    rows = read_coverage(tmp_path)["azureml.core.Run"]
    assert {member: (row.kind, row.instead) for member, row in rows.items()} == {
        "log": (Kind.SAME, None),
        "clean": (Kind.ABSENT, "leave it out"),
        "get": (Kind.DIFFERS, None),
    }


def test_a_module_comes_before_those_below_it(tmp_path: Path) -> None:
    for module in ("azureml.core.run", "azureml.core"):
        (tmp_path / f"{module}.toml").write_text(f'["{module}.Thing"]\nConstructor = "same"\n')
    assert list(read_coverage(tmp_path)) == ["azureml.core.Thing", "azureml.core.run.Thing"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('["azureml.core.Run"]\nlog = same', "coverage/azureml.core.toml cannot be read: "),
        ('["azureml.data.FileDataset"]\nmount = "same"', "holds 'azureml.data.FileDataset', which is not of the module azureml.core"),
        ('"azureml.core.Run" = "same"', "'azureml.core.Run' is not a table; write "),
        ('["azureml.core.Run"]\nlog = true', "azureml.core.Run.log says True; write same, "),
        ('["azureml.core.Run"]\nlog = ""', "azureml.core.Run.log says ''; write same, "),
        ('["azureml.core.Run"]\nlog = "absent:"', "azureml.core.Run.log says 'absent:'; write same, "),
    ],
)
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "azureml.core.toml").write_text(text)
    with pytest.raises(DefinitionError, match=match):
        read_coverage(tmp_path)


def test_a_class_without_rows_has_none() -> None:
    assert (class_rows("azureml.core.Nothing"), class_rows("azureml.core.Run")["id"].kind) == ({}, Kind.SAME)
    assert list(coverage())
