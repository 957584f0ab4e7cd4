"""Does the example behave as its README promises, from the first run on?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.user import User

pytestmark = pytest.mark.e2e

STEPS = ("prepare", "train strong", "train weak", "compare")
REUSED = dict.fromkeys(STEPS, "reused")
RAN = dict.fromkeys(STEPS, "ran")


@pytest.fixture(scope="module")
def first_user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Somebody who has run the example once."""
    folder = tmp_path_factory.mktemp("first")
    user = User.with_example(folder, folder / "environments")
    assert user.run("dags/digits_images.py") == {"write images": "ran"}
    assert user.run() == RAN
    return user


@pytest.fixture
def user(first_user: User, tmp_path: Path) -> User:
    return first_user.moved_to(tmp_path)


def test_the_first_run_trains_two_models_and_keeps_the_better_one(first_user: User) -> None:
    run = first_user.show()
    steps = {step["name"]: step for step in run["steps"]}
    assert {name: sorted(step["outputs"]) for name, step in steps.items()} == {
        "prepare": ["prepared"],
        "train strong": ["model_strong"],
        "train weak": ["model_weak"],
        "compare": ["best"],
    }
    best = steps["compare"]["outputs"]["best"]
    folder = first_user.home / "workspaces" / "digits" / best["datastore"] / best["path"]
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "report.md"]
    assert "| 10.0 | 0.9667 |" in (folder / "report.md").read_text(encoding="utf-8")


def test_a_second_run_reuses_every_step_and_says_why(user: User) -> None:
    printed = user.amlpipe("run", "dags/digits_training.py").stdout
    assert user.outcome() == REUSED
    assert {step["reason"] for step in user.show()["steps"]} == {"MATCH"}
    assert printed.count("reused") >= len(STEPS)


def test_editing_the_training_script_reruns_training_and_comparison_only(user: User) -> None:
    user.edit("dags/digits/train/train.py", "max_iter=1000", "max_iter=20")
    assert user.run() == RAN | {"prepare": "reused"}
    explained = user.amlpipe("explain", "latest", "train weak").stdout
    assert "train.py" in explained


def test_a_comment_in_the_training_script_stops_at_the_models_it_writes_again(user: User) -> None:
    user.edit("dags/digits/train/train.py", "import argparse", "import argparse  # for the command line")
    assert user.run() == {"prepare": "reused", "train strong": "ran", "train weak": "ran", "compare": "reused"}


def test_a_prepare_that_writes_the_same_bytes_again_stops_there(user: User) -> None:
    user.edit("dags/digits/prepare/prepare.py", "import argparse", "import argparse  # for the command line")
    assert user.run() == REUSED | {"prepare": "ran"}


def test_editing_a_readme_that_amlignore_leaves_out_reruns_nothing(user: User) -> None:
    user.edit("dags/digits/train/README.md", "Needs scikit-learn", "Needs scikit-learn and patience")
    assert user.run() == REUSED


def test_touching_files_reruns_nothing(user: User) -> None:
    for folder in (user.checkout, user.images):
        for path in folder.rglob("*"):
            os.utime(path)
    assert user.run() == REUSED


def test_changing_one_input_image_reruns_from_prepare(user: User) -> None:
    image = user.images / "images" / "0001.pgm"
    image.write_text(image.read_text(encoding="ascii").replace("12", "13", 1), encoding="ascii")
    assert user.run() == RAN


def test_a_comment_inside_an_image_reruns_prepare_and_nothing_else(user: User) -> None:
    image = user.images / "images" / "0001.pgm"
    image.write_text(image.read_text(encoding="ascii").replace("P2\n", "P2\n# looks like a one\n", 1), encoding="ascii")
    assert user.run() == REUSED | {"prepare": "ran"}


def test_the_images_come_back_when_they_are_written_again(user: User) -> None:
    image = user.images / "images" / "0001.pgm"
    before = image.read_bytes()
    image.write_bytes(b"P2\n8 8\n16\n" + b"0 " * 64)
    assert user.run("dags/digits_images.py") == {"write images": "reused"}
    assert image.read_bytes() == before
    assert user.run() == REUSED


def test_a_parameter_reruns_the_steps_that_read_it(user: User) -> None:
    assert user.run("--param", "c_weak=1.0", "dags/digits_training.py") == {
        "prepare": "reused",
        "train strong": "reused",
        "train weak": "ran",
        "compare": "ran",
    }


def test_the_plan_says_before_a_run_what_will_run(user: User) -> None:
    user.edit("dags/digits/train/train.py", "max_iter=1000", "max_iter=20")
    before = user.show()["run_id"]
    printed = user.amlpipe("plan", "dags/digits_training.py").stdout
    assert "train.py" in printed
    assert user.show()["run_id"] == before


def test_the_script_reuses_what_the_dag_file_computed(user: User) -> None:
    """Its pipeline, experiment and compute have other names; its first step writes elsewhere, but the same bytes."""
    printed = user.amlpipe("run", "examples/submit_digits.py").stdout
    assert "Best accuracy: 0.966" in printed
    assert user.outcome() == REUSED | {"prepare": "ran"}
    assert user.amlpipe("run", "examples/submit_digits.py").returncode == 0
    assert user.outcome() == REUSED


def test_the_dag_file_is_a_plain_airflow_dag(user: User) -> None:
    airflow = "from airflow.__main__ import main; main()"
    variables = {
        "AIRFLOW_HOME": str(user.home / "server"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(user.checkout / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    user.python("-c", airflow, "db", "migrate", **variables)
    user.python("-c", airflow, "dags", "test", "digits_training", **variables)
    assert user.outcome() == REUSED
