"""A workspace in which two steps have run and one output is a registered dataset, in a folder and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.spec.compute import ComputeTargetSpec
from airflow_amlpipe.spec.data import OutputSpec, RegistrationSpec
from airflow_amlpipe.workspace.layout import key_folder, run_folder
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source
from tests.workspaces import HERE, workspace_on

__all__ = ["Filled"]

REGISTERED = OutputSpec(name="out", datastore="workspaceblobstore", register_as=RegistrationSpec(name="model"))
CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=(REGISTERED,)))


@dataclass(frozen=True)
class Filled:
    """A workspace, and the names of what is in it."""

    workspace: WorkspaceStore
    base: Path
    run_id: str

    @property
    def run(self) -> str:
        return run_folder(self.run_id)

    @property
    def key(self) -> str:
        finished = self.workspace.runs.output_of(self.run_id, "train")
        assert finished is not None
        assert finished.key is not None
        return finished.key

    @property
    def results(self) -> str:
        return f"{key_folder(self.key)}/results"

    @property
    def output(self) -> StoredOutput:
        ((_, result),) = self.workspace.results.candidates(self.key)
        return result.outputs["out"]

    @property
    def try_folder(self) -> str:
        return self.workspace.runs.tries(self.run_id, "train")[0].folder

    def run_again(self) -> str:
        return pretend_run(self.workspace, CHAIN, self.base)

    def put(self, path: str, body: str | bytes) -> str:
        self.workspace.store.put(path, body if isinstance(body, bytes) else body.encode())
        return path

    def text(self, path: str) -> str:
        return self.workspace.store.read(path).decode()

    def change(self, path: str, before: str, after: str) -> str:
        text = self.text(path)
        assert before in text
        return self.put(path, text.replace(before, after))

    def remove(self, path: str) -> str:
        assert self.workspace.store.exists(path)
        self.workspace.store.remove_tree(path)
        return path

    def copy(self, path: str, to: str) -> None:
        for name in ("started", "finished"):
            self.put(f"{to}/{name}.json", self.workspace.store.read(f"{path}/{name}.json"))


@pytest.fixture(params=HERE)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkspaceStore]:
    # On servers, test_on_servers.py does the same in less time.
    with workspace_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def filled(workspace: WorkspaceStore, tmp_path: Path) -> Filled:
    write_source(tmp_path)
    workspace.computes.register("cpu", ComputeTargetSpec(name="cpu", kind="local"))
    filled = Filled(workspace, tmp_path, pretend_run(workspace, CHAIN, tmp_path))
    workspace.runs.change_tags(filled.run_id, {"best": "yes"})
    return filled
