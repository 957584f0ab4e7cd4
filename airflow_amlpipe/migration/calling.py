"""What does a call of a script give back, and what does it do with what it is given?"""

from __future__ import annotations

import ast

from airflow_amlpipe.migration.bindings import CATCHES_MEMBERS, Bindings, dotted_name
from airflow_amlpipe.migration.call import Call, bound, own_arguments
from airflow_amlpipe.migration.own import member_of_own, method_of_many
from airflow_amlpipe.migration.places import Lacking, Thing, imported
from airflow_amlpipe.migration.results import result_of
from airflow_amlpipe.migration.things import Things, elements, merged

__all__ = ["Calling", "is_text"]

_SAME_ITEMS = {"iter", "list", "reversed", "set", "sorted", "tuple"}


class Calling(Bindings):
    """Reads calls: of SDK v1, of the script's own functions and classes, and of those of Python's own that hand on what they are given."""

    def _call(self, node: ast.Call, *, is_dropped: bool) -> Things:
        functions = self.value(node.func)
        positional = [self.value(each) for each in node.args]
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        self._texts_made_by(node, positional)
        own = [self._own_call(node, each, positional, named) for each in functions if each.kind.startswith("own ")]
        sdk = [each for each in functions if not each.kind.startswith("own ")]
        if not functions:
            return self._plain_call(node, positional, named)
        calls = [self._call_of(node, thing, positional, named, is_dropped) for thing in sdk if thing.kind in {"class", "function"}]
        if calls and not own:
            # What can be one of several is refused only if all of them refuse it.
            self._listener.called(next((call for call in calls if not call.problem), calls[0]))
        values = calls[0].values if calls else {}
        return merged([*own, *(result_of(thing, values) for thing in sdk)])

    def _made_from(self, node: ast.Call) -> Things:
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name):
            owner = self._made.get(owner.id)
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute):
            return self._found.get(owner.func.value, ())
        return ()

    def _items(self, node: ast.AST) -> Things:
        if not isinstance(node, (ast.List, ast.Tuple)):
            return ()
        return tuple(thing for each in node.elts for thing in (*self._found.get(each, ()), *self._items(each)))

    def _list_behind(self, node: ast.expr) -> ast.List | None:
        if isinstance(node, ast.Name):
            return self._lists.get(node.id)
        return node if isinstance(node, ast.List) else None

    def _call_of(self, node: ast.Call, thing: Thing, positional: list[Things], named: dict[str | None, Things], is_dropped: bool) -> Call:
        arguments, values, problem = bound(node, thing, positional, named)
        lists = {name: found for name, each in arguments.items() if (found := self._list_behind(each)) is not None}
        items = {name: self._items(each) for name, each in (arguments | lists).items()}
        defaults = {name for name, each in lists.items() if each in self._defaults}
        return Call(node, thing, arguments, values, items, lists, defaults, self._made_from(node), problem, is_dropped)

    def _own_call(self, node: ast.Call, thing: Thing, positional: list[Things], named: dict[str | None, Things]) -> Things:
        if thing.kind == "own class":
            made = Thing("own instance", thing.target, thing.place)
            for init in member_of_own(made, "__init__", self._known):
                self._own_call(node, init, positional, named)
            return (made,)
        if thing.kind != "own function":
            return ()
        arguments = thing.target.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)][1 if thing.place == "bound" else 0 :]
        for name, things in own_arguments(node, names, positional, named).items():
            self._known.add_parameter(thing.target, name, things)
        return self._known.returns.get(thing.target, ())

    def _plain_call(self, node: ast.Call, positional: list[Things], named: dict[str | None, Things]) -> Things:
        """Return what a call of Python's own gives back, as far as it hands on what it is given."""
        name = (dotted_name(node.func) or "").rpartition(".")[2] if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
        owner = self._found.get(node.func.value, ()) if isinstance(node.func, ast.Attribute) else ()
        if name in {"append", "add"} and positional and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            self.names[node.func.value.id] = merged([owner, (Thing("many", positional[0], ""),) if positional[0] else ()])
            return ()
        if owner:
            return method_of_many(owner, name)
        if name in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
            return self._imported(node, node.args[0].value)
        if name == "super" and self._classes:
            return tuple(
                Thing("own instance", base.target, base.place)
                for base in self._known.bases.get(self._classes[-1], ())
                if base.kind == "own class"
            )
        if name == "dict" and (found := merged(named.values())):
            return (Thing("mapping", found, ""),)
        if not positional:
            return ()
        if name in {"next", "anext", "choice"}:
            return elements(positional[0])
        if name in {"copy", "deepcopy", "cast"}:
            return positional[-1] if name != "cast" else self._of_annotation(node.args[0])
        if name in {"enumerate", "zip"}:
            found_rows = ((), elements(positional[0])) if name == "enumerate" else tuple(elements(each) for each in positional)
            return (Thing("many", (Thing("row", found_rows, ""),), ""),) if any(found_rows) else ()
        found = elements(positional[0]) if name in _SAME_ITEMS else ()
        return (Thing("many", found, ""),) if found else ()

    def _imported(self, node: ast.Call, name: object) -> Things:
        if not isinstance(name, str) or not f"{name}.".startswith("azureml."):
            return ()
        found = imported(name)
        if isinstance(found, Lacking):
            self._listener.lacking(node, found, is_caught=bool(self._caught & {"ImportError", "ModuleNotFoundError", *CATCHES_MEMBERS}))
            return ()
        self._listener.used(node, found)
        return (
            (found,) if isinstance(node.func, ast.Attribute) or (isinstance(node.func, ast.Name) and node.func.id != "__import__") else ()
        )

    def _texts_made_by(self, node: ast.Call, positional: list[Things]) -> None:
        makes_text = (isinstance(node.func, ast.Name) and node.func.id == "str") or (
            isinstance(node.func, ast.Attribute) and node.func.attr == "format" and is_text(node.func.value)
        )
        for thing in (each for things in positional for each in things) if makes_text else ():
            self._listener.formatted(node, thing)


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text that is written there."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
