"""What does a user have in hands: a checkout, a home, and the command line?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.airflow_home import share_database

__all__ = ["AMLPIPE", "REPOSITORY", "User"]

REPOSITORY = Path(__file__).resolve().parents[2]
AMLPIPE = "import sys; from airflow_amlpipe.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class User:
    """Somebody who types commands in a checkout of their own."""

    checkout: Path
    home: Path

    @classmethod
    def with_example(cls, folder: Path, environments: Path) -> User:
        """Return a user who has the example and nothing else; built environments are shared, so that they are built once."""
        user = cls(folder / "checkout", folder / "home")
        user.checkout.mkdir(parents=True)
        for name in ("dags", "examples", ".azureml"):
            shutil.copytree(REPOSITORY / name, user.checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        share_database(user.home)
        environments.mkdir(exist_ok=True)
        (user.home / "environments").symlink_to(environments)
        return user

    @classmethod
    def with_files(cls, folder: Path, files: dict[str, str], workspace: str) -> User:
        """Return a user who has these files, and a workspace of this name."""
        user = cls(folder / "checkout", folder / "home")
        share_database(user.home)
        config = {"subscription_id": "none", "resource_group": "none", "workspace_name": workspace}
        for name, text in (files | {".azureml/config.json": json.dumps(config)}).items():
            path = user.checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return user

    def moved_to(self, folder: Path) -> User:
        """Return a user who goes on elsewhere with a copy of everything this one has."""
        shutil.copytree(self.checkout, folder / "checkout", symlinks=True)
        shutil.copytree(self.home, folder / "home", symlinks=True)
        return User(folder / "checkout", folder / "home")

    @property
    def images(self) -> Path:
        return self.home / "workspaces" / "digits" / "workspaceblobstore" / "digits"

    def amlpipe(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.python("-c", AMLPIPE, *arguments, check=check)

    def python(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
        environment = kept | {"AMLPIPE_HOME": str(self.home), "PYTHONPATH": str(REPOSITORY)} | variables
        answer = subprocess.run(
            [sys.executable, *arguments], cwd=self.checkout, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        if check and answer.returncode:
            raise AssertionError(f"{arguments} ended with {answer.returncode}\n{answer.stdout[-6000:]}\n{answer.stderr[-6000:]}")
        return answer

    def run(self, *arguments: str) -> dict[str, str]:
        """Run a pipeline, without arguments the example, and return what became of each step: "ran" or "reused"."""
        self.amlpipe("run", *(arguments or ("dags/digits_training.py",)))
        return self.outcome()

    def outcome(self) -> dict[str, str]:
        run = self.show()
        assert run["status"] == "Finished"
        assert {step["status"] for step in run["steps"]} == {"Finished"}
        return {step["name"]: "reused" if step["reused"] else "ran" for step in run["steps"]}

    def show(self, run: str = "latest") -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.amlpipe("runs", "show", run, "--json").stdout)
        return document

    def logged(self, experiment: str) -> dict[str, dict[str, Any]]:
        """Return metrics and tags of each step of the experiment's latest run, as the SDK gives them."""
        program = (
            "import airflow_amlpipe.azureml, json\n"
            "from azureml.core import Workspace\n"
            f"run = next(Workspace.from_config().experiments[{experiment!r}].get_runs())\n"
            "steps = {step.name: {'metrics': step.get_metrics(), 'tags': step.get_tags()} for step in run.get_steps()}\n"
            "print(json.dumps(steps | {'': {'metrics': run.get_metrics(), 'tags': run.get_tags()}}))\n"
        )
        document: dict[str, dict[str, Any]] = json.loads(self.python("-c", program).stdout)
        return document

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.checkout / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
