"""Which notebook is run, and with what?"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["AzureMLNotebookHandler", "NotebookRunConfig", "PapermillExecutionHandler"]


class PapermillExecutionHandler:
    """How SDK v1 ran a notebook; kept for scripts that make one, and without effect: papermill always runs it."""

    def __init__(self, **options: Any) -> None:
        self.options = options


class AzureMLNotebookHandler(PapermillExecutionHandler):
    """How SDK v1 ran a notebook; kept for scripts that make one, and without effect."""


class NotebookRunConfig:
    """A notebook with its parameters, where and in what it runs.

    :param notebook: relative to ``source_directory``
    :param output_notebook: name of the executed copy, which the run keeps in ``outputs/``; without it, ``<notebook>.output.ipynb``
    :param parameters: values for the notebook's cell that is tagged ``parameters``
    :param run_config: its environment needs papermill and ipykernel
    """

    def __init__(
        self,
        source_directory: str,
        notebook: str,
        output_notebook: str | None = None,
        parameters: dict[str, Any] | None = None,
        handler: Any = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: Any = None,
    ) -> None:
        if not isinstance(notebook, str) or not notebook.endswith(".ipynb"):
            raise UserErrorException(f"NotebookRunConfig: notebook must be the path of a .ipynb file, not {shorten(repr(notebook))}")
        if parameters is not None and not isinstance(parameters, dict):
            raise UserErrorException(f"NotebookRunConfig: parameters must be a dictionary, not {shorten(repr(parameters))}")
        if run_config is not None and not isinstance(run_config, RunConfiguration):
            raise UserErrorException(f"NotebookRunConfig: run_config must be a RunConfiguration, not {shorten(repr(run_config))}")
        self.source_directory = str(source_directory)
        self.notebook = notebook
        self.output_notebook = output_notebook or f"{PurePosixPath(notebook).stem}.output.ipynb"
        self.parameters = dict(parameters or {})
        self.handler = handler
        self.run_config = RunConfiguration() if run_config is None else run_config

    def _pipeline(self, workspace: Workspace) -> Pipeline:
        """Return the pipeline of one step that this is."""
        from airflow_amlpipe.sdk.contrib.notebook._runner_step import NotebookRunnerStep
        from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

        return Pipeline(workspace, NotebookRunnerStep(notebook_run_config=self))
