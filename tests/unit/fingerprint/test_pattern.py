"""Which files does a path with wild cards name?"""

from __future__ import annotations

import time

import pytest

from airflow_amlpipe.fingerprint.pattern import PathPattern, is_pattern, split_pattern


@pytest.mark.parametrize(
    ("pattern", "named", "not_named"),
    [
        ("*", ["a", ".hidden", "[ab]", "a\nb"], ["a/b"]),
        ("*.csv", ["a.csv", ".csv"], ["a.csv.gz", "d/a.csv"]),
        ("?.csv", ["a.csv", "é.csv"], [".csv", "ab.csv"]),
        ("**", ["a", "a/b", "a/b/c"], []),
        ("**/*.csv", ["a.csv", "d/a.csv", "d/e/a.csv"], ["d/a.txt"]),
        ("d/**", ["d/a", "d/e/a"], ["d", "e/a"]),
        ("d*/**", ["d1/a", "d2/e/a"], ["d1"]),
        ("*/x/**/y", ["a/x/y", "a/x/b/y", "a/x/b/c/y"], ["x/y", "a/x", "a/y"]),
        ("**/x/**/x", ["x/x", "a/x/b/x"], ["x", "a/x"]),
        ("[ab]*", ["[ab]", "[ab]c"], ["a", "b"]),
        ("a**b", ["ab", "axb"], ["a/b"]),
        ("*a*b*", ["ab", "xaxbx", "aab"], ["ba", "b"]),
        ("x.y*", ["x.yz"], ["xay"]),
    ],
)
def test_what_a_pattern_names(pattern: str, named: list[str], not_named: list[str]) -> None:
    found = PathPattern(pattern)
    assert {path: found.matches(path) for path in named + not_named} == {**dict.fromkeys(named, True), **dict.fromkeys(not_named, False)}


@pytest.mark.parametrize(
    ("path", "folder", "pattern"),
    [("raw/*.csv", "raw", "*.csv"), ("*", "", "*"), ("a/b*/c/**", "a", "b*/c/**"), ("a/b", "a/b", None), ("[ab]", "[ab]", None)],
)
def test_the_literal_start_is_split_off(path: str, folder: str, pattern: str | None) -> None:
    found, below = split_pattern(path)
    assert (found, below and below.text) == (folder, pattern)
    assert is_pattern(path) == (pattern is not None)


def test_folders_that_hold_nothing_named_are_not_entered() -> None:
    pattern = PathPattern("2024/*/a.csv")
    assert [folder for folder in ("", "2023", "2024", "2024/x", "2024/x/y") if pattern.enters(folder)] == ["", "2024", "2024/x"]


@pytest.mark.parametrize("pattern", ["**/" * 50 + "x", "*a" * 50 + "b", "?*" * 50 + "b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """S04."""
    began = time.monotonic()
    assert not PathPattern(pattern).matches("/".join(["a" * 200] * 50))
    assert time.monotonic() - began < 60  # backtracking would take longer than the universe is old
