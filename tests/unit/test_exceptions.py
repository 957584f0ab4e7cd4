"""Is a text of any origin one line that people can read, and does every error end a program as it should?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import (
    AmlPipeError,
    CommitUnknownError,
    DefinitionError,
    EnvironmentBuildError,
    StepFailedError,
    exit_code_for,
    shorten,
)
from airflow_amlpipe.sdk.exceptions import ActivityFailedException, NotSupportedYetError, UserErrorException


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("données d'été", "données d'été"),
        ("été\n\tchaud", r"été\n\tchaud"),
        ("日本\x1b[31m", r"日本\x1b[31m"),
        ("half\udcff", r"half\udcff"),
        (r"C:\new", r"C:\new"),
        ("line\u2028end", r"line\u2028end"),
    ],
)
def test_only_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    """S21."""
    assert shorten(text) == shown
    assert shorten(text).isprintable()


def test_a_long_text_loses_its_middle() -> None:
    assert shorten("a" * 100 + "é" * 100, 50) == "a" * 30 + " ... " + "é" * 15


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DefinitionError("wrong"), 2),
        (EnvironmentBuildError("wrong"), 2),
        (UserErrorException("wrong"), 2),
        (NotSupportedYetError("wrong"), 2),
        (StepFailedError("fell over", exit_code=9), 1),
        (ActivityFailedException("fell over"), 1),
        (CommitUnknownError("who knows"), 3),
        (AmlPipeError("anything"), 3),
    ],
)
def test_an_error_ends_a_program_with_the_code_of_its_kind(error: AmlPipeError, code: int) -> None:
    assert exit_code_for(error) == code
