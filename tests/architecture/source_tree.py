"""What do the architecture tests read: the modules of the package, and what git keeps?"""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["REPOSITORY", "Module", "kept_files", "package_modules"]

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "airflow_amlpipe"


@dataclass(frozen=True)
class Module:
    """One file of the package: its place, and its syntax tree."""

    path: Path
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return self.path.relative_to(REPOSITORY).as_posix()

    @property
    def is_empty(self) -> bool:
        return not self.tree.body

    @property
    def is_shim(self) -> bool:
        """Whether it stands under `azureml`'s own names inside a step, where it is no module of our package."""
        return "shim" in self.path.parts

    @property
    def imports(self) -> set[str]:
        """Dotted names of everything it imports, at any level and inside functions."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return found


@lru_cache
def package_modules() -> tuple[Module, ...]:
    """Every Python file below `airflow_amlpipe/`, sorted by path."""
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        modules.append(Module(path, text, ast.parse(text, str(path))))
    return tuple(modules)


@lru_cache
def kept_files() -> tuple[Path, ...]:
    """Every file that git keeps, sorted; all files of the folders we own where there is no git."""
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if answer.returncode == 0:
        names = [name for name in answer.stdout.decode().split("\0") if name]
        return tuple(sorted(path for name in names if (path := REPOSITORY / name).is_file()))
    folders = ("airflow_amlpipe", "benchmarks", "dags", "docs", "examples", "tests")
    return tuple(sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.is_file()))
