"""Which test holds which promise? Each test names the cases that it holds in its docstring: ``\"\"\"R28, R29.\"\"\"``."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

__all__ = ["HoldingTest", "holding_tests", "promise_table", "promises"]

_DOCS = Path(__file__).resolve().parent
_TESTS = _DOCS.parent / "tests"
_CASE = re.compile(r"\b([RS]\d\d)\b(?: to ([RS]\d\d)\b)?")
_SHOWN = 4

HoldingTest = tuple[str, str]
"""A test's file below ``tests/`` and its name."""


def promises() -> dict[str, dict[str, str]]:
    """Return each case's ``promise``, and why ``not_yet`` where nothing is there to keep it."""
    return tomllib.loads((_DOCS / "promises.toml").read_text(encoding="utf-8"))


def holding_tests() -> dict[str, list[HoldingTest]]:
    """Return the tests of each case, in the order of their files."""
    found: dict[str, list[HoldingTest]] = defaultdict(list)
    for file in sorted(_TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                for case in _cases(ast.get_docstring(node) or ""):
                    found[case].append((file.relative_to(_TESTS).as_posix(), node.name))
    return found


def promise_table() -> str:
    """Return the table of all promises in Markdown."""
    tests = holding_tests()
    rows = ["| case | promise | held by |", "|---|---|---|"]
    for case, entry in promises().items():
        held = tests.get(case, [])
        shown = [f"[{name.removeprefix('test_').replace('_', ' ')}](../../tests/{file})" for file, name in held[:_SHOWN]]
        more = [f"and {len(held) - _SHOWN} more"] if len(held) > _SHOWN else []
        rows.append(f"| {case} | {entry['promise']} | {'; '.join(shown + more) or 'not yet: ' + entry['not_yet']} |")
    return "\n".join(rows) + "\n"


def _cases(docstring: str) -> list[str]:
    cases = []
    for first, last in _CASE.findall(docstring):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        cases += [f"{first[0]}{number:02}" for number in numbers]
    return list(dict.fromkeys(cases))
