"""What did the steps before this one write in the same run?"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.spec.data import StepOutputSource
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["outputs_before"]


def outputs_before(workspace: WorkspaceStore, run_id: str, step: StepSpec) -> dict[str, Mapping[str, StoredOutput]]:
    """Return the outputs of the steps that ``step`` reads of, by step id and name.

    :raises DefinitionError: one of them has not ended well in this run
    """
    producers = {item.source.step for item in step.inputs if isinstance(item.source, StepOutputSource)}
    return {step_id: _outputs_of(workspace, run_id, step, step_id) for step_id in sorted(producers)}


def _outputs_of(workspace: WorkspaceStore, run_id: str, step: StepSpec, producer: str) -> Mapping[str, StoredOutput]:
    finished = workspace.runs.output_of(run_id, producer)
    if finished is None:
        raise DefinitionError(
            f"step {shorten(repr(step.name))} reads what step {producer!r} writes, but that step has not ended well in run {run_id}; "
            "it was marked as success by hand, or left out: clear it, so that it runs"
        )
    return finished.outputs
