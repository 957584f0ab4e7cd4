"""How is a person's notebook run, as if they had opened it and run all of its cells?

IPython runs it in this process, so magics, ``!commands`` and ``display`` do what they do in Jupyter; what only a browser can show is shown as text.
The current folder is the notebook's own, as in Jupyter, and the first cell that fails ends it, but for cells tagged ``raises-exception``.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.services.script import ScriptOutcome, ended_by, main_module

__all__ = ["run_notebook"]


def run_notebook(path: Path, arguments: Sequence[str]) -> ScriptOutcome:
    """Run the cells of a notebook as the main program of this process; nothing is written into its file.

    :raises DefinitionError: it is not there, is no notebook of Python, or IPython is not installed
    :raises OnlyPlannedError: it submitted something that is not to run
    :raises OptionRefusedError: an option of the command does not fit its pipeline
    """
    cells = [*_cells(path)]
    try:
        from IPython.core.interactiveshell import InteractiveShell
    except ImportError as error:
        raise DefinitionError(
            f"the notebook {shorten(str(path))} needs IPython to be run: install the extra `notebooks` (airflow-amlpipe[notebooks]), "
            "or open it in Jupyter with `import airflow_amlpipe.azureml` as its first line"
        ) from error
    place = path.resolve()
    module = main_module(None, [str(path), *arguments], folder=str(place.parent))
    os.chdir(place.parent)
    shell = _shell(InteractiveShell, module)
    for number, source, may_fail in cells:
        shell.compile.get_code_name = lambda *_, number=number: f"{place}, cell {number}"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "To exit: use")  # what IPython says of sys.exit()
            result = shell.run_cell(source, store_history=True)
        sys.stdout.flush()
        failure = result.error_before_exec or result.error_in_exec
        if failure is not None and not (may_fail and isinstance(failure, Exception)):
            return ended_by(_trimmed(failure, str(place)))
    return ScriptOutcome(0)


def _shell(shell_class: Any, module: Any) -> Any:
    from IPython.core.history import HistoryManager

    class Shell(shell_class):  # type: ignore[misc]
        def init_history(self) -> None:
            self.history_manager = HistoryManager(shell=self, parent=self, enabled=False)

        def showtraceback(self, *_: object, **__: object) -> None:
            """Errors are told once, by whoever runs the notebook."""

        showsyntaxerror = showtraceback

    shell = Shell.instance(user_module=module, user_ns=module.__dict__)
    sys.modules["__main__"] = module
    if find_spec("matplotlib") is None:
        # The first line of many a notebook that plots nothing.
        shell.register_magic_function(_no_matplotlib, magic_name="matplotlib")
    return shell


def _no_matplotlib(_line: str) -> None:
    print("amlpipe: %matplotlib is passed over: matplotlib is not installed", file=sys.stderr)  # noqa: T201


def _cells(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield each cell of code: its number from 1, as ``amlpipe doctor`` counts, its text, and whether it may fail."""
    said = f"the notebook {shorten(str(path))}"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DefinitionError(f"{said} cannot be read ({error.strerror}); correct the path") from error
    except ValueError as error:
        raise DefinitionError(f"{said} is no notebook: {shorten(str(error))}") from error
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise DefinitionError(
            f"{said} is no notebook: it has no list of cells; open it in Jupyter and save it, which brings old formats up to date"
        )
    metadata = document.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    if isinstance(language, str) and language.lower() != "python":
        raise DefinitionError(f"{said} is written in {shorten(language)}; only notebooks of Python are run")
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            tags = cell.get("metadata", {}).get("tags", ())
            yield number, "".join(source), "raises-exception" in tags


def _trimmed(error: BaseException, place: str) -> BaseException:
    """Leave out the frames of IPython, which come before the first line of a cell."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(place):
        trace = trace.tb_next
    if trace is not None:
        error.__traceback__ = trace
    return error
