"""Does the explanation name what changed, and nothing else?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.fingerprint.step import KeyManifest, step_key
from airflow_amlpipe.reuse.explain import compare_keys, nearest
from airflow_amlpipe.spec.data import DatasetSource, InputSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.step import LiteralArgument
from tests.builders import a_step

LISTINGS = {
    "code-1": {"train.py": "a", "README.md": "b"},
    "code-2": {"train.py": "c", "README.md": "b", "new.py": "d"},
    "data-1": {"0.pgm": "x", "1.pgm": "y"},
    "data-2": {"0.pgm": "x", "1.pgm": "z"},
}


def manifest(*arguments: Any, snapshot: str = "code-1", data: str = "data-1", mode: Any = "mount", **changes: Any) -> KeyManifest:
    step = a_step(
        arguments=tuple(LiteralArgument(value=value) for value in arguments),
        inputs=(InputSpec(name="images", mode=mode, source=DatasetSource()),),
        **changes,
    )
    return step_key(step, snapshot=snapshot, parameters={}, inputs={"images": data})


def sentences(before: KeyManifest, after: KeyManifest, listings: dict[str, dict[str, str]] = LISTINGS) -> list[str]:
    return [difference.sentence for difference in compare_keys(before, after, listings.get)]


def test_equal_keys_have_no_differences() -> None:
    assert sentences(manifest("a"), manifest("a")) == []


def test_changed_code_is_named_file_by_file() -> None:
    assert sentences(manifest(), manifest(snapshot="code-2")) == ["code: train.py changed", "code: new.py added"]


def test_changed_data_is_named_input_by_input_and_file_by_file() -> None:
    assert sentences(manifest(), manifest(data="data-2")) == ["inputs: images/1.pgm changed"]


def test_data_whose_listing_is_not_kept_any_more_is_still_named() -> None:
    assert sentences(manifest(), manifest(data="data-2"), {}) == ["inputs: images changed"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (manifest("--rate", 0.1), manifest("--rate", 0.2), ["arguments: [1].value changed from 0.1 to 0.2"]),
        (manifest("--rate", 1), manifest("--rate", "1"), ["arguments: [1].value changed from 1 to '1'"]),
        (manifest("--rate", 1), manifest("--rate", True), ["arguments: [1].value changed from 1 to True"]),
        (manifest("--rate", 1), manifest("--rate", 1.0), ["arguments: [1].value changed from 1 to 1.0"]),
        (manifest("--rate"), manifest("--rate", 0.1), ["arguments: [1] added"]),
        (manifest(version=None), manifest(version="2"), ["version changed from None to '2'"]),
        (manifest(), manifest(mode="download"), ["inputs: images.mode changed from 'mount' to 'download'"]),
        (
            manifest(environment=EnvironmentSpec(pip_requirements=("a==1",), variables={"X": "1"})),
            manifest(environment=EnvironmentSpec(pip_requirements=("a==2",), variables={})),
            ["environment: pip_requirements[0] changed from 'a==1' to 'a==2'", "environment: variables.X removed"],
        ),
    ],
)
def test_a_changed_field_is_named_with_both_values(before: KeyManifest, after: KeyManifest, expected: list[str]) -> None:
    assert sentences(before, after) == expected


def test_the_nearest_earlier_key_shares_the_most_components() -> None:
    far, near, current = manifest("x", version="0", snapshot="code-2"), manifest("x"), manifest("y")
    assert nearest(current, [far, near]) is near
    assert nearest(current, []) is None
