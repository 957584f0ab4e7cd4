"""Does a script get an answer to what it may ask, to nothing else, and is it written down?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.compute.interpreters import find_python
from airflow_amlpipe.operators.answering import Answer, Question, answering, asked_so_far
from airflow_amlpipe.operators.answers import Answers
from airflow_amlpipe.runtime import questions
from airflow_amlpipe.runtime.asking import ask
from airflow_amlpipe.runtime.errors import AzureMLException, RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.protocol import CONTEXT_FILE, CONTEXT_FORMAT, ENV_RUN_FOLDER, shim_folder
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.workspace.asked import AskedThing, keep_asked, read_asked
from airflow_amlpipe.workspace.datasets import saved_id
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import a_pipeline, a_step

SECRETS = {"db-password": "hunter2"}


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    return WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StepFolder:
    folder = create_step_folder(tmp_path / "try")
    folder.code.mkdir()
    monkeypatch.setenv(ENV_RUN_FOLDER, str(folder.run))
    (folder.run / CONTEXT_FILE).write_text(json.dumps(context_of(folder)))
    return folder


def context_of(folder: StepFolder) -> dict[str, Any]:
    part = {"number": 1, "tags": {}, "properties": {}, "url": "", "events": []}
    return {
        "format": CONTEXT_FORMAT,
        "run": {**part, "id": "step-run-1", "name": "train"},
        "parent": {**part, "id": "run-1", "name": "nightly"},
        "experiment": "digits",
        "experiment_id": "digits",
        "workspace": {"name": "team", "subscription_id": "s", "resource_group": "g", "location": "local", "url": ""},
        "inputs": [],
        "outputs": [],
        "working_folder": str(folder.code),
        "script": "train.py",
        "arguments": [],
        "snapshot": "",
        "target": "local",
        "started_at": "2026-01-01T00:00:00+00:00",
    }


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def host(workspace: WorkspaceStore, folder: StepFolder, said: list[str]) -> Callable[[], Any]:
    """Open the host's side: a process that waits for the job."""

    @contextmanager
    def host() -> Iterator[None]:
        run = StepRun(workspace, "nightly", "run-1", a_step("train"), 1, step_run_id="step-run-1")
        answers = Answers(run, WorkspaceNames(name="team"), "digits", said.append, SECRETS.get)
        with answering(folder, answers, said.append):
            yield

    return host


def put_data(workspace: WorkspaceStore, path: str, **files: str) -> None:
    root = Path(workspace.datastores.get("workspaceblobstore").url.removeprefix("file://")) / path
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / f"{name}.csv").write_text(text)


def register(workspace: WorkspaceStore, name: str, path: str) -> Any:
    return workspace.datasets.add_version(
        name, (DatastorePath(datastore="workspaceblobstore", path=path),), description="rows", tags={"a": "b"}
    )


SCRIPT = """
import os
from azureml.core import Run, Workspace, Dataset, Datastore, Keyvault, Environment, Experiment
from azureml.core.dataset import Dataset as Same
from azureml.data import FileDataset
from azureml.exceptions import UserErrorException
run = Run.get_context()
ws = run.experiment.workspace
assert ws == Workspace.from_config() == Workspace("s", "g", "team") == Workspace.get("team") and Dataset is Same
dataset = Dataset.get_by_name(ws, "irises")
assert isinstance(dataset, FileDataset) and (dataset.name, dataset.version, dataset.tags) == ("irises", 1, {"a": "b"})
assert dataset.to_path() == ["/a.csv", "/b.csv"], dataset.to_path()
print(open(dataset.download("copied")[1]).read())
with dataset.mount() as mounted:
    print(sorted(os.listdir(mounted.mount_point)))
assert Dataset.get_by_id(ws, dataset.id).name == ws.datasets["irises"].name == "irises" and list(ws.datasets) == ["irises"]
store = ws.get_default_datastore()
assert store.name == Datastore(ws).name == Datastore.get(ws, "workspaceblobstore").name == "workspaceblobstore"
open("model.txt", "w").write("weights")
store.upload_files(["model.txt"], target_path="models", show_progress=False)
store.upload_files(["model.txt"], target_path="models")
print(store.download("down", prefix="models", show_progress=False), open("down/models/model.txt").read())
assert run.get_secret("db-password") == Keyvault(ws).get_secret("db-password") == ws.get_default_keyvault().get_secrets(["db-password"])["db-password"] == "hunter2"
try:
    Dataset.get_by_name(ws, "roses")
except UserErrorException as error:
    print(error)
try:
    store.upload_files(["model.txt"], target_path="../elsewhere")
except UserErrorException as error:
    print("refused:", error)
try:
    run.get_secret("airflow-fernet-key")
except UserErrorException as error:
    print(error)
"""


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "ours"])
def test_a_script_whose_interpreter_has_nothing_of_ours_reaches_its_workspace(
    version: str, workspace: WorkspaceStore, folder: StepFolder, host: Callable[[], Any], said: list[str]
) -> None:
    python = sys.executable if version == "ours" else find_python(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    put_data(workspace, "raw", a="1,2", b="3,4")
    register(workspace, "irises", "raw")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": shim_folder(), ENV_RUN_FOLDER: str(folder.run)}
    with host():
        ran = subprocess.run([python, "-S", "-c", SCRIPT], cwd=folder.code, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "3,4",
        "['a.csv', 'b.csv']",
        "Target already exists. Skipping upload for models/model.txt",
        "Uploaded 0 files",
        "1 weights",
        "dataset 'roses' is not registered in the workspace; registered are: irises",
        "refused: datastore 'workspaceblobstore': upload: target_path: the path '../elsewhere' must be relative and stay below its root; remove '..' and leading '/'",
        "secret 'airflow-fernet-key': there is none of this name that steps may read",
    ]
    assert (folder.root.parent / "ws/workspaceblobstore/models/model.txt").read_text() == "weights"
    whats = {thing.what: thing for thing in asked_so_far(folder)}
    assert whats["the data of dataset 'irises' version 1"].digest is not None
    assert [(thing.verb, thing.changes) for thing in asked_so_far(folder) if thing.what.startswith("'models'")] == [
        ("datastore-upload", True),
        ("datastore-upload", True),
        ("datastore-download", False),
    ]
    assert "the secret 'db-password'" in whats
    assert len([line for line in said if "dataset 'irises' version 1, the latest" in line]) == 1, "said once, however often it was asked"
    assert "hunter2" not in (folder.root / "asked.jsonl").read_text()
    assert not list((folder.run / questions.ANSWERS_FOLDER).iterdir()), "a secret does not stay on the disk"
    assert not list((folder.run / questions.ASKS_FOLDER).iterdir())


def test_what_was_asked_is_kept_with_the_try_once(workspace: WorkspaceStore) -> None:
    thing = AskedThing(verb="dataset", what="dataset 'irises' version 1")
    keep_asked(workspace, "runs/r/steps/s/1", [thing, AskedThing(verb="secret", what="the secret 's'"), thing])
    assert [(kept.what, kept.times) for kept in read_asked(workspace, "runs/r/steps/s/1")] == [
        ("dataset 'irises' version 1", 2),
        ("the secret 's'", 1),
    ]
    assert read_asked(workspace, "runs/r/steps/s/2") == ()


def test_many_threads_may_ask_at_once(workspace: WorkspaceStore, host: Callable[[], Any], folder: StepFolder) -> None:
    register(workspace, "irises", "raw")
    names: list[str] = []
    with host():
        threads = [
            threading.Thread(
                target=lambda: names.append(ask("dataset", {"name": "irises", "version": None, "id": None})["dataset"]["name"])
            )
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert names == ["irises"] * 20


def test_a_question_outlives_the_host_that_did_not_answer_it(
    workspace: WorkspaceStore, host: Callable[[], Any], folder: StepFolder
) -> None:
    register(workspace, "irises", "raw")
    found: list[str] = []
    asking = threading.Thread(target=lambda: found.append(ask("dataset", {"name": "irises", "version": 1, "id": None})["dataset"]["name"]))
    asking.start()
    time.sleep(0.1)
    assert found == []
    with host():
        asking.join(30)
    assert found == ["irises"]


def test_two_hosts_that_both_believe_the_other_dead_give_one_answer(
    workspace: WorkspaceStore, host: Callable[[], Any], folder: StepFolder
) -> None:
    put_data(workspace, "raw", a="1")
    record = register(workspace, "irises", "raw")
    with host(), host():
        for _ in range(5):
            path = Path(ask("dataset-data", {"id": record.id})["dataset"]["path"])
            assert (path / "a.csv").read_text() == "1"


def test_without_a_host_the_wait_ends_and_says_so(folder: StepFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(questions.ENV_PATIENCE, "0.1")
    with pytest.raises(
        RunEnvironmentException, match=r"dataset: nobody on the host has looked for questions of this step for 0\.1 seconds"
    ):
        ask("dataset", {"name": "irises", "version": None, "id": None})
    assert not list((folder.run / questions.ASKS_FOLDER).iterdir()), "nobody is left to wait for an answer"


def test_a_host_that_takes_its_time_is_waited_for(folder: StepFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_amlpipe.operators import answering as module

    monkeypatch.setenv(questions.ENV_PATIENCE, "0.4")
    monkeypatch.setattr(module, "_ALIVE_SECONDS", 0.05)

    def slow(_: Question) -> Answer:
        time.sleep(1.2)
        return Answer({"root": "here"})

    with answering(folder, slow, lambda _: None):
        assert ask("workspace", {}) == {"root": "here"}


def test_outside_a_step_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_RUN_FOLDER, raising=False)
    with pytest.raises(RunEnvironmentException, match="does not run inside a step"):
        ask("workspace", {})


def test_a_fault_of_the_host_is_told_as_what_it_is(folder: StepFolder) -> None:
    def broken(_: Question) -> Answer:
        raise KeyError("oops")

    with (
        answering(folder, broken, lambda _: None),
        pytest.raises(AzureMLException, match="the host could not answer: KeyError: 'oops'") as caught,
    ):
        ask("workspace", {})
    assert not isinstance(caught.value, UserErrorException)


@pytest.mark.parametrize(
    ("verb", "arguments", "fault"),
    [
        ("shell", {"command": "id"}, "'shell' is not among what a step can ask"),
        ("__class__", {}, "is not among what a step can ask"),
        (["dataset"], {}, "is not among what a step can ask"),
        ("dataset", {"name": "x"}, "dataset takes the arguments id, name, version"),
        ("dataset", {"name": 1, "version": None, "id": None}, "dataset: name has to be a text or nothing, not 1"),
        ("dataset", {"name": "x", "version": True, "id": None}, "version has to be a whole number or nothing"),
        ("names", {"kind": "runs", "name": None}, "a workspace has no 'runs'"),
        ("names", {"kind": "__dict__", "name": "x"}, "a workspace has no '__dict__'"),
        ("dataset", {"name": "../../etc/passwd", "version": None, "id": None}, "cannot be registered"),
        ("dataset", {"name": None, "version": None, "id": "../../runs/x/run"}, "must be relative and stay below the root"),
        ("datastore-download", {"datastore": "workspaceblobstore", "prefix": "../.amlpipe"}, "must be relative and stay below its root"),
        ("datastore-download", {"datastore": "../x", "prefix": None}, "cannot be registered"),
        ("secret", {"name": "../x"}, "there is none of this name|a name has letters"),
        ("run", {"id": "../../x"}, "is not in experiment 'digits'"),
        ("environment", {"name": "../x", "version": None}, "cannot be registered"),
    ],
)
def test_a_hostile_script_can_ask_nothing_else(verb: Any, arguments: Any, fault: str, folder: StepFolder, host: Callable[[], Any]) -> None:
    with host(), pytest.raises(UserErrorException, match=fault):
        ask(verb, arguments)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"verb": "workspace"}', b"[" * 100_000, b"\xff", b" " * (questions.LARGEST_QUESTION + 1)]
)
def test_what_is_no_question_is_refused_and_the_host_goes_on(body: bytes, folder: StepFolder, host: Callable[[], Any]) -> None:
    for name in (questions.ASKS_FOLDER, questions.ANSWERS_FOLDER):
        (folder.run / name).mkdir()
    (folder.run / questions.ASKS_FOLDER / "1.json").write_bytes(body)
    with host():
        assert ask("workspace", {})["name"] == "team"
    answer = json.loads((folder.run / questions.ANSWERS_FOLDER / "1.json").read_text())
    assert "a question " in answer["error"]


def test_a_link_or_a_pipe_is_no_question(folder: StepFolder, host: Callable[[], Any]) -> None:
    for name in (questions.ASKS_FOLDER, questions.ANSWERS_FOLDER):
        (folder.run / name).mkdir()
    secret = folder.root / "secret.json"
    secret.write_text(json.dumps({"verb": "workspace", "arguments": {}}))
    (folder.run / questions.ASKS_FOLDER / "1.json").symlink_to(secret)
    os.mkfifo(folder.run / questions.ASKS_FOLDER / "2.json")
    with host():
        assert ask("workspace", {})["name"] == "team"
    for name in ("1.json", "2.json"):
        assert "plain file" in json.loads((folder.run / questions.ANSWERS_FOLDER / name).read_text())["error"]


def test_a_link_that_is_sent_along_does_not_carry_what_it_leads_to(folder: StepFolder, host: Callable[[], Any], tmp_path: Path) -> None:
    """S03."""
    for name in (questions.ASKS_FOLDER, questions.ANSWERS_FOLDER):
        (folder.run / name).mkdir()
    asks = folder.run / questions.ASKS_FOLDER
    (asks / "1.files").mkdir()
    (asks / "1.files" / "passwd").symlink_to("/etc/passwd")
    arguments = {"datastore": "workspaceblobstore", "target": "x", "overwrite": True}
    questions.write_document(str(asks / "1.json"), {"verb": "datastore-upload", "arguments": arguments})
    with host():
        ask("workspace", {})
    answer = json.loads((folder.run / questions.ANSWERS_FOLDER / "1.json").read_text())
    assert "'passwd' cannot be sent along" in answer["error"]
    assert not (tmp_path / "ws/workspaceblobstore/x").exists()


def put_question(folder: StepFolder, verb: str, arguments: dict[str, Any]) -> Path:
    """Put question 1 as a script of its own making does, and return where its answer comes."""
    asks = folder.run / questions.ASKS_FOLDER
    asks.mkdir(exist_ok=True)
    questions.write_document(str(asks / "1.json"), {"verb": verb, "arguments": arguments})
    return folder.run / questions.ANSWERS_FOLDER / "1.json"


def wait_for(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


@pytest.mark.parametrize("name", [questions.GIVEN_FOLDER, questions.ANSWERS_FOLDER, "run"])
def test_the_host_writes_through_no_link_that_a_script_has_put_in_place(
    name: str, workspace: WorkspaceStore, folder: StepFolder, tmp_path: Path, host: Callable[[], Any]
) -> None:
    """S03."""
    put_data(workspace, "raw", a="1")
    record = register(workspace, "irises", "raw")
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder.run / questions.ANSWERS_FOLDER).mkdir()
    answer = put_question(folder, "dataset-data", {"id": record.id})
    if name == "run":
        folder.run.rename(tmp_path / "aside")
        for part in (questions.ASKS_FOLDER, questions.ANSWERS_FOLDER):
            (outside / part).mkdir()
        folder.run.symlink_to(outside)
        put_question(folder, "dataset-data", {"id": record.id})
    else:
        place = folder.run / name
        if place.exists():
            place.rmdir()
        place.symlink_to(outside)
    before = sorted(outside.rglob("*"))
    with host():
        if name == questions.GIVEN_FOLDER:
            assert wait_for(answer.exists)
            assert "'given' in the folder of the step has to be a folder, not a link" in answer.read_text()
        else:
            assert not wait_for(answer.exists, 1.0)
    assert sorted(outside.rglob("*")) == before
    assert not list(tmp_path.glob(".given-*"))


@pytest.mark.parametrize("exchanged", ["file", "folder"])
def test_a_link_exchanged_for_a_file_that_was_looked_at_is_not_sent(
    exchanged: str, workspace: WorkspaceStore, folder: StepFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Callable[[], Any]
) -> None:
    """S03."""
    from airflow_amlpipe.operators import answers as module
    from airflow_amlpipe.operators import model_answers

    secret = tmp_path / "airflow"
    secret.mkdir()
    (secret / "model.pkl").write_text("fernet_key")
    sent_files = module.sent_files

    def look_and_exchange(files: Path) -> list[tuple[Path, str]]:
        found = sent_files(files)
        if exchanged == "file":
            (files / "model.pkl").unlink()
            (files / "model.pkl").symlink_to(secret / "model.pkl")
        else:
            files.rename(files.with_name("aside"))
            files.symlink_to(secret)
        return found

    for owner in (module, model_answers):
        monkeypatch.setattr(owner, "sent_files", look_and_exchange)
    (tmp_path / "model.pkl").write_text("weights")
    sent = [(str(tmp_path / "model.pkl"), "model.pkl")]
    model = {"name": "m", "top": "model.pkl", "call": 1, "tags": {}, "properties": {}, "description": None, "datasets": []}
    with host():
        for verb, arguments in (
            ("datastore-upload", {"datastore": "workspaceblobstore", "target": "x", "overwrite": True}),
            ("model-register", {**model, "framework": None, "framework_version": None}),
        ):
            with pytest.raises(UserErrorException, match=r"'model\.pkl' cannot be sent along"):
                ask(verb, arguments, sent)
            shutil.rmtree(folder.run / questions.ASKS_FOLDER / "aside", ignore_errors=True)
    assert not (tmp_path / "ws/workspaceblobstore/x").exists()
    assert workspace.models.names() == []


def test_an_upload_that_fails_half_way_is_written_down(
    workspace: WorkspaceStore, folder: StepFolder, tmp_path: Path, said: list[str], host: Callable[[], Any]
) -> None:
    put_data(workspace, "x", a="old")
    (tmp_path / "ws/workspaceblobstore/x/b").write_text("a file where a folder would have to be")
    for name in ("one", "two"):
        (tmp_path / name).write_text("new")
    sent = [(str(tmp_path / "one"), "a.csv"), (str(tmp_path / "two"), "b/c.csv")]
    with host(), pytest.raises((AzureMLException, UserErrorException)):
        ask("datastore-upload", {"datastore": "workspaceblobstore", "target": "x", "overwrite": True}, sent)
    assert (tmp_path / "ws/workspaceblobstore/x/a.csv").read_text() == "new"
    assert [(thing.verb, thing.changes) for thing in asked_so_far(folder)] == [("datastore-upload", True)]
    assert said == ["the script changed 'x' on datastore 'workspaceblobstore'"]


def test_two_scripts_that_tag_a_model_keep_each_others_tags(workspace: WorkspaceStore, host: Callable[[], Any], tmp_path: Path) -> None:
    from airflow_amlpipe.runtime.models import Model

    (tmp_path / "model.pkl").write_text("weights")
    workspace.models.register("m", tmp_path / "model.pkl")
    with host():
        one, two = Model(None, "m"), Model(None, "m")
        one.update_tags_properties(add_tags={"a": 1}, add_properties={"p": 1})
        two.update_tags_properties(add_tags={"b": 2}, remove_tags="nothing")
        assert two.tags == {"a": "1", "b": "2"}
        with pytest.raises(UserErrorException, match="property 'p' is '1' already"):
            two.add_properties({"p": 2})
        with pytest.raises(UserErrorException, match="removed_tags has to be a list of texts"):
            two._change(tags={}, removed_tags=[1], replaces_tags=False, properties={}, description=None, datasets=[])


@pytest.mark.parametrize("verb", ["dataset-data", "datastore-download", "datastore-upload"])
def test_a_copy_ends_with_the_wait_for_the_job_and_its_question_stays(
    verb: str, workspace: WorkspaceStore, folder: StepFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: Callable[[], Any]
) -> None:
    from airflow_amlpipe.storage import copies, transfer

    files = {f"f{number:02}": str(number) for number in range(60)}
    put_data(workspace, "raw", **files)
    record = register(workspace, "irises", "raw")
    arguments: dict[str, dict[str, Any]] = {
        "dataset-data": {"id": record.id},
        "datastore-download": {"datastore": "workspaceblobstore", "prefix": "raw"},
        "datastore-upload": {"datastore": "workspaceblobstore", "target": "up", "overwrite": True},
    }
    beside = folder.run / questions.ASKS_FOLDER / "1.files"
    beside.mkdir(parents=True)
    for name in files:
        (beside / name).write_text(name)
    (folder.run / questions.ANSWERS_FOLDER).mkdir()
    copied: list[object] = []

    def slowed(real: Callable[..., Any]) -> Callable[..., Any]:
        def copy(*given: Any) -> Any:
            copied.append(given)
            time.sleep(0.05)
            return real(*given)

        return copy

    monkeypatch.setattr(copies, "copy_plain", slowed(copies.copy_plain))
    monkeypatch.setattr(transfer, "_copy", slowed(transfer._copy))
    answer = put_question(folder, verb, arguments[verb])
    with host():
        assert wait_for(lambda: bool(copied))
    assert len(copied) < 30
    assert not answer.exists(), "whoever takes up the job answers"
    assert not list(tmp_path.glob(".given-*"))


def test_trouble_in_writing_down_what_is_told_is_told_to_the_script(folder: StepFolder) -> None:
    def reply(_: Question) -> Answer:
        (folder.root / "asked.jsonl").mkdir()  # nothing can be written there
        return Answer({"value": "hunter2"}, AskedThing(verb="secret", what="the secret 's'"))

    with (
        answering(folder, reply, lambda _: None),
        pytest.raises(AzureMLException, match="the host could not answer: IsADirectoryError"),
    ):
        ask("workspace", {})


def test_an_answer_that_could_not_be_written_is_written_later_and_the_host_seems_gone_until_then(
    folder: StepFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_amlpipe.operators import answering as module

    monkeypatch.setattr(module, "_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.2)
    answers = folder.run / questions.ANSWERS_FOLDER
    answers.write_text("no folder")
    answer, asked = put_question(folder, "workspace", {}), []
    alive = folder.run / questions.ALIVE_FILE

    def reply(question: Question) -> Answer:
        asked.append(question.id)
        return Answer({"root": "here"})

    with answering(folder, reply, lambda _: None):
        assert wait_for(lambda: bool(asked))
        time.sleep(0.3)
        seen = alive.stat().st_mtime_ns if alive.exists() else 0
        time.sleep(0.3)
        assert (alive.stat().st_mtime_ns if alive.exists() else 0) == seen
        answers.unlink()
        answers.mkdir()
        assert wait_for(answer.exists)
        assert wait_for(lambda: alive.stat().st_mtime_ns > seen)
    assert json.loads(answer.read_text()) == {"value": {"root": "here"}}
    assert asked == ["1"], "answered once, written later"


def test_another_run_is_read_by_its_id(workspace: WorkspaceStore, folder: StepFolder, host: Callable[[], Any]) -> None:
    from airflow_amlpipe.workspace.records import RunRecord
    from airflow_amlpipe.workspace.try_files import Logged, keep_logged

    rows = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="rows"),))
    inputs = (
        InputSpec(name="rows", mode="mount", source=rows),
        InputSpec(name="place", mode="mount", source=rows.model_copy(update={"is_place": True})),
    )
    train = a_step("train", inputs=inputs)
    for run_id, spec in (("run-1", None), ("run-0", workspace.put_spec(a_pipeline(train)))):
        workspace.runs.create(
            RunRecord(run_id=run_id, pipeline="nightly", experiment="digits", created_at="2026-01-01T00:00:00+00:00", spec=spec)
        )
    run = StepRun(workspace, "nightly", "run-0", train, 1, step_run_id="step-run-0")
    run.start()
    workspace.store.put(f"{run.folder}/logs/std_log.txt", b"trained")
    event = {"kind": "metric", "type": "scalar", "name": "auc", "value": 0.5}
    keep_logged(workspace, "run-0", run.folder, "step-run-0", own=Logged(events=(event,)), parent=Logged(events=(event,), tags={"a": "b"}))
    from airflow_amlpipe.runtime.workspace import Workspace

    with host():
        ws = Workspace.from_config()
        other = ws.get_run("run-0")
        children = list(other.get_children())
        assert (other.get_metrics(), other.type, other.get_status()) == ({"auc": 0.5}, "azureml.PipelineRun", "Running")
        assert [(child.id, child.get_metrics("auc"), child.parent.id) for child in children] == [("step-run-0", {"auc": 0.5}, "run-0")]
        assert other.get_metrics(recursive=True) == {"step-run-0": {"auc": 0.5}}
        with pytest.raises(UserErrorException, match="run 'run-9' is not in experiment 'digits'"):
            ws.get_run("run-9")
        from airflow_amlpipe.runtime.other_runs import PipelineRun
        from airflow_amlpipe.runtime.other_runs import StepRun as OtherStep
        from airflow_amlpipe.runtime.run import Run
        from airflow_amlpipe.runtime.submitted import open_submitted_run

        this = open_submitted_run(str(folder.run))
        for again in (PipelineRun(this.experiment, "run-0"), PipelineRun.get(ws, "run-0"), Run(this.experiment, "run-0")):
            assert isinstance(again, PipelineRun)
            assert again.get_metrics() == {"auc": 0.5}
            assert [(step.id, type(step), step.pipeline_run_id) for step in again.find_step_run("train")] == [
                ("step-run-0", OtherStep, "run-0")
            ]
            assert again.find_step_run("other") == []
        step = OtherStep(this.experiment, "step-run-0", "run-0", "train")
        details = step.get_details()
        assert (step.get_metrics(), details["outputDatasets"], details["logFiles"]) == (
            {"auc": 0.5},
            [],
            {"logs/std_log.txt": "logs/std_log.txt"},
        )
        assert details["inputDatasets"] == [
            {
                "dataset": {"id": saved_id(rows.paths, rows.definition)},
                "consumptionDetails": {"type": "RunInput", "inputName": "rows", "mechanism": "Mount"},
            }
        ]
        assert other.get_details()["inputDatasets"] == []
        parent = this.parent
        assert parent is not None
        assert list(parent.get_children()) == []
        StepRun(workspace, "nightly", "run-1", a_step("prepare"), 1, step_run_id="step-run-2").start()
        assert [(step.name, step.get_metrics()) for step in parent.get_children(status="Running")] == [("prepare", {})]
        assert [step.id for step in parent.find_step_run("prepare")] == ["step-run-2"]
        assert parent.get_metrics(recursive=True) == {"step-run-2": {}}
        for refused in (parent.child_run, lambda: parent.create_children(2)):
            with pytest.raises(UserErrorException, match=r"below the step's own"):
                refused()
    assert {thing.what for thing in asked_so_far(folder)} == {"what run run-0 logged", "what run step-run-0 logged"}


def test_files_are_chosen_and_a_table_is_read_of_a_dataset_that_was_asked_for(
    workspace: WorkspaceStore, folder: StepFolder, host: Callable[[], Any], tmp_path: Path
) -> None:
    from airflow_amlpipe.runtime.datasets import Dataset, TabularDataset
    from airflow_amlpipe.runtime.workspace import Workspace
    from airflow_amlpipe.spec.dataset import DatasetDefinition, Delimited

    put_data(workspace, "raw", a="x,y\n1,2\n", b="x,y\n3,4\n")
    register(workspace, "files", "raw")
    workspace.datasets.add_version(
        "table",
        (DatastorePath(datastore="workspaceblobstore", path="raw"),),
        definition=DatasetDefinition(kind="tabular", reading=Delimited()),
    )
    with host():
        ws = Workspace.from_config()
        files = Dataset.get_by_name(ws, "files")
        assert files.take(1).to_path() == ["/a.csv"]
        assert files.skip(1).to_path() == ["/b.csv"]
        assert files.take(1).id is None, "what was taken of a dataset is another one"
        with files.skip(1).mount(str(tmp_path / "mounted")) as mounted:
            assert [path.name for path in Path(mounted.mount_point).iterdir()] == ["b.csv"]
        assert not (tmp_path / "mounted").exists()
        table = Dataset.get_by_name(ws, "table", version=1)
        assert isinstance(table, TabularDataset)
        assert table.filter(table["x"] > 1).to_pandas_dataframe().to_dict("list") == {"x": [3], "y": [4]}
        with pytest.raises(UserErrorException, match="dataset 'table' has no version 7; its versions are: 1"):
            Dataset.get_by_name(ws, "table", version=7)
        with pytest.raises(UserErrorException, match="version 'newest' is not known"):
            Dataset.get_by_name(ws, "table", version="newest")


MODEL_SCRIPT = """
import os
from azureml.core import Run
from azureml.core.model import Model
from azureml.exceptions import ModelNotFoundException, ModelPathNotFoundException
run = Run.get_context()
ws = run.experiment.workspace
os.makedirs("outputs/net", exist_ok=True)
open("outputs/net/a.bin", "w").write("a")
open("model.pkl", "w").write("weights")
one = run.register_model("net", model_path="outputs/net", tags={"a": 1})
two = Model.register(workspace=ws, model_path="model.pkl", model_name="digits", description="d", model_framework=Model.Framework.PYTORCH)
print(one.id, two.id, two.run_id, two.experiment_name, two.model_framework, one.tags)
print(Model.get_model_path("net"), open(Model.get_model_path("digits", version=1)).read())
print([model.id for model in Model.list(ws)], list(ws.models), Model(ws, "net").version, ws.models["digits"].description)
two.add_tags({"stage": "prod"})
print(Model(ws, id="digits:1").tags)
for act in (lambda: Model(ws, "nothing"), lambda: Model(ws, "net", version=7), lambda: Model.get_model_path("nothing")):
    try:
        act()
    except ModelNotFoundException as error:
        print(str(error)[:40])
for act in (lambda: run.register_model("x", "nothing"), lambda: Model.register(ws, "nothing", "x")):
    try:
        act()
    except ModelPathNotFoundException as error:
        print(str(error)[:40])
"""


@pytest.mark.parametrize("version", ["3.8", "3.14", "3.13", "ours"])
def test_a_script_registers_models_and_gets_them_back(
    version: str, workspace: WorkspaceStore, folder: StepFolder, host: Callable[[], Any], said: list[str]
) -> None:
    python = sys.executable if version == "ours" else find_python(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": shim_folder(), ENV_RUN_FOLDER: str(folder.run)}
    with host():
        ran = subprocess.run(
            [python, "-S", "-c", MODEL_SCRIPT], cwd=folder.code, env=environment, capture_output=True, text=True, timeout=60
        )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "Registering model net",
        "Registering model digits",
        "net:1 digits:1 step-run-1 digits PyTorch {'a': '1'}",
        "azureml-models/net/1/net weights",
        "['digits:1', 'net:1'] ['digits', 'net'] 1 d",
        "{'stage': 'prod'}",
        "ModelNotFound: model 'nothing' is not re",
        "ModelNotFound: no version of model 'net'",
        "ModelNotFound: model 'nothing' is not re",
        "Could not locate the provided model_path",
        "model 'x': nothing is at 'nothing' (in /",
    ]
    assert "the script changed model 'net' version 1" in said
    assert {(thing.what, thing.changes) for thing in asked_so_far(folder) if thing.verb == "model-register"} == {
        ("model 'net' version 1", True),
        ("model 'digits' version 1", True),
    }
    assert workspace.models.get("net").files.keys() == {"net/a.bin"}


def test_a_try_after_a_failed_one_registers_its_model_once(workspace: WorkspaceStore, folder: StepFolder, tmp_path: Path) -> None:
    from airflow_amlpipe.runtime import models
    from airflow_amlpipe.runtime.workspace import Workspace

    versions = []
    for number in (1, 2):
        run = StepRun(workspace, "nightly", "run-1", a_step("train"), number, step_run_id=f"step-run-{number}")
        run.start()
        models._calls.clear()  # each try is a process of its own
        (tmp_path / "model.pkl").write_text("the same weights")
        with answering(folder, Answers(run, WorkspaceNames(name="team"), "digits", lambda _: None, SECRETS.get), lambda _: None):
            versions.append(models.Model.register(Workspace.from_config(), tmp_path / "model.pkl", "digits").version)
        if number == 1:
            run.finish_failed(RuntimeError("the script failed"))
    assert versions == [1, 1]
    assert [model.version for model in workspace.models.versions("digits")] == [1]


CHILDREN = """
from azureml.core import Run
run = Run.get_context()
with run.child_run("depth 1") as one:
    one.log("auc", 0.5); one.tag("kind", "tree"); one.add_properties({"p": 1})
    one.child_run(name="below").log("auc", 0.6)
try:
    with run.child_run("depth 2") as two:
        two.log("auc", 0.7)
        raise ValueError("too deep")
except ValueError:
    pass
three, four = run.create_children(tag_key="rate", tag_values=[1, 2])
three.cancel(); four.complete(); three.log_list("l", [1, 2])
run.log("best", 0.7)
print([child.name for child in run.get_children()][:2], [child.status for child in run.get_children()])
print([child.get_tags() for child in run.get_children(tags="rate")], len(list(run.get_children(recursive=True))))
print(sorted(len(metrics) for metrics in run.get_metrics(recursive=True).values()), run.get_metrics(), one.parent is run)
open("f", "w").write("x"); one.upload_file("f.txt", "f"); print(one.get_file_names())
"""


@pytest.mark.parametrize("version", ["3.8", "ours"])
def test_runs_below_a_steps_are_kept_and_found_from_outside(version: str, workspace: WorkspaceStore, folder: StepFolder) -> None:
    from airflow_amlpipe.operators.keeping import keep_files
    from airflow_amlpipe.workspace.try_files import read_logged

    python = sys.executable if version == "ours" else find_python(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": shim_folder(), ENV_RUN_FOLDER: str(folder.run)}
    ran = subprocess.run([python, "-S", "-c", CHILDREN], cwd=folder.code, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "['depth 1', 'depth 2'] ['Completed', 'Failed', 'Canceled', 'Completed']",
        "[{'rate': '1'}, {'rate': '2'}] 5",
        "[0, 1, 1, 1, 1, 1] {'best': 0.7} True",
        "['f.txt']",
    ]
    run = StepRun(workspace, "nightly", "run-1", a_step("train"), 1, step_run_id="step-run-1")
    keep_files(workspace, run, folder, say=lambda _: None)
    logged = read_logged(workspace, run.folder)
    assert [(child.name, child.status, child.error) for child in logged.children] == [
        ("depth 1", "Completed", ""),
        ("depth 2", "Failed", "ValueError: too deep"),
        (logged.children[2].id, "Canceled", ""),
        (logged.children[3].id, "Completed", ""),
    ]
    assert [child.name for child in logged.children[0].children] == ["below"]
    assert (logged.children[0].tags, logged.children[0].properties) == ({"kind": "tree"}, {"p": "1"})
    assert workspace.store.exists(f"{run.folder}/artifacts/children/{logged.children[0].id}/f.txt")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("create_children()", "give count, or tag_key and tag_values"),
        ("create_children(count=101)", "from 1 to 100 can be made"),
        ("create_children(tag_values=[1])", "give count, or tag_key and tag_values"),
        ("child_run(run_id='../x')", "cannot be used"),
    ],
)
def test_children_that_cannot_be_made_are_refused(call: str, problem: str, folder: StepFolder) -> None:
    from airflow_amlpipe.runtime.submitted import open_submitted_run

    with pytest.raises(UserErrorException, match=problem):
        eval(f"run.{call}", {"run": open_submitted_run(str(folder.run))})


DRIVER = """
import { loadPyodide } from "pyodide";
const python = await loadPyodide({});
for (const place of JSON.parse(process.argv[2])) { python.FS.mkdirTree(place); python.FS.mount(python.FS.filesystems.NODEFS, {root: place}, place); }
python.runPython(process.argv[3]);
"""


@pytest.mark.parametrize("script", [SCRIPT, MODEL_SCRIPT, CHILDREN], ids=["data", "models", "children"])
def test_a_script_on_the_newest_python_reaches_its_workspace(
    script: str, workspace: WorkspaceStore, folder: StepFolder, host: Callable[[], Any], tmp_path: Path
) -> None:
    modules = os.environ.get("AMLPIPE_TEST_PYODIDE")
    if modules is None:
        pytest.skip("AMLPIPE_TEST_PYODIDE names no folder in which `npm install pyodide` was run (CPython 3.14 for Node)")
    put_data(workspace, "raw", a="1,2", b="3,4")
    register(workspace, "irises", "raw")
    driver = Path(modules) / "amlpipe-test.mjs"
    driver.write_text(DRIVER)
    places = json.dumps([str(tmp_path), str(Path(shim_folder()).parent)])
    start = f"import os, sys\nos.environ[{ENV_RUN_FOLDER!r}] = {str(folder.run)!r}\nos.chdir({str(folder.code)!r})\nsys.path.append({shim_folder()!r})\nprint(sys.version)\n"
    with host():
        ran = subprocess.run(["node", str(driver), places, start + script], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr[-2000:]
    assert sys.version_info < tuple(int(part) for part in ran.stdout.split()[0].split(".")[:2])
    assert list(asked_so_far(folder)) or script is CHILDREN


def test_data_that_is_an_input_of_the_step_is_in_its_key_however_it_is_asked_for(
    workspace: WorkspaceStore, folder: StepFolder, said: list[str]
) -> None:
    from airflow_amlpipe.workspace.inputs import resolve_paths

    put_data(workspace, "raw", a="1")
    record = register(workspace, "irises", "raw")
    keyed = {resolve_paths(workspace, "here", "x", record.paths).digest}
    run = StepRun(workspace, "nightly", "run-1", a_step("train"), 1, step_run_id="step-run-1")
    with answering(folder, Answers(run, WorkspaceNames(name="team"), "digits", said.append, SECRETS.get, keyed), said.append):
        ask("dataset-data", {"id": record.id})
    assert [thing.is_keyed for thing in asked_so_far(folder)] == [True]
    assert said == []
