"""Does a pipeline run, get reused, heal and explain itself when the whole workspace lies on a server?

Through Airflow, with real scripts: nothing of the workspace is on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.compiler import build_dag
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.explain import explain_step
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, OutputArgument, PythonScript, SourceSpec, StepSpec
from airflow_amlpipe.storage.environment_logins import login_as_json
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.records import StepFinished
from tests.airflow_fixtures import DagOutcome
from tests.servers import azure_url, s3_url
from tests.sftp_server import SftpTestServer, asyncssh_server, openssh_server
from tests.web_server import Answer, web_server

COPY = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
for file in sorted(source.rglob("*.txt")):
    (target / file.name).write_text(file.read_text() + "+")
(target / "empty").mkdir()
"""


class Remote:
    """A workspace, most often on a server, a script that copies its input, and a DAG of two such steps.

    :param datastore: where the steps write to
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        run_dag: Callable[..., DagOutcome],
        *,
        datastore: DatastoreRecord | None = None,
        raw: DatasetSource | None = None,
    ) -> None:
        self.home = Settings.load().home
        self.workspace = open_workspace(url, home=self.home)
        if datastore is not None:
            self.workspace.datastores.register(datastore.name, datastore)
        self._datastore = "workspaceblobstore" if datastore is None else datastore.name
        self.data = self.workspace.datastores.open(self._datastore)
        (folder / "src").mkdir()
        (folder / "src/copy.py").write_text(COPY)
        first = self._step("first", raw or DatasetSource(name="raw"), register_as=RegistrationSpec(name="copied"))
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
            outputs=(OutputSpec(name="out", datastore=self._datastore, **output),),
            arguments=(InputArgument(input="data"), OutputArgument(output="out")),
        )


def sftp_server(monkeypatch: pytest.MonkeyPatch) -> SftpTestServer:
    """Return a server to which the connection ``files`` leads."""
    server = openssh_server() or asyncssh_server()
    monkeypatch.setenv("AIRFLOW_CONN_FILES", login_as_json(server.login()))
    return server


@pytest.fixture(params=["s3", "azure", "sftp"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., DagOutcome]) -> Remote:
    if request.param == "sftp":
        url, environment = sftp_server(monkeypatch).url(tmp_path / "team"), {"AIRFLOW__AMLPIPE__WORKSPACE_CONN_ID": "files"}
    else:
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
    assert (
        f"'b.txt' {'has other content of the same size' if remote.data.identifies_content else 'was written again'}"
        in healed[0].explanation
    )

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


def test_a_pipeline_reads_from_a_web_server_and_writes_to_an_sftp_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., DagOutcome]
) -> None:
    """R28, R29."""
    server = sftp_server(monkeypatch)
    monkeypatch.setenv("AIRFLOW__AMLPIPE__ALLOWED_HTTP_HOSTS", "127.0.0.1")
    with web_server() as web:
        for name in ("a", "b"):
            web.files[f"/data/raw/{name}.txt"] = Answer(name.encode(), headers={"ETag": f'"{name}"'})
        raw = DatasetSource(paths=tuple(DatastorePath(datastore="web", path=f"raw/{name}.txt") for name in ("a", "b")))
        files = DatastoreRecord(name="files", url=server.url(tmp_path / "remote"), conn_id="files")
        remote = Remote((tmp_path / "ws").as_uri(), tmp_path, run_dag, datastore=files, raw=raw)
        remote.workspace.datastores.register("web", DatastoreRecord(name="web", url=f"{web.url}/data"))

        first, second = remote.run()
        assert remote.files(second.outputs["out"].path) == remote.files("published/here") == {"a.txt": "a++", "b.txt": "b++"}
        assert (tmp_path / "remote/published/here/a.txt").read_text() == "a++"
        web.asked.clear()
        assert [step.reused for step in remote.run()] == [True, True]
        assert set(web.methods) == {"HEAD"}

        remote.data.put(f"{first.outputs['out'].path}/b.txt", b"x+")
        assert [step.reused for step in remote.run()] == [False, True]
        web.files["/data/raw/b.txt"] = Answer(b"c", headers={"ETag": '"c"'})
        assert [step.reused for step in remote.run()] == [False, False]
        assert remote.files("published/here") == {"a.txt": "a++", "b.txt": "c++"}
