"""What one thing is behind the differences of two keys?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.fingerprint.step import KeyManifest, step_key
from airflow_amlpipe.reuse.explain import compare_keys
from airflow_amlpipe.reuse.subject import subjects_of
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument, StepVariable
from tests.builders import a_step

LISTINGS = {"code-1": {"train.py": "a", "notes.txt": "b"}, "code-2": {"train.py": "a", "notes.txt": "c"}}


def manifest(
    rate: Any = 0.1, build: Any = 1, seed: Any = 7, code: str = "code-1", data: str = "d", mode: Any = "mount", **changes: Any
) -> KeyManifest:
    step = a_step(
        arguments=(
            LiteralArgument(value="--rate"),
            ParameterArgument(parameter="rate"),
            LiteralArgument(value="--build"),
            LiteralArgument(value=build),
        ),
        variables=(StepVariable(name="seed", value=LiteralArgument(value=seed)),),
        inputs=(InputSpec(name="images", mode=mode, source=DatasetSource()),),
        **changes,
    )
    return step_key(step, snapshot=code, parameters={"rate": rate}, inputs={"images": data})


def environment(*lines: str, **variables: str) -> EnvironmentSpec:
    return EnvironmentSpec(pip_requirements=lines, variables=variables)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (manifest(), manifest(build=2), ["argument 4 ('--build')"]),
        (manifest(), manifest(rate=0.2), ["parameter 'rate'"]),
        (manifest(rate=1), manifest(rate=True), ["parameter 'rate'"]),
        (manifest(), manifest(seed=8), ["parameter 'seed'"]),
        # By chance the same change in two places that have nothing to do with each other: told under the parameter's name alone.
        (manifest(rate=1, build=1), manifest(rate=2, build=2), ["parameter 'rate'"]),
        (manifest(rate=1, build=1), manifest(rate=2, build=3), ["argument 4 ('--build')", "parameter 'rate'"]),
        (manifest(), manifest(code="code-2"), ["file 'notes.txt'"]),
        (manifest(), manifest(code="code-3"), ["the source folder"]),
        (manifest(), manifest(data="e"), ["input 'images'"]),
        (manifest(), manifest(mode="download"), ["input 'images': mode"]),
        (manifest(version="1"), manifest(version="2"), ["the version"]),
        (manifest(environment=environment("a==1", X="1")), manifest(environment=environment("a==1", X="2")), ["environment: variables.X"]),
        (
            manifest(outputs=(OutputSpec(name="out", datastore="d", destination="a"),)),
            manifest(outputs=(OutputSpec(name="out", datastore="d", destination="b"),)),
            ["outputs: out.destination"],
        ),
        (manifest(), manifest(), []),
    ],
)
def test_each_thing_that_changed_is_told_once_in_the_authors_words(before: KeyManifest, after: KeyManifest, names: list[str]) -> None:
    assert [subject.name for subject in subjects_of(compare_keys(before, after, LISTINGS.get), after)] == names


def test_an_argument_that_becomes_volatile_is_one_change() -> None:
    plain = a_step(arguments=(LiteralArgument(value="--build"), LiteralArgument(value=1)))
    volatile = a_step(arguments=(LiteralArgument(value="--build"), LiteralArgument(value=1, volatile=True)))
    keys = [step_key(step, snapshot="s", parameters={}, inputs={}) for step in (plain, volatile)]
    assert [subject.name for subject in subjects_of(compare_keys(*keys, LISTINGS.get), keys[1])] == ["argument 2 ('--build')"]
