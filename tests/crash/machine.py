"""Does a workspace keep its promise whatever is done to it, in whatever order?

``python -m tests.crash.machine --examples 20``: Hypothesis draws sequences of submissions, crashes, retries, tasks that are delivered twice or
cleared, registrations, publications, pins, clearings away and damage, and shrinks those that break the promise to the shortest. The model knows which
bytes each output must have, and how many versions each dataset.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before the first import of ours: afterwards no point can be armed.
os.environ["AMLPIPE_TEST_CRASH"] = "ask"

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from airflow_amlpipe.services.fsck import check_workspace
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import key_folder, manifest_path
from airflow_amlpipe.workspace.pins import PinRecord
from tests.crash.children import Child, End, Plan
from tests.crash.graph import (
    DATASTORE,
    STEPS,
    Versions,
    carry_out_run,
    clear_away,
    open_workspace,
    output_files,
    publish_version,
    write_sources,
)
from tests.crash.points import POINTS

_VERSIONS = st.builds(Versions, prepare=st.integers(1, 2), train=st.integers(1, 2), score=st.just(1))
_POINTS = sorted(name for name in POINTS if not name.startswith(("gc-", "submission-")))
_PUBLISHING = ("snapshot-packed", "object-opened", "object-written", "object-named")
_STEP_IDS = tuple(step.id for step in STEPS)
_HEALED = 3


class WorkspaceMachine(RuleBasedStateMachine):
    """One workspace, and what is known of it."""

    ended = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.numbers = 0
        self.pending: tuple[str, Versions] | None = None
        self.by_hand = 0
        self.is_damaged = False
        self.pinned: dict[str, Versions] = {}
        self.last: Versions | None = None
        self.published: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(target=ended, versions=_VERSIONS)
    def submit(self, versions: Versions) -> tuple[str, Versions]:
        run_id = self._new_run()
        self._carry_to_its_end(run_id, versions)
        return run_id, versions

    @precondition(lambda self: self.pending is None)
    @rule(versions=_VERSIONS, point=st.sampled_from(_POINTS), times=st.integers(1, 4))
    def crash(self, versions: Versions, point: str, times: int) -> None:
        run_id = self._new_run()
        if self._try(run_id, versions, Plan(point, times)).word == "killed":
            self.pending = (run_id, versions)
        else:
            self._carry_to_its_end(run_id, versions)

    @precondition(lambda self: self.pending is not None)
    @rule(point=st.sampled_from(_POINTS), times=st.integers(1, 4), again=st.booleans())
    def crash_again(self, point: str, times: int, again: bool) -> None:
        """``again``: the task is delivered a second time under its number."""
        run_id, versions = self._pending()
        self._try(run_id, versions, Plan(point, times), again=again)

    @precondition(lambda self: self.pending is not None)
    @rule(target=ended)
    def retry(self) -> tuple[str, Versions]:
        run_id, versions = self._pending()
        self._carry_to_its_end(run_id, versions)
        self.pending = None
        return run_id, versions

    @rule(run=ended, step_id=st.sampled_from(_STEP_IDS))
    def clear(self, run: tuple[str, Versions], step_id: str) -> None:
        """A person clears a task, with those that follow it."""
        run_id, versions = run
        for name in _STEP_IDS[_STEP_IDS.index(step_id) :]:
            (self.folder / "airflow" / run_id / f"{name}.done").unlink(missing_ok=True)
        if self._upstream_is_there(run_id, step_id):
            self._carry_to_its_end(run_id, versions)

    @rule()
    def register_by_hand(self) -> None:
        self.by_hand += 1
        record = open_workspace(self.folder).datasets.add_version("by hand", (DatastorePath(datastore=DATASTORE, path="raw"),))
        assert record.version == self.by_hand

    @rule(run=ended)
    def pin(self, run: tuple[str, Versions]) -> None:
        run_id, versions = run
        workspace = open_workspace(self.folder)
        if self._is_whole(run_id, versions):
            record = PinRecord(kind="run", target=run_id, pinned_at=now_text())
            workspace.pins.register(record.name, record)
            self.pinned[run_id] = versions

    @rule(versions=_VERSIONS, point=st.sampled_from([None, *_PUBLISHING]), times=st.integers(1, 3))
    def publish(self, versions: Versions, point: str | None, times: int) -> None:
        """What was published can be run whatever happens afterwards: fsck says so if its specification or a source is gone."""
        write_sources(self.folder, versions)
        before = {item.id for item in open_workspace(self.folder).published.all()}
        end = self._child(functools.partial(publish_version, self.folder), Plan(point, times)).watch()
        assert end.word in {"ended", "killed"}, end.said
        workspace = open_workspace(self.folder)
        after = {item.id for item in workspace.published.all()}
        assert self.published <= before <= after
        assert len(after - before) in ({1} if end.word == "ended" else {0, 1})
        self.published = after
        for endpoint in workspace.endpoints.all():
            assert set(endpoint.pipelines) <= after
            assert end.word == "killed" or endpoint.pipelines[-1] in after - before

    @rule(point=st.sampled_from([None, *sorted(name for name in POINTS if name.startswith("gc-")), "object-named"]))
    def gc(self, point: str | None) -> None:
        end = self._child(functools.partial(clear_away, self.folder), Plan(point)).watch()
        # Where something was damaged, nothing is deleted that it may have named.
        assert end.word in ({"ended", "killed", "retry"} if self.is_damaged else {"ended", "killed"}), end.said
        self.pending = None  # a year has passed: nobody goes on with what was interrupted, and its records may be cleared away

    @precondition(lambda self: self.last is not None)
    @rule(what=st.sampled_from(["delete", "alter", "cut the listing", "cut the result"]), step_id=st.sampled_from(_STEP_IDS))
    def corrupt(self, what: str, step_id: str) -> None:
        workspace = open_workspace(self.folder)
        found = next((item for run_id in workspace.runs.ids() if (item := workspace.runs.output_of(run_id, step_id))), None)
        if found is None:
            return
        output = next(iter(found.outputs.values()))
        store = workspace.datastores.open(DATASTORE)
        first = f"{output.path}/first.txt"
        if not store.exists(first):
            return
        self.is_damaged = True
        if what == "delete":
            store.remove_tree(first)
        elif what == "alter":
            store.put(first, b"F" * len(store.read(first)))
        elif what == "cut the listing":
            workspace.store.put(manifest_path(output.digest), b'{"format": "aml')
        elif names := workspace.store.list_names(f"{key_folder(str(found.key))}/results"):
            workspace.store.put(f"{key_folder(str(found.key))}/results/{names[-1]}", b'{"format": "aml')

    @invariant()
    def the_store_is_sound(self) -> None:
        if self.is_damaged:
            return  # fsck says so then; that what is handed on is right is looked at when a run ends
        found = check_workspace(open_workspace(self.folder), depth="full")
        assert [f"{item.check.name} {item.where}: {item.problem}" for item in (*found.breaches, *found.troubles)] == []

    @invariant()
    def what_is_pinned_is_there(self) -> None:
        for run_id, versions in self.pinned.items():
            assert self.is_damaged or self._is_whole(run_id, versions), f"outputs of the pinned run {run_id} are gone"

    @invariant()
    def what_was_registered_stays(self) -> None:
        workspace = open_workspace(self.folder)
        assert workspace.datasets.versions("by hand") == list(range(1, self.by_hand + 1))

    def _pending(self) -> tuple[str, Versions]:
        assert self.pending is not None
        return self.pending

    def _new_run(self) -> str:
        self.numbers += 1
        return f"01900000-0000-7000-8000-{self.numbers:012d}"

    def _carry_to_its_end(self, run_id: str, versions: Versions) -> None:
        for _ in range(1 + _HEALED):
            end = self._try(run_id, versions, Plan())
            if end.word == "ended":
                break
        else:
            raise AssertionError(f"run {run_id} did not end well: {end.said}")
        self.last = versions
        assert self._is_whole(run_id, versions), f"an output of run {run_id} is not what its code writes"

    def _try(self, run_id: str, versions: Versions, plan: Plan, *, again: bool = False) -> End:
        write_sources(self.folder, versions)
        end = self._child(functools.partial(carry_out_run, self.folder, run_id, again=again), plan).watch()
        assert end.word in {"ended", "killed", "retry"}, end.said
        return end

    def _child(self, task: Any, plan: Plan) -> Child:
        report = self.folder / "said.txt"
        report.unlink(missing_ok=True)
        return Child(task, plan, report)

    def _upstream_is_there(self, run_id: str, step_id: str) -> bool:
        """Whether the steps before it still have what they wrote: clearing away may have taken it from a run of long ago."""
        workspace = open_workspace(self.folder)
        before = _STEP_IDS[: _STEP_IDS.index(step_id)]
        try:
            return all(self._files(workspace, run_id, name) is not None for name in before)
        except Exception:  # noqa: BLE001  # gone or damaged, in whatever way
            return False

    def _is_whole(self, run_id: str, versions: Versions) -> bool:
        workspace = open_workspace(self.folder)
        try:
            found = {step_id: self._files(workspace, run_id, step_id) for step_id in _STEP_IDS}
        except Exception:  # noqa: BLE001
            return False
        return found == _expected(versions)

    def _files(self, workspace: Any, run_id: str, step_id: str) -> dict[str, dict[str, bytes]] | None:
        finished = workspace.runs.output_of(run_id, step_id)
        if finished is None:
            return None
        with tempfile.TemporaryDirectory(dir=self.folder) as target:
            return output_files(workspace, finished, Path(target))


@functools.cache
def _expected(versions: Versions) -> dict[str, dict[str, dict[str, bytes]]]:
    """What the steps of these versions write where nothing else happens."""
    folder = Path(tempfile.mkdtemp())
    write_sources(folder, versions)
    run_id = "01900000-0000-7000-8000-000000000000"
    end = Child(functools.partial(carry_out_run, folder, run_id), None, folder / "said.txt").watch()
    assert end.word == "ended", end.said
    workspace = open_workspace(folder)
    found = {}
    for step_id in _STEP_IDS:
        finished = workspace.runs.output_of(run_id, step_id)
        assert finished is not None
        found[step_id] = output_files(workspace, finished, folder / step_id)
    shutil.rmtree(folder)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.machine", description=str(__doc__).splitlines()[0])
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        tempfile.tempdir = folder
        chosen = settings(
            max_examples=arguments.examples,
            stateful_step_count=arguments.steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        )
        run_state_machine_as_test(WorkspaceMachine, settings=chosen)
    print(f"{arguments.examples} sequences of {arguments.steps} steps, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
