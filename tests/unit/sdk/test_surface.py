"""Does every class of the SDK have the members of SDK v1, with their arguments in their order and with their defaults?

golden/sdk/surface.json holds SDK v1's public members as facts. Arguments beginning with `_` are plumbing and may be left out. What is not
supported is there all the same, and says what to use instead.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import airflow_amlpipe.azureml  # noqa: F401  serves `azureml`
from airflow_amlpipe.exceptions import UnsupportedFeatureError

SURFACE: dict[str, dict[str, str]] = json.loads((Path(__file__).parents[2] / "golden/sdk/surface.json").read_text())
# Deviations, each with its row in docs/reference/coverage.md.
BETTER = {
    # made by Datastore.get; accounts and their keys are never part of a datastore's record
    ("azureml.data.azure_storage_datastore.AbstractAzureStorageDatastore", "__init__"),
    ("azureml.data.azure_storage_datastore.AzureBlobDatastore", "__init__"),
    ("azureml.data.azure_storage_datastore.AzureFileDatastore", "__init__"),
    # the default is (), which no caller can change
    ("azureml.core.runconfig.DockerConfiguration", "__init__"),
    # definitions of clusters that Azure made by itself
    ("azureml.core.Workspace", "DEFAULT_CPU_CLUSTER_CONFIGURATION"),
    ("azureml.core.Workspace", "DEFAULT_GPU_CLUSTER_CONFIGURATION"),
    # the graph of nodes and ports is a later issue; a step's author has no use for it
    ("azureml.pipeline.core.PipelineStep", "create_input_output_bindings"),
    ("azureml.pipeline.core.PipelineStep", "create_module_def"),
    ("azureml.pipeline.core.PipelineStep", "create_node"),
    ("azureml.pipeline.core.PipelineStep", "get_source_directory"),
    ("azureml.pipeline.core.PipelineStep", "resolve_input_arguments"),
    ("azureml.pipeline.core.PipelineStep", "validate_arguments"),
    ("azureml.pipeline.steps.PythonScriptStep", "create_node"),
    # of instances: Datastore(...) is always of a concrete class
    ("azureml.core.Datastore", "__init__"),
    ("azureml.core.Datastore", "set_as_default"),
    ("azureml.core.Datastore", "unregister"),
}
# Of instances of Dataset, which SDK v1 had deprecated: they cannot be made, and the constructor says so.
OLD_DATASET = {
    "Scenario",
    *(name for name in SURFACE["azureml.core.Dataset"] if not name.startswith(("from_", "get_", "auto", "File", "Tabular", "_"))),
}
OLD_DATASET |= {"get_all_snapshots", "get_definition", "get_definitions", "get_profile", "get_snapshot"}
BETTER |= {("azureml.core.Dataset", name) for name in OLD_DATASET}
MEMBERS = [(place, name, text) for place, members in SURFACE.items() for name, text in members.items() if (place, name) not in BETTER]


def resolve(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(importlib.import_module(module), name)


def arguments(text: str) -> list[str]:
    """Split a signature's text at its top-level commas, without private and variadic arguments."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += character in "([{<"
        depth -= character in ")]}>"
        if character == "," and not depth:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    parts.append(current.strip())
    return [part for part in parts if part and not part.startswith(("_", "*"))]


def ours(member: Any) -> list[str]:
    found = []
    for name, parameter in inspect.signature(member).parameters.items():
        if (
            name in {"self", "cls"}
            or name.startswith("_")
            or parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY}
        ):
            continue
        found.append(name if parameter.default is parameter.empty else f"{name}={parameter.default!r}")
    return found


def is_absent(member: Any) -> bool:
    return "Not supported" in (getattr(member, "__doc__", None) or "")


@pytest.mark.parametrize(("place", "name", "text"), MEMBERS, ids=[f"{place}.{name}" for place, name, _ in MEMBERS])
def test_a_member_of_sdk_v1_is_there(place: str, name: str, text: str) -> None:
    cls = resolve(place)
    if is_absent(cls):
        return
    is_there = any(name in vars(parent) for parent in (*cls.__mro__, type(cls))) or name in getattr(cls, "_fields", cls.__annotations__)
    assert is_there, f"{place}.{name} is missing"
    if text in {"property", "attribute"}:
        return
    function = getattr(cls, name)
    if is_absent(function):
        with pytest.raises(UnsupportedFeatureError, match="not supported by airflow-amlpipe; "):
            function()
        return
    if name == "__init__" and "__init__" not in vars(cls) and not arguments(text):
        return
    expected = arguments(text)
    assert ours(function)[: len(expected)] == expected
    assert all("=" in more for more in ours(function)[len(expected) :])


def test_every_member_has_a_row_in_the_coverage_page(repository: Path) -> None:
    page = (repository / "docs/reference/coverage.md").read_text()
    sections = {part.split("`")[1]: part for part in page.split("\n## ")[1:]}
    missing = [
        f"{place}.{name}"
        for place, members in SURFACE.items()
        for name in members
        if f"| `{'Constructor' if name == '__init__' else name}` | " not in sections.get(place, "")
    ]
    assert not missing
