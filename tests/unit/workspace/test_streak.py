"""When is it noticed that one thing alone makes a step run, again and again?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.reuse.streak import Streak
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

Run = Callable[..., Streak | None]


@pytest.fixture
def run(workspace: WorkspaceStore, tmp_path: Path) -> Run:
    """Run a pipeline whose step gets ``--build`` and whatever is given, and return the streak of its last step."""
    write_source(tmp_path)

    def run_it(build: Any = 1, *, spec: PipelineSpec | None = None, step: str = "train", **options: Any) -> Streak | None:
        changes = {name: options.pop(name) for name in ("version", "allow_reuse", "variables") if name in options}
        marked = (LiteralArgument(value="--build"), LiteralArgument(value=build))
        pipeline = spec or a_pipeline(a_step(arguments=marked, outputs=OUT, **changes))
        run_id = pretend_run(workspace, pipeline, tmp_path, **options)
        finished = workspace.runs.tries(run_id, step)[-1].finished
        assert finished is not None
        return finished.streak

    return run_it


def named(streak: Streak | None) -> tuple[str, int] | None:
    return None if streak is None else (streak.name, streak.runs)


def test_an_argument_that_changes_at_each_run_is_counted_from_run_to_run(run: Run) -> None:
    found = [named(run(build)) for build in range(5)]
    assert found == [None, *(("argument 2 ('--build')", runs) for runs in range(1, 5))]


def test_a_parameter_is_counted_once_although_the_key_has_it_twice(run: Run) -> None:
    step = a_step(arguments=(LiteralArgument(value="--build"), ParameterArgument(parameter="build")), outputs=OUT)
    spec = a_pipeline(step, parameters=(ParameterSpec(name="build", type="integer", default=0),))
    found = [named(run(spec=spec, parameters={"build": build})) for build in range(3)]
    assert found == [None, ("parameter 'build'", 1), ("parameter 'build'", 2)]


def test_something_else_that_changes_beside_it_or_instead_of_it_ends_the_streak(run: Run) -> None:
    assert [named(run(build)) for build in range(3)][-1] == ("argument 2 ('--build')", 2)
    assert run(3, version="2") is None
    assert named(run(4, version="2")) == ("argument 2 ('--build')", 1)
    assert named(run(4, version="3")) == ("the version", 1)


def test_a_run_that_reused_the_step_ends_the_streak(run: Run) -> None:
    assert [named(run(build)) for build in range(3)][-1] == ("argument 2 ('--build')", 2)
    assert run(0) is None
    assert named(run(3)) == ("argument 2 ('--build')", 1)


@pytest.mark.parametrize("options", [{"policy": "refresh"}, {"allow_reuse": False}])
def test_a_step_that_runs_for_another_reason_has_no_streak(run: Run, options: dict[str, Any]) -> None:
    assert [run(build, **options) for build in range(3)] == [None, None, None]


def test_failed_runs_and_runs_of_other_pipelines_between_do_not_end_the_streak(run: Run) -> None:
    found = []
    for build in range(4):
        found.append(named(run(build, fail="train" if build == 2 else None)))
        run(build, spec=a_pipeline(a_step("train", arguments=(LiteralArgument(value=f"other {build}"),)), name="weekly"))
    assert found == [None, *(("argument 2 ('--build')", runs) for runs in range(1, 4))]


def test_a_file_that_changes_alone_is_named(run: Run, tmp_path: Path) -> None:
    found = []
    for count in range(3):
        (tmp_path / "src" / "notes.txt").write_text(f"note {count}")
        found.append(named(run()))
    assert found == [None, ("file 'notes.txt'", 1), ("file 'notes.txt'", 2)]


def test_new_data_is_what_a_step_is_there_for(run: Run, workspace: WorkspaceStore) -> None:
    raw = InputSpec(name="raw", mode="mount", source=DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),)))
    for count in range(3):
        workspace.datastores.open("workspaceblobstore").put("raw/rows.csv", f"row {count}".encode())
        assert run(spec=a_pipeline(a_step(inputs=(raw,), outputs=OUT))) is None


def test_a_step_that_writes_other_bytes_from_the_same_is_named_where_it_makes_another_run(run: Run) -> None:
    count = iter(range(100))
    chain = a_pipeline(a_step("prepare", outputs=OUT, allow_reuse=False), a_step("train", inputs=reading("prepare"), outputs=OUT))
    found = [named(run(spec=chain, write=lambda *_: f"at {next(count)}".encode())) for _ in range(3)]
    assert found == [None, ("output 'out' of step 'prepare'", 1), ("output 'out' of step 'prepare'", 2)]


def test_a_step_behind_one_that_changed_has_no_streak_of_its_own(run: Run) -> None:
    for version in ("1", "2", "3"):
        prepare = a_step("prepare", outputs=OUT, version=version)
        chain = a_pipeline(prepare, a_step("train", inputs=reading("prepare"), outputs=OUT))
        assert run(spec=chain, write=lambda step_id, _, version=version: f"{step_id} {version}".encode()) is None


def test_however_long_the_history_is_a_handful_of_things_is_read(
    run: Run, workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_amlpipe.workspace import streak

    read: list[str] = []
    counted, store_type = streak.count_streak, type(workspace.store)

    def counting(*given: Any, **named: Any) -> Streak | None:
        with monkeypatch.context() as watched:
            for verb in ("read", "list_names", "exists"):
                real = getattr(store_type, verb)
                watched.setattr(store_type, verb, lambda store, path, real=real: read.append(path) or real(store, path))
            return counted(*given, **named)

    for build in range(12):
        run(build)
    monkeypatch.setattr("tests.pretend.count_streak", counting)
    assert named(run(12)) == ("argument 2 ('--build')", 12)
    assert 0 < len(read) <= 6
    read.clear()
    for build in range(30):
        run(build, spec=a_pipeline(a_step("other", arguments=(LiteralArgument(value=build),)), name="weekly"), step="other")
    read.clear()
    assert run(13) is None
    assert 0 < len(read) <= 12
