"""How does a Python script become a step?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["PythonScriptStep"]


class PythonScriptStep(RunnableStep):
    """Runs ``python <script_name> <arguments>`` in a copy of ``source_directory``.

    :param script_name: the script, relative to ``source_directory``
    :param name: what people call the step; without it, ``script_name``
    :param arguments: text, numbers, PipelineParameters, inputs and outputs; ``Volatile(value)`` for one that is no reason to run again
    :param compute_target: an object, a name or ``(name, type)``; without it, that of ``runconfig``, else ``local``
    :param params: values that the script finds as environment variables ``AML_PARAMETER_<name>``
    :param source_directory: folder whose content the script sees; relative to the current folder, or to the DAG file
    :param allow_reuse: take the result of an earlier run when nothing that goes into the step has changed
    :param version: text that goes into the step's key: change it to compute once again
    :param hash_paths: deprecated by SDK v1 and without effect: the whole source folder is in the key
    """

    _command_kind = "python_script"

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        params: dict[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self._script_name = self._checked_script(script_name)
        super().__init__(
            name or script_name,
            inputs=inputs,
            outputs=outputs,
            arguments=arguments,
            compute_target=self._take_target(name or script_name, compute_target, kwargs),
            runconfig=runconfig,
            runconfig_pipeline_params=runconfig_pipeline_params,
            params=params,
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )
        if hash_paths:
            warnings.warn(
                f"{self._where}: hash_paths has no effect: every file of the source folder is in the key", DeprecationWarning, stacklevel=2
            )

    @classmethod
    def _take_target(cls, name: str, compute_target: Any, kwargs: dict[str, Any]) -> Any:
        where = f"step {shorten(repr(name))}"
        # The guides write target=..., which SDK v1's class did not have (``PythonScriptStep.__init__``).
        target = kwargs.pop("target", None)
        if kwargs:
            raise TypeError(f"{where}: {cls.__name__} has no argument {', '.join(sorted(kwargs))}; check its spelling")
        if target is not None and compute_target is not None:
            raise UserErrorException(f"{where}: give compute_target or target, not both")
        return target if compute_target is None else compute_target
