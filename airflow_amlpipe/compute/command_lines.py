"""What is typed to start a step's script? An argument list, whatever the step starts; never a text that values are written into."""

from __future__ import annotations

import ast
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime import notebook
from airflow_amlpipe.spec.command import CommandLine, NotebookRun, PythonScript, RScript, check_started_path
from airflow_amlpipe.spec.step import StepSpec

__all__ = ["check_started_file", "command_argv", "semicolons_as_read"]

# Methods of a text and functions of `re` whose first argument is what is looked for.
_SEARCHES = {
    *("split", "rsplit", "partition", "rpartition", "replace", "find", "index", "count", "removesuffix", "endswith"),
    *("sub", "subn", "compile", "match", "search", "fullmatch", "findall", "finditer"),
}


def command_argv(
    where: str, step: StepSpec, code: Path, interpreter: StepInterpreter, arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the command of ``step`` with its arguments.

    :param code: the private copy of the source folder
    :param environment: of the job; programs are looked for on its ``PATH``
    :raises DefinitionError: the script is no file of the source folder
    """
    command = step.command
    if isinstance(command, CommandLine):
        # SDK v1's service ran bash; where there is none, a POSIX shell reads what both understand.
        shell = shutil.which("bash", path=environment.get("PATH", os.defpath)) or "/bin/sh"
        # The name is $0, the arguments are $1 and so on: data for the shell, not part of what it reads as a command (S08).
        return (shell, "-c", command.line, "amlpipe-command", *arguments)
    script = check_started_file(where, step, code)
    if isinstance(command, RScript):
        program = shutil.which("Rscript", path=environment.get("PATH", os.defpath))
        if program is None:
            raise DefinitionError(
                f"{where}: there is no Rscript on this compute; install R there, or name it in the environment "
                "(conda package r-base), and the packages that the script uses with it"
            )
        return (program, script, *arguments)
    if isinstance(command, NotebookRun):
        return (interpreter.python, notebook.__file__, *arguments)
    return (interpreter.python, script, *arguments)


def check_started_file(where: str, step: StepSpec, code: Path) -> str:
    """Return the path below ``code`` of the file that the step starts, if it is there; one that a link would take elsewhere is refused (S03).

    ``""`` for a command that names none.
    """
    given, word = step.command.file, getattr(step.command, "file_word", "")
    if given is None:
        return ""
    script = check_started_path(f"{where}: {word}", given)
    path = code / script
    if not path.is_file():
        trouble = "is a folder" if path.is_dir() else "was not found"
        raise DefinitionError(
            f"{where}: script {shorten(repr(given))} {trouble} in source folder {shorten(repr(step.source.directory))}; "
            f"check {word}, and that .amlignore does not leave it out"
        )
    if not path.resolve().is_relative_to(code.resolve()):
        raise DefinitionError(
            f"{where}: script {shorten(repr(given))} is behind a symbolic link that leaves the source folder; copy the file into it"
        )
    return script


def semicolons_as_read(step: StepSpec, script: Path, arguments: list[str], note: Callable[[str], None]) -> list[str]:
    r"""Return the arguments of a Python script with ``\;`` for each ``;`` if the script looks for that, which then is noted.

    SDK v1's service escaped semicolons, and scripts were written that split their arguments at ``"\;"``. Who looks for a plain one gets it plain,
    and so does a script that only writes ``\;``, as in ``find . -exec rm {} \;``.
    """
    if (
        not isinstance(step.command, PythonScript)
        or not any(";" in text for text in arguments)
        or not _looks_for_escaped(script.read_bytes())
    ):
        return arguments
    note(rf"semicolons in the arguments are handed over as '\;', as Azure ML did, because {step.command.script} looks for that")
    return [text.replace(";", r"\;") for text in arguments]


def _looks_for_escaped(script: bytes) -> bool:
    r"""Whether a text of a script is ``\;`` and nothing else, or holds it and is what a text is searched for."""
    if b"\\;" not in script:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\;" is no escape that Python knows, and it says so
            tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    searched = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args and _called(node) in _SEARCHES]
    return any(r"\;" in text for text in map(_text, searched)) or any(_text(node) == r"\;" for node in ast.walk(tree))


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
