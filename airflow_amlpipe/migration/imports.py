"""Where in a piece of Python has ``azureml`` to become ``airflow_amlpipe.sdk``?

Only the places are told: whoever asks changes these seven letters and leaves every other byte alone, line ends, comments and encoding included.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.migration.names import member
from airflow_amlpipe.migration.places import Lacking, Thing, module

if TYPE_CHECKING:
    import libcst

__all__ = ["NEW", "OLD", "Rewriting", "Spot", "find_imports", "split_lines"]

OLD, NEW = "azureml", "airflow_amlpipe.sdk"
_LINE_END = re.compile(r"\r\n|\r|\n")
_INSIDE_A_STEP = {"get_context", "get_submitted_run"}
_TAKE_NAMES = {"import_module", "__import__", "find_spec", "find_loader", "importorskip", "patch", "setattr", "delattr", "run_module"}
_NAME = re.compile(r"azureml(?:\.\w+)*")


class Spot(NamedTuple):
    """Where ``azureml`` stands: the line from 0, and the character in it from 0."""

    line: int
    column: int


@dataclass(frozen=True)
class Rewriting:
    """What is to be changed in a piece of Python.

    :ivar left: imports that stay, by line from 1: of what is not here
    :ivar binds: whether ``azureml`` itself is a name of this piece, which cells below it use
    :ivar runs_in_step: whether it asks for the run that it is part of
    :ivar named: texts that name a module to be imported or replaced, by line from 1: what a program makes of a text nobody can tell, so they stay
    """

    spots: tuple[Spot, ...] = ()
    left: tuple[tuple[int, str], ...] = ()
    binds: bool = False
    runs_in_step: bool = False
    named: tuple[tuple[int, str], ...] = ()


def split_lines(text: str) -> list[str]:
    """Split text as Python does, without the ends of the lines."""
    return _LINE_END.split(text)


def find_imports(text: str, *, is_bound: bool = False) -> Rewriting:
    """Return what is to be changed in a piece of Python.

    :param is_bound: a cell above this piece of the same notebook bound ``azureml``
    :raises DefinitionError: it is no Python, it gives the name ``azureml`` to something else, or libcst is not installed
    """
    if OLD not in text:
        return Rewriting()
    try:
        import libcst
        from libcst.metadata import MetadataWrapper
    except ImportError as error:
        raise DefinitionError("amlpipe migrate needs libcst: install the extra `migrate` (airflow-amlpipe[migrate])") from error
    # libcst puts one kind of line end for all, and loses form feeds before code, which end what was indentation. Places are told by lines.
    lines = [line if line.strip() else "" for line in split_lines(text)]
    cuts = [line[: len(line) - len(line.lstrip(" \t\f"))].rfind("\f") + 1 for line in lines]
    plain = "\n".join(line[cut:] for line, cut in zip(lines, cuts, strict=True)).rstrip() + "\n"
    try:
        tree = libcst.parse_module(plain)
        if tree.code != plain:
            raise DefinitionError("it cannot be read without loss; it is left as it is")
        visitor = _visitor(libcst, is_bound)
        MetadataWrapper(tree).visit(visitor)
    except libcst.ParserSyntaxError as error:
        raise DefinitionError(f"it is no Python: line {error.raw_line}: {shorten(error.message)}") from error
    except RecursionError as error:
        raise DefinitionError("an expression in it is nested too deep to be read") from error
    return _placed(plain, cuts, visitor)


def _placed(plain: str, cuts: list[int], visitor: Any) -> Rewriting:
    encoded = plain.encode("utf-8", errors="surrogatepass")
    spots = []
    for start in sorted(visitor.starts):
        before = encoded[:start].decode("utf-8", errors="surrogatepass")
        line = before.count("\n")
        spots.append(Spot(line, len(before) - (before.rfind("\n") + 1) + cuts[line]))
    return Rewriting(tuple(spots), tuple(visitor.left), visitor.binds, visitor.runs_in_step, tuple(visitor.named))


def _visitor(cst: Any, is_bound: bool) -> Any:  # noqa: C901  one method for each kind of node; libcst is imported late
    from libcst.metadata import ByteSpanPositionProvider, PositionProvider, ScopeProvider
    from libcst.metadata.scope_provider import BuiltinScope, ImportAssignment

    class Visitor(cst.CSTVisitor):  # type: ignore[misc]
        METADATA_DEPENDENCIES = (ByteSpanPositionProvider, PositionProvider, ScopeProvider)

        def __init__(self) -> None:
            self.starts: list[int] = []
            self.left: list[tuple[int, str]] = []
            self.binds = False
            self.runs_in_step = False
            self.named: list[tuple[int, str]] = []

        def visit_Call(self, node: libcst.Call) -> None:
            called = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
            if node.args and isinstance(called, cst.Name) and called.value in _TAKE_NAMES:
                self._note_text(node.args[0].value)

        def visit_Subscript(self, node: libcst.Subscript) -> None:
            if isinstance(node.value, cst.Attribute) and node.value.attr.value == "modules" and isinstance(node.slice[0].slice, cst.Index):
                self._note_text(node.slice[0].slice.value)

        def _note_text(self, node: Any) -> None:
            text = node.evaluated_value if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)) else None
            if isinstance(text, str) and _NAME.fullmatch(text):
                self.named.append((self._line(node), text))

        def visit_Import(self, node: libcst.Import) -> bool:
            for alias in node.names:
                first, dotted = _dotted(cst, alias.name)
                if first is not None and first.value == OLD:
                    if isinstance(module(dotted), Lacking):
                        self.left.append((self._line(node), dotted))
                        continue
                    self.binds = self.binds or alias.asname is None
                    self._mark(first)
            return False

        def visit_ImportFrom(self, node: libcst.ImportFrom) -> bool:
            first, dotted = _dotted(cst, node.module) if node.module is not None and not node.relative else (None, "")
            if first is not None and first.value == OLD:
                lacking = _lacking_of(cst, node, dotted)
                if lacking:
                    self.left.append((self._line(node), ", ".join(lacking)))
                else:
                    self._mark(first)
            return False

        def visit_Attribute(self, node: libcst.Attribute) -> bool:
            self.runs_in_step = self.runs_in_step or node.attr.value in _INSIDE_A_STEP
            node.value.visit(self)  # the name behind the dot is none that a scope knows
            return False

        def visit_Arg(self, node: libcst.Arg) -> bool:
            node.value.visit(self)
            return False

        def visit_Del(self, node: libcst.Del) -> None:
            self._refuse_names(node)

        def visit_NameItem(self, node: libcst.NameItem) -> bool:
            if node.name.value == OLD:
                self._refuse(node, "says `global azureml`")
            return False

        def visit_Name(self, node: libcst.Name) -> None:
            if node.value != OLD:
                return
            scope = self.get_metadata(ScopeProvider, node, None)
            if scope is None:
                return
            bindings = [*scope[OLD]]
            imports = [each for each in bindings if isinstance(each, ImportAssignment) and _binds_azureml(cst, each.node)]
            others = [each for each in bindings if each not in imports and not isinstance(each.scope, BuiltinScope)]
            if imports and others:
                self._refuse(node, "gives the name azureml to something else too")
            if imports or (is_bound and not others):
                self._mark(node)

        def _refuse_names(self, node: Any) -> None:
            if any(isinstance(each, cst.Name) and each.value == OLD for each in (node.target, *getattr(node.target, "elements", ()))):
                self._refuse(node, "deletes the name azureml")

        def _refuse(self, node: Any, what: str) -> None:
            raise DefinitionError(f"line {self._line(node)} {what}: change this file by hand")

        def _mark(self, node: Any) -> None:
            self.starts.append(self.get_metadata(ByteSpanPositionProvider, node).start)

        def _line(self, node: Any) -> int:
            return int(self.get_metadata(PositionProvider, node).start.line)

    return Visitor()


def _dotted(cst: Any, node: Any) -> tuple[Any, str]:
    """Return the first name of a dotted one, and all of it."""
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    return (node, ".".join([node.value, *reversed(names)])) if isinstance(node, cst.Name) else (None, "")


def _lacking_of(cst: Any, node: Any, dotted: str) -> Collection[str]:
    home = module(dotted)
    if isinstance(home, Lacking):
        return [dotted]
    if isinstance(node.names, cst.ImportStar):
        return []
    found = {alias.name.value: member(home, alias.name.value) for alias in node.names}
    return [f"{dotted}.{name}" for name, each in found.items() if isinstance(each, Lacking) or _only_stands_in(each)]


def _only_stands_in(found: Thing | None) -> bool:
    """Whether it is a module that ``azureml`` alone has a stand-in for."""
    return found is not None and found.kind == "module" and isinstance(module(found.place), Lacking)


def _binds_azureml(cst: Any, node: Any) -> bool:
    """Whether an import binds the name ``azureml`` itself to the package of that name."""
    if not isinstance(node, cst.Import):
        return False
    return any(alias.asname is None and _dotted(cst, alias.name)[1].split(".")[0] == OLD for alias in node.names)
