"""What does a step start: a script, a line for a shell, or a copy that the host makes itself?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.names import check_relative_path

__all__ = [
    "AnyCommand",
    "Command",
    "CommandLine",
    "DataTransfer",
    "NotebookRun",
    "PythonScript",
    "RScript",
    "TransferType",
    "check_command",
    "check_started_path",
]

TransferType = Literal["file", "directory"]


class PythonScript(SpecModel):
    """``python <script> <arguments>``; ``script`` is relative to the source folder."""

    file_word: ClassVar[str] = "script_name"
    has_code: ClassVar[bool] = True

    kind: Literal["python_script"] = "python_script"
    script: str

    @property
    def file(self) -> str | None:
        """The file of the source folder that is started."""
        return self.script


class RScript(SpecModel):
    """``Rscript <script> <arguments>``; ``script`` is relative to the source folder."""

    file_word: ClassVar[str] = "script_name"
    has_code: ClassVar[bool] = True

    kind: Literal["r_script"] = "r_script"
    script: str

    @property
    def file(self) -> str | None:
        """The file of the source folder that is started."""
        return self.script


class NotebookRun(SpecModel):
    """A notebook whose cells are run in order; the step's ``params`` and the paths of its data are its parameters.

    :ivar notebook: relative to the source folder
    :ivar output_notebook: what the executed copy is called, in ``outputs/`` of the run
    :ivar copy_to: output of the step that gets the executed copy too
    """

    file_word: ClassVar[str] = "notebook"
    has_code: ClassVar[bool] = True

    kind: Literal["notebook"] = "notebook"
    notebook: str
    output_notebook: str
    copy_to: str | None = None

    @property
    def file(self) -> str | None:
        """The file of the source folder that is started."""
        return self.notebook


class CommandLine(SpecModel):
    """A line for a shell, started in the source folder.

    The arguments of the step are its ``"$1"``, ``"$2"``, ...: whatever a parameter or a path holds, the shell reads it as one word and never
    as a part of the line (S08).
    """

    has_code: ClassVar[bool] = True

    kind: Literal["command_line"] = "command_line"
    line: str

    @property
    def file(self) -> str | None:
        """``None``: the line says by itself what it starts."""
        return None


class DataTransfer(SpecModel):
    """A copy from the place of an input to that of an output, made by the worker itself; nothing of the author's runs.

    :ivar source_type: what the source has to be; ``None`` takes what is there
    :ivar destination_type: ``file`` is the path itself, ``directory`` a folder the source goes into; ``None`` is what is at the destination
        already, else what the source is
    """

    has_code: ClassVar[bool] = False

    kind: Literal["data_transfer"] = "data_transfer"
    source: str
    destination: str
    source_type: TransferType | None = None
    destination_type: TransferType | None = None

    @property
    def file(self) -> str | None:
        """``None``: there is no source folder."""
        return None


def _kind_of(value: Any) -> str:
    # The first kind there was; documents of that time may leave it out.
    return str(value.get("kind", "python_script") if isinstance(value, dict) else getattr(value, "kind", ""))


Command = Annotated[
    Annotated[PythonScript, Tag("python_script")]
    | Annotated[CommandLine, Tag("command_line")]
    | Annotated[DataTransfer, Tag("data_transfer")]
    | Annotated[NotebookRun, Tag("notebook")]
    | Annotated[RScript, Tag("r_script")],
    Discriminator(_kind_of),
]


AnyCommand = PythonScript | CommandLine | DataTransfer | NotebookRun | RScript


def check_started_path(what: str, path: str) -> str:
    """Return ``path``, below the source folder, as it is kept.

    :raises DefinitionError: it leaves that folder, or is taken for an option
    """
    clean = check_relative_path(what, path)
    if clean.startswith("-"):
        raise DefinitionError(f"{what} {shorten(repr(path))} starts with '-', which the interpreter takes for an option; rename the script")
    return clean


def check_command(where: str, command: AnyCommand, inputs: Collection[str], outputs: Collection[str]) -> None:
    """Refuse a command that cannot be started, or that names what its step does not have.

    :raises DefinitionError: a path leaves the source folder, a line is empty
    :raises UnknownNameError: an input or output that the step does not have
    """
    if isinstance(command, CommandLine):
        if not command.line.strip() or "\0" in command.line:
            raise DefinitionError(f"{where}: the command {shorten(repr(command.line))} starts nothing; write a command line")
    elif isinstance(command, DataTransfer):
        for what, name, known in (("input", command.source, inputs), ("output", command.destination, outputs)):
            if name not in known:
                raise UnknownNameError(f"{where}: the transfer names {what} {shorten(repr(name))}, which the step does not have")
    else:
        check_started_path(f"{where}: {command.file_word}", str(command.file))
    if isinstance(command, NotebookRun):
        if not check_relative_path(f"{where}: output_notebook", command.output_notebook).endswith(".ipynb"):
            raise DefinitionError(
                f"{where}: output_notebook {shorten(repr(command.output_notebook))} is no notebook; end its name in .ipynb"
            )
        if command.copy_to is not None and command.copy_to not in outputs:
            raise UnknownNameError(f"{where}: the notebook is to be copied to output {command.copy_to!r}, which the step does not have")
