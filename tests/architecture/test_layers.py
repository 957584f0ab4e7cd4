"""Do imports point down the layers, also for folders that somebody adds tomorrow?"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import PACKAGE, REPOSITORY, package_modules

LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(cache_dir=None))"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


def test_imports_point_down_the_layers() -> None:
    answer = lint_imports(REPOSITORY)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("misc/__init__.py", ""),
        ("spec/upward.py", "from airflow_amlpipe.storage import store\n"),
        ("reuse/lazy.py", "def later():\n    import sqlalchemy\n"),
        ("runtime/heavy.py", "import pydantic\n"),
        ("cli/shortcut.py", "import airflow.models\n"),
    ],
    ids=["a folder in no layer", "an upward import", "a database in the core", "a package in the runtime", "Airflow past services"],
)
def test_the_contracts_refuse(tmp_path: Path, place: str, text: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "airflow_amlpipe", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    target = tmp_path / "airflow_amlpipe" / place
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    answer = lint_imports(tmp_path)
    assert answer.returncode == 1, answer.stdout
    assert place.split("/", maxsplit=1)[0] in answer.stdout


def test_the_core_the_sdk_and_the_command_line_import_without_airflow() -> None:
    folders = ("runtime", "spec", "fingerprint", "reuse", "storage", "workspace", "compute", "sdk", "migration", "cli")
    names = []
    for module in package_modules():
        parts = module.path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in folders and not module.is_shim and parts[-1] != "__main__":
            names.append(".".join(("airflow_amlpipe", *parts)).removesuffix(".__init__"))
    script = (
        "import sys, importlib\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('airflow', 'fastapi', 'sqlalchemy', 'docker', 'kubernetes'):\n"
        "            raise ImportError(f'{name} was imported')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"[importlib.import_module(name) for name in {names!r}]\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
