"""How does a command line become a step?"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._calling_file import folder_of_calling_file
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["CommandStep"]


class CommandStep(RunnableStep):
    """Runs a command line in a copy of ``source_directory``.

    Values of parameters and paths of data are handed to it as words of their own: a shell never reads them as commands.

    :param command: text, in which a shell's syntax means what it means in a shell; or a list, whose first item is such a text and whose others are words,
        numbers, PipelineParameters, inputs and outputs. Without it, that of ``runconfig``
    :param name: what people call the step; without it, ``CommandStep_`` and the first word of the command
    :param runconfig: a RunConfiguration or a ScriptRunConfig
    :param params: values that the command finds as environment variables ``AML_PARAMETER_<name>``
    :param source_directory: folder whose content the command sees; without it, the current folder (in a DAG file: that file's)
    """

    _command_kind = "command_line"

    def __init__(
        self,
        command: list[Any] | str | None = None,
        name: str | None = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        params: dict[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        # A ScriptRunConfig holds a RunConfiguration, and a command and source folder of its own.
        settings = getattr(runconfig, "run_config", runconfig)
        given = next((found for found in (command, getattr(runconfig, "command", None), getattr(settings, "command", None)) if found), None)
        line, rest = _split(given)
        if source_directory is None and settings is not runconfig:
            source_directory = runconfig.source_directory
        super().__init__(
            name or f"CommandStep_{_first_word(line)}",
            inputs=inputs,
            outputs=outputs,
            arguments=rest,
            compute_target=compute_target,
            runconfig=settings,
            runconfig_pipeline_params=runconfig_pipeline_params,
            params=params,
            source_directory="." if source_directory is None else source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )
        self._line = line
        folder = str(self._source_directory)
        if not any((base / folder).is_dir() for base in (Path.cwd(), folder_of_calling_file())):
            raise UserErrorException(
                f"{self._where}: source_directory {shorten(repr(folder))} does not exist; it is relative to the current folder (in a DAG file: to that file)"
            )


def _split(command: Any) -> tuple[str, list[Any]]:
    if isinstance(command, (list, tuple)) and command:
        line, rest = command[0], list(command[1:])
    else:
        line, rest = command, []
    if isinstance(line, os.PathLike):
        line = shlex.quote(os.fspath(line))
    if not isinstance(line, str) or not line.strip():
        raise UserErrorException(
            f"CommandStep: command must be text, or a list that begins with text, not {shorten(repr(command))}; "
            "give it here, or in the runconfig"
        )
    return line, rest


def _first_word(line: str) -> str:
    try:
        return shlex.split(line)[0]
    except (ValueError, IndexError):
        return line.split(maxsplit=1)[0]
