"""What is the notebook of a step given, and where is it told?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.runtime.notebook import JOB_FILE
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.step import NotebookRun, ParameterArgument, StepSpec

__all__ = ["NOTEBOOK_PACKAGES", "stage_notebook"]

# What ``runtime/notebook.py`` runs cells with; SDK v1 brought its own along, so that no environment of a notebook names them.
NOTEBOOK_PACKAGES = ("ipykernel", "papermill")


def stage_notebook(
    step: StepSpec, folder: StepFolder, parameters: Mapping[str, Scalar], inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> None:
    """Write down for ``runtime/notebook.py`` what it runs: values keep their types, so that a notebook gets a number where one was given."""
    command: NotebookRun = step.command  # type: ignore[assignment]  # the caller's choice
    values = {
        item.name: parameters[item.value.parameter] if isinstance(item.value, ParameterArgument) else item.value.value
        for item in step.variables
    }
    job = {
        "notebook": command.notebook,
        "output_notebook": command.output_notebook,
        "copy_to": None if command.copy_to is None else outputs[command.copy_to],
        "parameters": {**inputs, **{name: path for name, path in outputs.items() if name != command.copy_to}, **values},
    }
    (folder.run / JOB_FILE).write_text(json.dumps(job), encoding="ascii")
