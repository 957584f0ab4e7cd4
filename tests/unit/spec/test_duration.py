"""How is a length of time written?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.duration import duration_text, parse_duration, rough_duration


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("90s", 90, "90s"),
        ("60s", 60, "1m"),
        ("30m", 1800, "30m"),
        ("24h", 86_400, "1d"),
        ("7d", 604_800, "7d"),
        ("1w", 604_800, "7d"),
        ("36500d", 3_153_600_000, "36500d"),
    ],
)
def test_a_length_of_time_is_read_and_written_in_the_largest_unit_that_is_whole(text: str, seconds: int, written: str) -> None:
    assert (parse_duration("age", text), duration_text(seconds)) == (seconds, written)
    assert parse_duration("age", written) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5h", "7 d", "7D", "1y", "36501d", "9999999999w", "\u0667d", "7d\n"])
def test_what_is_no_length_of_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(
        DefinitionError, match=r"^the window: .* is no length of time; write a whole number with its unit, such as 90s, 30m"
    ):
        parse_duration("the window", text)


@pytest.mark.parametrize(
    ("seconds", "rough"),
    [(-3, "0s"), (0.4, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (3_605, "1h"), (788_400, "9d 3h"), (86_400 * 400, "400d")],
)
def test_an_age_is_told_to_its_two_largest_units(seconds: float, rough: str) -> None:
    assert rough_duration(seconds) == rough
