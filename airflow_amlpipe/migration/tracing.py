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
from pathlib import Path
from typing import Literal

from airflow_amlpipe.migration.bindings import Listener
from airflow_amlpipe.migration.call import Call
from airflow_amlpipe.migration.expressions import Expressions
from airflow_amlpipe.migration.names import member
from airflow_amlpipe.migration.own import Function, Known, Modules, decorators_of
from airflow_amlpipe.migration.places import Lacking, Thing, imported, module
from airflow_amlpipe.migration.things import Things, elements, merged

__all__ = ["modules_beside", "trace"]

_Block = Sequence[ast.stmt]
_MOST_READINGS = 5  # functions that call functions that are written below them
_CATCHES_IMPORTS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def trace(parts: Sequence[tuple[_Block, Callable[[], None]]], listener: Listener, *, file: Path, modules: Modules) -> None:
    """Read parts of one program, a script or the cells of a notebook, and tell ``listener`` what they use.

    :param parts: statements, and what is called before they are told of
    :param file: what it imports is looked for from there
    """
    reader = _learned([block for block, _ in parts], file, modules)
    telling = _Statements(listener, reader.known, modules, file)
    for block, begin in parts:
        begin()
        telling.block(block)


def modules_beside() -> Modules:
    """Return the modules that scripts bring along, none of them read yet."""
    return Modules(lambda tree, file, modules: _learned([tree.body], file, modules).names)


def _learned(blocks: Sequence[_Block], file: Path, modules: Modules) -> _Statements:
    known = modules.known.of_another_module()
    for _ in range(_MOST_READINGS):
        before = known.size()
        reader = _Statements(_Silent(), known, modules, file)
        for block in blocks:
            reader.block(block)
        known.names = {name: merged([known.names.get(name, ()), reader.names.get(name, ())]) for name in {**known.names, **reader.names}}
        if before == known.size():
            break
    return reader


class _Statements(Expressions):
    """Reads statements; a kind that has no method of its own is read for its expressions."""

    @property
    def known(self) -> Known:
        return self._known

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
                found_own = self._modules.find(self._file, alias.name, 0)
                self.names[alias.asname or alias.name.split(".")[0]] = found_own if alias.asname else _outermost(found_own, alias.name)
                continue
            found = imported(alias.name)
            if isinstance(found, Lacking):
                self._listener.lacking(node, found, is_caught=bool(self._caught & _CATCHES_IMPORTS))
                continue
            self._listener.used(node, found)
            top = module("azureml")
            self.names[alias.asname or "azureml"] = (found,) if alias.asname else (top,) if isinstance(top, Thing) else ()

    def _do_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module or not _is_azureml(node.module):
            self._import_own(node)
            return
        home = imported(node.module)
        if isinstance(home, Lacking):
            self._listener.lacking(node, home, is_caught=bool(self._caught & _CATCHES_IMPORTS))
            return
        for alias in node.names:
            wanted = [alias.name] if alias.name != "*" else list(getattr(home.target, "__all__", ()))
            for name in wanted:
                self._import_one(node, home, name, alias.asname or name)

    def _import_own(self, node: ast.ImportFrom) -> None:
        homes = self._modules.find(self._file, node.module or "", node.level)
        for alias in node.names:
            if alias.name == "*":
                self.names |= {
                    name: things for each in homes for name, things in self._modules.names(each).items() if not name.startswith("_")
                }
            else:
                self.names[alias.asname or alias.name] = merged(self._modules.member(each, alias.name) for each in homes)

    def _import_one(self, node: ast.ImportFrom, home: Thing, name: str, bound: str) -> None:
        found = member(home, name)
        self.names.pop(bound, None)
        if isinstance(found, Lacking):
            self._listener.lacking(node, found, is_caught=bool(self._caught & _CATCHES_IMPORTS))
        elif found is not None:
            if node.names[0].name != "*":
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

    def _do_FunctionDef(self, node: Function) -> None:
        for expression in (*node.decorator_list, *node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)):
            self.value(expression)
        self.names[node.name] = (Thing("own function", node, ""),)
        self._known.returns[node] = merged([self._of_annotation(node.returns), self._body(node, node.args)])

    _do_AsyncFunctionDef = _do_FunctionDef

    def _do_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *(keyword.value for keyword in node.keywords)):
            self.value(expression)
        self._known.bases[node] = merged([self.value(base) for base in node.bases])
        itself = (Thing("own class", node, node.name),)
        before = dict(self.names)
        self._known.names[node.name] = itself  # which its methods find
        self._classes.append(node)
        self.names = {name: things for name, things in before.items() if "." not in name}
        self.block(node.body)
        self._classes.pop()
        for name, things in self.names.items():
            if things and things != before.get(name):
                self._known.add_attribute(node, name, things)
        self.names = before | {node.name: itself}

    def _do_Global(self, node: ast.Global) -> None:
        self._globals |= {*node.names}

    def _body(self, node: Function, arguments: ast.arguments) -> Things:
        before, lists, returned, caught, globals_ = dict(self.names), dict(self._lists), self._returned, self._caught, self._globals
        self._returned, self._caught, self._globals = [], set(), set()
        self._in_function += 1
        # What a module gives a name later, or one of its functions does, is what a function finds when it is called.
        self.names = {name: things or self._known.names.get(name, ()) for name, things in self.names.items()}
        plain = [*arguments.posonlyargs, *arguments.args]
        given: dict[ast.arg, ast.expr | None] = dict(zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True))
        given |= dict(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
        for argument in (*plain, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if argument is not None:
                self._bind_argument(node, argument, given.get(argument))
        if self._classes and self._is_method(node) and plain and (kind := self._kind_of_first(node)):
            self.names[plain[0].arg] = (Thing(kind, self._classes[-1], self._classes[-1].name),)
        self.block(node.body)
        self._in_function -= 1
        found = merged(self._returned)
        self.names, self._lists, self._returned, self._caught, self._globals = before, lists, returned, caught, globals_
        return found

    def _bind_argument(self, node: Function, argument: ast.arg, default: ast.expr | None) -> None:
        given = merged([self._found.get(default, ()) if default is not None else (), self._known.parameters.get((node, argument.arg), ())])
        self.names[argument.arg] = self._of_annotation(argument.annotation) or given
        self._lists.pop(argument.arg, None)
        if isinstance(default, ast.List):
            self._lists[argument.arg] = default
            self._defaults.add(default)

    def _is_method(self, node: Function) -> bool:
        return node in self._classes[-1].body

    @staticmethod
    def _kind_of_first(node: Function) -> Literal["own class", "own instance"] | None:
        decorators = decorators_of(node)
        if "staticmethod" in decorators:
            return None
        return "own class" if "classmethod" in decorators else "own instance"

    def _branches(self, *blocks: _Block) -> None:
        before, after = self.names, []
        for block in blocks:
            self.names = dict(before)
            self.block(block)
            after.append(self.names)
        first, *others = after
        different = {name for names in others for name in {*first, *names} if names.get(name) is not first.get(name)}
        self.names = first | {name: merged([names.get(name, ()) for names in after]) for name in different}


class _Silent:
    def used(self, node: ast.AST, thing: Thing) -> None: ...
    def lacking(self, node: ast.AST, lacking: Lacking, *, is_caught: bool) -> None: ...
    def called(self, call: Call) -> None: ...
    def formatted(self, node: ast.AST, thing: Thing) -> None: ...


def _entered(things: Things) -> Things:
    """Return what ``with`` gives: the thing itself, or what a function of ``contextlib`` yields."""
    return merged([tuple(thing for thing in things if thing.kind in {"instance", "own instance"}), elements(things)])


def _outermost(things: Things, name: str) -> Things:
    """Return what ``import a.b`` binds: ``a``, the folder around ``b``."""
    depth = name.count(".")
    return tuple(Thing("own module", str(Path(each.target).parents[depth - 1]), "") for each in things) if depth else things


def _is_azureml(name: str) -> bool:
    return name == "azureml" or name.startswith("azureml.")


def _caught_by(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {each.id if isinstance(each, ast.Name) else each.attr if isinstance(each, ast.Attribute) else "" for each in types}
