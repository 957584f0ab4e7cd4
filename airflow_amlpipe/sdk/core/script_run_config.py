"""How is one script run by itself, without a pipeline around it?"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import refuse
from airflow_amlpipe.sdk._arguments import check_items
from airflow_amlpipe.sdk.core._run_sections import Data, DataReferenceConfiguration, DockerConfiguration, distribute
from airflow_amlpipe.sdk.core.environment import Environment
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["ScriptRunConfig"]


class ScriptRunConfig:
    """A script or a command, and everything it needs; ``Experiment.submit`` runs it as a pipeline of one step.

    :param source_directory: folder whose content the script sees; ``None`` is the current one
    :param script: the script, relative to ``source_directory``
    :param arguments: text, numbers, datasets as named inputs, and outputs
    :param run_config: where and in what it runs; ``compute_target``, ``environment``, ``distributed_job_config`` and ``docker_runtime_config`` are
        written into it
    :param max_run_duration_seconds: the run is stopped after that long
    :param command: instead of ``script`` and ``arguments``: text for a shell, or a list that begins with one (see CommandStep)
    :raises UserErrorException: both, or neither, of script and command are given, or an argument is of the wrong type
    """

    MAX_DURATION_SECONDS_DEFAULT = 2592000

    def __init__(
        self,
        source_directory: str | None,
        script: str | None = None,
        arguments: list[Any] | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: float | None = MAX_DURATION_SECONDS_DEFAULT,
        command: list[Any] | str | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        if run_config is not None and not isinstance(run_config, RunConfiguration):
            raise UserErrorException(f"ScriptRunConfig: run_config must be a RunConfiguration, not {shorten(repr(run_config))}")
        config = RunConfiguration() if run_config is None else run_config
        script, command = script or config.script, command or config.command
        if script and command:
            raise UserErrorException("ScriptRunConfig: script and command are both given; give one of them")
        if arguments and command:
            raise UserErrorException("ScriptRunConfig: arguments go with a script; write those of a command into command=[...]")
        if script is not None and not isinstance(script, str):
            raise UserErrorException(f"ScriptRunConfig: script must be the path of a script, not {shorten(repr(script))}")
        if environment is not None and not isinstance(environment, Environment):
            raise UserErrorException(
                f"ScriptRunConfig: environment must be an Environment, not {shorten(repr(environment))}; use Environment.get(ws, name)"
            )
        if resume_from is not None:
            refuse("ScriptRunConfig(resume_from=...)", "give the script the earlier run's outputs as an input")
        self.source_directory = "." if source_directory is None else str(source_directory)
        self.script = script
        self.command = command
        self.arguments = list(config.arguments if arguments is None else check_items("ScriptRunConfig: arguments", arguments))
        self.run_config = config
        self.resume_from = None
        self.max_run_duration_seconds = max_run_duration_seconds
        if compute_target is not None:
            config.target = compute_target
        if environment is not None:
            config.environment = environment
        if distributed_job_config is not None:
            distribute(config, distributed_job_config)
        if docker_runtime_config is not None:
            config.docker = docker_runtime_config
        if max_run_duration_seconds is not None and config.max_run_duration_seconds is None:
            config.max_run_duration_seconds = max_run_duration_seconds

    def _pipeline(self, workspace: Workspace, inputs_of_step: Sequence[Any] = ()) -> Pipeline:
        """Return the pipeline of one step that this is.

        :param inputs_of_step: what it reads beside what the run configuration and the arguments name
        :raises UserErrorException: there is neither a script nor a command, or the script does not exist
        """
        from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
        from airflow_amlpipe.sdk.pipeline.steps.command_step import CommandStep
        from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep

        inputs = _inputs_of(self.run_config, workspace)
        config = copy(self.run_config)
        config.data, config.data_references = {}, {}
        # Copies: what is submitted twice is not changed by the first time.
        if self.command:
            command = [*self.command] if isinstance(self.command, (list, tuple)) else self.command
            if isinstance(command, list):
                command[1:] = _with_data(command[1:], inputs)
            step: Any = CommandStep(
                command, runconfig=config, inputs=[*inputs.values(), *inputs_of_step], source_directory=self.source_directory
            )
            return Pipeline(workspace, step)
        if not self.script:
            raise UserErrorException("ScriptRunConfig: nothing is to be run; give a script or a command")
        arguments = _with_data(self.arguments, inputs)
        step = PythonScriptStep(
            self.script,
            arguments=arguments,
            inputs=[*inputs.values(), *inputs_of_step],
            runconfig=config,
            source_directory=self.source_directory,
        )
        return Pipeline(workspace, step)

    def __repr__(self) -> str:
        return f"ScriptRunConfig(source_directory={self.source_directory!r}, script={self.script!r}, command={self.command!r})"


def _inputs_of(config: RunConfiguration, workspace: Workspace) -> dict[str, Any]:
    """Return the data that a run configuration itself names, by name."""
    from airflow_amlpipe.sdk.core.datastore import Datastore
    from airflow_amlpipe.sdk.data.data_reference import DataReference

    found: dict[str, Any] = {}
    for name, given in config.data_references.items():
        item = given.to_config() if isinstance(given, DataReference) else given
        if not isinstance(item, DataReferenceConfiguration):
            raise UserErrorException(
                f"ScriptRunConfig: data_references: {name!r} must be a DataReferenceConfiguration, not {shorten(repr(item))}"
            )
        store = Datastore.get(workspace, str(item.datastore_name))
        found[name] = DataReference(store, name, item.path_on_datastore, item.mode, item.path_on_compute, item.overwrite)
    for name, item in config.data.items():
        consumed = item.data_location if isinstance(item, Data) else item
        if not isinstance(consumed, DatasetConsumptionConfig):
            raise UserErrorException(
                f"ScriptRunConfig: data: {name!r} must be made by Data.create(dataset.as_named_input(...)), not {shorten(repr(item))}"
            )
        found[name] = consumed
    return found


def _with_data(arguments: list[Any], inputs: dict[str, Any]) -> list[Any]:
    """Return the arguments with data in place of the text that ``str()`` of it was in SDK v1."""
    texts = {f"$AZUREML_DATAREFERENCE_{name}": item for name, item in inputs.items()}
    return [texts.get(value, value) if isinstance(value, str) else value for value in arguments]
