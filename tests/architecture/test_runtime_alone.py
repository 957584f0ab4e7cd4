"""Does what runs inside a step need nothing but an old Python?"""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from airflow_amlpipe.compute.interpreters import find_python
from tests.architecture.source_tree import PACKAGE, REPOSITORY, Module, package_modules

RUNTIME = [module for module in package_modules() if (PACKAGE / "runtime") in module.path.parents]
OLDEST = (3, 8)
ALLOWED = {"airflow_amlpipe.runtime", "azureml"}
# What reading tables and running notebooks needs, imported in the functions that do, so that a step's Python without them has everything else.
LATE = {"ipykernel", "pandas", "papermill", "pyarrow", "pyarrow.parquet"}


def imported_names(module: Module) -> set[str]:
    late = {
        node
        for function in ast.walk(module.tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, ast.Import) and {alias.name for alias in node.names} <= LATE
    }
    names = set()
    for node in set(ast.walk(module.tree)) - late:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}"
            names.add(str(node.module))
    return names


def test_there_is_something_to_look_at() -> None:
    assert len(RUNTIME) > 15


@pytest.mark.parametrize("module", RUNTIME, ids=str)
def test_only_the_standard_library_and_the_runtime_itself_are_imported(module: Module) -> None:
    foreign = {
        name
        for name in imported_names(module)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == allowed or name.startswith(allowed + ".") for allowed in ALLOWED)
    }
    assert not foreign


@pytest.mark.parametrize("module", RUNTIME, ids=str)
def test_the_syntax_is_that_of_the_oldest_python(module: Module) -> None:
    ast.parse(module.text, feature_version=OLDEST)


@pytest.mark.parametrize("module", [module for module in RUNTIME if not module.is_shim], ids=str)
def test_annotations_are_never_evaluated(module: Module) -> None:
    if module.path.name != "__init__.py":
        assert "from __future__ import annotations" in module.text


def test_every_module_imports_on_the_oldest_python_there_is() -> None:
    python = next((found for minor in ("3.8", "3.9", "3.10") if (found := find_python(minor))), None)
    if python is None:
        pytest.skip("this machine has no Python older than 3.11")
    names = [".".join(module.path.relative_to(REPOSITORY).with_suffix("").parts) for module in RUNTIME if not module.is_shim]
    # The package's own __init__ is for Python 3.11; inside a step the runtime is loaded without it.
    script = (
        "import sys, types, importlib\n"
        f"package = types.ModuleType('airflow_amlpipe'); package.__path__ = [{str(PACKAGE)!r}]\n"
        "sys.modules['airflow_amlpipe'] = package\n"
        f"for name in {[name.removesuffix('.__init__') for name in names]!r}: importlib.import_module(name)\n"
        f"for path in {[str(module.path) for module in RUNTIME]!r}: compile(open(path, encoding='utf-8').read(), path, 'exec')\n"
    )
    answer = subprocess.run([python, "-B", "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert (answer.returncode, answer.stderr) == (0, ""), python
