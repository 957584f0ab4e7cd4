"""Small sound definitions for tests to change."""

from __future__ import annotations

import json

from airflow_amlpipe.runtime.linking import LINK_FORMAT
from airflow_amlpipe.spec.data import InputSpec, OutputSpec, StepOutputSource
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import PythonScript, SourceSpec, StepSpec

__all__ = ["LINK", "OUT", "a_link", "a_pipeline", "a_step", "reading"]


def a_step(step_id: str = "train", **changes: object) -> StepSpec:
    fields: dict[str, object] = {
        "id": step_id,
        "name": step_id,
        "command": PythonScript(script="train.py"),
        "source": SourceSpec(directory="src"),
    }
    return StepSpec(**{**fields, **changes})  # type: ignore[arg-type]


def a_pipeline(*steps: StepSpec, **changes: object) -> PipelineSpec:
    return PipelineSpec(**{"name": "nightly", "steps": steps or (a_step(),), **changes})  # type: ignore[arg-type]


def reading(step: str, output: str = "out") -> tuple[InputSpec, ...]:
    return (InputSpec(name="data", mode="mount", source=StepOutputSource(step=step, output=output)),)


def a_link(*paths: str, datastore: str = "workspaceblobstore") -> bytes:
    """What a script writes that links an output to the files at these paths."""
    return json.dumps({"format": LINK_FORMAT, "paths": [[datastore, path] for path in paths], "definition": {"kind": "file"}}).encode()


OUT = (OutputSpec(name="out", datastore="workspaceblobstore"),)
LINK = (OutputSpec(name="out", datastore="workspaceblobstore", mode="link", links="file"),)
