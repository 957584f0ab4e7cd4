"""Is a result reused only while its script would be told the same?"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.operators.answering import answering, asked_so_far
from airflow_amlpipe.operators.answers import Answers
from airflow_amlpipe.reuse.decision import Decision, Reason
from airflow_amlpipe.runtime.datasets import Dataset
from airflow_amlpipe.runtime.datastores import Datastore
from airflow_amlpipe.runtime.environments import Environment
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.models import Model
from airflow_amlpipe.runtime.protocol import CONTEXT_FILE, ENV_RUN_FOLDER
from airflow_amlpipe.runtime.workspace import Workspace
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.workspace.asked import answers_of
from airflow_amlpipe.workspace.datasets import DatasetRecord, saved_id
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.records import RunRecord, StepFinished
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.telling import find_again
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import a_step
from tests.unit.operators.test_answering import context_of
from tests.unit.workspace.test_step_run import assess

STEP = a_step("train")
NOT_REGISTERED = "dataset 'irises' is not registered in the workspace; registered are: none"
Script = Callable[[Any], object]


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    """A workspace in which something of every kind can be asked for."""
    # Where the SDK, too, finds the workspace of this name.
    workspace = WorkspaceStore.open(str(tmp_path / "home" / "workspaces" / "team"), home=tmp_path / "home")
    put_file(workspace, "raw/a.csv", "1,2")
    register_dataset(workspace)
    register_model(workspace, tmp_path)
    workspace.environments.register("env", EnvironmentSpec(pip_requirements=("numpy==1.0",)))
    workspace.datastores.register("lake", DatastoreRecord(name="lake", url=str(tmp_path / "lake"), details={"container_name": "raw"}))
    workspace.runs.create(RunRecord(run_id="run-0", pipeline="nightly", experiment="digits", created_at="2026-01-01T00:00:00+00:00"))
    StepRun(workspace, "nightly", "run-0", a_step("prepare"), 1, step_run_id="step-run-0").start()
    return workspace


@pytest.fixture
def run_script(workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], StepFinished]:
    """Let a script ask its host, and store what it leaves as the result of a step."""
    numbers = itertools.count(1)

    def run_script(script: Script) -> StepFinished:
        run = StepRun(workspace, "nightly", f"run-{next(numbers)}", STEP, 1)
        folder = create_step_folder(tmp_path / run.step_run_id)
        (folder.run / CONTEXT_FILE).write_text(json.dumps(context_of(folder)))
        monkeypatch.setenv(ENV_RUN_FOLDER, str(folder.run))
        monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(folder.root)
        assessment = assess(workspace, STEP)
        run.start()
        with answering(folder, Answers(run, WorkspaceNames(name="team"), "digits", lambda _: None, {"s": "hunter2"}.get), lambda _: None):
            script(Workspace.from_config())
        return run.finish_ran(assessment, {}, told=answers_of(asked_so_far(folder)))

    return run_script


def put_file(workspace: WorkspaceStore, path: str, text: str) -> None:
    place = Path(workspace.datastores.get("workspaceblobstore").url.removeprefix("file://")) / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def register_dataset(workspace: WorkspaceStore, name: str = "irises", path: str = "raw", **said: Any) -> DatasetRecord:
    return workspace.datasets.add_version(name, (DatastorePath(datastore="workspaceblobstore", path=path),), **said)


def register_model(workspace: WorkspaceStore, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_text("weights")
    workspace.models.register("m", tmp_path / "model.pkl")


def decide(workspace: WorkspaceStore) -> Decision:
    return assess(workspace, STEP).decision


def read_secret_and_upload(ws: Any) -> None:
    ws.get_default_keyvault().get_secret("s")
    Path("up.txt").write_text("up")
    ws.get_default_datastore().upload_files(["up.txt"], target_path="up", overwrite=True, show_progress=False)


def tag_dataset(workspace: WorkspaceStore) -> None:
    workspace.datasets.label(workspace.datasets.get("irises"), tags={"reviewed": "yes"})


def catch_what_is_not_there(ws: Any) -> None:
    with pytest.raises(UserErrorException):
        Dataset.get_by_name(ws, "roses")


# What a script asks, what happens then, and how that is said.
QUESTIONS: dict[str, tuple[Script, Callable[[WorkspaceStore, Path], object], str]] = {
    "the latest dataset": (
        lambda ws: Dataset.get_by_name(ws, "irises"),
        lambda workspace, _: register_dataset(workspace, path="cooked"),
        "the latest version of dataset 'irises': version 1 -> version 2",
    ),
    "the latest dataset, whose tags are others": (
        lambda ws: Dataset.get_by_name(ws, "irises"),
        lambda workspace, _: register_dataset(workspace, tags={"reviewed": "yes"}),
        "the latest version of dataset 'irises': version 1 -> version 2",
    ),
    "the latest dataset, of which less is taken": (
        lambda ws: Dataset.get_by_name(ws, "irises"),
        lambda workspace, _: register_dataset(workspace, definition=DatasetDefinition(kind="file", path_glob="*.csv")),
        "the latest version of dataset 'irises': version 1 -> version 2",
    ),
    "the tags of a dataset": (
        lambda ws: Dataset.get_by_name(ws, "irises", version=1).tags,
        lambda workspace, _: tag_dataset(workspace),
        "dataset 'irises' version 1: version 1, but its description or its tags are others",
    ),
    "a dataset that is removed": (
        lambda ws: Dataset.get_by_name(ws, "irises"),
        lambda workspace, _: workspace.datasets.remove("irises"),
        f"the latest version of dataset 'irises': version 1 -> nothing ({NOT_REGISTERED})",
    ),
    "a dataset that is not there": (
        catch_what_is_not_there,
        lambda workspace, _: register_dataset(workspace, "roses"),
        "the latest version of dataset 'roses': nothing -> version 1",
    ),
    "the data of a dataset": (
        lambda ws: Dataset.get_by_name(ws, "irises", version=1).to_path(),
        lambda workspace, _: put_file(workspace, "raw/b.csv", "3"),
        "the data of dataset 'irises' version 1: 1 file, 3 bytes -> 2 files, 4 bytes",
    ),
    "data of the same size": (
        lambda ws: Dataset.get_by_name(ws, "irises", version=1).to_path(),
        lambda workspace, _: put_file(workspace, "raw/a.csv", "1,3"),
        "the data of dataset 'irises' version 1: 1 file, 3 bytes, but its content is another",
    ),
    "the data of a dataset that the script makes": (
        lambda ws: Dataset.File.from_files((Datastore(ws), "raw")).download("made"),
        lambda workspace, _: put_file(workspace, "raw/b.csv", "3"),
        (
            f"the data of the dataset without a name {saved_id((DatastorePath(datastore='workspaceblobstore', path='raw'),), None)}: "
            "1 file, 3 bytes -> 2 files, 4 bytes"
        ),
    ),
    "files of a datastore": (
        lambda ws: Datastore(ws).download("down", prefix="raw", show_progress=False),
        lambda workspace, _: put_file(workspace, "raw/deep/b.csv", "3"),
        "the files of 'raw' on datastore 'workspaceblobstore': 1 file, 3 bytes -> 2 files, 4 bytes",
    ),
    "files that are not there": (
        lambda ws: Datastore(ws).download("down", prefix="new", show_progress=False),
        lambda workspace, _: put_file(workspace, "new/a.csv", ""),
        "the files of 'new' on datastore 'workspaceblobstore': 0 files, 0 bytes -> 1 file, 0 bytes",
    ),
    "the default datastore": (
        lambda ws: ws.get_default_datastore().name,
        lambda workspace, _: workspace.datastores.set_default("lake"),
        "the default datastore: 'workspaceblobstore' -> 'lake'",
    ),
    "a datastore": (
        lambda ws: Datastore(ws, "lake").container_name,
        lambda workspace, path: workspace.datastores.register(
            "lake", DatastoreRecord(name="lake", url=str(path / "lake"), details={"container_name": "cooked"})
        ),
        "datastore 'lake': 'lake', but it is registered otherwise",
    ),
    "the latest model": (
        lambda ws: Model.get_model_path("m", _workspace=ws),
        register_model,
        "the versions of model 'm': 1 -> 1, 2",
    ),
    "the tags of a model": (
        lambda ws: Model(ws, "m").tags,
        lambda workspace, _: workspace.models.change("m", 1, tags={"stage": "production"}),
        "the versions of model 'm': 1, but what is said of one of them is something else",
    ),
    "a model that is removed": (
        lambda ws: Model(ws, id="m:1").download("down"),
        lambda workspace, _: workspace.models.remove("m", 1),
        "model 'm' version 1: registered -> not registered",
    ),
    "the latest environment": (
        lambda ws: Environment.get(ws, "env").requirements,
        lambda workspace, _: workspace.environments.register("env", EnvironmentSpec(pip_requirements=("numpy==2.0",))),
        "the latest version of environment 'env': version 1 -> version 2",
    ),
    "a list of names": (
        lambda ws: list(ws.datasets),
        lambda workspace, _: register_dataset(workspace, "roses"),
        "the list of datasets: irises -> irises, roses",
    ),
    "whether there is one": (
        lambda ws: "roses" in ws.datasets or "a/b" in ws.datasets,
        lambda workspace, _: register_dataset(workspace, "roses"),
        "whether there is 'roses' among the datasets: no -> yes",
    ),
    "another run": (
        lambda ws: ws.get_run("run-0").get_metrics(),
        lambda workspace, _: workspace.runs.finish("run-0", "Finished"),
        "what run run-0 logged: Running, 0 metrics -> Finished, 0 metrics",
    ),
    "the run of another step": (
        lambda ws: ws.get_run("step-run-0").get_metrics(),
        lambda workspace, _: workspace.store.remove_tree(".amlpipe/v1/runs/run-0"),
        "what run step-run-0 logged: Running, 0 metrics -> nothing (run 'run-0' is not in the workspace; `amlpipe runs list` shows those that are)",
    ),
}


@pytest.mark.parametrize(("script", "change", "sentence"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_result_stands_in_until_its_script_would_be_told_something_else(
    workspace: WorkspaceStore, run_script: Any, tmp_path: Path, script: Script, change: Any, sentence: str
) -> None:
    first = run_script(script)
    assert decide(workspace).reason is Reason.MATCH
    change(workspace, tmp_path)
    decision = decide(workspace)
    assert (decision.reason, decision.detail) == (Reason.ANSWERS_CHANGED, sentence)
    # It is not marked bad: who would be told the same again gets it.
    assert workspace.results.is_trusted(decide_result(workspace, first))


def decide_result(workspace: WorkspaceStore, finished: StepFinished) -> Any:
    return next(result for _, result in workspace.results.candidates(finished.key or "") if result.step_run_id == finished.step_run_id)


def test_what_is_pinned_or_named_is_what_it_was_whatever_is_registered_beside_it(
    workspace: WorkspaceStore, run_script: Any, tmp_path: Path
) -> None:
    def script(ws: Any) -> None:
        Dataset.get_by_name(ws, "irises", version=1).to_path()
        Environment.get(ws, "env", version="1")
        Model.get_model_path("m", version=1, _workspace=ws)
        assert (Model(ws, id="m:1").version, Model(ws, "m", version="1").version) == (1, 1)
        assert ws.datastores["lake"].name == "lake"

    run_script(script)
    register_dataset(workspace)
    register_model(workspace, tmp_path)
    workspace.environments.register("env", EnvironmentSpec(pip_requirements=("numpy==2.0",)))
    workspace.datastores.register("pond", DatastoreRecord(name="pond", url=str(tmp_path / "pond")))
    assert decide(workspace).reason is Reason.MATCH


def test_registering_the_same_dataset_again_is_no_other_answer(workspace: WorkspaceStore, run_script: Any) -> None:
    """Scripts that build pipelines register their datasets before each submission."""
    run_script(lambda ws: Dataset.get_by_name(ws, "irises").to_path())
    register_dataset(workspace)
    assert decide(workspace).reason is Reason.MATCH
    put_file(workspace, "raw/b.csv", "3")
    assert decide(workspace).detail == "the data of dataset 'irises' version 1: 1 file, 3 bytes -> 2 files, 4 bytes"


def test_the_same_content_is_the_same_dataset_wherever_a_step_wrote_it(workspace: WorkspaceStore, run_script: Any) -> None:
    """A step that writes the same bytes again does not make those that ask for what it registers run."""
    for place in ("one", "two"):
        put_file(workspace, f"{place}/a.csv", "1,2")
    register_dataset(workspace, "prepared", "one", digest="d1")
    run_script(lambda ws: Dataset.get_by_name(ws, "prepared").to_path())
    register_dataset(workspace, "prepared", "two", digest="d1")
    assert decide(workspace).reason is Reason.MATCH
    # What would be read now is looked at, not what was read then.
    put_file(workspace, "one/a.csv", "cleared away")
    assert decide(workspace).reason is Reason.MATCH
    put_file(workspace, "two/a.csv", "1,3")
    assert decide(workspace).reason is Reason.ANSWERS_CHANGED
    put_file(workspace, "two/a.csv", "1,2")
    register_dataset(workspace, "prepared", "two", digest="d2")
    assert decide(workspace).reason is Reason.ANSWERS_CHANGED


def test_content_elsewhere_is_another_dataset_where_columns_are_made_of_paths(workspace: WorkspaceStore, run_script: Any) -> None:
    definition = DatasetDefinition(kind="file", include_path=True)
    register_dataset(workspace, "prepared", "one", digest="d1", definition=definition)
    run_script(lambda ws: Dataset.get_by_name(ws, "prepared"))
    register_dataset(workspace, "prepared", "two", digest="d1", definition=definition)
    assert decide(workspace).reason is Reason.ANSWERS_CHANGED


def test_a_dictionary_of_names_is_one_however_it_is_read(workspace: WorkspaceStore, run_script: Any) -> None:
    def script(ws: Any) -> None:
        found = ws.datastores
        assert "lake" in found
        assert (found.get("pond"), found["lake"].container_name) == (None, "raw")
        with pytest.raises(KeyError):
            found["pond"]
        names = ["lake", "workspaceartifactstore", "workspaceblobstore", "workspacefilestore"]
        assert (list(found), list(found.keys()), len(found), sorted(dict(found))) == (names, names, 4, names)
        assert [name for name, store in found.items() if store.name == name] == names
        assert [store.name for store in dict(found).values()] == names
        assert 1 not in found

    run_script(script)


def test_going_back_to_what_was_there_before_reuses_what_was_computed_with_it(workspace: WorkspaceStore, run_script: Any) -> None:
    def script(ws: Any) -> None:
        Datastore(ws).download("down", prefix="raw", show_progress=False)

    first = run_script(script)
    put_file(workspace, "raw/a.csv", "other")
    second = run_script(script)
    assert (second.reason, second.changed) == ("ANSWERS_CHANGED", "the files of 'raw' on datastore 'workspaceblobstore'")
    result = decide(workspace).result
    assert (result and result.step_run_id) == second.step_run_id
    put_file(workspace, "raw/a.csv", "1,2")
    result = decide(workspace).result
    assert (result and result.step_run_id) == first.step_run_id


def test_secrets_and_what_the_script_changes_are_not_compared(workspace: WorkspaceStore, run_script: Any) -> None:
    finished = run_script(read_secret_and_upload)
    put_file(workspace, "up/up.txt", "something else")
    assert decide(workspace).reason is Reason.MATCH
    stored = decide_result(workspace, finished)
    assert [told.verb for told in stored.told] == ["datastore"]
    assert "hunter2" not in stored.model_dump_json()


def look_and_register(ws: Any) -> None:
    known = Model.list(ws, "best")
    Path("best.txt").write_text(f"better than {len(known)} others")
    Model.register(ws, "best.txt", "best")
    assert len(Model.list(ws, "best")) == len(known) + 1


def register_what_is_missing(ws: Any) -> None:
    if "best" not in ws.models:
        Path("best.txt").write_text("best")
        Model.register(ws, "best.txt", "best")
    assert "best" in list(ws.models)


def tag_with_what_differs_each_time(ws: Any) -> None:
    Model(ws, "m").add_tags({"seen_at": uuid.uuid4().hex})
    assert "seen_at" in Model(ws, "m").tags


def read_and_delete(ws: Any) -> None:
    model = Model(ws, id="m:1")
    model.download("down")
    model.delete()


@pytest.mark.parametrize("script", [look_and_register, register_what_is_missing, tag_with_what_differs_each_time, read_and_delete])
def test_a_script_that_changes_what_it_asked_for_is_told_the_same_as_long_as_nobody_else_does(
    workspace: WorkspaceStore, run_script: Any, script: Script
) -> None:
    run_script(script)
    assert decide(workspace).reason is Reason.MATCH


def test_what_another_run_of_a_step_registered_is_a_change_until_the_step_has_been_told(workspace: WorkspaceStore, run_script: Any) -> None:
    first = run_script(look_and_register)
    second = run_script(look_and_register)
    decision = decide(workspace)
    assert (decision.reason, decision.result and decision.result.step_run_id) == (Reason.MATCH, second.step_run_id)
    workspace.models.change("best", 2, tags={"stage": "production"})  # its own: whoever says something of it
    assert decide(workspace).reason is Reason.MATCH
    workspace.models.change("best", 1, tags={"stage": "archived"})
    decision = decide(workspace)
    assert decision.detail == "the versions of model 'best': 1, but what is said of one of them is something else"
    assert workspace.results.is_trusted(decide_result(workspace, first))


def test_a_step_that_asks_for_the_dataset_which_its_output_becomes_is_told_the_same_until_somebody_else_registers_one(
    workspace: WorkspaceStore, run_script: Any
) -> None:
    def script(ws: Any) -> None:
        Dataset.get_by_name(ws, "irises")
        assert "clean" not in ws.datasets
        with pytest.raises(UserErrorException):
            Dataset.get_by_name(ws, "clean")

    result = decide_result(workspace, run_script(script))
    made = {"run_id": result.run_id, "step_id": result.step_id}
    for name in ("clean", "irises"):
        register_dataset(workspace, name, "made", digest="d", produced_by=made)
    assert decide(workspace).reason is Reason.MATCH
    register_dataset(workspace, path="made", digest="d", produced_by={**made, "run_id": "run-7"})
    assert decide(workspace).detail == "the latest version of dataset 'irises': version 1 -> version 3"


def test_a_result_without_answers_costs_no_question(workspace: WorkspaceStore, run_script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = run_script(lambda _: None)
    assert "told" not in decide_result(workspace, finished).model_dump(mode="json"), "as results were written before there were answers"
    monkeypatch.setattr("airflow_amlpipe.workspace.asking_again.find_again", lambda *_: pytest.fail("nothing is to be asked"))
    assert decide(workspace).reason is Reason.MATCH


def test_each_question_is_asked_once_for_all_results(workspace: WorkspaceStore, run_script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        run_script(lambda ws: (list(ws.models), Dataset.get_by_name(ws, "irises"), Dataset.get_by_name(ws, "irises")))
        register_dataset(workspace, path=f"raw/{number}")
    asked: list[str] = []

    def counted(workspace: WorkspaceStore, told: Any, *, without: str | None) -> Any:
        asked.extend([told.verb] if without is None else [])
        return find_again(workspace, told, without=without)

    monkeypatch.setattr("airflow_amlpipe.workspace.asking_again.find_again", counted)
    assert decide(workspace).reason is Reason.ANSWERS_CHANGED
    assert asked == ["names", "dataset"]


def test_a_store_that_cannot_be_read_is_neither_a_hit_nor_a_miss(
    workspace: WorkspaceStore, run_script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23."""
    run_script(lambda ws: Dataset.get_by_name(ws, "irises"))

    def fail(*_: object, **__: object) -> None:
        raise DatastoreUnavailableError("datastore 'lake': HTTP 503")

    monkeypatch.setattr(type(workspace.datasets), "find", fail)
    with pytest.raises(DatastoreUnavailableError):
        decide(workspace)


@pytest.mark.parametrize(
    "script",
    [
        lambda ws: Datastore(ws, "cloud").download("down", show_progress=False),
        lambda ws: Dataset.get_by_name(ws, "far", version=1).to_path(),
    ],
    ids=["files", "data"],
)
def test_a_datastore_that_cannot_be_opened_here_is_neither_a_hit_nor_a_miss(
    workspace: WorkspaceStore, run_script: Any, tmp_path: Path, script: Script
) -> None:
    """R23."""
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud" / "a.csv").write_text("1")
    workspace.datastores.register("cloud", DatastoreRecord(name="cloud", url=str(tmp_path / "cloud")))
    workspace.datasets.add_version("far", (DatastorePath(datastore="cloud", path="a.csv"),))
    run_script(script)
    assert decide(workspace).reason is Reason.MATCH
    key = assess(workspace, STEP).key
    workspace.datastores.register("cloud", DatastoreRecord(name="cloud", url="s3://bucket", conn_id="elsewhere"))
    told = [told for _, result in workspace.results.candidates(key) for told in result.told][-1]
    with pytest.raises(DefinitionError, match="logs in with the Airflow connection 'elsewhere', which there is not"):
        find_again(workspace, told)


def test_what_was_found_and_could_not_be_handed_over_is_found_again(
    workspace: WorkspaceStore, run_script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DefinitionError("the disk is full of names like this one")

    def script(ws: Any) -> None:
        with pytest.raises(UserErrorException, match="names like this one"):
            Dataset.get_by_name(ws, "irises", version=1).to_path()

    monkeypatch.setattr("airflow_amlpipe.operators.answers.fetch_input", fail)
    run_script(script)
    assert decide(workspace).reason is Reason.MATCH
    put_file(workspace, "raw/b.csv", "3")
    assert decide(workspace).detail == "the data of dataset 'irises' version 1: 1 file, 3 bytes -> 2 files, 4 bytes"


def test_two_that_ran_at_once_and_were_told_something_else_leave_two_results(
    workspace: WorkspaceStore, run_script: Any, tmp_path: Path
) -> None:
    def script(ws: Any) -> None:
        Dataset.get_by_name(ws, "irises")
        run_script(lambda ws: Dataset.get_by_name(ws, "irises", version=1))

    finished = run_script(script)
    assert finished.lost_race_to is None
    assert len(list(workspace.results.candidates(finished.key or ""))) == 2


@pytest.mark.parametrize(
    "line",
    [
        '{"verb": "dataset", "arguments": {}, ',
        '{"verb": "dataset", "arguments": {"name": 1, "version": null, "id": null}, ',
        '{"verb": "x", "arguments": {}, ',
    ],
)
def test_what_cannot_be_asked_again_counts_as_changed(workspace: WorkspaceStore, line: str) -> None:
    from airflow_amlpipe.reuse.told import Told, find_change

    told = Told.model_validate_json(line + '"what": "w", "answer": "a", "digest": "d"}')
    change = find_change(told, find_again(workspace, told))
    assert change is not None
    assert "cannot be asked again" in change.sentence


def test_a_line_that_a_dead_process_left_unfinished_takes_none_of_the_next_with_it(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second worker takes up the job of one that died while it wrote an answer down."""
    folder: StepFolder = create_step_folder(tmp_path / "try")
    (folder.run / CONTEXT_FILE).write_text(json.dumps(context_of(folder)))
    monkeypatch.setenv(ENV_RUN_FOLDER, str(folder.run))
    (folder.root / "asked.jsonl").write_text('{"verb": "dataset", "wha')
    run = StepRun(workspace, "nightly", "run-1", STEP, 1)
    with answering(folder, Answers(run, WorkspaceNames(name="team"), "digits", lambda _: None, lambda _: None), lambda _: None):
        Dataset.get_by_name(Workspace.from_config(), "irises")
    assert [told.what for told in answers_of(asked_so_far(folder))] == ["the latest version of dataset 'irises'"]
