"""Is an output still what was written, and if not, which file says so? On every kind of store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.fsck.checking import check_workspace
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.inputs import resolve_input
from airflow_amlpipe.workspace.layout import manifest_path
from airflow_amlpipe.workspace.outputs import publish_output, store_output
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.verification import find_output_problem
from tests.builders import a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

OUT = OutputSpec(name="out", datastore="workspaceblobstore")
FIXED = OutputSpec(name="out", datastore="workspaceblobstore", destination="fixed/place")
FILES = {"a": "1", "d/b": "22", "d/c": "333"}

Produce = Callable[..., StoredOutput]


@pytest.fixture
def store(workspace: WorkspaceStore) -> Store:
    return workspace.datastores.open("workspaceblobstore")


@pytest.fixture
def produce(workspace: WorkspaceStore, tmp_path: Path) -> Produce:
    """Store an output as a step does that wrote the given files."""

    def write(files: dict[str, str], output: OutputSpec = OUT, step: StepSpec | None = None) -> StoredOutput:
        run_id = new_run_id()
        produced = tmp_path / "produced" / run_id
        produced.mkdir(parents=True)
        for path, text in files.items():
            (produced / path).parent.mkdir(parents=True, exist_ok=True)
            (produced / path).write_text(text)
        return store_output(workspace, step or a_step(outputs=(output,)), output, produced, run_id)

    return write


def problem_of(workspace: WorkspaceStore, output: StoredOutput) -> str | None:
    return find_output_problem(workspace.datastores.open(output.datastore), output, workspace.get_manifest, workspace.memo)


def test_an_output_is_what_was_written(workspace: WorkspaceStore, store: Store, produce: Produce) -> None:
    output = produce(FILES)
    assert problem_of(workspace, output) is None
    assert (output.witness is None) is store.identifies_content


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("d/b", None, "'d/b' is gone; there are 2 files of 4 bytes, written were 3 of 6"),
        ("d/e", b"", "'d/e' was added; there are 4 files of 6 bytes, written were 3 of 6"),
        ("d/c", b"4444", "'d/c' has 4 bytes, written were 3"),
        ("d/c", b"444", "'d/c' "),
    ],
)
def test_the_first_file_that_is_not_as_it_was_written_is_named(
    workspace: WorkspaceStore, store: Store, produce: Produce, path: str, body: bytes | None, said: str
) -> None:
    """R28, R29."""
    output = produce(FILES)
    store.remove_tree(f"{output.path}/{path}") if body is None else store.put(f"{output.path}/{path}", body)
    problem = problem_of(workspace, output)
    assert problem is not None
    assert problem.startswith(f"output 'out' at '{output.path}' on datastore 'workspaceblobstore' was altered: {said}")
    if body == b"444":
        assert problem.endswith("has other content of the same size" if store.identifies_content else "was written again")


def test_an_output_that_is_gone_as_a_whole_is_said_to_be_gone(workspace: WorkspaceStore, store: Store, produce: Produce) -> None:
    """R28."""
    output = produce(FILES)
    store.remove_tree(output.path)
    assert problem_of(workspace, output) == f"output 'out' at '{output.path}' on datastore 'workspaceblobstore' is gone"


def test_without_the_list_of_its_files_the_counts_are_told(workspace: WorkspaceStore, store: Store, produce: Produce) -> None:
    output = produce(FILES)
    store.put(f"{output.path}/a", b"other")
    workspace.store.remove_tree(manifest_path(output.witness or output.digest))
    assert (problem_of(workspace, output) or "").endswith("was altered: 3 files of 10 bytes, written were 3 of 6")


def test_an_output_without_files_is_kept_handed_on_and_staged(workspace: WorkspaceStore, produce: Produce, tmp_path: Path) -> None:
    """R52."""
    output = produce({})
    assert (output.file_count, problem_of(workspace, output)) == (0, None)
    (item,) = reading("train")
    place = fetch_input(workspace, resolve_input(workspace, "step 's'", item, {"train": {"out": output}}), tmp_path / "in")
    assert place.is_dir()
    assert list(place.iterdir()) == []


def test_an_output_without_files_takes_the_place_of_ours_and_leaves_what_others_put_there(
    workspace: WorkspaceStore, store: Store, produce: Produce
) -> None:
    """R52."""
    publish_output(workspace, FIXED, produce(FILES, FIXED), "fixed/place")
    publish_output(workspace, FIXED, produce({}, FIXED), "fixed/place")
    assert store.match("fixed/place/**") == []
    publish_output(workspace, FIXED, produce(FILES, FIXED), "fixed/place")
    store.put("fixed/place/others", b"")
    publish_output(workspace, FIXED, produce({}, FIXED), "fixed/place")
    assert "fixed/place/others" in store.match("fixed/place/**")


class Crash(BaseException):
    """Stands for kill -9."""


@pytest.mark.parametrize("appended", [False, True])
def test_a_crash_while_a_destination_is_written_deletes_nothing_of_others_and_ends_with_the_newest_content(
    workspace: WorkspaceStore, store: Store, produce: Produce, monkeypatch: pytest.MonkeyPatch, appended: bool
) -> None:
    publish_output(workspace, FIXED, produce(FILES, FIXED), "fixed/place")
    original = AppendLog.append

    def crash(log: AppendLog, body: bytes, *, durable: bool = True) -> int:
        if appended:
            original(log, body, durable=durable)
        raise Crash

    monkeypatch.setattr(AppendLog, "append", crash)
    second = produce({"a": "new"}, FIXED)
    with pytest.raises(Crash):
        publish_output(workspace, FIXED, second, "fixed/place")
    monkeypatch.undo()
    store.put("fixed/place/others", b"kept")
    publish_output(workspace, FIXED, second, "fixed/place")
    publish_output(workspace, FIXED, second, "fixed/place")
    assert store.read("fixed/place/a") == b"new"
    assert store.read("fixed/place/others") == b"kept"


def test_a_workspace_in_use_has_no_breach(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """I1 to I4, on every kind of store."""
    write_source(tmp_path)
    outputs = (FIXED, OUT.model_copy(update={"name": "other"}))
    spec = a_pipeline(a_step("first", outputs=outputs), a_step("second", inputs=reading("first"), outputs=(OUT,)))
    for _ in range(2):
        pretend_run(workspace, spec, tmp_path)
    found = check_workspace(workspace, depth="full")
    assert (found.breaches, found.troubles) == ((), ())


def test_a_copy_of_an_output_by_content_is_the_same_output(workspace: WorkspaceStore, produce: Produce, tmp_path: Path) -> None:
    output = produce(FILES)
    target = tmp_path / "copy"
    workspace.datastores.open(output.datastore).fetch(output.path, target, workspace.get_manifest(output.digest))
    assert identify_tree(target).digest == output.digest
