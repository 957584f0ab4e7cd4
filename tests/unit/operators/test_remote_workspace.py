"""Does a pipeline run, get reused, heal and explain itself when the whole workspace lies on an object store?

Through Airflow, with real scripts: nothing of the workspace is on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.compiler import build_dag
from airflow_amlpipe.services.explain import explain_step
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, OutputArgument, PythonScript, SourceSpec, StepSpec
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.airflow_fixtures import DagOutcome
from tests.servers import azure_url, s3_url

COPY = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
for file in sorted(source.rglob("*.txt")):
    (target / file.name).write_text(file.read_text() + "+")
(target / "empty").mkdir()
"""


class Remote:
    """A workspace on a server, a script that copies its input, and a DAG of two such steps."""

    def __init__(self, url: str, folder: Path, run_dag: Callable[..., DagOutcome]) -> None:
        self.home = Settings.load().home
        self.workspace = WorkspaceStore.open(url, home=self.home)
        self.data = self.workspace.datastores.open("workspaceblobstore")
        (folder / "src").mkdir()
        (folder / "src/copy.py").write_text(COPY)
        raw = DatasetSource(name="raw")
        first = self._step("first", raw, register_as=RegistrationSpec(name="copied"))
        second = self._step("second", StepOutputSource(step="first", output="out"), destination="published/here")
        spec = PipelineSpec(name="nightly", steps=(first, second)).check()
        self._dag = build_dag(spec, dag_id=f"remote_{folder.name}", workspace=url, source_base=folder)
        self._run_dag = run_dag

    def run(self) -> tuple[StepFinished, StepFinished]:
        outcome = self._run_dag(self._dag)
        assert outcome.states() == {"first": "success", "second": "success"}
        (run,) = [run for run in self.workspace.runs.list() if run.airflow and run.airflow["dag_run_id"] == outcome.run_id]
        first, second = (self.workspace.runs.tries(run.run_id, step)[-1].finished for step in ("first", "second"))
        assert first is not None
        assert second is not None
        return first, second

    def files(self, folder: str) -> dict[str, str]:
        return {path[len(folder) + 1 :]: self.data.read(path).decode() for path in self.data.match(f"{folder}/**")}

    def _step(self, step_id: str, source: DatasetSource | StepOutputSource, **output: object) -> StepSpec:
        return StepSpec(
            id=step_id,
            name=step_id,
            command=PythonScript(script="copy.py"),
            source=SourceSpec(directory="src"),
            inputs=(InputSpec(name="data", mode="download", source=source),),
            outputs=(OutputSpec(name="out", datastore="workspaceblobstore", **output),),
            arguments=(InputArgument(input="data"), OutputArgument(output="out")),
        )


@pytest.fixture(params=["s3", "azure"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., DagOutcome]) -> Remote:
    url, environment = {"s3": s3_url, "azure": azure_url}[request.param]("team")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    remote = Remote(url, tmp_path, run_dag)
    for name in ("a", "b"):
        remote.data.put(f"raw/{name}.txt", name.encode())
    remote.workspace.datasets.add_version("raw", (DatastorePath(datastore="workspaceblobstore", path="raw"),))
    return remote


def test_a_pipeline_on_a_remote_workspace_is_run_reused_healed_and_explained(remote: Remote) -> None:
    """R28, R29, R52."""
    first, second = remote.run()
    assert (first.reused, second.reused) == (False, False)
    assert remote.files(second.outputs["out"].path) == remote.files("published/here") == {"a.txt": "a++", "b.txt": "b++"}

    again = remote.run()
    assert [step.reused for step in again] == [True, True]
    assert remote.workspace.datasets.versions("copied") == [1]

    remote.data.put(f"{first.outputs['out'].path}/b.txt", b"x+")
    healed = remote.run()
    assert [step.reused for step in healed] == [False, True]
    assert "'b.txt' was written again" in healed[0].explanation

    remote.data.remove_tree(f"{second.outputs['out'].path}/a.txt")
    healed = remote.run()
    assert [step.reused for step in healed] == [True, False]
    assert "'a.txt' is gone" in healed[1].explanation

    remote.data.put("raw/b.txt", b"c")
    changed = remote.run()
    assert [step.reused for step in changed] == [False, False]
    assert remote.files("published/here") == {"a.txt": "a++", "b.txt": "c++"}
    explained = explain_step(remote.workspace.url, changed[0].run_id, "first", home=remote.home)
    assert [(item.component, item.where, item.change) for item in explained.differences] == [("inputs", "data/b.txt", "changed")]
