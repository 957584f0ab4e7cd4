"""What does a script reach through its run, with and without the SDK beside it?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from airflow_amlpipe.runtime import elsewhere
from airflow_amlpipe.runtime.datasets import Dataset
from airflow_amlpipe.runtime.elsewhere import from_sdk, sdk_module
from airflow_amlpipe.runtime.offline import OfflineRun
from airflow_amlpipe.runtime.run import Run
from airflow_amlpipe.runtime.submitted import SubmittedRun

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import RunContext

Open = Callable[[], SubmittedRun]


class FakeWorkspace:
    def __init__(self, subscription_id: str, resource_group: str, workspace_name: str, **more: Any) -> None:
        self.made_of = (subscription_id, resource_group, workspace_name, more)
        self.images: dict[str, str] = {}

    @staticmethod
    def from_config() -> str:
        return "from config.json"


class FakeRuns:
    def __init__(self, where: str) -> None:
        self.where = where

    def get_runs(self) -> str:
        return f"runs of {self.where}"

    @staticmethod
    def list(experiment: Any, **filters: Any) -> tuple[str, dict[str, Any]]:
        return experiment.get_runs(), filters


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    core = ModuleType("airflow_amlpipe.sdk.core")
    core.Workspace = FakeWorkspace  # type: ignore[attr-defined]
    core.Experiment = lambda workspace, name: FakeRuns(f"{workspace.name}/{name}")  # type: ignore[attr-defined]
    core.Run = FakeRuns  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow_amlpipe.sdk.core", core)


@pytest.fixture
def _no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}", name="airflow_amlpipe")

    monkeypatch.setattr(importlib, "import_module", missing)


def test_the_workspace_becomes_the_sdks_when_more_is_asked(open_run: Open, sdk: None) -> None:
    workspace = open_run().experiment.workspace
    assert workspace.images == {}
    assert workspace.made_of == ("sub", "group", "team", {"_location": "local", "_root": None})
    with pytest.raises(AttributeError):
        workspace.no_such_thing  # noqa: B018


def test_other_runs_are_those_of_the_sdk(open_run: Open, sdk: None) -> None:
    run = open_run()
    assert run.experiment.get_runs() == "runs of team/digits"
    assert Run.list(run.experiment, type="x") == ("runs of team/digits", {"type": "x"})


def test_a_dataset_in_direct_mode_is_there_without_asking(open_run: Open, context: RunContext, tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "rows.csv").write_text("1,2")
    context["inputs"][1]["dataset"] = {
        "id": "5d6e",
        "name": "rows",
        "version": 3,
        "description": None,
        "tags": {},
        "created_at": "",
        "definition": {"kind": "file"},
        "path": str(tmp_path / "table"),
        "roots": [["", "/raw"]],
        "files": [],
    }
    datasets = open_run().input_datasets
    table = datasets["table"]
    assert (table.id, table.name, table.version, table.to_path()) == ("5d6e", "rows", 3, ["/rows.csv"])
    assert Dataset.get_by_id(open_run().experiment.workspace, "5d6e") is table is datasets.get("table")
    assert open_run().input_datasets.values() == ["/data/raw", table]
    assert open_run().input_datasets.items() == [("raw", "/data/raw"), ("table", table)]
    assert open_run().input_datasets.pop("table") is table
    assert open_run().input_datasets.pop("other", 1) == 1


def test_an_offline_runs_workspace_is_that_of_config_json(sdk: None) -> None:
    assert OfflineRun().experiment.workspace == "from config.json"


@pytest.mark.usefixtures("_no_sdk")
def test_without_the_sdk_the_error_names_the_requirement_to_add(open_run: Open) -> None:
    run = open_run()
    assert run.experiment.workspace.name == "team"
    for ask in (
        lambda: run.experiment.workspace.compute_targets,
        lambda: run.experiment.get_runs,
        lambda: Run.list(run.experiment),
        lambda: from_sdk("core", "X", "azureml.core.X"),
    ):
        with pytest.raises(
            ImportError, match=f"add the requirement '{elsewhere.REQUIREMENT}' to the pip packages of this step's environment"
        ):
            ask()


def test_what_sdk_v1_had_and_we_have_not_is_said(sdk: None) -> None:
    with pytest.raises(ImportError, match=r"azureml\.core\.X is not served by airflow-amlpipe; see docs/reference/coverage\.md"):
        from_sdk("core", "X", "azureml.core.X")
    with pytest.raises(ModuleNotFoundError, match=r"azureml\.automl is not served by airflow-amlpipe"):
        sdk_module("automl", "azureml.automl")


@pytest.mark.usefixtures("_no_sdk")
def test_a_notebook_that_probes_for_a_way_to_show_it_finds_none(open_run: Open) -> None:
    assert not hasattr(open_run().experiment.workspace, "_repr_html_")
    assert not hasattr(open_run().experiment, "__fspath__")
