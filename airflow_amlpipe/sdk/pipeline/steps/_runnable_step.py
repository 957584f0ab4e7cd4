"""What do all steps have in common that a compute target runs?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk.core.compute.compute import compute_name
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile

__all__ = ["RUNCONFIG_COUNTS", "RunnableStep", "inner_value"]

# SDK v1's names, and ours.
RUNCONFIG_COUNTS = {
    "NodeCount": "node_count",
    "MpiProcessCountPerNode": "processes_per_node",
    "TensorflowWorkerCount": "worker_count",
    "TensorflowParameterServerCount": "parameter_server_count",
}


class RunnableStep(PipelineStep):
    """A step with everything that its command needs around it.

    :cvar _command_kind: which command of the specification it becomes (``lowering_commands.py``)
    """

    _command_kind: ClassVar[str]

    def __init__(
        self,
        name: str,
        *,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        params: dict[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        super().__init__(name, inputs, outputs, arguments, fix_port_name_collisions=True)
        if runconfig is not None and not isinstance(runconfig, RunConfiguration):
            raise UserErrorException(
                f"{self._where}: runconfig must be a RunConfiguration, not {shorten(repr(runconfig))} of type {type(runconfig).__name__}"
            )
        for what in ("data", "data_references", "output_data"):
            if runconfig is not None and getattr(runconfig, what):
                raise UserErrorException(
                    f"{self._where}: runconfig.{what} is not read by a step; give the data to inputs=[...], outputs=[...] and arguments=[...]"
                )
        if not isinstance(allow_reuse, bool):
            raise UserErrorException(f"{self._where}: allow_reuse must be True or False, not {shorten(repr(allow_reuse))}")
        if compute_target is not None:
            compute_name(f"{self._where}: compute_target", compute_target)
        self._counts = self._checked_counts(runconfig_pipeline_params)
        self._compute_target = compute_target
        self._runconfig = runconfig
        self._params = self._checked_params(params)
        self._source_directory = None if source_directory is None else str(source_directory)
        self._allow_reuse = allow_reuse
        self._reuse_max_age_seconds: int | None = None
        self._version = None if version is None else str(version)

    @property
    def reuse_max_age(self) -> str | None:
        """The age from which on results of this step are computed anew, such as ``"7d"``; set it as text or as a timedelta. Not in SDK v1."""
        # Imported when somebody asks: who imports the SDK alone does not load a specification.
        from airflow_amlpipe.spec.duration import duration_text

        return None if self._reuse_max_age_seconds is None else duration_text(self._reuse_max_age_seconds)

    @reuse_max_age.setter
    def reuse_max_age(self, age: str | timedelta | None) -> None:
        from airflow_amlpipe.spec.duration import parse_duration

        text = f"{int(age.total_seconds())}s" if isinstance(age, timedelta) else age
        try:
            self._reuse_max_age_seconds = None if text is None else parse_duration(f"{self._where}: reuse_max_age", str(text))
        except DefinitionError as error:
            raise UserErrorException(str(error)) from error

    @classmethod
    def _checked_script(cls, script_name: Any) -> str:
        if not isinstance(script_name, str) or not script_name:
            raise UserErrorException(
                f"{cls.__name__}: script_name is required; give the script's path below source_directory, not {shorten(repr(script_name))}"
            )
        return script_name

    def _checked_counts(self, given: Any) -> dict[str, PipelineParameter]:
        where = f"{self._where}: runconfig_pipeline_params"
        if given is not None and not isinstance(given, dict):
            raise UserErrorException(f"{where} must be a dictionary of names and PipelineParameters, not {shorten(repr(given))}")
        for name, value in (given or {}).items():
            if name not in RUNCONFIG_COUNTS:
                raise UserErrorException(
                    f"{where}: {shorten(repr(name))} is not known; the names are: {', '.join(sorted(RUNCONFIG_COUNTS))}"
                )
            if (
                not isinstance(value, PipelineParameter)
                or isinstance(value.default_value, bool)
                or not isinstance(value.default_value, int)
            ):
                raise UserErrorException(
                    f"{where}: {name!r} is {shorten(repr(value))}; give a PipelineParameter whose default is a whole number"
                )
        return dict(given or {})

    def _checked_params(self, params: Any) -> dict[str, Any]:
        if params is not None and not isinstance(params, dict):
            raise UserErrorException(f"{self._where}: params must be a dictionary of names and values, not {shorten(repr(params))}")
        if not params:
            return {}
        # Imported when there are some: who imports the SDK alone does not load a specification.
        from airflow_amlpipe.spec.names import check_variable_name

        for name, value in params.items():
            try:
                check_variable_name(f"{self._where}: params", name)
            except DefinitionError as error:
                raise UserErrorException(str(error)) from error
            if not isinstance(value, (str, bool, int, float, PipelineParameter, Volatile)):
                raise UserErrorException(
                    f"{self._where}: params: {name!r} is {shorten(repr(value))} of type {type(value).__name__}; use text, a number or a PipelineParameter"
                )
        self._refuse_two_values(params)
        return dict(params)

    def _refuse_two_values(self, params: dict[str, Any]) -> None:
        """Refuse an entry that has the name of a pipeline parameter among the arguments, as SDK v1 did: the script finds one value under a name.

        The parameter itself may stand in both places.
        """
        from airflow_amlpipe.spec.names import parameter_variable

        read = {parameter_variable(item.name): item for item in map(inner_value, self._arguments) if isinstance(item, PipelineParameter)}
        for name, value in params.items():
            other, mine = read.get(parameter_variable(name)), inner_value(value)
            if other is not None and not (isinstance(mine, PipelineParameter) and mine.name == other.name == name):
                raise UserErrorException(
                    f"{self._where}: Parameter name {name} is already in use: params has {shorten(repr(value))}, and arguments have "
                    f"PipelineParameter {other.name!r}; the script finds one of them as {parameter_variable(name)}. Rename one, or give the parameter in both places"
                )


def inner_value(value: Any) -> Any:
    """Return what stands in a Volatile; anything else is returned as it is."""
    return value.value if isinstance(value, Volatile) else value
