"""Does pyproject.toml name every package that the code imports, and does constraints.txt hold each of them?"""

from __future__ import annotations

import re
import sys
import tomllib

from tests.architecture.source_tree import REPOSITORY, package_modules

# Packages whose import name is not their own.
PACKAGE_OF = {"IPython": "ipython", "airflow": "apache-airflow", "dateutil": "python-dateutil", "fuse": "fusepy", "yaml": "pyyaml"}
# Airflow's own parts, touched only where Airflow runs: it decides which versions of them there are.
AIRFLOWS = {"cadwyn", "jinja2", "sqlalchemy"}
# Imported in the environment of a step that asks for them; what is missing there is said by name (runtime/notebook.py).
OF_STEPS = {"ipykernel", "papermill"}
OURS = {"airflow_amlpipe", "azureml"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def test_every_package_that_is_imported_is_a_dependency_or_of_an_extra() -> None:
    extras = {name for requirements in PROJECT["optional-dependencies"].values() for name in names(requirements)}
    declared = names(PROJECT["dependencies"]) | extras
    imported = {name.partition(".")[0] for module in package_modules() for name in module.imports}
    foreign = imported - OURS - AIRFLOWS - OF_STEPS - set(sys.stdlib_module_names)
    assert {PACKAGE_OF.get(name, name) for name in foreign} - declared == set()


def test_every_dependency_is_held_by_the_constraints() -> None:
    held = names((REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines())
    assert names(PROJECT["dependencies"]) - held == set()
