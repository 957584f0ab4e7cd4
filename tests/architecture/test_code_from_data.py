"""Is any text of a record, a setting or a request ever imported or run?"""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source_tree import Module, package_modules

MODULES = [module for module in package_modules() if not module.is_empty]
# Where a name is imported that is no word of the source itself: each from a table of our own, or from `azureml` as a script spells it.
FROM_A_TABLE = {
    "airflow_amlpipe/azureml.py",
    "airflow_amlpipe/cli/application.py",
    "airflow_amlpipe/compiler/__init__.py",
    "airflow_amlpipe/migration/names.py",
    "airflow_amlpipe/migration/places.py",
    "airflow_amlpipe/runtime/elsewhere.py",
    "airflow_amlpipe/runtime/shim/azureml/__init__.py",
    "airflow_amlpipe/runtime/shim/azureml/core/__init__.py",
    "airflow_amlpipe/sdk/_lazy.py",
    "airflow_amlpipe/sdk/core/compute/compute.py",
    "airflow_amlpipe/storage/object_engine.py",
}
# The one place that runs code: the script that a person names on the command line.
RUNS_A_SCRIPT = {"airflow_amlpipe/services/script.py"}
RUNNING = {"eval", "exec", "compile", "__import__"}
IMPORTING = {"import_module", "import_string", "load_object", "resolve_name"}


def calls(module: Module) -> list[tuple[str, list[ast.expr]]]:
    """Return every call of a plain name or an attribute, with its arguments; ``re.compile`` compiles no code."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                found.append((node.func.id, node.args))
            elif isinstance(node.func, ast.Attribute) and node.func.attr in IMPORTING:
                found.append((node.func.attr, node.args))
    return found


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_text_of_a_record_or_a_request_is_imported_or_run(module: Module) -> None:
    """S31."""
    running = {name for name, _ in calls(module) if name in RUNNING}
    assert not running or str(module) in RUNS_A_SCRIPT
    unnamed = [
        name for name, arguments in calls(module) if name in IMPORTING and not all(isinstance(item, ast.Constant) for item in arguments)
    ]
    assert not unnamed or str(module) in FROM_A_TABLE


def test_the_places_that_are_excepted_are_still_there() -> None:
    assert {str(module) for module in MODULES} >= FROM_A_TABLE | RUNS_A_SCRIPT
