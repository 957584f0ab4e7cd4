"""What do `amlpipe pipelines` and `amlpipe endpoints` answer, and what do they change?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.services.endpoints import add_endpoint_version, create_endpoint
from airflow_amlpipe.services.publish import publish_pipeline
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.step import ParameterArgument
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.published import PublishedPipeline
from tests.builders import OUT, a_pipeline, a_step
from tests.pretend import pretend_run, write_source
from tests.unit.cli.conftest import Amlpipe

SPEC = a_pipeline(
    a_step(arguments=(ParameterArgument(parameter="size"),), outputs=OUT),
    name="nightly score",
    parameters=(ParameterSpec(name="size", type="integer", default=10),),
)


@pytest.fixture
def published(workspace: WorkspaceStore, project: Path) -> PublishedPipeline:
    write_source(project)
    return publish_pipeline(SPEC, workspace=workspace.url, source_base=project, home=workspace.home, version="1.0", description="scores")


@pytest.fixture
def endpoint(workspace: WorkspaceStore, project: Path, published: PublishedPipeline) -> str:
    made = create_endpoint(workspace.url, "score", published.id, home=workspace.home, description="for callers")
    other = publish_pipeline(SPEC, workspace=workspace.url, source_base=project, home=workspace.home, version="2.0")
    add_endpoint_version(workspace.url, made.id, other.id, home=workspace.home)
    return made.id


def test_published_pipelines_are_listed_and_shown(amlpipe: Amlpipe, published: PublishedPipeline) -> None:
    listed = amlpipe("pipelines", "list")
    assert (listed.code, published.id in listed.out, "nightly score" in listed.out) == (0, True, True)
    shown = amlpipe("pipelines", "show", published.id[:8])
    assert "published pipeline nightly score (Active)" in shown.out
    assert "  steps: train" in shown.out
    assert "  parameter size (integer): 10" in shown.out
    document = amlpipe("pipelines", "show", published.id, "--json").document
    assert (document["id"], document["specification"]["steps"][0]["source"]["snapshot"] is not None) == (published.id, True)


def test_nothing_published_is_said_so(amlpipe: Amlpipe, workspace: WorkspaceStore, project: Path) -> None:
    assert "no pipeline is published in" in amlpipe("pipelines", "list").out
    assert "there is no pipeline endpoint in" in amlpipe("endpoints", "list").out


def test_a_disabled_pipeline_is_listed_only_when_all_are_wanted_and_is_not_run(amlpipe: Amlpipe, published: PublishedPipeline) -> None:
    assert amlpipe("pipelines", "disable", published.id).out == f"published pipeline 'nightly score' ({published.id}) is disabled\n"
    assert amlpipe("pipelines", "list", "--json").document == []
    assert [item["status"] for item in amlpipe("pipelines", "list", "--all", "--json").document] == ["Disabled"]
    refused = amlpipe("pipelines", "run", published.id)
    assert (refused.code, f"`amlpipe pipelines enable {published.id}`" in refused.err) == (2, True)
    assert "is enabled" in amlpipe("pipelines", "enable", published.id).out


def test_a_published_pipeline_is_run_and_its_end_is_shown(
    amlpipe: Amlpipe, workspace: WorkspaceStore, project: Path, published: PublishedPipeline
) -> None:
    pretend_run(workspace, SPEC, project, parameters={"size": 20})
    answer = amlpipe("pipelines", "run", published.id[:8], "--param", "size=20", "--json")
    (run,) = answer.document["runs"]
    assert (answer.code, run["status"], run["experiment"], run["parameters"]) == (0, "Finished", "nightly-score", {"size": 20})
    assert amlpipe("pipelines", "run", published.id, "--param", "size=many").code == 2
    assert amlpipe("pipelines", "run", published.id, "--reuse", "require").code == 2


BUILDER = """
from azureml.core import Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep
ws = Workspace.get("team")
step = PythonScriptStep("train.py", name="train", compute_target="local", source_directory="src")
Pipeline(ws, [step]).publish("nights")
"""


def test_a_script_that_only_publishes_is_told_what_it_published(amlpipe: Amlpipe, workspace: WorkspaceStore, project: Path) -> None:
    write_source(project)
    (project / "build.py").write_text(BUILDER)
    answer = amlpipe("run", "--workspace", "team", "build.py")
    (made,) = workspace.published.all()
    assert (answer.code, made.name) == (0, "nights")
    assert f"build.py published 'nights' ({made.id}) and submitted nothing; `amlpipe pipelines run {made.id}` runs" in answer.err
    assert "made no DAG" not in answer.err


def test_an_endpoint_is_listed_shown_and_given_another_default(
    amlpipe: Amlpipe, workspace: WorkspaceStore, project: Path, endpoint: str
) -> None:
    assert endpoint in amlpipe("endpoints", "list").out
    assert "0 (default)" in amlpipe("endpoints", "show", "score").out
    assert amlpipe("endpoints", "set-default", "score", "1").out == "pipeline endpoint 'score' runs version '1' from now on\n"
    assert "1 (default)" in amlpipe("endpoints", "show", endpoint).out
    assert amlpipe("endpoints", "set-default", "score", "7").code == 2
    pretend_run(workspace, SPEC, project)
    (run,) = amlpipe("endpoints", "run", "score", "--experiment", "nights", "--json").document["runs"]
    record = workspace.runs.get(run["run_id"])
    assert (run["status"], record.endpoint and record.endpoint.version) == ("Finished", "1")
    assert run["endpoint"] == {"id": endpoint, "name": "score", "version": "1"}
    shown = amlpipe("runs", "show", run["run_id"]).out
    assert f"  published pipeline {record.published}, version '1' of endpoint 'score'" in shown
    assert "is disabled" in amlpipe("endpoints", "disable", "score").out
    assert amlpipe("endpoints", "run", "score").code == 2
    assert "is enabled" in amlpipe("endpoints", "enable", "score").out


def test_what_is_not_there_is_answered_with_what_there_is(amlpipe: Amlpipe, endpoint: str) -> None:
    assert "there are: 'score'\n" in amlpipe("endpoints", "show", "nope").err
    assert "there are: 'score'; did you mean 'score'?" in amlpipe("endpoints", "show", "scroe").err
    assert "no published pipeline of the workspace has the id 'nope'" in amlpipe("pipelines", "show", "nope").err
