"""What does `azureml.contrib.notebook` offer? Notebooks as steps, and by themselves."""

from __future__ import annotations

from airflow_amlpipe.sdk.contrib.notebook._run_config import AzureMLNotebookHandler, NotebookRunConfig, PapermillExecutionHandler
from airflow_amlpipe.sdk.contrib.notebook._runner_step import NotebookRunnerStep

__all__ = ["AzureMLNotebookHandler", "NotebookRunConfig", "NotebookRunnerStep", "PapermillExecutionHandler"]
