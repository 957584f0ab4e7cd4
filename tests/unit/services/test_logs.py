"""Is what a try wrote found, wherever it lies by now?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.services.logs import LogReader, TryTexts, try_lines, try_texts
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.records import StepTry
from airflow_amlpipe.workspace.step_run import StepRun
from tests.builders import OUT, a_pipeline, a_step
from tests.pretend import pretend_run, write_source

ONE = a_pipeline(a_step("train", outputs=OUT))


def a_try(workspace: WorkspaceStore) -> tuple[StepRun, StepTry]:
    run = StepRun(workspace, "nightly", new_run_id(), ONE.steps[0], try_number=1)
    run.start()
    return run, workspace.runs.tries(run.run_id, "train")[-1]


def write_live(workspace: WorkspaceStore, run: StepRun, **texts: str) -> None:
    folder = workspace.home / "tries" / run.step_run_id / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def test_a_running_try_has_what_its_streams_have_so_far(workspace: WorkspaceStore) -> None:
    run, item = a_try(workspace)
    assert try_texts(workspace, item, workspace.home) == TryTexts("", "", "")

    write_live(workspace, run, stdout="été\nhal", stderr="oh\n", notices="building\n")

    assert try_texts(workspace, item, workspace.home) == TryTexts("été\nhal", "oh\n", "building\n")
    assert list(try_lines(workspace, item, workspace.home)) == ["été", "oh"]


def test_what_is_kept_goes_before_what_lies_in_the_private_folder(workspace: WorkspaceStore) -> None:
    run, item = a_try(workspace)
    write_live(workspace, run, stdout="half")
    workspace.store.put(f"{item.folder}/logs/stdout.txt", b"whole\n")

    assert try_texts(workspace, item, workspace.home).stdout == "whole\n"


def test_a_reused_try_has_the_script_s_words_of_its_origin(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, ONE, tmp_path, log={"train": "epoch 1\n"})
    item = workspace.runs.tries(pretend_run(workspace, ONE, tmp_path), "train")[-1]

    assert try_texts(workspace, item, workspace.home) == TryTexts("epoch 1\n", "", "")
    assert list(try_lines(workspace, item, workspace.home)) == ["epoch 1"]


def test_a_reader_goes_on_where_it_stood_when_the_logs_have_moved(workspace: WorkspaceStore) -> None:
    run, item = a_try(workspace)
    write_live(workspace, run, stdout="one\ntw")
    reader = LogReader(workspace, item, workspace.home)
    assert list(reader.new_lines(has_ended=False)) == [("stdout.txt", "one")]

    workspace.store.put(f"{item.folder}/logs/stdout.txt", b"one\ntwo\nthree")
    assert list(reader.new_lines(has_ended=True)) == [("stdout.txt", "two"), ("stdout.txt", "three")]
