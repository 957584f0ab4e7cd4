"""Is a text of any origin one line that people can read?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import shorten


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
    assert shorten(text) == shown
    assert shorten(text).isprintable()


def test_a_long_text_loses_its_middle() -> None:
    assert shorten("a" * 100 + "é" * 100, 50) == "a" * 30 + " ... " + "é" * 15
