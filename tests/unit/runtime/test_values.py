"""What can be logged, and does it come back as it was?"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.values import check_name, from_json, list_to_json, scalar_to_json, to_json


class Scalar:
    """As numpy.float32 and a torch tensor without dimensions behave."""

    shape = ()

    def __init__(self, value: object) -> None:
        self._value = value

    def item(self) -> object:
        return self._value


class Array:
    """As a numpy array behaves."""

    shape = (2,)

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        return iter((Scalar(1), Scalar(2)))

    def item(self) -> object:
        raise ValueError("can only convert an array of size 1")

    def tolist(self) -> list[int]:
        return [1, 2]


class Float64(float):
    """As numpy.float64 behaves."""

    def __repr__(self) -> str:
        return f"np.float64({float(self)})"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1, 1),
        (True, True),
        (0.5, 0.5),
        ("é", "é"),
        ("", ""),
        (Decimal("1.5"), 1.5),
        (Level.HIGH, 3),
        (Float64(0.25), 0.25),
        (Scalar(2), 2),
        (Scalar(Float64(0.5)), 0.5),
        (Scalar(True), True),
        (2**70, 2**70),
    ],
)
def test_numbers_and_texts_of_any_library_become_pythons_own(value: object, plain: object) -> None:
    found = scalar_to_json("metric 'a'", value)
    assert (found, type(found)) == (plain, type(plain))
    assert json.loads(json.dumps(found, allow_nan=False)) == plain


@pytest.mark.parametrize("value", [[1], (1,), range(3), (i for i in range(3)), {1}, {"a": 1}, None, Array(), object(), b"x", 1j])
def test_log_takes_one_value_only(value: object) -> None:
    with pytest.raises(UserErrorException, match="metric 'a': one number or text is wanted, not"):
        scalar_to_json("metric 'a'", value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_not_comes_back(value: float) -> None:
    text = json.dumps(to_json("metric 'a'", {"x": [value]}), allow_nan=False)
    found = from_json(json.loads(text))["x"][0]
    assert found == value or (math.isnan(found) and math.isnan(value))


@pytest.mark.parametrize("value", [[1, 2], (1, 2), range(1, 3), Array(), (i for i in (1, 2))])
def test_a_list_may_be_any_iterable(value: object) -> None:
    assert list_to_json("metric 'a'", value) == [1, 2]


@pytest.mark.parametrize("value", ["text", 1, {"a": 1}, b"x", None, [[1]], [object()]])
def test_what_is_no_list_is_refused(value: object) -> None:
    with pytest.raises(UserErrorException, match="metric 'a'"):
        list_to_json("metric 'a'", value)


def test_nesting_has_an_end() -> None:
    value: Any = []
    value.append(value)
    with pytest.raises(UserErrorException, match="nested more than 50 levels"):
        to_json("metric 'a'", value)


@pytest.mark.parametrize("name", ["", "  ", None, 3, "x" * 2000])
def test_a_name_is_a_text_that_is_not_empty(name: object) -> None:
    with pytest.raises(UserErrorException, match="the name"):
        check_name("metric", name)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_plain_values_survive_the_round_trip(value: object) -> None:
    assert from_json(json.loads(json.dumps(to_json("metric", value), allow_nan=False))) == value
