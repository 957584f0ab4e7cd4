"""What is one step of a pipeline?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_amlpipe.spec.command import Command, CommandLine, DataTransfer, NotebookRun, PythonScript, RScript
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.data import InputSpec, OutputSpec, StepOutputSource
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.model import Scalar, SpecModel, added_later

__all__ = [
    "Argument",
    "CommandLine",
    "DataTransfer",
    "InputArgument",
    "LiteralArgument",
    "NotebookRun",
    "OutputArgument",
    "ParameterArgument",
    "PythonScript",
    "RScript",
    "SourceSpec",
    "StepSpec",
    "StepVariable",
    "TextArgument",
]


class LiteralArgument(SpecModel):
    """A value as the author wrote it; ``1``, ``"1"`` and ``true`` are three values.

    :ivar volatile: the script gets it, but another value is no reason to run again
    """

    kind: Literal["literal"] = "literal"
    value: Scalar
    volatile: bool = added_later(False)


class ParameterArgument(SpecModel):
    """The value that a pipeline parameter has in the run; ``volatile`` as in :class:`LiteralArgument`."""

    kind: Literal["parameter"] = "parameter"
    parameter: str
    volatile: bool = added_later(False)


class InputArgument(SpecModel):
    """The local path (or the id, in direct mode) of an input of the same step."""

    kind: Literal["input"] = "input"
    input: str


class OutputArgument(SpecModel):
    """The local path of an output of the same step."""

    kind: Literal["output"] = "output"
    output: str


class TextArgument(SpecModel):
    """One text that is put together in the run: ``--data=<the path of an input>/rows.csv``."""

    kind: Literal["text"] = "text"
    parts: tuple[Annotated[LiteralArgument | InputArgument | OutputArgument, Field(discriminator="kind")], ...]


Argument = Annotated[
    LiteralArgument | ParameterArgument | InputArgument | OutputArgument | TextArgument,
    Field(discriminator="kind"),
]


class StepVariable(SpecModel):
    """An entry of the step's ``params``: the script finds it as ``AML_PARAMETER_<name>`` (``spec.names.parameter_variable``)."""

    name: str
    value: Annotated[LiteralArgument | ParameterArgument, Field(discriminator="kind")]


class SourceSpec(SpecModel):
    """The folder whose copy is the script's working folder.

    :ivar directory: as the author wrote it; relative to the DAG file, or to the folder the pipeline is submitted from
    :ivar snapshot: digest of its frozen content, once a pipeline is submitted or published, or from the beginning where the code was published
        before
    """

    directory: str
    snapshot: str | None = None


class StepSpec(SpecModel):
    """One step: what to run, on what data, in which environment.

    :ivar id: unique in its pipeline; the Airflow task id
    :ivar reuse_max_age_seconds: results that were computed longer ago are not reused
    """

    id: str
    name: str
    command: Command
    source: SourceSpec
    arguments: tuple[Argument, ...] = ()
    variables: tuple[StepVariable, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    environment: EnvironmentSpec = EnvironmentSpec()
    compute: str = "local"
    run_settings: RunSettingsSpec = RunSettingsSpec()
    allow_reuse: bool = True
    reuse_max_age_seconds: int | None = added_later(None)
    version: str | None = None
    timeout_seconds: float | None = None
    run_after: tuple[str, ...] = ()

    @property
    def reads_folder(self) -> bool:
        """Whether the digest of its code is still to be taken from its source folder."""
        return self.command.has_code and self.source.snapshot is None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the pipeline parameters this step reads, sorted."""
        return tuple(sorted({use.parameter for use in self.parameter_uses}))

    @property
    def parameter_uses(self) -> tuple[ParameterArgument, ...]:
        """Every place where this step reads a pipeline parameter."""
        places = (*self.arguments, *(variable.value for variable in self.variables))
        return tuple(place for place in places if isinstance(place, ParameterArgument))

    @property
    def named_values(self) -> dict[str, LiteralArgument | ParameterArgument]:
        """What the script finds in its environment: the pipeline parameters this step reads and its own variables, which go first, by name.

        A parameter is volatile there if it is wherever the step reads it.
        """
        uses = self.parameter_uses
        lasting = {use.parameter for use in uses if not use.volatile}
        read: dict[str, LiteralArgument | ParameterArgument] = {
            name: ParameterArgument(parameter=name, volatile=name not in lasting) for name in sorted({use.parameter for use in uses})
        }
        return read | {variable.name: variable.value for variable in self.variables}

    @property
    def upstream(self) -> tuple[str, ...]:
        """Ids of the steps that must end before this one starts, sorted: through data or ``run_after``."""
        through_data = {item.source.step for item in self.inputs if isinstance(item.source, StepOutputSource)}
        return tuple(sorted(through_data | set(self.run_after)))
