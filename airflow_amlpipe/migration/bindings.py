"""What do the names of a script hold, and the attributes of its objects?"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from airflow_amlpipe.migration.call import Call
from airflow_amlpipe.migration.names import member
from airflow_amlpipe.migration.own import Known, Modules
from airflow_amlpipe.migration.places import Lacking, Thing
from airflow_amlpipe.migration.results import any_of, result_of
from airflow_amlpipe.migration.things import Things, elements, merged

__all__ = ["CATCHES_MEMBERS", "Bindings", "Listener", "dotted_name"]

CATCHES_MEMBERS = {"AttributeError", "Exception", "BaseException"}
_MANY = {"Iterable", "Iterator", "List", "Sequence", "Set", "frozenset", "list", "set"}
_MAPPINGS = {"Dict", "Mapping", "dict"}


class Listener(Protocol):
    """Is told what is found, in the order of the script."""

    def used(self, node: ast.AST, thing: Thing) -> None: ...
    def lacking(self, node: ast.AST, lacking: Lacking, *, is_caught: bool) -> None: ...
    def called(self, call: Call) -> None: ...
    def formatted(self, node: ast.AST, thing: Thing) -> None: ...


class Bindings(ABC):
    """Remembers what names hold.

    :ivar names: what each name, or attribute of a name (``self.run``), can be at this point of the script
    """

    def __init__(self, listener: Listener, known: Known, modules: Modules, file: Path) -> None:
        self.names: dict[str, Things] = {}
        self._listener = listener
        self._known = known
        self._modules = modules
        self._file = file
        self._classes: list[ast.ClassDef] = []
        self._globals: set[str] = set()
        self._lists: dict[str, ast.List] = {}
        self._made: dict[str, ast.expr] = {}
        self._defaults: set[ast.List] = set()
        self._found: dict[ast.expr, Things] = {}
        self._returned: list[Things] = []
        self._in_function = 0
        self._caught: set[str] = set()

    @abstractmethod
    def value(self, node: ast.expr) -> Things:
        """Return what an expression can be, and tell of what it uses."""

    @abstractmethod
    def _expressions_of(self, node: ast.AST) -> None: ...

    def _bind(self, target: ast.expr, things: Things, value: ast.expr | None) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            count = len(target.elts)
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == count else [None] * count
            for number, (each, item) in enumerate(zip(target.elts, values, strict=True)):
                self._bind(each, self._found.get(item, ()) if item is not None else _at(things, number, count), item)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, (), None)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(target, things)
        elif isinstance(target, ast.Name):
            self.names[target.id] = things
            if target.id in self._globals:
                self._known.names[target.id] = merged([self._known.names.get(target.id, ()), things])
            if value is not None:
                self._made[target.id] = value
            if isinstance(value, ast.List):
                self._lists[target.id] = value
            elif not (isinstance(value, ast.Name) and value.id in self._lists):
                self._lists.pop(target.id, None)
            else:
                self._lists[target.id] = self._lists[value.id]
        else:
            self._expressions_of(target)

    def _assign_attribute(self, target: ast.Attribute, things: Things) -> None:
        owners = self.value(target.value)
        dotted = dotted_name(target)
        if dotted is not None:
            self.names[dotted] = things
        for each in owners:
            if each.kind in {"own instance", "own class"}:
                self._known.add_attribute(each.target, target.attr, things)
        refusing = [each for each in owners if each.kind == "instance" and type(each.target).__name__ == "type"]
        lacking = [
            found
            for each in refusing
            if each.target.__setattr__ is not object.__setattr__ and isinstance(found := member(each, target.attr), Lacking)
        ]
        if owners and len(lacking) == len(owners):
            self._listener.lacking(target, lacking[0], is_caught=bool(self._caught & CATCHES_MEMBERS))

    def _bind_elements(self, target: ast.expr, things: Things) -> None:
        self._bind(target, elements(things), None)

    def _of_annotation(self, node: ast.expr | None) -> Things:
        if node is None:
            return ()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return ()
        if isinstance(node, ast.BinOp):
            return merged([self._of_annotation(node.left), self._of_annotation(node.right)])
        if isinstance(node, ast.Subscript):
            return self._of_generic(node)
        if isinstance(node, ast.Constant):
            return ()
        return merged(_made_of(each) for each in self.value(node))

    def _of_generic(self, node: ast.Subscript) -> Things:
        name = (dotted_name(node.value) or "").rpartition(".")[2]
        inner = [self._of_annotation(each) for each in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])]
        if name in {"Optional", "Union", "Annotated", "Final", "ClassVar"}:
            return merged(inner)
        if name in {"Tuple", "tuple"}:
            return (Thing("row", tuple(inner), ""),)
        if name in _MAPPINGS | _MANY and inner[-1]:
            return (Thing("mapping" if name in _MAPPINGS else "many", inner[-1], ""),)
        return ()


def _made_of(thing: Thing) -> Things:
    if thing.kind == "own class":
        return (Thing("own instance", thing.target, thing.place),)
    # What is said to be a Dataset, or a ComputeTarget, is one of the classes that there are of it.
    return merged(any_of(each) for each in result_of(thing)) if thing.kind == "class" else ()


def _at(things: Things, number: int, count: int) -> Things:
    """Return what the item of that number is, where as many are taken apart."""
    rows = [each for each in things if each.kind == "row" and len(each.target) == count]
    return merged([elements(tuple(each for each in things if each not in rows)), *(each.target[number] for each in rows)])


def dotted_name(node: ast.expr) -> str | None:
    """Return ``a.b.c`` as it is written, if an expression is no more than that."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted_name(node.value)
        return f"{owner}.{node.attr}" if owner else None
    return None
