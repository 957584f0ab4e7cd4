"""What changes a step's key, and what does not?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.fingerprint.step import COMPONENTS, KeyManifest, step_key
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.step import (
    InputArgument,
    LiteralArgument,
    OutputArgument,
    ParameterArgument,
    PythonScript,
    SourceSpec,
    StepSpec,
    StepVariable,
)
from tests.builders import a_step

GOLDEN = Path(__file__).parents[2] / "golden" / "keys"
DATA = InputSpec(name="data", mode="mount", source=DatasetSource())
FULL = a_step(
    arguments=(
        LiteralArgument(value="--rate"),
        ParameterArgument(parameter="rate"),
        LiteralArgument(value="--data"),
        InputArgument(input="data"),
    ),
    variables=(StepVariable(name="seed", value=LiteralArgument(value=7)),),
    inputs=(DATA,),
    outputs=(OutputSpec(name="model", datastore="workspaceblobstore", destination="models/{run-id}"),),
    environment=EnvironmentSpec(pip_requirements=("scikit-learn==1.5.0",), variables={"OMP_NUM_THREADS": "1"}),
    version="1",
)


def key_of(step: StepSpec = FULL, *, snapshot: str = "s" * 64, data: str = "d" * 64, **parameters: Any) -> str:
    return manifest_of(step, snapshot=snapshot, data=data, **parameters).key


def manifest_of(step: StepSpec = FULL, *, snapshot: str = "s" * 64, data: str = "d" * 64, **parameters: Any) -> KeyManifest:
    bound = {"rate": 0.1, **parameters}
    return step_key(step, snapshot=snapshot, parameters=bound, inputs={item.name: data for item in step.inputs})


def changed(**changes: Any) -> StepSpec:
    return FULL.model_copy(update=changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other"},
        {"name": "Another title"},
        {"compute": "gpu-cluster"},
        {"timeout_seconds": 5.0},
        {"run_after": ("prepare",)},
        {"source": SourceSpec(directory="/elsewhere/src", snapshot="x")},
        {"environment": FULL.environment.model_copy(update={"name": "renamed", "version": "7"})},
    ],
)
def test_names_places_and_limits_are_not_in_the_key(changes: dict[str, Any]) -> None:
    assert key_of(changed(**changes)) == key_of()


def test_a_parameters_value_is_in_the_argument_and_in_the_variable_that_hold_it() -> None:
    mine, other = manifest_of(), manifest_of(rate=0.2)
    assert [name for name in COMPONENTS if mine.components[name].digest != other.components[name].digest] == ["arguments", "parameters"]


@pytest.mark.parametrize(
    ("component", "other"),
    [
        ("code", manifest_of(snapshot="t" * 64)),
        ("command", manifest_of(changed(command=PythonScript(script="other.py")))),
        ("arguments", manifest_of(changed(arguments=FULL.arguments[::-1]))),
        ("arguments", manifest_of(changed(arguments=(*FULL.arguments, OutputArgument(output="model"))))),
        ("parameters", manifest_of(changed(variables=(StepVariable(name="seed", value=LiteralArgument(value="7")),)))),
        ("inputs", manifest_of(data="e" * 64)),
        ("inputs", manifest_of(changed(inputs=(DATA.model_copy(update={"mode": "download"}),)))),
        ("outputs", manifest_of(changed(outputs=(FULL.outputs[0].model_copy(update={"destination": "other/{run-id}"}),)))),
        (
            "environment",
            manifest_of(
                changed(environment=EnvironmentSpec(pip_requirements=("scikit-learn==1.6.0",), variables={"OMP_NUM_THREADS": "1"}))
            ),
        ),
        ("environment", manifest_of(changed(environment=FULL.environment.model_copy(update={"variables": {"OMP_NUM_THREADS": "2"}})))),
        ("run_settings", manifest_of(changed(run_settings=RunSettingsSpec(node_count=2)))),
        ("version", manifest_of(changed(version="2"))),
    ],
)
def test_what_changes_results_changes_its_own_component_alone(component: str, other: KeyManifest) -> None:
    mine = manifest_of()
    assert [name for name in COMPONENTS if mine.components[name].digest != other.components[name].digest] == [component]
    assert mine.key != other.key


@pytest.mark.parametrize(
    ("these", "those"),
    [
        (["a b"], ["a", "b"]),
        ([1], ["1"]),
        ([1], [True]),
        ([1], [1.0]),
        (["True"], [True]),
        (["a", ""], ["a"]),
        (["\u00e9"], ["e\u0301"]),
        (['","'], ['"', '"']),
    ],
)
def test_arguments_that_differ_never_share_a_key(these: list[Any], those: list[Any]) -> None:
    """S29."""
    keys = {key_of(changed(arguments=tuple(LiteralArgument(value=value) for value in values))) for values in (these, those)}
    assert len(keys) == 2


def test_the_name_under_which_a_script_finds_a_value_is_in_the_key() -> None:
    """The script can read AML_PARAMETER_<name>: the same value under another name, or under none, is another step."""
    typed = changed(arguments=(FULL.arguments[0], LiteralArgument(value=0.1), *FULL.arguments[2:]))
    renamed = changed(arguments=(FULL.arguments[0], ParameterArgument(parameter="speed"), *FULL.arguments[2:]))
    assert len({key_of(), key_of(typed), key_of(renamed, speed=0.1)}) == 3


def marked(value: Any, *, volatile: bool = True) -> StepSpec:
    return changed(arguments=(*FULL.arguments, LiteralArgument(value="--build"), LiteralArgument(value=value, volatile=volatile)))


def test_a_volatile_value_is_not_in_the_key_but_that_there_is_one_and_where_is() -> None:
    assert key_of(marked(41)) == key_of(marked("42"))
    assert manifest_of(marked(41)).components["arguments"].readable[-1] == {"volatile": True}  # type: ignore[index, call-overload]
    lasting, moved = marked(41, volatile=False), changed(arguments=marked(41).arguments[::-1])
    placeholder = changed(arguments=(*marked(41).arguments[:-1], LiteralArgument(value="volatile")))
    assert len({key_of(step) for step in (FULL, marked(41), lasting, moved, placeholder)}) == 5


def test_a_volatile_parameter_counts_by_its_name_alone() -> None:
    volatile = changed(arguments=(FULL.arguments[0], ParameterArgument(parameter="rate", volatile=True), *FULL.arguments[2:]))
    renamed = changed(arguments=(FULL.arguments[0], ParameterArgument(parameter="speed", volatile=True), *FULL.arguments[2:]))
    assert key_of(volatile, rate=0.1) == key_of(volatile, rate="fast")
    assert len({key_of(), key_of(volatile), key_of(renamed, speed=0.1)}) == 3


def test_a_parameter_that_one_of_two_places_reads_as_volatile_is_in_the_key_through_the_other() -> None:
    both = changed(arguments=(ParameterArgument(parameter="rate", volatile=True), ParameterArgument(parameter="rate")))
    assert key_of(both, rate=0.1) != key_of(both, rate=0.2)
    variable = changed(arguments=(), variables=(StepVariable(name="build", value=LiteralArgument(value=1, volatile=True)),))
    other = changed(arguments=(), variables=(StepVariable(name="build", value=LiteralArgument(value=2, volatile=True)),))
    assert key_of(variable) == key_of(other)


def test_a_parameter_the_step_does_not_read_is_not_in_its_key() -> None:
    assert key_of(unrelated="x") == key_of()


def test_credentials_in_the_url_of_an_index_or_a_package_are_neither_in_the_key_nor_in_its_readable_form() -> None:
    """S11."""
    for field, line in (
        ("pip_options", "--extra-index-url https://{}pypi.example/simple"),
        ("pip_requirements", "ours @ git+https://{}git.example/x"),
    ):
        private, public = (EnvironmentSpec(**{field: (line.format(who),)}) for who in ("me:canary@", ""))
        with_secret = manifest_of(changed(environment=private))
        assert "canary" not in json.dumps(with_secret.to_json())
        assert with_secret.key == key_of(changed(environment=public))


def test_a_manifest_survives_its_document_and_one_that_was_altered_is_refused() -> None:
    document = json.loads(json.dumps(manifest_of().to_json()))
    assert KeyManifest.from_json(document) == manifest_of()
    document["components"]["code"]["digest"] = "0" * 64
    with pytest.raises(ProtocolError, match="altered or cut"):
        KeyManifest.from_json(document)
    with pytest.raises(ProtocolError, match="'amlpipe/key/v2'"):
        KeyManifest.from_json({**document, "format": "amlpipe/key/v2"})
    with pytest.raises(ProtocolError, match="incomplete"):
        KeyManifest.from_json({"format": "amlpipe/key/v1", "components": {"code": {}}})


def test_keys_are_those_that_stores_already_hold() -> None:
    """S29. Frozen: a change here orphans every stored result. It needs `amlpipe/key/v2` and a decision record."""
    vectors = [vector for file in sorted(GOLDEN.glob("v1*.json")) for vector in json.loads(file.read_text(encoding="utf-8"))]
    assert len({vector["key"] for vector in vectors}) == len(vectors)
    for vector in vectors:
        step = StepSpec.model_validate_json(json.dumps(vector["step"]))
        manifest = step_key(step, snapshot=vector["snapshot"], parameters=vector["parameters"], inputs=vector["inputs"])
        assert {name: part.digest for name, part in manifest.components.items()} == vector["components"], vector["what"]
        assert manifest.key == vector["key"], vector["what"]
