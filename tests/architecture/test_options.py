"""Is every option described where people look for it?"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

import pytest

from airflow_amlpipe.get_provider_info import get_provider_info
from airflow_amlpipe.settings import SECTION, Settings
from tests.architecture.source_tree import REPOSITORY

OPTIONS = fields(Settings)
PAGE = (REPOSITORY / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_reference_says_what_the_code_says(option: Field[Any]) -> None:
    rest = PAGE.partition(f"## `{option.name}`\n")[2]
    assert rest, f"docs/reference/settings.md has no section for {option.name}"
    section = rest.partition("\n## ")[0]
    assert f"AMLPIPE_{option.name.upper()}" in section
    assert option.metadata["describes"].replace("``", "`") in section
    if option.default is not MISSING:
        assert f"default: `{option.default}`" in section


def test_the_reference_describes_nothing_else() -> None:
    described = [line.strip("#` ") for line in PAGE.splitlines() if line.startswith("## ")]
    assert described == [option.name for option in OPTIONS]


def test_airflow_is_told_of_every_option() -> None:
    assert set(get_provider_info()["config"][SECTION]["options"]) == {option.name for option in OPTIONS}
