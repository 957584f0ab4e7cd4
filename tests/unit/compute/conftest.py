"""What do the tests of staging and collecting start from? A source folder in a private folder, ready for a step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.compute.backend import LaunchRequest
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.compute.staging import RunFacts, stage_step
from airflow_amlpipe.spec.step import StepSpec

FACTS = RunFacts(
    step_run_id="step-run-1", run_id="run-1", experiment="digits", workspace="team", subscription_id="sub", resource_group="group"
)
Stage = Callable[..., LaunchRequest]


@pytest.fixture
def folder(tmp_path: Path) -> StepFolder:
    folder = create_step_folder(tmp_path / "try")
    folder.code.mkdir()
    (folder.code / "train.py").write_text("print('trained')\n")
    return folder


@pytest.fixture
def stage(folder: StepFolder) -> Stage:
    def stage(step: StepSpec, **changes: object) -> LaunchRequest:
        options: dict[str, object] = {
            "parameters": {},
            "inputs": {},
            "facts": FACTS,
            "interpreter": StepInterpreter(sys.executable, (str(Path(sys.executable).parent),)),
        }
        return stage_step(step, folder, **{**options, **changes})  # type: ignore[arg-type]

    return stage
