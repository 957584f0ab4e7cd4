"""By which names does a script hand data to its steps?

Two expressions are taken for the same data if they begin at the same name: ``out`` and ``out.as_upload()``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from airflow_amlpipe.migration.call import Call

__all__ = ["argument_names", "given_names", "names_in"]


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield each name that is read in an expression."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id


def given_names(call: Call) -> set[str] | None:
    """Return the names of what a step has in inputs or outputs; ``None`` when nobody can tell all of them."""
    found: set[str] = set()
    for name in ("inputs", "outputs"):
        node = call.lists.get(name) or call.arguments.get(name)
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            continue
        if not isinstance(node, (ast.List, ast.Tuple)) or any(isinstance(each, ast.Starred) for each in node.elts):
            return None
        found |= {*names_in(node)}
    return None if any(keyword.arg is None for keyword in call.node.keywords) else found


def argument_names(call: Call) -> set[str]:
    """Return the names of what a step has as arguments of their own, as far as they can be told."""
    node = call.lists.get("arguments") or call.arguments.get("arguments")
    items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else []
    return {name for each in items if not isinstance(each, (ast.JoinedStr, ast.BinOp)) for name in names_in(each)}
