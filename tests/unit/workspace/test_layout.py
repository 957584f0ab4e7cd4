"""Is everything that a workspace store holds drawn where people look for it?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.spec.data import OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.workspace import layout
from airflow_amlpipe.workspace.try_files import Logged, keep_artifacts, keep_logged, keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import a_pipeline, a_step
from tests.pretend import pretend_run, write_source

FIXED = OutputSpec(name="out", datastore="workspaceblobstore", destination="best", register_as=RegistrationSpec(name="best"))


def test_every_kind_of_thing_that_is_written_is_in_the_drawing(tmp_path: Path) -> None:
    workspace = WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")
    write_source(tmp_path)
    run_id = pretend_run(workspace, a_pipeline(a_step("train", outputs=(FIXED,))), tmp_path)
    (item,) = workspace.runs.tries(run_id, "train")
    for place in (item.folder, layout.run_folder(run_id)):
        (tmp_path / "plot.png").write_text("curve")
        keep_artifacts(workspace, place, {"plot.png": tmp_path / "plot.png"})
    (tmp_path / "logs").mkdir()
    keep_logs(workspace, item.folder, tmp_path / "logs")
    logged = Logged(tags={"best": "yes"})
    keep_logged(workspace, run_id, item.folder, item.started.step_run_id, own=logged, parent=logged)
    workspace.runs.change_tags(run_id, {"best": "yes"})
    workspace.environments.register("sklearn", EnvironmentSpec(name="sklearn"))

    root = Path(workspace.url) / layout.run_folder("x").removesuffix("/runs/x")
    run = Path(workspace.url) / layout.run_folder(run_id)
    written = {*_names(root), *_names(run), *_names(Path(workspace.url) / item.folder)}
    assert {"destinations", "logged", "artifacts", "logs", "tags", "datasets", "dataset-ids", "keys", "metrics"} <= written
    assert [name for name in sorted(written) if name not in (layout.__doc__ or "")] == []


def _names(folder: Path) -> set[str]:
    return {entry.name.removesuffix(".json") for entry in folder.iterdir()}
