"""Which workspace does a script get, and what is in it?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Dataset, Datastore, Environment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import UserErrorException, WorkspaceException

KEYS = {"subscription_id": "s", "resource_group": "g", "workspace_name": "team"}


def write(folder: Path, name: str, **more: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**KEYS, "workspace_name": name, **more}))


# ---- from_config


def test_a_hidden_config_in_any_parent_beats_one_in_the_current_folder(project: Path, tmp_path: Path) -> None:
    write(project, "here")
    write(project / "aml_config", "legacy-folder")
    write(tmp_path / ".azureml", "above")
    assert Workspace.from_config().name == "above"
    (tmp_path / ".azureml" / "config.json").unlink()
    assert Workspace.from_config().name == "legacy-folder"
    (project / "aml_config" / "config.json").unlink()
    assert Workspace.from_config().name == "here"
    assert Workspace.from_config(str(project / "src")).name == "here"


def test_a_file_is_taken_as_it_is(project: Path, tmp_path: Path) -> None:
    write(tmp_path / ".azureml", "above")
    write(project / "configs", "mine")
    assert Workspace.from_config(str(project / "configs" / "config.json")).name == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_config_that_another_user_put_above_the_project_is_left_aside(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S33."""
    write(tmp_path, "strangers")
    os.chown(tmp_path / "config.json", 4711, 4711)
    with pytest.raises(UserErrorException, match="no workspace configuration"):
        Workspace.from_config()
    assert "is left aside, because another user (uid 4711) owns it" in capsys.readouterr().err
    assert Workspace.from_config(str(tmp_path / "config.json")).name == "strangers"
    os.chown(project, 4711, 4711)  # the whole project is that user's, as in a container that shows a folder of its host
    assert Workspace.from_config().name == "strangers"


def test_the_legacy_file_and_its_scope_are_read(project: Path) -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/old"
    (project / "aml_config").mkdir()
    (project / "aml_config" / "project.json").write_text(json.dumps({"Scope": scope}))
    ws = Workspace.from_config()
    assert (ws.subscription_id, ws.resource_group, ws.name) == ("s", "g", "old")


def test_another_file_name_can_be_asked_for(project: Path) -> None:
    write(project, "other")
    (project / "config.json").rename(project / "dev.json")
    assert Workspace.from_config(_file_name="dev.json").name == "other"


def test_no_config_says_where_it_looked_and_what_to_write(project: Path) -> None:
    with pytest.raises(
        UserErrorException, match=r"no workspace configuration: neither .azureml/config.json nor config.json is in .*workspace_name"
    ):
        Workspace.from_config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n  'a': 1\n}", r"config.json, line 2, column 3: this is not JSON .*correct that line"),
        ("", r"config.json, line 1, column 1: this is not JSON"),
        ("[]", r"config.json, line 1: it must hold an object"),
        ("{}", r'config.json has no "workspace_name"; its keys are: none. Add "workspace_name"'),
        ('{"workspace_name": 3}', '"workspace_name" must be text, not 3; write it in quotes'),
        ('{"workspace_name": false}', '"workspace_name" must be text, not False'),
        ('{"workspace_name": ""}', 'has no "workspace_name"'),
        ('{"workspace_name": "w", "root": 3}', '"root" must be text, not 3'),
        ('{"workspace_name": "w", "root": " "}', '"root" is'),
        ('{"workspace_name": "../w"}', "workspace name '../w' cannot be used"),
        ('{"workspace_name": "a\\nb"}', "workspace name .* cannot be used"),
        ('{"workspace_name": "' + "w" * 300 + '"}', "workspace name .* cannot be used"),
    ],
)
def test_an_unreadable_config_names_the_file_the_line_and_what_to_do(project: Path, text: str, message: str) -> None:
    (project / "config.json").write_text(text)
    with pytest.raises(UserErrorException, match=message):
        Workspace.from_config()


def test_a_config_that_is_no_text_is_refused(project: Path) -> None:
    (project / "config.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(UserErrorException, match="cannot be read .*make it a readable JSON file"):
        Workspace.from_config()


def test_three_keys_mean_a_folder_below_home(project: Path, home: Path) -> None:
    write(project, "team")
    assert Workspace.from_config()._url == (home / "workspaces" / "team").as_uri()
    assert not home.exists()


@pytest.mark.parametrize("root", ["s3://bucket/team", "file:///srv/team"])
def test_root_names_any_url(project: Path, root: str) -> None:
    write(project, "team", root=root)
    assert Workspace.from_config()._url == root


@pytest.mark.parametrize("folder", [".", ".azureml"])
def test_a_root_that_is_a_path_is_relative_to_the_project(project: Path, folder: str) -> None:
    write(project / folder, "team", root="./store")
    assert Workspace.from_config()._url == (project / "store").as_uri()


def test_the_setting_workspace_puts_another_root_in_place(project: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "team")
    (home / "workspaces/other").mkdir(parents=True)
    for given, root in (
        ("s3://b/x", "s3://b/x"),
        (str(project / "x"), (project / "x").as_uri()),
        ("other", (home / "workspaces/other").as_uri()),
        ("../x", (project.parent / "x").as_uri()),
    ):
        monkeypatch.setenv("AMLPIPE_WORKSPACE", given)
        assert Workspace.from_config()._url == root


def test_a_setting_that_names_no_workspace_is_refused_with_those_there_are(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "team")
    (home / "workspaces/other").mkdir(parents=True)
    monkeypatch.setenv("AMLPIPE_WORKSPACE", "brandnew")
    with pytest.raises(UserErrorException, match=r"workspace 'brandnew' is not in .*there are: other\. Give one of these, or a folder"):
        Workspace.from_config()


def test_a_setting_that_names_a_workspace_is_not_looked_up_while_airflow_parses(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch, airflow_is_parsing: None
) -> None:
    write(project, "team")
    monkeypatch.setenv("AMLPIPE_WORKSPACE", "brandnew")
    assert Workspace.from_config()._url == (home / "workspaces/brandnew").as_uri()


@pytest.mark.parametrize("name", ["my home", "h\u00e4user", "a%20b"])
def test_a_home_of_any_name_holds_its_workspaces(project: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / name))
    Workspace.create("team", show_output=False).get_default_datastore().upload("src", "code", show_progress=False)
    assert (tmp_path / name / "workspaces/team/workspaceblobstore/code/train.py").is_file()
    write(project, "here", root="./" + name)
    Workspace.from_config().get_default_datastore().upload("src", "code", show_progress=False)
    assert (project / name / "workspaceblobstore/code/train.py").is_file()
    lake = Datastore.register_url(Workspace.get("team"), "lake", str(tmp_path / name / "lake"))
    lake.upload("src", "code", show_progress=False)
    assert (tmp_path / name / "lake/code/train.py").is_file()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, "project"])


# ---- create, get, list, write_config


def test_a_created_workspace_is_found_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Workspace.create("team", subscription_id="s", resource_group="g", location="westeurope", tags={"a": "b"})
    assert "Created workspace team" in capsys.readouterr().out
    for found in (made, Workspace.get("team"), Workspace.list("s")["team"][0]):
        assert (found.name, found.subscription_id, found.resource_group, found.location, found.tags) == (
            "team",
            "s",
            "g",
            "westeurope",
            {"a": "b"},
        )
        assert found == made


def test_a_workspace_is_created_once() -> None:
    Workspace.create("team", show_output=False)
    with pytest.raises(WorkspaceException, match="workspace 'team' exists already; use exist_ok=True"):
        Workspace.create("team")
    assert Workspace.create("team", exist_ok=True).name == "team"


def test_an_unknown_workspace_lists_the_known_ones() -> None:
    Workspace.create("team", show_output=False)
    with pytest.raises(WorkspaceException, match=r"no workspace is called 'taem' .*there are: team\. Make it with Workspace.create"):
        Workspace.get("taem")


def test_a_workspace_that_a_config_names_is_got_by_its_name_before_anything_is_in_it(project: Path, home: Path) -> None:
    write(project, "fresh", root="./kept")
    found = Workspace.get("fresh", subscription_id="none", resource_group="none")
    assert found == Workspace.from_config()
    assert found._url == (project / "kept").as_uri()
    with pytest.raises(WorkspaceException, match=r"'other' .*there are: none\. .*or write a config\.json that names it"):
        Workspace.get("other")
    # Trouble with the file is no absence of it.
    (project / "config.json").write_text("{")
    with pytest.raises(UserErrorException, match="config.json"):
        Workspace.get("fresh")
    # One that is in use is found whatever lies around.
    (home / "workspaces" / "fresh").mkdir(parents=True)
    assert Workspace.get("fresh")._url == (home / "workspaces/fresh").as_uri()


def test_what_was_written_is_read(ws: Workspace, project: Path) -> None:
    ws.write_config()
    assert json.loads((project / ".azureml" / "config.json").read_text()) == {
        **KEYS,
        "subscription_id": "subscription",
        "resource_group": "group",
    }
    assert Workspace.from_config() == ws
    ws.write_config(str(project / "sub"), "dev.json")
    assert Workspace.from_config(str(project / "sub" / ".azureml" / "dev.json")) == ws


def test_a_root_is_written_too(project: Path) -> None:
    write(project, "team", root="s3://bucket/team")
    Workspace.from_config().write_config()
    assert Workspace.from_config()._url == "s3://bucket/team"


def test_creating_while_airflow_parses_is_refused(airflow_is_parsing: None) -> None:
    with pytest.raises(UserErrorException, match="Workspace.create uses the workspace, which must not happen while Airflow parses"):
        Workspace.create("team")


# ---- what is in it


def test_a_workspace_describes_itself(ws: Workspace) -> None:
    assert (ws.name, ws.resource_group, ws.subscription_id, ws.location, ws.sku, ws.tags) == (
        "team",
        "group",
        "subscription",
        "local",
        "basic",
        {},
    )
    assert ws.get_details()["root"] == ws._url
    assert ws.get_details()["name"] == "team"


def test_the_default_datastore_can_be_changed(ws: Workspace, tmp_path: Path) -> None:
    assert ws.get_default_datastore().name == "workspaceblobstore"
    ws.set_default_datastore("workspacefilestore")
    assert Workspace("x", "y", "team").get_default_datastore().name == "workspacefilestore"
    with pytest.raises(UserErrorException, match="datastore 'lake' is not registered"):
        ws.set_default_datastore("lake")


def test_dictionaries_are_by_name(ws: Workspace) -> None:
    ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration())
    Environment("e").register(ws)
    Dataset.File.from_files((ws.get_default_datastore(), "x"), validate=False).register(ws, "d")
    assert list(ws.compute_targets) == ["cpu", "local"]
    assert type(ws.compute_targets["cpu"]) is AmlCompute
    assert ws.environments["e"].version == "1"
    assert ws.datasets["d"].version == 1
    assert "workspaceblobstore" in ws.datastores
    assert (dict(ws.experiments), ws.models, ws.webservices) == ({}, {}, {})


@pytest.mark.parametrize("kind", ["compute_targets", "datasets", "environments", "experiments", "datastores"])
def test_an_unknown_name_is_not_in_a_dictionary(ws: Workspace, kind: str) -> None:
    assert "nope" not in getattr(ws, kind)
    with pytest.raises(KeyError):
        getattr(ws, kind)["nope"]


def test_while_airflow_parses_every_name_is_there_and_nothing_is_listed(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    assert ws.compute_targets["nope"].name == "nope"
    assert "nope" in ws.datasets
    assert (list(ws.datasets), len(ws.environments)) == ([], 0)
    assert ws.get_default_datastore().name == "workspaceblobstore"
    assert not home.exists()


def test_the_default_compute_targets_are_those_of_sdk_v1s_names(ws: Workspace) -> None:
    assert ws.get_default_compute_target("CPU") is None
    made = ComputeTarget.create(ws, Workspace.DEFAULT_CPU_CLUSTER_NAME, AmlCompute.provisioning_configuration(max_nodes=2))
    found = ws.get_default_compute_target("cpu")
    assert (found and found.name, ws.get_default_compute_target("GPU")) == (made.name, None)
    with pytest.raises(UserErrorException, match="type 'TPU' is not known; use one of: CPU, GPU"):
        ws.get_default_compute_target("TPU")


def test_the_mlflow_server_is_the_one_that_the_environment_names(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert ws.get_mlflow_tracking_uri() == "http://mlflow:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(UnsupportedFeatureError, match="set that variable to the address of your MLflow server"):
        ws.get_mlflow_tracking_uri()
