"""Are models registered, found and fetched as in SDK v1?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.sdk.core import Dataset, Model, Workspace
from airflow_amlpipe.sdk.exceptions import ModelNotFoundException, ModelPathNotFoundException, UserErrorException, WebserviceException


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pkl").write_text("weights")
    return Workspace.create("team")


def test_a_registered_model_is_found_by_name_id_version_and_tags(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    first = Model.register(ws, "model.pkl", "digits", tags={"stage": "old"}, properties={"auc": 0.9}, description="a model")
    second = Model.register(
        workspace=ws, model_path="model.pkl", model_name="digits", tags={"stage": "new"}, model_framework=Model.Framework.SCIKITLEARN
    )
    assert "Registering model digits" in capsys.readouterr().out
    assert [(model.name, model.version, model.id) for model in (first, second)] == [("digits", 1, "digits:1"), ("digits", 2, "digits:2")]
    assert Model(ws, "digits").version == 2
    assert Model(ws, name="digits", version=1).description == "a model"
    assert Model(ws, id="digits:1").properties == {"auc": "0.9"}
    assert Model(ws, "digits", tags=[["stage", "old"]]).version == 1
    assert Model(ws, "digits", tags=["stage"], model_framework="ScikitLearn").version == 2
    assert ws.models["digits"].version == 2
    assert list(ws.models) == ["digits"]
    assert first.created_time <= second.created_time


def test_models_are_listed_newest_first(ws: Workspace) -> None:
    for name in ("a", "b", "a"):
        Model.register(ws, "model.pkl", name, tags={"of": name})
    assert [model.id for model in Model.list(ws)] == ["a:2", "b:1", "a:1"]
    assert [model.id for model in Model.list(ws, latest=True)] == ["a:2", "b:1"]
    assert [model.id for model in Model.list(ws, name="a")] == ["a:2", "a:1"]
    assert [model.id for model in Model.list(ws, tags=[["of", "b"]])] == ["b:1"]
    assert Model.list(ws, name="nothing") == []


def test_a_model_is_downloaded_once_unless_it_may_be_there(ws: Workspace, tmp_path: Path) -> None:
    model = Model.register(ws, "model.pkl", "digits")
    assert model.download("down") == str(Path("down", "model.pkl"))
    with pytest.raises(WebserviceException, match="exists already; use exist_ok=True"):
        model.download("down")
    assert Path(model.download(str(tmp_path / "down"), exist_ok=True)).read_text() == "weights"


def test_the_path_of_a_model_is_below_azureml_models(ws: Workspace, tmp_path: Path) -> None:
    Model.register(ws, "model.pkl", "digits")
    with pytest.raises(ModelNotFoundException, match="is neither in .*azureml-models"):
        Model.get_model_path("digits")
    assert Model.get_model_path("digits", _workspace=ws) == str(Path("azureml-models", "digits", "1", "model.pkl"))
    assert Path(Model.get_model_path("digits")).read_text() == "weights"
    assert Model.get_model_path("model.pkl") == "model.pkl", "a bare path is its own"
    with pytest.raises(ModelNotFoundException, match="version 7"):
        Model.get_model_path("digits", 7)


def test_some_of_a_folder_can_be_registered(ws: Workspace, tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "b/three"):
        (tmp_path / "net" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "net" / name).write_text(name)
    model = Model.register(ws, "net", "net", child_paths=["a", "b/three"])
    folder = Path(model.download("down"))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == ["a/one", "a/two", "b/three"]
    with pytest.raises(ModelPathNotFoundException, match="child path"):
        Model.register(ws, "net", "net", child_paths=["../model.pkl"])


def test_tags_change_and_properties_stay(ws: Workspace) -> None:
    model = Model.register(ws, "model.pkl", "digits", tags={"a": 1})
    model.add_tags({"b": 2})
    model.remove_tags("a")
    model.add_properties({"p": 1})
    model.update(description="better")
    assert (model.tags, model.properties, model.description) == ({"b": "2"}, {"p": "1"}, "better")
    assert Model(ws, "digits").tags == {"b": "2"}
    with pytest.raises(UserErrorException, match="property 'p' is '1' already"):
        model.add_properties({"p": 2})
    model.update_tags_properties(add_tags={"c": "3"}, remove_tags=["b"])
    assert Model(ws, "digits").serialize()["tags"] == {"c": "3"}


def test_two_handles_of_a_version_keep_what_the_other_said(ws: Workspace) -> None:
    Model.register(ws, "model.pkl", "digits", tags={"old": 1})
    one, two = Model(ws, "digits"), Model(ws, "digits")
    one.add_tags({"a": 1})
    one.add_properties({"p": 1})
    one.update(description="by one")
    two.add_tags({"b": 2})
    two.remove_tags("old")
    with pytest.raises(UserErrorException, match="property 'p' is '1' already; properties are set once"):
        two.add_properties({"p": 2})
    assert (two.tags, two.properties, two.description) == ({"a": "1", "b": "2"}, {"p": "1"}, "by one")
    one.update(tags={"only": "this"})
    assert (Model(ws, "digits").tags, Model(ws, "digits").description) == ({"only": "this"}, "by one")


def test_datasets_are_named_by_what_they_were_for(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text("1")
    ws.get_default_datastore().upload("raw", "raw", show_progress=False)
    dataset = Dataset.File.from_files((ws.get_default_datastore(), "raw")).register(ws, "irises")
    model = Model.register(ws, "model.pkl", "digits", datasets=[("training data", dataset)])
    assert [found.name for found in model.datasets["training data"]] == ["irises"]
    assert [found.id for found in Model.list(ws, dataset_id=dataset.id)] == ["digits:1"]
    with pytest.raises(UserErrorException, match="datasets must be a list"):
        Model.register(ws, "model.pkl", "digits", datasets=[dataset])


def test_a_deleted_version_is_gone(ws: Workspace) -> None:
    Model.register(ws, "model.pkl", "digits")
    Model.register(ws, "model.pkl", "digits").delete()
    assert [model.version for model in Model.list(ws, "digits")] == [1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": "nothing"}, "ModelNotFound: model 'nothing' is not registered in the workspace; registered are: digits"),
        ({"name": "digits", "version": 9}, "ModelNotFound: no version of model 'digits' has what was asked for"),
        ({"id": "digits:x"}, "ModelNotFound"),
    ],
)
def test_a_model_that_is_not_there_is_not_found(ws: Workspace, arguments: dict[str, object], problem: str) -> None:
    Model.register(ws, "model.pkl", "digits")
    with pytest.raises(WebserviceException, match=problem) as caught:
        Model(ws, **arguments)  # type: ignore[arg-type]
    assert isinstance(caught.value, ModelNotFoundException)


def test_a_model_without_a_name_is_asked_for_by_something_else(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="say which"):
        Model(ws)


def test_what_is_not_there_is_not_registered(ws: Workspace) -> None:
    with pytest.raises(ModelPathNotFoundException, match="nothing is at 'nothing.pkl'"):
        Model.register(ws, "nothing.pkl", "digits")
    with pytest.raises(UserErrorException, match="cannot be registered"):
        Model.register(ws, "model.pkl", "../digits")
