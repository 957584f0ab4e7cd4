"""Is reuse decided in one place?"""

from __future__ import annotations

import ast

from tests.architecture.source_tree import package_modules


def test_decide_reuse_has_one_caller() -> None:
    callers = []
    for module in package_modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
                if called == "decide_reuse":
                    callers.append(str(module))
    assert callers == ["airflow_amlpipe/workspace/assessment.py"]


def test_nobody_else_builds_a_decision() -> None:
    builders = {
        str(module)
        for module in package_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Decision"
    }
    assert builders == {"airflow_amlpipe/reuse/decision.py"}
