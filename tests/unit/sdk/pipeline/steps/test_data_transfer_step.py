"""What can be copied where, and what becomes of the copy?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, StepOutputSource
from airflow_amlpipe.spec.step import DataTransfer
from azureml.core import Datastore, Workspace
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import DataTransferStep, PythonScriptStep


def reference(ws: Workspace, path: str | None, name: str | None = None, store: str = "workspaceblobstore") -> DataReference:
    return DataReference(Datastore.get(ws, store), name, path)


def a_copy(ws: Workspace, **changes: Any) -> DataTransferStep:
    given = {
        "name": "copy",
        "source_data_reference": reference(ws, "raw", "raw_data", "workspacefilestore"),
        "destination_data_reference": reference(ws, "copied/raw", "copied_data"),
        "compute_target": "local",
    }
    return DataTransferStep(**{**given, **changes})


def test_a_copy_names_both_places_and_has_no_code(ws: Workspace) -> None:
    (step,) = lower_pipeline(Pipeline(ws, a_copy(ws, source_reference_type="directory")), "nightly").steps
    assert step.command == DataTransfer(source="raw_data", destination="copied_data", source_type="directory")
    assert step.inputs[0].source == DatasetSource(paths=(DatastorePath(datastore="workspacefilestore", path="raw"),), is_place=True)
    (output,) = step.outputs
    assert (output.datastore, output.destination, output.overwrite) == ("workspaceblobstore", "copied/raw", True)
    assert not step.reads_folder


def test_other_steps_read_the_copy_and_a_copy_what_other_steps_write(ws: Workspace) -> None:
    written = PipelineData("written")
    write = PythonScriptStep("prepare.py", name="write", outputs=[written], arguments=[written], source_directory="src")
    copy = a_copy(ws, source_data_reference=written)
    read = PythonScriptStep("train.py", name="read", inputs=[copy.get_output()], arguments=[copy.get_output()], source_directory="src")
    steps = {step.name: step for step in lower_pipeline(Pipeline(ws, [write, copy, read]), "nightly").steps}
    assert steps["copy"].inputs[0].source == StepOutputSource(step="write", output="written")
    assert steps["read"].inputs[0].source == StepOutputSource(step="copy", output="copied_data")


def test_two_places_on_one_datastore_need_no_names_of_their_own(ws: Workspace) -> None:
    step = a_copy(ws, source_data_reference=reference(ws, "a"), destination_data_reference=reference(ws, "b"))
    (spec,) = lower_pipeline(Pipeline(ws, step), "nightly").steps
    assert spec.command == DataTransfer(source="INPUT_workspaceblobstore", destination="workspaceblobstore")


@pytest.mark.parametrize("what", ["source_data_reference", "destination_data_reference", "compute_target"])
def test_what_a_copy_needs_has_to_be_given(ws: Workspace, what: str) -> None:
    with pytest.raises(ValueError, match=f"DataTransferStep 'copy': {what} is required"):
        a_copy(ws, **{what: None})
    with pytest.raises(ValueError, match="name is required"):
        a_copy(ws, name="")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source_reference_type": "folder"}, "source_reference_type 'folder' is not known; use 'file' or 'directory'"),
        ({"source_data_reference": "raw"}, "source_data_reference 'raw' of type str cannot be copied"),
        ({"destination_data_reference": PipelineData("x")}, "of type PipelineData is no place on a datastore"),
    ],
)
def test_what_cannot_be_copied_is_refused(ws: Workspace, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        a_copy(ws, **changes)


def test_the_root_of_a_datastore_is_no_destination(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="is the root of the datastore; name a folder below it"):
        lower_pipeline(Pipeline(ws, a_copy(ws, destination_data_reference=reference(ws, None))), "nightly")
