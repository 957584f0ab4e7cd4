"""What can an expression of a script be, as far as SDK v1 is in it, and what does it use?

Of what nobody can tell without running the script, nothing is said: an expression that may be anything is an empty tuple.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from airflow_amlpipe.migration.bindings import CATCHES_MEMBERS, dotted_name
from airflow_amlpipe.migration.calling import Calling, is_text
from airflow_amlpipe.migration.names import member
from airflow_amlpipe.migration.own import member_of_own
from airflow_amlpipe.migration.places import Lacking, Thing
from airflow_amlpipe.migration.results import any_of
from airflow_amlpipe.migration.things import Things, elements, held, merged

__all__ = ["Expressions"]


class Expressions(Calling):
    """Reads expressions, each kind by a method of its own; of a kind that has none, what stands in it is read."""

    def value(self, node: ast.expr) -> Things:
        """Return what an expression can be, and tell of what it uses."""
        handler: Callable[[Any], Things] | None = getattr(self, f"_of_{type(node).__name__}", None)
        if handler is not None:
            self._found[node] = found = handler(node)
            return found
        self._expressions_of(node)
        return ()

    def _expressions_of(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.comprehension):
                self._bind_elements(child.target, self.value(child.iter))
                for condition in child.ifs:
                    self.value(condition)
            elif not isinstance(child, (ast.expr_context, ast.operator)):
                self._expressions_of(child)

    def _of_Name(self, node: ast.Name) -> Things:
        if node.id in self.names:
            return self.names[node.id]
        return self._known.names.get(node.id, ()) if self._in_function else ()

    def _of_Attribute(self, node: ast.Attribute) -> Things:
        owners = self.value(node.value)
        assigned = self.names.get(dotted_name(node) or "", ())
        own = merged(self._of_own(each, node.attr) for each in owners if each.kind.startswith("own "))
        sdk = [each for each in owners if not each.kind.startswith("own ")]
        found = [member(each, node.attr) for each in sdk]
        lacking = [each for each in found if isinstance(each, Lacking)]
        if lacking and len(lacking) == len(owners):
            self._listener.lacking(node, lacking[0], is_caught=bool(self._caught & CATCHES_MEMBERS))
            return ()
        here = [each for each in found if isinstance(each, Thing)]
        if here:
            self._listener.used(node, here[0])
        return assigned or merged([own, *(any_of(each) for each in here)])

    def _of_own(self, owner: Thing, name: str) -> Things:
        return self._modules.member(owner, name) if owner.kind == "own module" else member_of_own(owner, name, self._known)

    def _of_Call(self, node: ast.Call) -> Things:
        return self._call(node, is_dropped=False)

    def _of_Await(self, node: ast.Await) -> Things:
        return self.value(node.value)

    def _of_NamedExpr(self, node: ast.NamedExpr) -> Things:
        things = self.value(node.value)
        self._bind(node.target, things, node.value)
        return things

    def _of_IfExp(self, node: ast.IfExp) -> Things:
        self.value(node.test)
        return merged([self.value(node.body), self.value(node.orelse)])

    def _of_BoolOp(self, node: ast.BoolOp) -> Things:
        return merged([self.value(value) for value in node.values])

    def _of_Subscript(self, node: ast.Subscript) -> Things:
        self.value(node.slice)
        things = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return things
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            rows = [each for each in things if each.kind == "row" and node.slice.value < len(each.target)]
            return merged([held(tuple(each for each in things if each not in rows)), *(each.target[node.slice.value] for each in rows)])
        return held(things)

    def _of_List(self, node: ast.List | ast.Set) -> Things:
        found = merged([self.value(each) if not isinstance(each, ast.Starred) else elements(self.value(each.value)) for each in node.elts])
        return (Thing("many", found, ""),) if found else ()

    _of_Set = _of_List

    def _of_Tuple(self, node: ast.Tuple) -> Things:
        found = tuple(self.value(each) for each in node.elts)
        return (Thing("row", found, ""),) if any(found) else ()

    def _of_Dict(self, node: ast.Dict) -> Things:
        for key in node.keys:
            if key is not None:
                self.value(key)
        found = merged(
            [held(self.value(each)) if key is None else self.value(each) for key, each in zip(node.keys, node.values, strict=True)]
        )
        return (Thing("mapping", found, ""),) if found else ()

    def _of_Yield(self, node: ast.Yield) -> Things:
        if node.value is not None and (found := self.value(node.value)):
            self._returned.append((Thing("many", found, ""),))
        return ()

    def _of_YieldFrom(self, node: ast.YieldFrom) -> Things:
        self._returned.append(self.value(node.value))
        return ()

    def _of_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Things:
        before = dict(self.names)
        self._generators(node.generators)
        found = self.value(node.elt)
        self.names = before
        return (Thing("many", found, ""),) if found else ()

    _of_SetComp = _of_GeneratorExp = _of_ListComp

    def _of_DictComp(self, node: ast.DictComp) -> Things:
        before = dict(self.names)
        self._generators(node.generators)
        self.value(node.key)
        found = self.value(node.value)
        self.names = before
        return (Thing("mapping", found, ""),) if found else ()

    def _generators(self, generators: list[ast.comprehension]) -> None:
        for generator in generators:
            self._bind_elements(generator.target, self.value(generator.iter))
            for condition in generator.ifs:
                self.value(condition)

    def _of_JoinedStr(self, node: ast.JoinedStr) -> Things:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                for thing in self.value(part.value):
                    self._listener.formatted(part, thing)
        return ()

    def _of_BinOp(self, node: ast.BinOp) -> Things:
        both = merged([self.value(node.left), self.value(node.right)])
        for side, other in ((node.left, node.right), (node.right, node.left)):
            things = self._found.get(side, ())
            items = self._items(side) if isinstance(side, ast.Tuple) else ()
            if isinstance(node.op, (ast.Add, ast.Mod)) and is_text(other):
                for thing in (*things, *items):
                    self._listener.formatted(node, thing)
        found = held(both) if isinstance(node.op, ast.Add) else ()
        return (Thing("many", found, ""),) if found else ()

    def _of_Lambda(self, node: ast.Lambda) -> Things:
        before = dict(self.names)
        given = [self.value(each) for each in node.args.defaults]
        for argument in node.args.args:
            self.names.pop(argument.arg, None)
        self.names |= {argument.arg: things for argument, things in zip(reversed(node.args.args), reversed(given), strict=False)}
        self.value(node.body)
        self.names = before
        return ()
