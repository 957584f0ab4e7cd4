"""A workspace that lives through something: runs, reuse, time that passes, clearing away. In a folder and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.clearing import ClearingItem, ClearingPlan, RetentionPolicy, Swept, apply_plan, plan_clearing
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.outputs import store_output
from airflow_amlpipe.workspace.pins import PinRecord
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.invariants import assert_store_ok
from tests.pretend import pretend_run, write_source
from tests.workspaces import HERE, workspace_on

__all__ = ["CHAIN", "STORE", "Story", "days", "named"]

CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))
STORE = "workspaceblobstore"


def days(number: float) -> int:
    return int(number * 86_400)


@dataclass
class Story:
    """A workspace, and how far its time is ahead of the world's."""

    workspace: WorkspaceStore
    base: Path
    ahead: timedelta = field(default_factory=timedelta)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def later(self, number: float) -> None:
        self.ahead += timedelta(days=number)

    def run(self, spec: PipelineSpec = CHAIN, *, policy: str = "auto", text: str | None = None, experiment: str = "pretended") -> str:
        if text is not None:
            write_source(self.base, text=text)
        return pretend_run(self.workspace, spec, self.base, policy=policy, experiment=experiment)

    def finished(self, run_id: str, step: str = "train") -> StepFinished:
        found = self.workspace.runs.output_of(run_id, step)
        assert found is not None
        return found

    def output(self, run_id: str, step: str = "train") -> StoredOutput:
        return self.finished(run_id, step).outputs["out"]

    def is_there(self, output: StoredOutput) -> bool:
        return self.workspace.datastores.open(output.datastore).exists(output.path)

    def crashed_try(self, step: StepSpec | None = None, *, run_id: str, try_number: int = 2) -> StoredOutput:
        """Leave what a process leaves that is killed between its outputs and its result."""
        run = StepRun(self.workspace, "nightly", run_id, step or a_step("train", outputs=OUT), try_number)
        run.start()
        produced = self.base / "produced" / run.step_run_id
        produced.mkdir(parents=True)
        (produced / "data.txt").write_text("half of it")
        (output,) = (step or a_step("train", outputs=OUT)).outputs
        return store_output(self.workspace, run.step, OutputSpec(**output.model_dump()), produced, run.step_run_id)

    def pin(self, kind: str, target: str) -> None:
        pin = PinRecord(kind=kind, target=target, pinned_at=now_text())  # type: ignore[arg-type]
        self.workspace.pins.register(pin.name, pin)

    def plan(self, **policy: object) -> ClearingPlan:
        return plan_clearing(self.workspace, RetentionPolicy(**policy), now=self.now)  # type: ignore[arg-type]

    def apply(self, plan: ClearingPlan) -> Swept:
        return apply_plan(self.workspace, plan, now=self.now)

    def clear(self, **policy: object) -> list[tuple[str, str]]:
        """Plan, apply, look over, and return kind and path of what is gone."""
        plan = self.plan(**policy)
        swept = self.apply(plan)
        assert (swept.done, swept.left) == (list(plan.items), [])
        assert_store_ok(self.workspace)
        return named(swept.done)

    def put(self, path: str, text: str) -> None:
        self.workspace.datastores.open(STORE).put(path, text.encode())


def named(items: list[ClearingItem] | tuple[ClearingItem, ...]) -> list[tuple[str, str]]:
    return [(item.kind, item.path) for item in items]


@pytest.fixture(params=HERE)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkspaceStore]:
    # On servers, test_on_servers.py does the same in less time.
    with workspace_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def story(workspace: WorkspaceStore, tmp_path: Path) -> Story:
    write_source(tmp_path)
    return Story(workspace, tmp_path)
