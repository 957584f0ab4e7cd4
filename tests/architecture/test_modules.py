"""Does every module say which question it settles, and export what it says?"""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache

import pytest

from tests.architecture.source_tree import PACKAGE, Module, package_modules

WRITTEN = [module for module in package_modules() if not module.is_empty]
OURS = [module for module in WRITTEN if not module.is_shim]
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
UNSAFE = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}


@pytest.mark.parametrize("module", WRITTEN, ids=str)
def test_the_first_line_asks_a_question(module: Module) -> None:
    docstring = ast.get_docstring(module.tree)
    assert docstring, f"{module} has no docstring"
    assert "?" in docstring.splitlines()[0], f"{module} starts with {docstring.splitlines()[0]!r}"


# sdk/ is laid out as azureml is, names included.
@pytest.mark.parametrize("module", [module for module in OURS if "sdk" not in module.path.parts], ids=str)
def test_no_module_is_named_for_nothing_in_particular(module: Module) -> None:
    words = {word for part in module.path.relative_to(PACKAGE).with_suffix("").parts for word in part.split("_")}
    assert not words & EMPTY_WORDS


@pytest.mark.parametrize("module", WRITTEN, ids=str)
def test_nothing_that_runs_code_while_reading_data_is_imported(module: Module) -> None:
    """S13."""
    assert not {name.split(".")[0] for name in module.imports} & UNSAFE


@pytest.mark.parametrize("module", WRITTEN, ids=str)
def test_there_is_no_assert_that_an_optimised_python_would_drop(module: Module) -> None:
    assert not [node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("module", WRITTEN, ids=str)
def test_errors_come_from_our_own_tree(module: Module) -> None:
    bare = {"Exception", "BaseException", "RuntimeError", "AirflowException"}
    raised = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise)
        for name in [node.exc.func if isinstance(node.exc, ast.Call) else node.exc]
        if isinstance(name, ast.Name) and name.id in bare
    ]
    assert not raised, f"{module} raises a bare error in lines {raised}"


@pytest.mark.parametrize("module", OURS, ids=str)
def test_exported_names_exist(module: Module) -> None:
    exported = assigned_all(module)
    if exported is None:
        assert not public_names(module), f"{module} has public names and no __all__"
        return
    assert len(exported) == len(set(exported)), f"{module} exports a name twice"
    missing = set(exported) - defined_names(module)
    if missing:  # a lazy package: only importing it can tell
        loaded = importlib.import_module(module_name(module))
        missing = {name for name in missing if not hasattr(loaded, name)}
    assert not missing, f"{module} exports {sorted(missing)}, which it does not have"


@pytest.mark.parametrize("module", OURS, ids=str)
def test_what_another_module_imports_is_exported(module: Module) -> None:
    exported = assigned_all(module)
    if exported is None:
        return
    own = module_name(module)
    taken = {name for name in names_taken_from().get(own, set()) if not is_module(f"{own}.{name}")}
    assert taken <= {*exported, "__version__"}, f"{module} does not export {sorted(taken - set(exported))}, which other modules import"


def test_every_file_that_the_readme_names_is_there() -> None:
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|md))`", readme))
    missing = [name for name in sorted(named) if not (PACKAGE / name).exists() and not (PACKAGE.parent / name).exists()]
    assert not missing


def module_name(module: Module) -> str:
    return ".".join(("airflow_amlpipe", *module.path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def is_module(name: str) -> bool:
    place = PACKAGE.parent.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


@cache
def names_taken_from() -> dict[str, set[str]]:
    """The names that our modules import from each module, by its name."""
    taken: dict[str, set[str]] = {}
    for module in OURS:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                taken.setdefault(node.module, set()).update(alias.name for alias in node.names)
    return taken


def assigned_all(module: Module) -> list[str] | None:
    for node in module.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                return [*ast.literal_eval(node.value), *exported_to_type_checkers(module)]  # type: ignore[arg-type]
            except ValueError:  # computed: the lazy packages do that from their own table
                return list(importlib.import_module(module_name(module)).__all__)
    return None


def exported_to_type_checkers(module: Module) -> list[str]:
    """What ``if TYPE_CHECKING: __all__ += [...]`` adds: types that are not there when the module runs."""
    added = [node for node in ast.walk(module.tree) if isinstance(node, ast.AugAssign)]
    return [
        name for node in added if isinstance(node.target, ast.Name) and node.target.id == "__all__" for name in ast.literal_eval(node.value)
    ]


def public_names(module: Module) -> set[str]:
    return {node.name for node in module.tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")}


def defined_names(module: Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
