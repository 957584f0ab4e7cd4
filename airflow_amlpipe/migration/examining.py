"""What of scripts, notebooks and lists of packages will work here, differ, or fail? (``amlpipe doctor``)

Nothing is run and nothing is changed. A file that cannot be read is a finding like any other.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.migration.call import Call
from airflow_amlpipe.migration.files import SCRIPTS, decode_script, files_below, is_requirements
from airflow_amlpipe.migration.findings import Examination, Finding, Place, Verdict
from airflow_amlpipe.migration.habits import LITERALS, Remark, Script, formatted, remarks
from airflow_amlpipe.migration.names import stand_in_advice
from airflow_amlpipe.migration.notebooks import code_cells, is_python_notebook, read_notebook
from airflow_amlpipe.migration.own import Modules
from airflow_amlpipe.migration.places import Lacking, Thing, constructor_row, row_of
from airflow_amlpipe.migration.requirements import asks_for_azureml, conda_lines, requirement_lines
from airflow_amlpipe.migration.tracing import modules_beside, trace
from airflow_amlpipe.sdk.coverage import Kind

__all__ = ["examine"]

_REQUIREMENT = Remark(
    Verdict.DIFFERS,
    "requirement of SDK v1",
    "is not installed into a step's environment: the runtime of airflow-amlpipe serves what the step's script needs of it",
    "none needed in a step's environment; uninstall it where pipelines are submitted",
)
_INSTALLED = Remark(
    Verdict.DIFFERS,
    "requirement of SDK v1",
    "installs packages that serve Azure only, and would be found before this one",
    "leave the line out, and begin with `import airflow_amlpipe.azureml`",
)
# Pieces of one program, each with the number of its cell.
_Program = list[tuple[int | None, str]]
_RAISES = "NotImplementedError"
_PACKAGES = {"pip_packages", "conda_packages", "pip_package", "conda_package"}


def examine(paths: Iterable[str], *, on_file: Callable[[int, str], None] | None = None) -> Examination:
    """Look at every script, notebook and list of packages that is named or lies below a folder that is.

    :param on_file: told how many files were looked at, and which one is next
    :raises UnknownNameError: there is no such file or folder
    """
    examination = Examination()
    modules = modules_beside()
    for file in files_below(paths):
        if on_file is not None:
            on_file(examination.files, str(file))
        examination.files += 1
        _File(file, examination, modules).look()
    return examination


class _File:
    """One file, and the listener that hears what is traced in it."""

    def __init__(self, path: Path, examination: Examination, modules: Modules) -> None:
        self._path = path
        self._examination = examination
        self._modules = modules
        self._cell: int | None = None
        self._script = Script()
        self._assigned: dict[ast.expr, str] = {}
        self._left_open: list[tuple[int | None, int, Remark]] = []

    def look(self) -> None:
        try:
            content = self._path.read_bytes()
            if self._path.suffix.lower() == ".ipynb":
                self._look_at_notebook(content)
            elif self._path.suffix.lower() in SCRIPTS or not is_requirements(self._path):
                text, _ = decode_script(content)
                self._look_at_code([(None, text)])
            else:
                self._look_at_requirements(content.decode("utf-8-sig", errors="replace"))
        except OSError as error:
            self._unreadable(f"it cannot be read: {error.strerror or error}")
        except DefinitionError as error:
            self._unreadable(str(error))

    def _look_at_notebook(self, content: bytes) -> None:
        text, _ = decode_script(content)
        document = read_notebook(text)
        if not is_python_notebook(document):
            return
        cells = code_cells(document)
        for cell in cells:
            self._cell = cell.number
            for line, command in cell.shell:
                if "install" in command and any(asks_for_azureml(word) for word in command.split()):
                    self._remark(line, _INSTALLED, f"`{shorten(command, 60)}` ")
        programs: list[_Program] = [[(cell.number, cell.code) for cell in cells if cell.writes is None]]
        programs += [[(cell.number, cell.code)] for cell in cells if cell.writes is not None]
        self._look_at_code(*programs)

    def _look_at_code(self, *programs: _Program) -> None:
        """Look at programs of one file: a script, or the cells of a notebook, and each script that a cell of it writes."""
        is_using = [self._look_at_program(pieces) for pieces in programs]
        self._examination.using += any(is_using)

    def _look_at_program(self, pieces: _Program) -> bool:
        self._script, self._assigned, self._left_open = Script(), {}, []
        parts = []
        for cell, text in pieces:
            self._cell = cell
            block = self._parsed(text)
            if block is not None:
                parts.append((block, cell))
        is_using = any("azureml" in text for _, text in pieces)
        if not is_using and not any(self._brings_azureml(block) for block, _ in parts):
            return False
        for block, _ in parts:
            self._take_note(block)
        try:
            trace([(block.body, partial(self._enter, cell)) for block, cell in parts], self, file=self._path, modules=self._modules)
            for block, cell in parts:
                self._enter(cell)
                self._look_for_literals(block)
            self._settle()
        except RecursionError:
            self._unreadable("an expression in it is nested too deep to be followed")
        return is_using

    def _brings_azureml(self, block: ast.Module) -> bool:
        """Whether a module that lies beside the script holds something of SDK v1."""
        for node in ast.walk(block):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module or ''}.{alias.name}".strip(".") for alias in node.names)]
            for name in names:
                found = self._modules.find(self._path, name, getattr(node, "level", 0))
                if any(any(self._modules.names(each).values()) for each in found):
                    return True
        return False

    def _parsed(self, text: str) -> ast.Module | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text.removeprefix("\ufeff"))
        except SyntaxError as error:
            self._add(
                error.lineno or 0, Verdict.FAILS, "syntax", f"it is no Python: {error.msg}", "mend it; nothing else was looked for in it"
            )
        except (ValueError, RecursionError, MemoryError) as error:
            self._add(0, Verdict.FAILS, "syntax", f"it is no Python: {shorten(str(error))}", "mend it; nothing else was looked for in it")
        return None

    def _take_note(self, block: ast.Module) -> None:
        for node in ast.walk(block):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._script.loaded.add(node.id)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._assigned[node.value] = node.targets[0].id

    def _settle(self) -> None:
        """Say what depended on what the program's steps are given."""
        given = self._script.given
        for cell, line, remark in self._left_open:
            if given is not None and not (given & remark.unless_given):
                self._enter(cell)
                self._remark(line, remark)

    def _look_for_literals(self, block: ast.Module) -> None:
        for node in ast.walk(block):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(LITERALS):
                text = f"the text {shorten(repr(node.value), 60)} is what SDK v1 made of an object in a text, not a value"
                self._add(node.lineno, Verdict.FAILS, "literal", text, "give the object itself as an argument of its own")

    def _look_at_requirements(self, text: str) -> None:
        found = conda_lines(text) if self._path.suffix.lower() in {".yml", ".yaml"} else requirement_lines(text)
        for line, entry in found:
            self._remark(line, _REQUIREMENT, f"`{shorten(entry, 60)}` ")

    def _enter(self, cell: int | None) -> None:
        self._cell = cell

    # what the tracing tells

    def used(self, node: ast.AST, thing: Thing) -> None:
        if thing.kind == "class" and _only_says_so(thing):
            return  # until it is made
        row = row_of(thing) if thing.kind != "class" else None
        if row is not None and row.kind is Kind.DIFFERS and not row.works_as_before:
            verdict = Verdict.FAILS if row.text.startswith(_RAISES) else Verdict.DIFFERS
            self._add(_line(node), verdict, thing.place, row.text)
        elif thing.kind != "module":
            self._examination.works[thing.place] += 1

    def lacking(self, node: ast.AST, lacking: Lacking, *, is_caught: bool) -> None:
        verdict = Verdict.DIFFERS if is_caught else Verdict.FAILS
        text = f"{lacking.text}; the script catches the error" if is_caught else lacking.text
        self._add(_line(node), verdict, lacking.place, text, lacking.remedy)

    def called(self, call: Call) -> None:
        line = call.node.lineno
        if call.problem:
            self._add(
                line, Verdict.FAILS, call.thing.place, f"TypeError: {call.problem}", "look at its arguments in docs/reference/coverage.md"
            )
        row = constructor_row(call.thing) if call.thing.kind == "class" else None
        if row is not None and row.kind is Kind.DIFFERS and not row.works_as_before:
            self._add(line, Verdict.DIFFERS, call.thing.place, row.text)
        elif row is not None and row.kind is Kind.ABSENT:
            self._add(line, Verdict.FAILS, call.thing.place, "absent", row.instead or "")
        elif call.thing.kind == "class" and (instead := stand_in_advice(call.thing)) is not None:
            self._add(line, Verdict.FAILS, call.thing.place, "absent", instead)
        for remark in remarks(call, self._script, self._assigned.get(call.node)):
            self._remark(line, remark)
        for name in _PACKAGES & {*call.arguments}:
            for node in ast.walk(call.arguments[name]):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and asks_for_azureml(node.value):
                    self._remark(node.lineno, _REQUIREMENT, f"`{shorten(node.value, 60)}` ")

    def formatted(self, node: ast.AST, thing: Thing) -> None:
        remark = formatted(node, thing)
        if remark is not None and remark.unless_given:
            self._left_open.append((self._cell, _line(node), remark))
        elif remark is not None:
            self._remark(_line(node), remark)

    def _remark(self, line: int, remark: Remark, about: str = "") -> None:
        self._add(line, remark.verdict, remark.subject, about + remark.text, remark.remedy)

    def _unreadable(self, text: str) -> None:
        self._cell = None
        self._add(0, Verdict.FAILS, "unreadable", text, "mend it, or name other files")

    def _add(self, line: int, verdict: Verdict, subject: str, text: str, remedy: str = "") -> None:
        self._examination.add(Finding(Place(str(self._path), self._cell, line), verdict, subject, text, remedy))


def _only_says_so(thing: Thing) -> bool:
    row = constructor_row(thing)
    return row.kind is Kind.ABSENT if row is not None else stand_in_advice(thing) is not None


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
