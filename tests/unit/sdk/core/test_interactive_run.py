"""What is kept of work that a script does itself and records?"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.fingerprint.source import snapshot_source
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.core.interactive_run import InteractiveRun
from airflow_amlpipe.sdk.exceptions import UserErrorException
from azureml.core import Experiment, Run, Workspace
from tests.invariants import assert_store_ok


@pytest.fixture
def experiment(ws: Workspace) -> Experiment:
    return Experiment(ws, "diabetes")


def test_the_first_lab(ws: Workspace, experiment: Experiment, project: Path) -> None:
    run = experiment.start_logging(snapshot_directory=None)
    assert run.get_status() == run.status == "Running"
    run.log("observations", 10000)
    for value in (1, 2):
        run.log("pregnancy categories", value)
    run.log_list("list", ["a", "b"])
    run.log_row("row", x=1, y=0.5)
    (project / "sample.csv").write_text("a,b\n")
    run.upload_file(name="outputs/sample.csv", path_or_stream="./sample.csv")
    run.upload_file("outputs/stream.txt", io.BytesIO(b"from a stream"))
    run.complete()

    found = ws.get_run(run.id)
    assert isinstance(found, InteractiveRun)
    assert (found.get_status(), found.get_details()["status"], found.type) == ("Completed", "Completed", "azureml.interactiverun")
    assert found.get_metrics() == {"observations": 10000, "pregnancy categories": [1, 2], "list": ["a", "b"], "row": {"x": 1, "y": 0.5}}
    assert found.get_file_names() == ["outputs/sample.csv", "outputs/stream.txt"]
    assert not list((project / "outputs").iterdir())
    found.download_files(prefix="outputs", output_directory="fetched")
    assert Path("fetched/outputs/stream.txt").read_text() == "from a stream"
    assert [each.id for each in experiment.get_runs()] == [run.id]
    assert_store_ok(open_workspace(ws))


def test_a_run_that_is_found_again_goes_on_where_it_was(ws: Workspace, experiment: Experiment) -> None:
    run = experiment.start_logging(display_name="try", tags={"team": "vision"})
    run.log("rate", 1)
    again = Run.get(ws, run.id)
    again.log("rate", 2)
    again.tag("best", "yes")
    assert (again.name, again.tags, run.get_metrics("rate")) == ("try", {"team": "vision", "best": "yes"}, {"rate": [1, 2]})


def test_threads_that_log_to_one_run_lose_nothing(ws: Workspace, experiment: Experiment) -> None:
    run = experiment.start_logging()

    def log(thread: int) -> None:
        for number in range(10):
            Run.get(ws, run.id).log(f"thread {thread}", number)

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(log, range(4)))
    assert run.get_metrics() == {f"thread {thread}": list(range(10)) for thread in range(4)}
    assert_store_ok(open_workspace(ws))


def test_a_with_block_ends_the_run_as_the_block_ends(ws: Workspace, experiment: Experiment) -> None:
    with experiment.start_logging() as done:
        done.log("rate", 1)
    assert done.get_status() == "Completed"
    with pytest.raises(ZeroDivisionError), experiment.start_logging() as failed:
        1 / 0  # noqa: B018
    assert (failed.get_status(), failed.get_details()["error"]["error"]["message"]) == ("Failed", "ZeroDivisionError: division by zero")
    with pytest.raises(KeyboardInterrupt), experiment.start_logging() as stopped:
        raise KeyboardInterrupt
    assert stopped.get_status() == "Canceled"
    failed.complete()
    assert failed.get_status() == "Failed"


def test_children_are_runs_below_it(ws: Workspace, experiment: Experiment) -> None:
    with experiment.start_logging() as root:
        for rate in (0.1, 0.2):
            with root.child_run(name=f"rate {rate}") as child:
                child.log("rate", rate)
    children = list(root.get_children())
    assert [child.name for child in children] == ["rate 0.2", "rate 0.1"]
    assert {child.parent for child in children} == {root}
    assert root.parent is None
    assert [list(root.get_children(properties=wanted)) for wanted in ({"azureml.git.branch": "of nobody"}, "a", [["a", "b"]])] == [
        [],
        [],
        [],
    ]
    assert list(root.get_children(properties=children[0].get_properties())) == children
    assert root.get_metrics(recursive=True) == {children[0].id: {"rate": 0.2}, children[1].id: {"rate": 0.1}}


def test_a_name_of_a_file_is_taken_once_and_stays_below_the_run(ws: Workspace, experiment: Experiment) -> None:
    run = experiment.start_logging()
    run.upload_file("outputs/a.txt", io.StringIO("a"))
    with pytest.raises(UserErrorException, match="keeps a file 'outputs/a.txt' already"):
        run.upload_file("outputs/a.txt", io.StringIO("b"))
    with pytest.raises(UserErrorException, match="the name must be a relative path without"):
        run.upload_file("../a.txt", io.StringIO("a"))
    with pytest.raises(UserErrorException, match="'nope.txt' cannot be read"):
        run.upload_file("outputs/b.txt", "nope.txt")


def test_what_is_new_in_the_folder_of_outputs_is_kept_when_the_run_ends(ws: Workspace, experiment: Experiment, project: Path) -> None:
    (project / "outputs").mkdir()
    for name in ("old.txt", "changed.txt"):
        (project / "outputs" / name).write_text("before")
    with experiment.start_logging() as run:
        (project / "outputs" / "deep").mkdir()
        (project / "outputs" / "deep" / "model.pkl").write_text("model")
        (project / "outputs" / "changed.txt").write_text("now another")
        (project / "outputs" / "mine.txt").write_text("not this")
        run.upload_file("outputs/mine.txt", io.StringIO("but this"))
    assert run.get_file_names() == ["outputs/changed.txt", "outputs/deep/model.pkl", "outputs/mine.txt"]
    run.download_file("outputs/mine.txt", "mine.txt")
    assert (project / "mine.txt").read_text() == "but this"
    run.complete()
    for given, kept in ((False, []), ("results", ["results/a.txt"])):
        run = experiment.start_logging(outputs=given)
        for folder in ("outputs", "results"):
            (project / folder).mkdir(exist_ok=True)
            (project / folder / "a.txt").write_text(str(given))
        run.complete()
        assert run.get_file_names() == kept


def test_recording_work_is_no_other_source_until_something_is_written(experiment: Experiment, project: Path) -> None:
    before = snapshot_source(project).digest
    run = experiment.start_logging()
    assert (project / "outputs").is_dir()
    run.complete()
    assert snapshot_source(project).digest == before


def test_files_that_cannot_be_kept_hide_no_error_leave_no_run_running_and_are_kept_later(
    ws: Workspace, experiment: Experiment, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatastoreUnavailableError("the disk is full")

    def write(text: str, error: Exception | None = None) -> None:
        (project / "outputs" / "a.txt").write_text(text)
        if error is not None:
            raise error

    with monkeypatch.context() as broken:
        broken.setattr(InteractiveRun, "upload_file", fail)
        with (
            pytest.warns(UserWarning, match="could not be kept: DatastoreUnavailableError: the disk is full"),
            pytest.raises(ValueError, match="of the script"),
            experiment.start_logging() as failed,
        ):
            write("of one that failed", ValueError("of the script"))
        with pytest.raises(DatastoreUnavailableError), experiment.start_logging() as lost:
            write("of one that went well")
        going_on = experiment.start_logging()
        write("of one that goes on")
        with pytest.raises(DatastoreUnavailableError):
            going_on.complete()
        assert going_on.status == "Running"
    messages = [run.get_details()["error"]["error"]["message"] for run in (failed, lost)]
    assert messages == ["ValueError: of the script", "DatastoreUnavailableError: the disk is full"]
    going_on.complete()
    failed.fail()
    assert [(run.status, run.get_file_names()) for run in (failed, lost, going_on)] == [
        ("Failed", ["outputs/a.txt"]),
        ("Failed", []),
        ("Completed", ["outputs/a.txt"]),
    ]


def test_a_property_is_set_once_from_outside(ws: Workspace, experiment: Experiment) -> None:
    run = experiment.start_logging(outputs=False)
    run.add_properties({"author": "ann", "build": 7})
    run.add_properties({"author": "ann"})
    with pytest.raises(UserErrorException, match="property 'author' is 'ann' already; properties are set once, use a tag"):
        run.add_properties({"author": "bob"})
    assert {name: ws.get_run(run.id).get_properties()[name] for name in ("author", "build")} == {"author": "ann", "build": "7"}
    assert [each.id for each in experiment.get_runs(properties={"author": "ann"})] == [run.id]


def test_an_unknown_keyword_is_refused_and_what_cannot_be_logged_too(experiment: Experiment) -> None:
    with pytest.raises(UserErrorException, match="unknown keyword arguments snapshot; known are: display_name, outputs, tags"):
        experiment.start_logging(snapshot="x")
    with pytest.raises(UserErrorException):
        experiment.start_logging().log("rate", [1, 2])


def test_while_airflow_parses_nothing_is_recorded(experiment: Experiment, airflow_is_parsing: None) -> None:
    with pytest.raises(UserErrorException, match="Experiment.start_logging uses the workspace"):
        experiment.start_logging()
