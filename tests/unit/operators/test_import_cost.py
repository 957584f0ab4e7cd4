"""What does a task process import before it knows that it has a step to run? Every task pays for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ALLOWED = {
    "airflow_amlpipe.plugins.amlpipe_plugin": {"airflow_amlpipe.operators.links", "airflow_amlpipe.version_compat"},
    "airflow_amlpipe.operators.step": {"airflow_amlpipe.operators.links"},
}


def imports_at_start(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported when the module is; those for type checkers and those inside functions are not."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def reached(repository: Path, module: str) -> set[str]:
    found: set[str] = set()
    todo = [module]
    while todo:
        path = repository.joinpath(*todo.pop().split(".")).with_suffix(".py")
        for name in imports_at_start(ast.parse(path.read_text())):
            if name not in found:
                found.add(name)
                if name.startswith("airflow_amlpipe"):
                    todo.append(name)
    return found


@pytest.mark.parametrize("module", sorted(ALLOWED))
def test_almost_nothing_of_ours_and_nothing_of_others(module: str, repository: Path) -> None:
    found = reached(repository, module)
    assert {name for name in found if name.startswith("airflow_amlpipe")} == ALLOWED[module]
    others = {name.partition(".")[0] for name in found} - {"airflow_amlpipe", "airflow"}
    assert others <= {"__future__", "hashlib", "typing", "urllib"}


def test_of_airflow_only_what_every_task_process_has_loaded(repository: Path) -> None:
    found = reached(repository, "airflow_amlpipe.operators.step")
    assert {name for name in found if name.partition(".")[0] == "airflow"} == {"airflow.sdk"}
