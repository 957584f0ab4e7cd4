"""Which workspace does a command work on?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.cli.workspace_choice import choose_workspace
from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.sdk.core.workspace import Workspace
from airflow_amlpipe.workspace import WorkspaceStore


def write_config(folder: Path, **keys: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"subscription_id": "s", "resource_group": "g", "workspace_name": "team", **keys}))
    return folder / "config.json"


def test_a_name_is_a_workspace_below_the_home(workspace: WorkspaceStore, project: Path) -> None:
    assert choose_workspace("team").url == workspace.url


def test_a_url_or_a_folder_is_taken_as_it_is(home: Path, project: Path) -> None:
    assert choose_workspace("file:///srv/ws").url == "file:///srv/ws"
    assert choose_workspace("./ws").url == (project / "ws").as_uri()


def test_a_name_that_is_not_there_is_refused_with_those_that_are(workspace: WorkspaceStore, project: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'taem'.*there are: team"):
        choose_workspace("taem")


def test_the_setting_follows_the_same_rule(workspace: WorkspaceStore, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLPIPE_WORKSPACE", "taem")
    for choose in (lambda: choose_workspace(None).url, lambda: Workspace.from_config()._url):
        write_config(project)
        with pytest.raises(DefinitionError, match=r"'taem'.*there are: team"):
            choose()
        with monkeypatch.context() as patch:
            patch.setenv("AMLPIPE_WORKSPACE", "../up")
            assert choose() == (project.parent / "up").as_uri()


def test_the_setting_goes_before_the_config_file(workspace: WorkspaceStore, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(project)
    monkeypatch.setenv("AMLPIPE_WORKSPACE", "file:///srv/other")

    assert choose_workspace(None).url == "file:///srv/other"


def test_the_config_file_is_searched_for_from_the_current_folder_upwards(
    home: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(project / ".azureml", root="file:///srv/lake/ws")
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")

    found = choose_workspace(None)

    assert (found.url, found.chosen_by) == ("file:///srv/lake/ws", str(file))


def test_a_config_file_that_cannot_be_read_is_an_error_and_not_passed_over(workspace: WorkspaceStore, project: Path) -> None:
    write_config(project).write_text("{")

    with pytest.raises(DefinitionError, match="not JSON"):
        choose_workspace(None)


def test_the_only_workspace_there_is_needs_no_name(workspace: WorkspaceStore, project: Path) -> None:
    assert choose_workspace(None).url == workspace.url


def test_nothing_is_guessed_among_none_or_several(home: Path, project: Path) -> None:
    with pytest.raises(DefinitionError, match=r"has none; give --workspace NAME"):
        choose_workspace(None)
    for name in ("one", "two"):
        (home / "workspaces" / name).mkdir(parents=True)
    with pytest.raises(DefinitionError, match=r"has 2: one, two; give --workspace NAME"):
        choose_workspace(None)


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DefinitionError, match="config.json' is a file; give the folder that the workspace is in"):
        choose_workspace(str(tmp_path / "config.json"))
