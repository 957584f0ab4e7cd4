"""How does a notebook become a step?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.contrib.notebook._run_config import NotebookRunConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputFileDatasetConfig
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep

__all__ = ["NotebookRunnerStep"]


class NotebookRunnerStep(RunnableStep):
    """Runs the cells of a notebook, and keeps the executed copy with the run, also of one that failed.

    The paths of inputs and outputs are parameters of the notebook under their names.

    :param params: further parameters, which may be PipelineParameters; they go before those of the configuration
    :param output_notebook_pipeline_data_name: name of a further output that gets the executed copy
    """

    _command_kind = "notebook"

    def __init__(
        self,
        name: str | None = None,
        notebook_run_config: NotebookRunConfig | None = None,
        params: dict[str, Any] | None = None,
        source_directory: str | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        allow_reuse: bool = True,
        compute_target: Any = None,
        output_notebook_pipeline_data_name: str | None = None,
    ) -> None:
        if not isinstance(notebook_run_config, NotebookRunConfig):
            raise UserErrorException(
                f"NotebookRunnerStep: notebook_run_config must be a NotebookRunConfig, not {shorten(repr(notebook_run_config))}"
            )
        config = notebook_run_config
        executed = [OutputFileDatasetConfig(output_notebook_pipeline_data_name)] if output_notebook_pipeline_data_name else []
        super().__init__(
            name or config.notebook,
            inputs=inputs,
            outputs=[*(outputs or ()), *executed],
            compute_target=compute_target,
            runconfig=config.run_config,
            params={**config.parameters, **(params or {})},
            source_directory=source_directory or config.source_directory,
            allow_reuse=allow_reuse,
        )
        self._notebook = config.notebook
        self._output_notebook = config.output_notebook
        self._copy_to = output_notebook_pipeline_data_name
