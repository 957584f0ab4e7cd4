"""What can an expression of a script be, as far as SDK v1 is in it, and what does it use?

Of what nobody can tell without running the script, nothing is said: an expression that may be anything is an empty tuple.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_amlpipe.migration.names import Lacking, Thing, any_of, elements_of, member, result_of, signature_of

__all__ = ["Call", "Expressions", "Known", "Listener", "Things", "elements", "merged"]

Things = tuple[Thing, ...]
_CATCHES_MEMBERS = {"AttributeError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Call:
    """A call of something of SDK v1.

    :ivar arguments: each argument by the name of its parameter, as far as that is known
    :ivar values: what those arguments can be
    :ivar problem: why Python would refuse the call; empty if it would not
    :ivar items: of arguments that are lists or tuples, what their items can be
    :ivar lists: the list behind an argument, written there or given a name before
    :ivar defaults: those of these lists that are the default of a function's argument
    :ivar made_from: what the object whose method is called was made from by another call, as far as that is one expression or a name
    :ivar is_dropped: nothing is done with what it returns
    """

    node: ast.Call
    thing: Thing
    arguments: dict[str, ast.expr]
    values: dict[str, Things]
    items: dict[str, Things]
    lists: dict[str, ast.List]
    defaults: set[str]
    made_from: Things
    problem: str
    is_dropped: bool


class Listener(Protocol):
    """Is told what is found, in the order of the script."""

    def used(self, node: ast.AST, thing: Thing) -> None: ...
    def lacking(self, node: ast.AST, lacking: Lacking, *, is_caught: bool) -> None: ...
    def called(self, call: Call) -> None: ...
    def formatted(self, node: ast.AST, thing: Thing) -> None: ...


@dataclass
class Known:
    """What the first reading learned, for the second."""

    returns: dict[ast.AST, Things] = field(default_factory=dict)
    attributes: dict[str, Things] = field(default_factory=dict)
    names: dict[str, Things] = field(default_factory=dict)
    functions: dict[str, ast.AST] = field(default_factory=dict)


class Expressions:
    """Reads expressions, and remembers what names hold.

    :ivar names: what each name, or attribute of a name (``self.run``), can be at this point of the script
    """

    def __init__(self, listener: Listener, known: Known) -> None:
        self.names: dict[str, Things] = {}
        self._listener = listener
        self._known = known
        self._functions: dict[str, ast.AST] = {}
        self._lists: dict[str, ast.List] = {}
        self._made: dict[str, ast.expr] = {}
        self._defaults: set[ast.List] = set()
        self._found: dict[ast.expr, Things] = {}
        self._returned: list[Things] = []
        self._in_function = 0
        self._caught: set[str] = set()

    # names

    def _bind(self, target: ast.expr, things: Things, value: ast.expr | None) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            values = (
                value.elts
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
                else [None] * len(target.elts)
            )
            for each, item in zip(target.elts, values, strict=True):
                self._bind(each, self._found.get(item, ()) if item is not None else elements(things), item)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, (), None)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(target, things)
        elif isinstance(target, ast.Name):
            self.names[target.id] = things
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
        dotted = _dotted(target)
        if dotted is not None:
            if dotted.startswith("self."):
                self._known.attributes[dotted] = things
            self.names[dotted] = things
        refusing = [each for each in owners if each.kind == "instance" and type(each.target).__name__ == "type"]
        lacking = [
            found
            for each in refusing
            if each.target.__setattr__ is not object.__setattr__ and isinstance(found := member(each, target.attr), Lacking)
        ]
        if owners and len(lacking) == len(owners):
            self._listener.lacking(target, lacking[0], is_caught=bool(self._caught & _CATCHES_MEMBERS))

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
        return tuple(Thing("instance", each.target, each.place) for each in self.value(node) if each.kind == "class")

    # expressions

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
        if not owners:
            dotted = _dotted(node)
            return self.names.get(dotted) or self._known.attributes.get(dotted, ()) if dotted else ()
        found = [member(each, node.attr) for each in owners]
        lacking = [each for each in found if isinstance(each, Lacking)]
        if len(lacking) == len(found):
            self._listener.lacking(node, lacking[0], is_caught=bool(self._caught & _CATCHES_MEMBERS))
            return ()
        here = [each for each in found if isinstance(each, Thing)]
        if here:
            self._listener.used(node, here[0])
        things = tuple(dict.fromkeys(thing for each in here for thing in any_of(each)))
        dotted = _dotted(node)
        return self.names.get(dotted or "") or things

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
        return elements(self.value(node.value))

    def _of_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Things:
        before = dict(self.names)
        self._generators(node.generators)
        self.value(node.elt)
        self.names = before
        return ()

    _of_SetComp = _of_GeneratorExp = _of_ListComp

    def _of_DictComp(self, node: ast.DictComp) -> Things:
        before = dict(self.names)
        self._generators(node.generators)
        self.value(node.key)
        self.value(node.value)
        self.names = before
        return ()

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
        self.value(node.left)
        self.value(node.right)
        for side, other in ((node.left, node.right), (node.right, node.left)):
            things = self._found.get(side, ())
            items = self._items(side) if isinstance(side, ast.Tuple) else ()
            if isinstance(node.op, (ast.Add, ast.Mod)) and _is_text(other):
                for thing in (*things, *items):
                    self._listener.formatted(node, thing)
        return ()

    def _of_Lambda(self, node: ast.Lambda) -> Things:
        before = dict(self.names)
        for argument in node.args.args:
            self.names.pop(argument.arg, None)
        self.value(node.body)
        self.names = before
        return ()

    def _call(self, node: ast.Call, *, is_dropped: bool) -> Things:
        functions = self.value(node.func)
        positional = [self.value(each) for each in node.args]
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        self._texts_made_by(node, positional)
        if not functions:
            return self._own_result(node, positional)
        calls = [self._call_of(node, thing, positional, named, is_dropped) for thing in functions if thing.kind in {"class", "function"}]
        if calls:
            # What can be one of several is refused only if all of them refuse it.
            self._listener.called(next((call for call in calls if not call.problem), calls[0]))
        values = calls[0].values if calls else {}
        return merged([result_of(thing, values) for thing in functions])

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
        arguments, values, problem = _bound(node, thing, positional, named)
        lists = {name: found for name, each in arguments.items() if (found := self._list_behind(each)) is not None}
        items = {name: self._items(each) for name, each in (arguments | lists).items()}
        defaults = {name for name, each in lists.items() if each in self._defaults}
        return Call(node, thing, arguments, values, items, lists, defaults, self._made_from(node), problem, is_dropped)

    def _own_result(self, node: ast.Call, positional: list[Things]) -> Things:
        if isinstance(node.func, ast.Name):
            if node.func.id == "next" and positional:
                return elements(positional[0])
            function = self._function(node.func.id)
            return self._known.returns.get(function, ()) if function is not None else ()
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "self":
            method = self._function(node.func.attr)
            return self._known.returns.get(method, ()) if method is not None else ()
        return ()

    def _function(self, name: str) -> ast.AST | None:
        return self._functions.get(name) or self._known.functions.get(name)

    def _texts_made_by(self, node: ast.Call, positional: list[Things]) -> None:
        makes_text = (isinstance(node.func, ast.Name) and node.func.id == "str") or (
            isinstance(node.func, ast.Attribute) and node.func.attr == "format" and _is_text(node.func.value)
        )
        for thing in (each for things in positional for each in things) if makes_text else ():
            self._listener.formatted(node, thing)


def _bound(
    node: ast.Call, thing: Thing, positional: list[Things], named: dict[str | None, Things]
) -> tuple[dict[str, ast.expr], dict[str, Things], str]:
    signature = signature_of(thing)
    arguments = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    values = {name: things for name, things in named.items() if name is not None}
    is_spread = None in named or any(isinstance(each, ast.Starred) for each in node.args)
    if signature is None:
        return arguments, values, ""
    names = [each.name for each in signature.parameters.values() if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    problem = ""
    try:
        bind = signature.bind_partial if is_spread else signature.bind
        bind(*([] if is_spread else node.args), **arguments)
    except TypeError as error:
        problem = str(error)
    if not is_spread:
        arguments |= dict(zip(names, node.args, strict=False))
        values |= dict(zip(names, positional, strict=False))
    return arguments, values, problem


def merged(many: Iterable[Things]) -> Things:
    """Put together what can be; of something that may be anything else too, nothing is known."""
    found = list(many)
    if any(not things for things in found) and len(found) > 1:
        found = [things for things in found if things]
    return tuple(dict.fromkeys(thing for things in found for thing in things))


def elements(things: Things) -> Things:
    return tuple(element for thing in things for element in elements_of(thing))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else None
    return None
