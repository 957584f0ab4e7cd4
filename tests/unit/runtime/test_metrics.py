"""What does get_metrics return after which calls?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.runtime.metrics import fold_metrics


def events(*calls: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": "metric", "type": kind, "name": "m", "value": value} for kind, value in calls]


@pytest.mark.parametrize(
    ("calls", "folded"),
    [
        ([("scalar", 1)], 1),
        ([("scalar", 1), ("scalar", 2)], [1, 2]),
        ([("scalar", "a"), ("scalar", 2.5)], ["a", 2.5]),
        ([("list", [1])], [1]),
        ([("list", [])], []),
        ([("list", [1]), ("list", [2, 3])], [1, 2, 3]),
        ([("row", {"x": 1, "y": 2})], {"x": 1, "y": 2}),
        ([("row", {"x": 1, "y": 2}), ("row", {"x": 3, "y": 4})], {"x": [1, 3], "y": [2, 4]}),
        ([("row", {"x": 1}), ("row", {"x": 2, "y": 3})], {"x": [1, 2], "y": [None, 3]}),
        ([("table", {"x": [1, 2], "y": [3, 4]})], {"x": [1, 2], "y": [3, 4]}),
        ([("table", {"x": [1]}), ("table", {"x": [2], "y": [3]})], {"x": [1, 2], "y": [3]}),
        ([("table", {"x": 1}), ("table", {"x": 2})], {"x": [1, 2]}),
        ([("image", "a_1.png"), ("image", "a_2.png")], "a_2.png"),
        ([("confusion_matrix", {"a": 1})], {"a": 1}),
        ([("scalar", 1), ("list", [2])], [1, [2]]),
        ([("from the future", 7)], 7),
    ],
)
def test_folding(calls: list[tuple[str, Any]], folded: object) -> None:
    assert fold_metrics(events(*calls)) == {"m": folded}


def test_names_stay_in_the_order_they_came_up() -> None:
    given = [{"kind": "metric", "type": "scalar", "name": name, "value": 1} for name in ("b", "a", "b")]
    assert list(fold_metrics(given)) == ["b", "a"]


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "tag"},
        {"kind": "metric"},
        {"kind": "metric", "name": 1, "type": "scalar", "value": 1},
        {"kind": "metric", "name": "a", "type": "scalar"},
    ],
)
def test_what_is_no_metric_is_passed_over(event: dict[str, Any]) -> None:
    assert fold_metrics([event]) == {}


def test_rows_that_are_no_mappings_do_not_break_the_fold() -> None:
    assert fold_metrics(events(("row", 1), ("row", 2))) == {"m": 2}
