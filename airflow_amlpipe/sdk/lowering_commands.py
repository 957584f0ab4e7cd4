"""As which command is a step written down, and which of what its author wrote does a shell read?

A command that is one text is the shell's, as it stands. Of one that is a list the first item is too; of the others only an operator that is an item by
itself (``&&``, ``|``, ``>``) and variables by name (``$NODE_RANK``) mean something to the shell, everything else is one word each. Values that
are known in a run only, those of parameters and the paths of inputs and outputs, are never part of the line: they are its ``"$1"``, ``"$2"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.protocol import PREFIX_REFERENCE
from airflow_amlpipe.sdk.lowering_values import plain_text
from airflow_amlpipe.spec.command import AnyCommand
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.spec.step import (
    Argument,
    CommandLine,
    DataTransfer,
    InputArgument,
    LiteralArgument,
    NotebookRun,
    OutputArgument,
    PythonScript,
    RScript,
    TextArgument,
)

__all__ = ["lower_command", "lower_text"]

_OPERATOR = re.compile(r"&&|\|\|?|;|&|[0-9]?(?:>>?|<)|&>>?|[0-9]?>&[0-9]")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
# What a shell would read inside of double quotes, but for the name of a variable.
_READ_IN_QUOTES = re.compile(r"[\\\"`]|\$(?!\{?[A-Za-z_])")
_REFERENCE = re.compile(rf"\$\{{?{PREFIX_REFERENCE}(\w+)\}}?")
# What ``str()`` and ``arg_val`` of datasets and outputs are, and what stands in a list of arguments that SDK v1 has read once (``_ports.tell_callers``).
_MARKER = re.compile(r"(DatasetConsumptionConfig|DatasetOutputConfig):(\w+)")


def lower_command(where: str, step: Any, argument: Callable[[int, Any], Argument]) -> tuple[AnyCommand, tuple[Argument, ...]]:
    """Return the command of ``step`` and the arguments it is given.

    :param argument: lowers the argument at that place, counted from 1
    :raises DefinitionError: a text or path in it cannot be used
    """
    arguments = tuple(argument(index, value) for index, value in enumerate(step._arguments, 1))
    if step._command_kind == "command_line":
        return _command_line(where, step, arguments)
    if step._command_kind == "data_transfer":
        ends = {"source": step._inputs[0].name, "destination": step._outputs[0].name}
        return DataTransfer(**ends, source_type=step._source_type, destination_type=step._destination_type), ()
    if step._command_kind == "notebook":
        notebook = check_relative_path(f"{where}: notebook", plain_text(f"{where}: notebook", step._notebook))
        return NotebookRun(notebook=notebook, output_notebook=step._output_notebook, copy_to=step._copy_to), arguments
    script = check_relative_path(f"{where}: script_name", plain_text(f"{where}: script_name", step._script_name))
    return RScript(script=script) if step._command_kind == "r_script" else PythonScript(script=script), arguments


def lower_text(where: str, text: str, step: Any) -> LiteralArgument | TextArgument:
    """Return an argument that is text; the path of data stands where ``str()`` of the data does, as SDK v1's service put it there.

    :raises DefinitionError: something else of the SDK was turned into text, or the step has no such data
    """
    text = _with_references(text, step, "${{{}}}")
    if not _REFERENCE.search(text):
        return LiteralArgument(value=plain_text(where, text))
    _own_text(where, text, step)
    parts: list[LiteralArgument | InputArgument | OutputArgument] = []
    outputs = {binding.name for binding in step._outputs}
    # What it is split at stands between what is left of it.
    for place, part in enumerate(_REFERENCE.split(text)):
        if place % 2:
            parts.append(OutputArgument(output=part) if part in outputs else InputArgument(input=part))
        elif part:
            parts.append(LiteralArgument(value=plain_text(where, part)))
    return TextArgument(parts=tuple(parts))


def _command_line(where: str, step: Any, arguments: tuple[Argument, ...]) -> tuple[CommandLine, tuple[Argument, ...]]:
    # In quotes: whatever is in the path is a part of the word that the author wrote around it.
    words = [_own_text(f"{where}: command", _with_references(step._line, step, '"${{{}}}"'), step)]
    given: list[Argument] = []
    for argument in arguments:
        if isinstance(argument, LiteralArgument) and not argument.volatile:
            words.append(_word(str(argument.value)))
        else:
            given.append(argument)
            words.append(f'"${{{len(given)}}}"' if len(given) > 9 else f'"${len(given)}"')
    return CommandLine(line=" ".join(words)), tuple(given)


def _word(text: str) -> str:
    if _PLAIN_WORD.fullmatch(text) or _OPERATOR.fullmatch(text):
        return text
    return '"' + _READ_IN_QUOTES.sub(lambda found: f"\\{found.group(0)}", text) + '"'


def _with_references(text: str, step: Any, written: str) -> str:
    """Return ``text`` with the variable of each input and output of the step, written like that, where a marker names it."""
    known = {
        "DatasetConsumptionConfig": {binding.item.name or binding.name: binding.name for binding in step._inputs},
        "DatasetOutputConfig": {binding.name: binding.name for binding in step._outputs},
    }

    def replace(found: re.Match[str]) -> str:
        name = known[found[1]].get(found[2])
        return found[0] if name is None else written.format(PREFIX_REFERENCE + name)

    return _MARKER.sub(replace, text)


def _own_text(where: str, text: str, step: Any) -> str:
    """Return the author's text; ``$AZUREML_DATAREFERENCE_<name>``, which is what ``str()`` of data was in SDK v1, is a variable for a shell."""
    known = {binding.name for binding in (*step._inputs, *step._outputs)}
    for found in _REFERENCE.finditer(text):
        if not found.group(1).isascii():
            raise DefinitionError(
                f"{where} reads ${PREFIX_REFERENCE}{found.group(1)}, which is no name of a variable for a shell; "
                "give the data itself as an item of the command's list, or call it by the letters a to z"
            )
        if found.group(1) not in known:
            raise DefinitionError(
                f"{where} reads ${PREFIX_REFERENCE}{found.group(1)}, and the step has no input or output {shorten(repr(found.group(1)))}; "
                "add it to inputs=[...] or outputs=[...]"
            )
    plain_text(where, _REFERENCE.sub("", text))
    return text
