"""Are models kept as they were registered, each file once, and registered once however often a step is tried?"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, ProtocolError, UnknownNameError
from airflow_amlpipe.services.clearing.plan import ClearingItem
from airflow_amlpipe.services.clearing.planning import plan_clearing
from airflow_amlpipe.services.clearing.retention import RetentionPolicy
from airflow_amlpipe.services.clearing.sweeping import _Sweep, apply_plan
from airflow_amlpipe.services.fsck.checking import check_workspace
from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.storage import local
from airflow_amlpipe.storage import store as stores
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.workspace.layout import model_file_path, model_files_folder
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.workspaces import ON_SERVERS, workspace_on


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    return WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")


def a_file(tmp_path: Path, text: str, name: str = "model.pkl") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def a_folder(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "bert"
    for name, text in files.items():
        (folder / "layers" / f"{name}.bin").parent.mkdir(parents=True, exist_ok=True)
        (folder / "layers" / f"{name}.bin").write_text(text)
    return folder


def kept(workspace: WorkspaceStore) -> int:
    return len(workspace.store.list_names(model_files_folder()))


def test_versions_are_counted_from_one_and_removed_ones_are_not_given_again(workspace: WorkspaceStore, tmp_path: Path) -> None:
    models = workspace.models
    assert [models.register("digits", a_file(tmp_path, text)).version for text in "abc"] == [1, 2, 3]
    models.remove("digits", 3)
    assert models.register("digits", a_file(tmp_path, "d")).version == 4
    assert [model.version for model in models.versions("digits")] == [1, 2, 4]
    assert (models.get("digits").id, models.get("digits", 2).id, models.names()) == ("digits:4", "digits:2", ["digits"])
    for name, version, problem in (("digits", 3, "no version 3; its versions are: 1, 2, 4"), ("mnist", None, "registered are: digits")):
        with pytest.raises(UnknownNameError, match=problem):
            models.get(name, version)
    with pytest.raises(DefinitionError, match="cannot be registered"):
        models.register("../digits", a_file(tmp_path, "x"))


def test_a_model_comes_back_as_it_was_a_file_or_a_folder(workspace: WorkspaceStore, tmp_path: Path) -> None:
    models = workspace.models
    file = models.register("digits", a_file(tmp_path, "weights"), tags={"a": "b"}, framework="ScikitLearn")
    folder = models.register("bert", a_folder(tmp_path, one="1", two="2"))
    assert models.fetch(file, tmp_path / "down") == tmp_path / "down" / "model.pkl"
    assert (tmp_path / "down" / "model.pkl").read_text() == "weights"
    assert models.fetch(folder, tmp_path / "down") == tmp_path / "down" / "bert"
    assert (tmp_path / "down" / "bert" / "layers" / "two.bin").read_text() == "2"
    assert (file.size_bytes, folder.size_bytes, sorted(folder.files)) == (7, 2, ["bert/layers/one.bin", "bert/layers/two.bin"])
    assert (models.get("digits").tags, models.get("digits").framework) == ({"a": "b"}, "ScikitLearn")


def test_equal_files_are_kept_once_whatever_they_are_called(workspace: WorkspaceStore, tmp_path: Path) -> None:
    workspace.models.register("a", a_file(tmp_path, "weights"))
    workspace.models.register("a", a_file(tmp_path, "weights", "other.pkl"))
    workspace.models.register("b", a_folder(tmp_path, one="weights", two="2"))
    assert kept(workspace) == 2


def test_what_is_said_of_a_version_can_change_what_it_is_cannot(workspace: WorkspaceStore, tmp_path: Path) -> None:
    models = workspace.models
    models.register("digits", a_file(tmp_path, "1"))
    models.register("digits", a_file(tmp_path, "2"))
    changed = models.change("digits", 1, tags={"stage": "prod"}, description="the old one")
    assert (changed, models.get("digits").version) == (models.get("digits", 1), 2)
    assert models.get("digits", 1).tags == {"stage": "prod"}


def test_a_try_that_comes_after_a_failed_one_does_not_register_twice(workspace: WorkspaceStore, tmp_path: Path) -> None:
    models = workspace.models
    first = models.register("m", a_file(tmp_path, "same"), token="run/train/1", asked="q1", run_id="try-1")
    again = models.register("m", a_file(tmp_path, "same"), token="run/train/1", asked="q2", run_id="try-2", failed=["try-1"])
    assert again == first
    other = models.register("m", a_file(tmp_path, "other"), token="run/train/1", asked="q3", run_id="try-3", failed=["try-1", "try-2"])
    assert [model.version for model in models.versions("m")] == [other.version] == [2], "what the failed try left is gone"


def test_one_try_may_register_two_models_of_one_name(workspace: WorkspaceStore, tmp_path: Path) -> None:
    models = workspace.models
    # Two processes of a distributed script count their calls apart.
    for number, text in enumerate(("rank 0", "rank 1")):
        models.register("m", a_file(tmp_path, text), token="run/train/1", asked=f"q{number}", run_id="try-1", failed=["try-1"])
    assert [model.version for model in models.versions("m")] == [1, 2]


def test_a_question_that_two_hosts_answer_registers_once(workspace: WorkspaceStore, tmp_path: Path) -> None:
    file = a_file(tmp_path, "weights")
    threads = [threading.Thread(target=lambda: workspace.models.register("m", file, token="t", asked="q", run_id="r")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.version for model in workspace.models.versions("m")] == [1]


def test_many_registrations_at_once_leave_no_hole(workspace: WorkspaceStore, tmp_path: Path) -> None:
    files = [a_file(tmp_path, str(number), f"{number}.pkl") for number in range(8)]
    threads = [threading.Thread(target=workspace.models.register, args=("m", file)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.version for model in workspace.models.versions("m")] == list(range(1, 9))


def test_links_that_lead_out_of_the_model_are_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """S03."""
    folder = a_folder(tmp_path, one="1")
    (folder / "layers" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(DefinitionError, match="a link that leads out of the model"):
        workspace.models.register("m", folder)
    for path, problem in ((tmp_path / "nothing", "nothing is at"), (tmp_path / "home", "nothing is at|there are no files")):
        with pytest.raises(DefinitionError, match=problem):
            workspace.models.register("m", path)


def test_a_file_that_is_written_to_while_it_is_registered_is_kept_under_its_own_content(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_amlpipe.workspace import models as module

    models, file = workspace.models, a_file(tmp_path, "first")
    first = models.register("m", file)
    hash_file = module.hash_file

    def hash_and_change(path: str) -> tuple[str, str]:
        found = hash_file(path)
        file.write_text("other")
        return found

    monkeypatch.setattr(module, "hash_file", hash_and_change)
    again = models.register("m", file)
    monkeypatch.undo()
    assert again.files == first.files
    assert models.fetch(first, tmp_path / "down").read_text() == "first", "an earlier version keeps its content"
    assert checks(workspace) == []


def test_a_damaged_or_missing_file_is_told_and_not_handed_out(workspace: WorkspaceStore, tmp_path: Path) -> None:
    model = workspace.models.register("m", a_file(tmp_path, "weights"))
    path = Path(tmp_path, "ws", model_file_path(model.files["model.pkl"]))
    path.chmod(0o644)
    path.write_text("wrights")
    with pytest.raises(ProtocolError, match="was altered or cut"):
        workspace.models.fetch(model, tmp_path / "down")
    assert not (tmp_path / "down" / "model.pkl").exists()
    assert Check.CONTENT_ALTERED in checks(workspace)
    path.unlink()
    with pytest.raises(ProtocolError, match="is not in the workspace any more"):
        workspace.models.fetch(model, tmp_path / "down")
    assert Check.MODEL_GONE in checks(workspace)


def test_registering_anew_mends_a_damaged_file(workspace: WorkspaceStore, tmp_path: Path) -> None:
    model = workspace.models.register("m", a_file(tmp_path, "weights"))
    path = Path(tmp_path, "ws", model_file_path(model.files["model.pkl"]))
    path.chmod(0o644)
    path.write_text("wrights")
    again = workspace.models.register("m", a_file(tmp_path, "weights"))
    assert (again.version, workspace.models.fetch(model, tmp_path / "down").read_text()) == (2, "weights")
    assert checks(workspace) == []


@pytest.mark.parametrize("fails", ["ingest", "replace"])
def test_a_damaged_file_stays_until_another_is_whole(
    fails: str, workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = workspace.models.register("m", a_file(tmp_path, "weights"))
    path = Path(tmp_path, "ws", model_file_path(model.files["model.pkl"]))
    path.chmod(0o644)
    path.write_text("wrights")

    def fail(*_: object, **__: object) -> None:
        raise DatastoreUnavailableError("the disk is full")

    monkeypatch.setattr(type(workspace.store), fails, fail)
    with pytest.raises(DatastoreUnavailableError, match="the disk is full"):
        workspace.models.register("m", a_file(tmp_path, "weights"))
    monkeypatch.undo()
    assert (path.read_text(), kept(workspace)) == ("wrights", 1)


@pytest.mark.parametrize("kind", ["folder", *ON_SERVERS])
def test_a_file_that_the_store_has_is_not_sent_again_and_counts_as_new(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R58."""
    with workspace_on(kind, tmp_path) as workspace:
        models, store = workspace.models, type(workspace.store)
        model = models.register("m", a_file(tmp_path, "weights"))
        path = model_file_path(model.files["model.pkl"])
        before = workspace.store.last_written(path)
        assert before is not None

        def sent(*arguments: object, **_: object) -> None:
            raise AssertionError(f"bytes were sent: {arguments}")

        for name in ("ingest", "fetch", *(() if kind == "folder" else ("identify",))):
            monkeypatch.setattr(store, name, sent)
        models.register("m", a_file(tmp_path, "weights"))
        models.register("other", a_file(tmp_path, "weights", "other.pkl"))
        # A day later by the store's own clock: it is copied within the store.
        for module in (local, stores):
            monkeypatch.setattr(module, "FRESH_SECONDS", -3600)
        time.sleep(1.1)
        models.register("m", a_file(tmp_path, "weights"))
        written = workspace.store.last_written(path)
        assert written is not None
        assert written > before
        assert [found.version for found in models.versions("m")] == [1, 2, 3]
        assert kept(workspace) == 1


def test_clearing_away_beside_a_registration_takes_no_file_from_it(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R58: a file of a removed model is old and nobody names it, while the same bytes are registered anew."""
    removed = workspace.models.register("m", a_file(tmp_path, "weights"))
    workspace.models.remove("m", removed.version)
    later = datetime.now(UTC) + timedelta(days=30)
    plan = plan_clearing(workspace, RetentionPolicy(), now=later)
    path = model_file_path(removed.files["model.pkl"])
    place = str(workspace.store.local_path(path))

    def looked() -> tuple[ClearingItem, ...]:
        items = plan_clearing(workspace, RetentionPolicy(), now=later).items
        time.sleep(0.01)
        os.utime(place)  # as Store.freshen does of what is old
        return items

    swept = _Sweep(workspace, plan, looked).run()
    assert ([item.path for item in swept.left], swept.done) == ([path], [])


def test_a_file_that_went_before_it_was_named_is_stored_once_more(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R58: the look of the clearing-up came before the registration, and its deletion after."""
    decided, changed = AppendLog.append_decided, False

    def cleared(log: AppendLog, *arguments: Any) -> int | None:
        workspace.store.remove_tree(model_files_folder())
        if changed:
            (tmp_path / "model.pkl").write_text("changed")
        return decided(log, *arguments)

    monkeypatch.setattr(AppendLog, "append_decided", cleared)
    model = workspace.models.register("m", a_file(tmp_path, "weights"))
    assert workspace.models.fetch(model, tmp_path / "down").read_text() == "weights"
    changed = True
    with pytest.raises(DatastoreUnavailableError, match=r"model m:2: the file 'model.pkl' was cleared away in this very moment"):
        workspace.models.register("m", a_file(tmp_path, "others"))


def test_a_copy_that_a_killed_process_left_of_a_file_goes_once_it_is_old(workspace: WorkspaceStore, tmp_path: Path) -> None:
    model = workspace.models.register("m", a_file(tmp_path, "weights"))
    left = f"{model_file_path(model.files['model.pkl'])}.{'0' * 32}"
    workspace.store.put(left, b"weights")
    later = datetime.now(UTC) + timedelta(days=30)
    plan = plan_clearing(workspace, RetentionPolicy(), now=later)
    assert [item.path for item in plan.items] == [left]
    apply_plan(workspace, plan, now=later)
    assert (kept(workspace), checks(workspace)) == (1, [])


def checks(workspace: WorkspaceStore) -> list[Any]:
    return [finding.check for finding in check_workspace(workspace).found]


def test_a_workspace_with_models_is_in_order(workspace: WorkspaceStore, tmp_path: Path) -> None:
    workspace.models.register("m", a_folder(tmp_path, one="1"))
    workspace.models.change("m", 1, tags={"a": "b"})
    assert checks(workspace) == []


def test_clearing_away_keeps_registered_models_and_deletes_the_files_of_removed_ones(workspace: WorkspaceStore, tmp_path: Path) -> None:
    workspace.models.register("m", a_file(tmp_path, "kept"))
    gone = workspace.models.register("m", a_file(tmp_path, "gone"))
    workspace.models.remove("m", gone.version)
    later = datetime.now(UTC) + timedelta(days=30)
    policy = RetentionPolicy()
    assert not plan_clearing(workspace, policy).items, "what was written lately stays"
    plan = plan_clearing(workspace, policy, now=later)
    assert [item.path for item in plan.items] == [model_file_path(gone.files["model.pkl"])]
    apply_plan(workspace, plan, now=later)
    assert kept(workspace) == 1
    assert workspace.models.fetch(workspace.models.get("m"), tmp_path / "down").read_text() == "kept"
