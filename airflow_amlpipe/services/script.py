"""How is a person's script or DAG file run, as if they had started it themselves?

As ``python SCRIPT ARGS...`` would: the same ``__main__``, ``sys.argv``, first entry of ``sys.path`` and current folder. The one difference is
that ``azureml`` can be imported. What it submits, or what DAGs it makes, is found out afterwards.

An error of ours that ends the script is told like one of the command line: the person's own lines that lead to it, one sentence, and the exit
code of its kind. Any other error looks and ends as under ``python``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, exit_code_for, shorten
from airflow_amlpipe.services.collect import OnlyPlannedError, OptionRefusedError

__all__ = ["ScriptOutcome", "run_script"]

_LONGEST_LINE = 4000


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
        return ScriptOutcome(exit_code_for(error) if isinstance(error, AmlPipeError) else 1, error)
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
    if os.environ.get("AMLPIPE_DEBUG"):
        text = "".join(traceback.format_exception(error))
    elif isinstance(error, AmlPipeError):
        # A failed run brings the end of a log along, line by line.
        said, *more = [shorten(line, _LONGEST_LINE) for line in str(error).splitlines()] or [type(error).__name__]
        text = "".join([*_their_frames(error).format(), f"amlpipe: {said}\n", *(f"  {line}\n" for line in more)])
    else:
        trace = error.__traceback__
        # The first frame is ours, the call that runs the script.
        text = "".join(traceback.format_exception(type(error), error, trace.tb_next if trace is not None else None))
    print(text, end="", file=sys.stderr)  # noqa: T201  # what python does with it


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
