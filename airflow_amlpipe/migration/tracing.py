"""Where in a script are names of ``azureml`` used, and as what?

The script is read the way Python would run it, statement by statement, but nothing is run: each name is followed to what it can hold, through imports
and their aliases, assignments, loops, calls of the script's own functions and attributes of its objects. What both branches of an ``if`` assign is kept
side by side.

It is read more than once: first to learn what functions return and what names hold in the end, which is what a function finds when it is called,
until nothing new is learned, then to tell.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from airflow_amlpipe.migration.expressions import Call, Expressions, Known, Listener, Things, merged
from airflow_amlpipe.migration.names import Lacking, Thing, member, module

__all__ = ["trace"]

_Block = Sequence[ast.stmt]
_MOST_READINGS = 5  # functions that call functions that are written below them
_CATCHES_IMPORTS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def trace(parts: Sequence[tuple[_Block, Callable[[], None]]], listener: Listener) -> None:
    """Read parts of one program, a script or the cells of a notebook, and tell ``listener`` what they use.

    :param parts: statements, and what is called before they are told of
    """
    known = Known()
    for _ in range(_MOST_READINGS):
        before = dict(known.returns), dict(known.attributes), known.names
        reader = _Statements(_Silent(), known)
        for block, _begin in parts:
            reader.block(block)
        known.names = reader.names
        if before == (known.returns, known.attributes, known.names):
            break
    telling = _Statements(listener, known)
    for block, begin in parts:
        begin()
        telling.block(block)


class _Statements(Expressions):
    """Reads statements; a kind that has no method of its own is read for its expressions."""

    def block(self, statements: _Block) -> None:
        for statement in statements:
            handler = getattr(self, f"_do_{type(statement).__name__}", None)
            if handler is not None:
                handler(statement)
            else:
                self._expressions_of(statement)

    def _do_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if not _is_azureml(alias.name):
                self.names.pop(alias.asname or alias.name.split(".")[0], None)
                continue
            found = module(alias.name)
            if isinstance(found, Lacking):
                self._listener.lacking(node, found, is_caught=bool(self._caught & _CATCHES_IMPORTS))
                continue
            self._listener.used(node, found)
            top = module("azureml")
            self.names[alias.asname or "azureml"] = (found,) if alias.asname else (top,) if isinstance(top, Thing) else ()

    def _do_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module or not _is_azureml(node.module):
            for alias in node.names:
                self.names.pop(alias.asname or alias.name, None)
            return
        home = module(node.module)
        if isinstance(home, Lacking):
            self._listener.lacking(node, home, is_caught=bool(self._caught & _CATCHES_IMPORTS))
            return
        for alias in node.names:
            wanted = [alias.name] if alias.name != "*" else list(getattr(home.target, "__all__", ()))
            for name in wanted:
                self._import_one(node, home, name, alias.asname or name)

    def _import_one(self, node: ast.ImportFrom, home: Thing, name: str, bound: str) -> None:
        found = member(home, name)
        self.names.pop(bound, None)
        if isinstance(found, Lacking):
            self._listener.lacking(node, found, is_caught=bool(self._caught & _CATCHES_IMPORTS))
        elif found is not None:
            self._listener.used(node, found)
            self.names[bound] = (found,)

    def _do_Assign(self, node: ast.Assign) -> None:
        things = self.value(node.value)
        for target in node.targets:
            self._bind(target, things, node.value)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        annotated = self._of_annotation(node.annotation)
        things = self.value(node.value) if node.value is not None else ()
        self._bind(node.target, things or annotated, node.value)

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        self.value(node.value)

    def _do_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value, is_dropped=True)
        else:
            self.value(node.value)

    def _do_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._returned.append(self.value(node.value))

    def _do_If(self, node: ast.If) -> None:
        self.value(node.test)
        self._branches(node.body, node.orelse)

    def _do_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_elements(node.target, self.value(node.iter))
        self._branches([*node.body], node.orelse)

    _do_AsyncFor = _do_For

    def _do_While(self, node: ast.While) -> None:
        self.value(node.test)
        self._branches(node.body, node.orelse)

    def _do_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            things = self.value(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, _entered(things), None)
        self.block(node.body)

    _do_AsyncWith = _do_With

    def _do_Try(self, node: ast.Try) -> None:
        before = self._caught
        self._caught = before | {name for handler in node.handlers for name in _caught_by(handler)}
        self.block(node.body)
        self._caught = before
        for handler in node.handlers:
            if handler.type is not None:
                self.value(handler.type)
        self._branches(*(handler.body for handler in node.handlers), ())
        self.block(node.orelse)
        self.block(node.finalbody)

    _do_TryStar = _do_Try

    def _do_Match(self, node: ast.Match) -> None:
        self.value(node.subject)
        self._branches(*(case.body for case in node.cases), ())

    def _do_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for expression in (*node.decorator_list, *node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)):
            self.value(expression)
        self.names.pop(node.name, None)
        self._functions[node.name] = self._known.functions[node.name] = node
        self._known.returns[node] = self._body(node, node.args)

    _do_AsyncFunctionDef = _do_FunctionDef

    def _do_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.value(expression)
        before = dict(self.names), dict(self._functions)
        self.block(node.body)
        self.names, self._functions = before
        self.names.pop(node.name, None)

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef, arguments: ast.arguments) -> Things:
        before, lists, returned, caught = dict(self.names), dict(self._lists), self._returned, self._caught
        self._returned, self._caught = [], set()
        self._in_function += 1
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if argument is not None:
                self.names[argument.arg] = self._of_annotation(argument.annotation)
                self._lists.pop(argument.arg, None)
        plain = [*arguments.posonlyargs, *arguments.args]
        given: list[tuple[ast.arg, ast.expr | None]] = [
            *zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True)
        ]
        given += [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        for argument, default in given:
            if isinstance(default, ast.List):
                self._lists[argument.arg] = default
                self._defaults.add(default)
        self.block(node.body)
        self._in_function -= 1
        found = merged(self._returned)
        self.names, self._lists, self._returned, self._caught = before, lists, returned, caught
        return found

    def _branches(self, *blocks: _Block) -> None:
        before, after = self.names, []
        for block in blocks:
            self.names = dict(before)
            self.block(block)
            after.append(self.names)
        self.names = {name: merged([names.get(name, ()) for names in after]) for names in after for name in names}


class _Silent:
    def used(self, node: ast.AST, thing: Thing) -> None: ...
    def lacking(self, node: ast.AST, lacking: Lacking, *, is_caught: bool) -> None: ...
    def called(self, call: Call) -> None: ...
    def formatted(self, node: ast.AST, thing: Thing) -> None: ...


def _entered(things: Things) -> Things:
    return tuple(thing for thing in things if thing.kind == "instance")


def _is_azureml(name: str) -> bool:
    return name == "azureml" or name.startswith("azureml.")


def _caught_by(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {each.id if isinstance(each, ast.Name) else each.attr if isinstance(each, ast.Attribute) else "" for each in types}
