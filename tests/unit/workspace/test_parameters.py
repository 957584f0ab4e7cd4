"""Which data do the parameters of a run name for a step?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, ParameterSource
from airflow_amlpipe.spec.dataset import DatasetDefinition, Parquet
from airflow_amlpipe.spec.parameter_value import DatasetById, ParameterValue
from airflow_amlpipe.spec.step import ParameterArgument, StepSpec
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.assessment import assess_step
from airflow_amlpipe.workspace.parameters import bind_step, scalars_read
from tests.builders import a_step

READS = (InputSpec(name="data", mode="mount", source=ParameterSource(parameter="which", holds="file_dataset")),)


def place(path: str) -> DatastorePath:
    return DatastorePath(datastore="workspaceblobstore", path=path)


def key(workspace: WorkspaceStore, parameters: Mapping[str, ParameterValue], step: StepSpec | None = None) -> str:
    step = step or a_step(inputs=READS)
    policy = ReusePolicy.parse("auto")
    return assess_step(workspace, step, snapshot="0" * 64, parameters=parameters, upstream={}, policy=policy, ancestors=()).key


def test_what_a_parameter_names_is_in_the_key_and_not_how_it_is_named(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data({"a/x.txt": "one", "b/x.txt": "one", "c/x.txt": "two"})
    record = workspace.datasets.add_version("rows", (place("a"),))
    values: list[Any] = [
        place("a"),
        # Where equal content is known as such, it is equal data.
        place("b" if workspace.datastores.open("workspaceblobstore").identifies_content else "a"),
        DatasetSource(paths=(place("a"),)),
        DatasetSource(name="rows"),
        DatasetSource(name="rows", version=1),
        DatasetById(id=record.id),
    ]
    keys = [key(workspace, {"which": value}) for value in values]
    assert keys == [keys[0]] * len(values)
    assert key(workspace, {"which": place("c")}) != keys[0]
    assert key(workspace, {}, a_step(inputs=(READS[0].model_copy(update={"source": DatasetSource(paths=(place("a"),))}),))) == keys[0]


def test_the_latest_version_is_looked_up_at_each_run(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data({"a/x.txt": "one", "c/x.txt": "two"})
    workspace.datasets.add_version("rows", (place("a"),))
    before = key(workspace, {"which": DatasetSource(name="rows")})
    workspace.datasets.add_version("rows", (place("c"),))
    assert key(workspace, {"which": DatasetSource(name="rows")}) != before
    assert key(workspace, {"which": DatasetSource(name="rows", version=1)}) == before


def test_a_step_that_reads_no_parameter_is_left_as_it_is(workspace: WorkspaceStore) -> None:
    step = a_step()
    assert bind_step(workspace, step, {"which": place("a")}) is step


@pytest.mark.parametrize("parameters", [{}, {"which": "a"}, {"which": 3}])
def test_a_parameter_that_names_no_data_is_refused(workspace: WorkspaceStore, parameters: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match="step 'train': input 'data': parameter 'which' names no data in this run"):
        bind_step(workspace, a_step(inputs=READS), parameters)


@pytest.mark.parametrize("value", [DatasetById(id="nobody"), DatasetSource(name="nobody"), DatastorePath(datastore="nobody", path="a")])
def test_data_that_is_not_there_is_refused(workspace: WorkspaceStore, value: Any) -> None:
    """S07."""
    with pytest.raises(UnknownNameError, match="nobody"):
        key(workspace, {"which": value})


def test_data_is_never_given_to_a_script_as_text(workspace: WorkspaceStore) -> None:
    step = a_step(arguments=(ParameterArgument(parameter="which"),))
    with pytest.raises(DefinitionError, match="gives parameter 'which' to its script as text, but it names data"):
        scalars_read(step, {"which": place("a")})


def test_a_count_of_the_run_settings_is_in_the_key_as_it_is_in_the_run(workspace: WorkspaceStore) -> None:
    read = a_step(run_settings=RunSettingsSpec(parameters={"node_count": "nodes", "worker_count": "workers"}))
    two = key(workspace, {"nodes": 2, "workers": 3}, read)
    assert two == key(workspace, {}, a_step(run_settings=RunSettingsSpec(node_count=2, worker_count=3)))
    assert two != key(workspace, {"nodes": 3, "workers": 3}, read)


@pytest.mark.parametrize("value", [0, -1, True, "2", 2.0, None])
def test_a_count_that_is_none_is_refused(workspace: WorkspaceStore, value: Any) -> None:
    read = a_step(run_settings=RunSettingsSpec(parameters={"node_count": "nodes"}))
    with pytest.raises(
        DefinitionError, match="step 'train': node_count is parameter 'nodes', which is .* in this run; give a whole number"
    ):
        bind_step(workspace, read, {"nodes": value})


@pytest.mark.parametrize(("holds", "kind"), [("file_dataset", "tabular"), ("tabular_dataset", "file")])
def test_a_dataset_of_the_other_kind_is_refused(workspace: WorkspaceStore, holds: Any, kind: Any) -> None:
    reads = (InputSpec(name="data", mode="direct", source=ParameterSource(parameter="which", holds=holds)),)
    definition = DatasetDefinition(kind="tabular", reading=Parquet()) if kind == "tabular" else None
    record = workspace.datasets.add_version("rows", (place("a"),), definition=definition)
    saved = workspace.datasets.save((place("b"),), definition)
    values: list[Any] = [
        DatasetSource(name="rows"),
        DatasetSource(name="rows", version=1),
        DatasetById(id=record.id),
        DatasetById(id=saved.id),
        DatasetSource(paths=(place("a"),), definition=definition),
    ]
    for value in values:
        with pytest.raises(DefinitionError, match=f"parameter 'which' names a {kind} dataset in this run, but the step reads a"):
            bind_step(workspace, a_step(inputs=reads), {"which": value})
        either = (reads[0].model_copy(update={"source": ParameterSource(parameter="which", holds="dataset")}),)
        assert bind_step(workspace, a_step(inputs=either), {"which": value}).inputs[0].source != either[0].source


def test_a_dataset_that_is_not_there_yet_may_come_from_an_earlier_step(workspace: WorkspaceStore) -> None:
    step = bind_step(workspace, a_step(inputs=READS), {"which": DatasetSource(name="later")})
    assert step.inputs[0].source == DatasetSource(name="later")


def test_the_place_that_a_data_path_names_is_no_dataset_for_the_script(workspace: WorkspaceStore) -> None:
    reads = (InputSpec(name="data", mode="mount", source=ParameterSource(parameter="which", holds="data_path")), *READS)
    bound = bind_step(workspace, a_step(inputs=reads), {"which": place("a")})
    assert [item.is_dataset for item in bound.inputs] == [False, True]
