"""Is every option and every reason described where people look for it?"""

from __future__ import annotations

from dataclasses import fields

from airflow_amlpipe.get_provider_info import get_provider_info
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.settings import SECTION, Settings
from tests.architecture.source_tree import REPOSITORY

NAMES = [option.name for option in fields(Settings)]


def test_the_reference_describes_every_option_and_nothing_else() -> None:
    page = (REPOSITORY / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [line.strip("#` ") for line in page.splitlines() if line.startswith("## ")] == NAMES


def test_airflow_is_told_of_every_option() -> None:
    assert set(get_provider_info()["config"][SECTION]["options"]) == set(NAMES)


def test_the_guide_shows_every_reason_in_the_words_that_people_read() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "explain-a-miss.md").read_text(encoding="utf-8")
    assert [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")] == [
        [f" `{reason.name}` ", f" {reason.value} "] for reason in Reason
    ]
