"""Is a workspace opened in one place, so that nobody forgets as whom?"""

from __future__ import annotations

import ast

from tests.architecture.source_tree import package_modules


def test_a_workspace_is_opened_in_one_place() -> None:
    openers = {
        str(module)
        for module in package_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "WorkspaceStore.open"
    }
    assert openers == {"airflow_amlpipe/hooks/opening.py"}
