"""Do programs run unchanged that are built as people built them for SDK v1: many files, settings in the environment, steps that talk through their parent?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.user import AMLPIPE, REPOSITORY, User
from tests.v1_programs import CELLS, NOTEBOOK, ODDITIES, RETRAINING, SAMPLES

pytestmark = pytest.mark.e2e


def steps(user: User) -> dict[str, Any]:
    return {step["name"]: step for step in user.show()["steps"]}


def test_a_retraining_pipeline_of_a_team_runs_and_is_reused(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, RETRAINING, "prices")
    user.python("before.py")
    printed = user.amlpipe("run", "build_train_pipeline.py", "--degree", "1", "--tag", "build=7", "--tag", "branch=main").stdout
    assert printed.splitlines()[:5] == ["get_workspace:", "prices", "none", "local", "none"]
    assert "\nended with Finished\n" in printed
    run = user.show()
    assert run["parameters"] == {"model_name": "prices.json", "degree": 1, "caller_run_id": "ci-7"}
    assert run["tags"] == {"build": "7", "branch": "main", "evaluated": "prices.json"}
    found = steps(user)
    logged = user.logged("house-prices")
    assert logged["Prepare"]["metrics"] == {"rows": 3}
    assert [round(loss, 2) for loss in logged["Train Model"]["metrics"]["loss"]] == [2.38, 1.38, 0.38]
    assert logged["Train Model"]["tags"] == {"run_type": "train"}
    assert (logged[""]["metrics"]["rows"], round(logged[""]["metrics"]["error"], 2)) == (3, 0.38)
    logs = user.amlpipe("runs", "logs", "latest", "Report").stdout
    assert "['prices.json'] ci-7 ci-7 True" in logs
    # again, from a fresh start of everything: what may be reused is
    user.amlpipe("run", "build_train_pipeline.py", "--tag", "build=8")
    assert {name: step["reused"] for name, step in steps(user).items()} == {
        "Prepare": True,
        "Train Model": True,
        "Evaluate Model ": False,
        "Report": False,
    }
    # a note in a file that .amlignore leaves out is no reason; a sibling that the training imports is
    (user.checkout / "prices" / "notebooks" / "scratch.ipynb").write_text('{"cells": []}')
    user.edit("prices/training/model.py", "/ len(rows)", "/ max(len(rows), 1)")
    user.amlpipe("run", "build_train_pipeline.py", "--force")
    assert {name: step["reused"] for name, step in steps(user).items()} == dict.fromkeys(found, False)


def test_a_builder_finds_its_package_where_python_would(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, {"sub/build.py": "from ml_service.settings import Settings\n"}, "prices")
    (user.checkout / "ml_service").mkdir()
    (user.checkout / "ml_service" / "settings.py").write_text("Settings = 'found'\nprint(Settings)\n")
    answer = user.amlpipe("run", "sub/build.py", check=False)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (1, "ModuleNotFoundError: No module named 'ml_service'")
    path = os.pathsep.join([str(REPOSITORY), "."])
    assert user.python("-c", AMLPIPE, "run", "sub/build.py", PYTHONPATH=path).stdout == "found\n"


def test_odd_habits_of_scripts_work(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, ODDITIES, "odd")
    user.python("before.py")
    printed = user.amlpipe("run", "build.py").stdout
    assert "the counts will be at $AZUREML_DATAREFERENCE_counts\n" in printed
    assert "status Finished Completed 2 ['count words', 'last.py', 'read', 'read', 'steps/spread.py']\n" in printed
    assert "files 6 True\n" in printed
    assert "by name folder\n" in printed
    assert sorted(path.name for path in (user.checkout / "results").rglob("*.part")) == [f"{n}-{r}.part" for n in (0, 1) for r in (0, 1, 2)]
    assert user.show()["tags"] == {"mounted": "6", "downloaded": "6"}
    user.amlpipe("run", "build.py")
    reused = [(step["name"], step["reused"]) for step in user.show()["steps"]]
    assert sorted(reused) == [("count words", True), ("last.py", True), ("read", False), ("read", True), ("steps/spread.py", True)]


# What a notebook's kernel does with cells: one namespace for all of them, and files where a cell says so.
KERNEL = """
import json, sys
namespace = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1]))["cells"], 1):
    source = "".join(cell["source"])
    if source.startswith("%%writefile"):
        line, _, text = source.partition("\\n")
        place = line.split()[1]
        for name, value in namespace.items():
            place = place.replace("$" + name, str(value))
        with open(place, "w") as file:
            file.write(text)
        continue
    exec(compile(source, "cell %d" % number, "exec"), namespace)
"""


def test_a_notebook_of_a_lab_runs_cell_by_cell(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": source.lstrip("\n").splitlines(keepends=True)} for source in CELLS]
    book = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    user = User.with_files(tmp_path, NOTEBOOK | {"lab.ipynb": book}, "labs")
    printed = user.python("-c", KERNEL, "lab.ipynb").stdout
    assert "Dataset registered.\n" in printed
    assert "Pipeline submitted for execution.\n" in printed
    assert "Prepare Data :\n\t raw_rows : 8\n\t processed_rows : 8\n" in printed
    assert "Train and Register Model :\n\t Accuracy : 1.0\n" in printed
    assert "diabetes_model version: 1\n\t Training context : Pipeline\n\t Accuracy : 1.0\n" in printed
    assert printed.splitlines()[-1] == "Authentication header ready. ['Authorization']"
    # the second time the table is there, and the model gets a new version
    assert "Dataset already registered.\n" in (printed := user.python("-c", KERNEL, "lab.ipynb").stdout)
    assert "diabetes_model version: 2\n" in printed


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Somebody who has scripts in the manner of the samples, and their data in a datastore."""
    user = User.with_files(tmp_path_factory.mktemp("samples"), SAMPLES, "samples")
    user.python("before.py")
    return user


def test_steps_run_side_by_side_and_in_sequence(samples: User) -> None:
    printed = samples.amlpipe("run", "getting_started.py").stdout
    assert "samples\nnone\nlocal\nnone\nBlobstore's name: workspaceblobstore\n" in printed
    assert "Script: train_step status: Finished\nout: hello\nScript: compare_step status: Finished\nout: hello compare\n" in printed
    assert "\nCompleted Finished\n" in printed


def test_paths_texts_and_datasets_are_given_at_submission(samples: User) -> None:
    printed = samples.amlpipe("run", "parameters.py").stdout.splitlines()
    assert [line for line in printed if line.startswith(("first ", "second ", "third ", "the dataset"))] == [
        "first sample_string1 ['first.csv'] first.csv 2 2 True",
        "second sample_string3 ['second.csv'] second.csv 3 3 True",
        "the dataset has an id: True",
        "third published ['first.csv'] first.csv 2 2 True",
    ]


def test_commands_copies_and_single_scripts_run(samples: User) -> None:
    printed = samples.amlpipe("run", "kinds.py").stdout
    assert "\nread 4 ['second.csv']\n" in printed
    assert "\nalone Completed azureml.scriptrun\n" in printed
