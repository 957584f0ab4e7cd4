"""How is a person's script or DAG file run, as if they had started it themselves?

As ``python SCRIPT ARGS...`` would: the same ``__main__``, ``sys.argv``, first entry of ``sys.path`` and current folder. The one difference is
that ``azureml`` can be imported. What it submits, or what DAGs it makes, is found out afterwards.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, shorten
from airflow_amlpipe.services.collect import OnlyPlannedError, OptionRefusedError

__all__ = ["ScriptOutcome", "run_script"]

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How a script ended.

    :ivar exit_code: what ``python`` would have exited with
    :ivar error: what it raised, if that ended it; its traceback has been printed
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
    code = _compile(path)
    module = ModuleType("__main__")
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = __builtins__
    sys.argv = [str(path), *arguments]
    folder = str(path.resolve().parent)
    if sys.flags.safe_path:
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)  # noqa: S102  # running the person's own script is what was asked for
    except SystemExit as stop:
        return ScriptOutcome(_exit_code(stop))
    except (KeyboardInterrupt, OnlyPlannedError, OptionRefusedError):
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a script raises ends it as it would end python
        _print(error)
        return ScriptOutcome(1, error)
    return ScriptOutcome(0)


def _compile(path: Path) -> CodeType:
    try:
        return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise DefinitionError(f"the script {shorten(str(path))} cannot be read ({error.strerror}); correct the path") from error
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise DefinitionError(f"the script {shorten(str(path))}{line} is not Python: {shorten(str(error))}") from error


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)  # noqa: T201  # what python does with it
    return 1


def _print(error: BaseException) -> None:
    """Print the traceback from the person's own file on. Of an error of ours their lines and our message say everything."""
    trace = error.__traceback__
    shown = traceback.TracebackException(type(error), error, trace.tb_next if trace is not None else None)
    if isinstance(error, AmlPipeError) and not os.environ.get("AMLPIPE_DEBUG"):
        shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if not frame.filename.startswith(_PACKAGE)])
        shown.__cause__ = shown.__context__ = None
    print("".join(shown.format()), end="", file=sys.stderr)  # noqa: T201  # what python does with it
