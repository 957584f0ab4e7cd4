"""Can two different steps ever share a key?"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_amlpipe.fingerprint.canonical import canonical_bytes, digest
from airflow_amlpipe.fingerprint.step import KeyManifest, step_key
from airflow_amlpipe.spec.data import DatasetSource, InputSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument, StepSpec, StepVariable
from tests.builders import a_step

scalars = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8))
documents = st.recursive(
    st.none() | scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4), max_leaves=12
)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)


@st.composite
def steps(draw: st.DrawFn) -> StepSpec:
    return a_step(
        arguments=tuple(LiteralArgument(value=value) for value in draw(st.lists(scalars, max_size=4))),
        environment=EnvironmentSpec(
            pip_requirements=tuple(draw(st.lists(st.text(max_size=6), max_size=3))),
            variables=draw(st.dictionaries(names, st.text(max_size=4), max_size=3)),
        ),
        inputs=tuple(InputSpec(name=name, mode="mount", source=DatasetSource()) for name in draw(st.lists(names, unique=True, max_size=3))),
        version=draw(st.none() | st.text(max_size=3)),
    )


def tell_apart(value: Any) -> Any:
    """Python says 1 == True == 1.0; a key must not."""
    if isinstance(value, dict):
        return ("dict", frozenset((key, tell_apart(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(tell_apart(item) for item in value))
    return (type(value).__name__, repr(value))


def key_of(step: StepSpec) -> KeyManifest:
    return step_key(step, snapshot="s", parameters={}, inputs={item.name: "d" for item in step.inputs})


@given(documents, documents)
def test_two_values_share_bytes_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical_bytes(one) == canonical_bytes(other)) == (tell_apart(one) == tell_apart(other))


@given(documents)
def test_a_value_digests_differently_as_another_kind(value: Any) -> None:
    assert digest("step", value) != digest("tree", value)


@given(steps(), steps())
def test_two_steps_share_a_key_only_if_everything_in_it_is_the_same(one: StepSpec, other: StepSpec) -> None:
    """S29."""

    def essence(step: StepSpec) -> Any:
        document = step.model_dump()
        # Inputs are named: the order in which a step lists them changes nothing.
        document["inputs"] = {item["name"]: item for item in document["inputs"]}
        return tell_apart(document)

    assert (key_of(one).key == key_of(other).key) == (essence(one) == essence(other))


@st.composite
def values_of_a_step(draw: st.DrawFn) -> list[tuple[str, bool, Any]]:
    """Return how each value of a step is given (as an argument, a parameter or an entry of params), whether it is volatile, and the value."""
    kinds = st.sampled_from(["argument", "parameter", "params"])
    return draw(st.lists(st.tuples(kinds, st.booleans(), scalars), min_size=1, max_size=5))


def step_with(values: list[tuple[str, bool, Any]]) -> KeyManifest:
    arguments, variables, parameters = [], [], {}
    for place, (kind, volatile, value) in enumerate(values):
        if kind == "argument":
            arguments.append(LiteralArgument(value=value, volatile=volatile))
        elif kind == "params":
            variables.append(StepVariable(name=f"v{place}", value=LiteralArgument(value=value, volatile=volatile)))
        else:
            parameters[f"p{place}"] = value
            arguments.append(ParameterArgument(parameter=f"p{place}", volatile=volatile))
    return step_key(a_step(arguments=tuple(arguments), variables=tuple(variables)), snapshot="s", parameters=parameters, inputs={})


@given(values_of_a_step(), st.data())
def test_a_volatile_value_never_changes_the_key_and_any_other_always_does(values: list[tuple[str, bool, Any]], data: st.DataObject) -> None:
    """S29."""
    place = data.draw(st.integers(0, len(values) - 1))
    kind, volatile, before = values[place]
    after = data.draw(scalars.filter(lambda value: tell_apart(value) != tell_apart(before)))
    changed = [*values[:place], (kind, volatile, after), *values[place + 1 :]]
    assert (step_with(values).key == step_with(changed).key) == volatile


@given(values_of_a_step(), st.data())
def test_whether_a_value_is_volatile_is_in_the_key(values: list[tuple[str, bool, Any]], data: st.DataObject) -> None:
    """S29."""
    place = data.draw(st.integers(0, len(values) - 1))
    kind, volatile, value = values[place]
    assert step_with(values).key != step_with([*values[:place], (kind, not volatile, value), *values[place + 1 :]]).key


@given(steps())
def test_a_manifest_survives_its_document(step: StepSpec) -> None:
    assert KeyManifest.from_json(json.loads(json.dumps(key_of(step).to_json()))) == key_of(step)
