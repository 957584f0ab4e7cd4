"""How is a person's script, module or DAG file run, as if they had started it themselves?

As ``python SCRIPT ARGS...`` or ``python -m MODULE ARGS...`` would: the same ``__main__``, ``sys.argv``, first entry of ``sys.path`` and current
folder. The one difference is that ``azureml`` can be imported. What it submits, or what DAGs it makes, is found out afterwards.

An error of ours that ends the script is told like one of the command line: the person's own lines that lead to it, one sentence, and the exit
code of its kind. Any other error looks and ends as under ``python``.
"""

from __future__ import annotations

import builtins
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, exit_code_for, shorten
from airflow_amlpipe.services.collect import OnlyPlannedError, OptionRefusedError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["ScriptOutcome", "ended_by", "main_module", "run_module", "run_script"]

_LONGEST_LINE = 4000
# Where processes that a script starts with ``multiprocessing`` find ``azureml``: they get this process's path, not what it has imported.
_SHIM = str(Path(__file__).parent / "shim")


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How a script ended.

    :ivar exit_code: what ``python`` would have exited with; of an error of ours that of ``exceptions.exit_code_for``
    :ivar error: what it raised, if that ended it; people have been told
    """

    exit_code: int
    error: BaseException | None = None


def run_script(path: Path, arguments: Sequence[str]) -> ScriptOutcome:
    """Run a Python file as the main program of this process.

    Its module stays ``__main__`` afterwards, for what it registered to be called at exit; ``sys.argv`` and ``sys.path`` stay too.

    :raises DefinitionError: the file is not there, or is no Python
    :raises OnlyPlannedError: it submitted something that is not to run
    :raises OptionRefusedError: an option of the command does not fit its pipeline
    """
    place = os.path.abspath(path)
    code = _compile(path, place)
    module = main_module(place, [str(path), *arguments], folder=str(path.resolve().parent))
    module.__loader__ = SourceFileLoader("__main__", place)
    return _outcome(lambda: exec(code, module.__dict__))  # noqa: S102  # running the person's own script is what was asked for


def run_module(name: str, arguments: Sequence[str]) -> ScriptOutcome:
    """Run a module, or the ``__main__`` of a package, as the main program of this process; it is looked for from the current folder on.

    :raises DefinitionError: there is no such module, or it is none that can be run
    :raises OnlyPlannedError: it submitted something that is not to run
    :raises OptionRefusedError: an option of the command does not fit its pipeline
    """
    module = main_module(None, ["-m", *arguments], folder=os.getcwd())

    def run() -> None:
        spec, code = _found(name)
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
        module.__dict__["__cached__"] = spec.cached
        module.__file__ = sys.argv[0] = spec.origin or name
        exec(code, module.__dict__)  # noqa: S102  # running the person's own module is what was asked for

    return _outcome(run)


def main_module(file: str | None, argv: list[str], *, folder: str) -> ModuleType:
    """Make this process look as it does when ``python`` begins with a program, and return its empty ``__main__``.

    :param folder: what is imported is looked for there first
    """
    module = ModuleType("__main__")
    if file is not None:
        module.__file__ = file
    module.__dict__["__builtins__"] = builtins
    module.__dict__["__cached__"] = None
    sys.argv = argv
    if sys.flags.safe_path:
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder
    if _SHIM not in sys.path:
        sys.path.append(_SHIM)
    sys.modules["__main__"] = module
    return module


def ended_by(error: BaseException | None) -> ScriptOutcome:
    """Tell people what ended a program, as ``python`` does, and return how it ended.

    :raises BaseException: what is none of the program's: Ctrl-C, and what a command ends it with
    """
    if error is None:
        return ScriptOutcome(0)
    if isinstance(error, (KeyboardInterrupt, OnlyPlannedError, OptionRefusedError, _NotRunnableError)):
        raise error
    if isinstance(error, SystemExit):
        return ScriptOutcome(_exit_code(error))
    _print(error)
    return ScriptOutcome(exit_code_for(error) if isinstance(error, AmlPipeError) else 1, error)


class _NotRunnableError(DefinitionError):
    """The module that was asked for cannot be run: said of the command, not of the program."""


def _outcome(program: Callable[[], object]) -> ScriptOutcome:
    try:
        program()
    except BaseException as error:  # noqa: BLE001  # whatever a script raises ends it as it would end python
        return ended_by(error)
    return ScriptOutcome(0)


def _compile(path: Path, place: str) -> CodeType:
    try:
        return compile(path.read_bytes(), place, "exec", dont_inherit=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise DefinitionError(f"the script {shorten(str(path))} cannot be read ({error.strerror}); correct the path") from error
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise DefinitionError(f"the script {shorten(str(path))}{line} is not Python: {shorten(str(error))}") from error


def _found(name: str) -> tuple[ModuleSpec, CodeType]:
    """Find a module as ``python -m`` does; what packages around it do when they are imported is done."""
    said = f"-m {shorten(repr(name))}"
    spec = _spec_of(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name = f"{name}.__main__"
        spec = _spec_of(name)
        if spec is None:
            raise _NotRunnableError(f"{said}: it is a package without a __main__.py; name a module of it, or add that file")
    if spec is None:
        hint = "; leave the .py out, as with python -m, or leave -m out" if name.endswith(".py") else ""
        raise _NotRunnableError(f"{said}: there is no such module below {os.getcwd()} or among the installed ones{hint}")
    loader = spec.loader
    try:
        code = loader.get_code(name) if loader is not None and hasattr(loader, "get_code") else None
    except SyntaxError as error:
        raise _NotRunnableError(f"{said}: {spec.origin}, line {error.lineno} is not Python: {shorten(str(error))}") from error
    if not isinstance(code, CodeType):
        raise _NotRunnableError(f"{said}: it is not written in Python, and cannot be run")
    return spec, code


def _spec_of(name: str) -> ModuleSpec | None:
    from importlib.util import find_spec

    if name.startswith("."):
        return None
    try:
        return find_spec(name)
    except ValueError:  # a module that is there already, and was made by hand
        return None
    except ModuleNotFoundError as error:
        # The module itself, or a package that it is said to be in: anything else is missing in what those import.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        return None


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)  # noqa: T201  # what python does with it
    return 1


def _print(error: BaseException) -> None:
    if isinstance(error, AmlPipeError) and not os.environ.get("AMLPIPE_DEBUG"):
        # A failed run brings the end of a log along, line by line.
        said, *more = [shorten(line, _LONGEST_LINE) for line in str(error).splitlines()] or [type(error).__name__]
        text = "".join([*_their_frames(error).format(), f"amlpipe: {said}\n", *(f"  {line}\n" for line in more)])
        print(text, end="", file=sys.stderr)  # noqa: T201  # what python does with it
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__ and not os.environ.get("AMLPIPE_DEBUG"):
        trace = trace.tb_next  # the first frames are ours, the call that runs the script
    if sys.excepthook is sys.__excepthook__:
        # Which knows nothing of lines that stand in no file, as a notebook's.
        traceback.print_exception(type(error), error, trace)
    else:
        sys.excepthook(type(error), error, trace)


def _their_frames(error: BaseException) -> traceback.StackSummary:
    """Return the lines that the person wrote, without ours and those of installed packages."""
    import sysconfig

    paths = sysconfig.get_paths()
    folders = (str(Path(__file__).parents[1]), *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")))
    others = tuple(str(Path(folder).resolve()) + os.sep for folder in folders)
    frames = traceback.extract_tb(error.__traceback__)
    return traceback.StackSummary.from_list(
        [frame for frame in frames if not frame.filename.startswith("<") and not str(Path(frame.filename).resolve()).startswith(others)]
    )
