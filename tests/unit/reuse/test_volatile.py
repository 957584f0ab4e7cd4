"""Which volatile values are told, and under which names?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.reuse.volatile import volatile_changes, volatile_values
from airflow_amlpipe.spec.step import Argument, LiteralArgument, ParameterArgument, StepVariable
from tests.builders import a_step


def lasting(value: Any) -> LiteralArgument:
    return LiteralArgument(value=value)


def volatile(value: Any) -> LiteralArgument:
    return LiteralArgument(value=value, volatile=True)


BUILD = ParameterArgument(parameter="build", volatile=True)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((lasting("--rate"), lasting(0.1)), {}),
        ((lasting("--build"), volatile(42)), {"argument 2 ('--build')": 42}),
        ((volatile("a"), volatile(True)), {"argument 1": "a", "argument 2": True}),
        ((lasting("rows.csv"), volatile(42)), {"argument 2": 42}),
        ((volatile("--build"), volatile(42)), {"argument 1": "--build", "argument 2": 42}),
        ((lasting("--build"), BUILD), {"parameter 'build'": "b7"}),
        ((lasting("--a"), BUILD, ParameterArgument(parameter="build")), {"argument 2 ('--a')": "b7"}),
    ],
)
def test_a_volatile_value_is_told_by_its_place_and_the_option_before_it_or_by_its_name(
    arguments: tuple[Argument, ...], found: dict[str, Any]
) -> None:
    assert volatile_values(a_step(arguments=arguments), {"build": "b7"}) == found


def test_an_entry_of_params_is_told_by_its_name() -> None:
    step = a_step(variables=(StepVariable(name="build", value=volatile("7")), StepVariable(name="rate", value=lasting(0.1))))
    assert volatile_values(step, {}) == {"parameter 'build'": "7"}


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, ("a was 1 and is 2 now",)),
        ({"a": 1}, {"a": "1"}, ("a was 1 and is '1' now",)),
        ({"a": 1}, {"a": True}, ("a was 1 and is True now",)),
        ({}, {"a": 1}, ()),
        ({"a": 1}, {}, ()),
    ],
)
def test_what_differs_is_told_with_both_values(before: dict[str, Any], now: dict[str, Any], changes: tuple[str, ...]) -> None:
    assert volatile_changes(before, now) == changes
