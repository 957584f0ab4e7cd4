"""What do the functions, classes and modules that a script brings along hold of SDK v1?"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.migration.files import decode_script
from airflow_amlpipe.migration.places import Thing
from airflow_amlpipe.migration.things import Things, held, merged

__all__ = ["Function", "Known", "Modules", "decorators_of", "member_of_own", "method_of_many"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
_MOST_FOLDERS = 6  # above a script, in which the modules that it imports may lie
_LARGEST = 1_000_000


@dataclass
class Known:
    """What earlier readings learned, for the next.

    :ivar returns: what each function returns
    :ivar parameters: what the parameters of each are given somewhere
    :ivar attributes: what each class, or its instances, have by name
    :ivar bases: what each class is derived from
    :ivar names: what the names of the module hold in the end, which is what a function finds when it is called
    """

    returns: dict[ast.AST, Things] = field(default_factory=dict)
    parameters: dict[tuple[ast.AST, str], Things] = field(default_factory=dict)
    attributes: dict[tuple[ast.AST, str], Things] = field(default_factory=dict)
    bases: dict[ast.AST, Things] = field(default_factory=dict)
    names: dict[str, Things] = field(default_factory=dict)

    def add_attribute(self, owner: ast.AST, name: str, things: Things) -> None:
        self.attributes[owner, name] = merged([self.attributes.get((owner, name), ()), things])

    def add_parameter(self, function: ast.AST, name: str, things: Things) -> None:
        self.parameters[function, name] = merged([self.parameters.get((function, name), ()), things])

    def size(self) -> tuple[int, ...]:
        """Return a measure that changes while something is learned."""
        return (
            sum(map(len, self.returns.values())),
            sum(map(len, self.parameters.values())),
            sum(map(len, self.attributes.values())),
            sum(map(len, self.names.values())),
        )

    def of_another_module(self) -> Known:
        """Return what another module of the same program starts with: everything but the names."""
        return Known(self.returns, self.parameters, self.attributes, self.bases)


class Modules:
    """The modules that lie beside the scripts that are looked at. They are read once each, and nothing is told of them.

    :param read: returns what the names of a module hold in the end
    """

    def __init__(self, read: Callable[[ast.Module, Path, Modules], dict[str, Things]]) -> None:
        self._read = read
        self._names: dict[Path, dict[str, Things]] = {}
        self._found: dict[tuple[Path, str, int], Things] = {}
        self.known = Known()

    def find(self, script: Path, name: str, level: int) -> Things:
        """Return the module that an import means, if it is not one that is installed.

        :param level: how many dots stand before its name
        """
        above = [*script.absolute().parents]
        key = above[0], name, level
        if key not in self._found:
            self._found[key] = self._find(above, name, level)
        return self._found[key]

    @staticmethod
    def _find(above: list[Path], name: str, level: int) -> Things:
        parts = name.split(".") if name else []
        for folder in above[level - 1 : level] if level else above[:_MOST_FOLDERS]:
            place = folder.joinpath(*parts)
            if parts and (file := place.with_name(f"{place.name}.py")).is_file():
                return (Thing("own module", str(file), name),)
            if (place / "__init__.py").is_file() or ((level or len(parts) > 1) and place.is_dir()):
                return (Thing("own module", str(place), name),)
        return ()

    def member(self, module: Thing, name: str) -> Things:
        """Return what a module has under a name, or the module of that name in a package."""
        place = Path(module.target)
        return self.names(module).get(name) or (self.find(place / "__init__.py", name, 1) if place.is_dir() else ())

    def names(self, module: Thing) -> dict[str, Things]:
        """Return all that a module has."""
        place = Path(module.target)
        file = place / "__init__.py" if place.is_dir() else place
        if file not in self._names:
            self._names[file] = {}  # what imports itself in a circle finds nothing
            try:
                if file.is_file() and file.stat().st_size <= _LARGEST:
                    text, _ = decode_script(file.read_bytes())
                    self._names[file] = self._read(ast.parse(text.removeprefix("\ufeff")), file, self)
            except (OSError, DefinitionError, SyntaxError, ValueError, RecursionError, MemoryError):
                return {}  # it is a finding where it is looked at itself
        return self._names[file]


def member_of_own(owner: Thing, name: str, known: Known) -> Things:
    """Return what a class of the script's own, or an instance of it, has under a name."""
    for cls in _lineage(owner.target, known):
        if found := known.attributes.get((cls, name)):
            return merged(_as_member(each, known, is_instance=owner.kind == "own instance") for each in found)
    return ()


def method_of_many(things: Things, name: str) -> Things:
    """Return what a call of a list's or a dict's own method gives back."""
    holds = held(things)
    if not holds:
        return ()
    if name in {"get", "pop", "setdefault"}:
        return holds
    if name == "items":
        return (Thing("many", (Thing("row", ((), holds), ""),), ""),)
    if name == "values":
        return (Thing("many", holds, ""),)
    return things if name == "copy" else ()


def decorators_of(function: Function) -> set[str]:
    """Return the last names of a function's decorators."""
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in function.decorator_list
        if isinstance(each, (ast.Name, ast.Attribute))
    }


def _as_member(thing: Thing, known: Known, *, is_instance: bool) -> Things:
    if thing.kind != "own function":
        return (thing,)
    decorators = decorators_of(thing.target)
    if is_instance and decorators & {"property", "cached_property"}:
        return known.returns.get(thing.target, ())
    is_bound = (is_instance and "staticmethod" not in decorators) or "classmethod" in decorators
    return (Thing("own function", thing.target, "bound" if is_bound else ""),)


def _lineage(cls: ast.AST, known: Known) -> Iterator[ast.AST]:
    waiting, seen = [cls], set[ast.AST]()
    while waiting:
        each = waiting.pop(0)
        if each not in seen:
            seen.add(each)
            yield each
            waiting += [base.target for base in known.bases.get(each, ()) if base.kind == "own class"]
