"""Do published pipelines, endpoints and drafts behave as SDK v1's, and run on what was frozen?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.services import submit
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.workspace.published import PublishedRegistry
from azureml.core import Experiment, Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineDraft, PipelineEndpoint, PipelineParameter, PipelineRun, PublishedPipeline
from azureml.pipeline.core.graph import PublishedPipeline as PublishedPipelineOfGraph
from azureml.pipeline.steps import PythonScriptStep
from tests.unit.services.test_submit import FakeEngine


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    FakeEngine.told = []
    monkeypatch.setattr(submit, "StartedEngine", FakeEngine)
    return FakeEngine.told


def pipeline(ws: Workspace, name: str = "train") -> Pipeline:
    arguments = ["--size", PipelineParameter("pipeline_arg", 10)]
    return Pipeline(ws, PythonScriptStep("train.py", name=name, source_directory="src", arguments=arguments), description="every night")


@pytest.fixture
def published(ws: Workspace) -> PublishedPipeline:
    return pipeline(ws).publish("score", version="1.0")


def record_of(ws: Workspace, run: PipelineRun) -> Any:
    return open_workspace(ws).runs.get(run.id)


# ---- published pipelines


def test_a_pipeline_publishes_itself(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    made = pipeline(ws).publish("score", "a description", "1.0", True)
    assert "Created step train [" in capsys.readouterr().out
    assert (made.name, made.description, made.version, made.status) == ("score", "a description", "1.0", "Active")
    assert (made.total_run_steps, made.continue_on_step_failure, made.get_step_names()) == (1, True, ["train"])
    assert PublishedPipelineOfGraph is PublishedPipeline


def test_without_a_name_or_description_it_has_the_pipelines(ws: Workspace) -> None:
    made = pipeline(ws).publish()
    assert (made.name, made.description, made.version, made.continue_on_step_failure) == ("Pipeline", "every night", None, None)


def test_it_is_shown_as_sdk_v1_shows_it(published: PublishedPipeline) -> None:
    assert str(published) == f"Pipeline(Name: score,\nId: {published.id},\nStatus: Active,\nEndpoint: {published.endpoint})"


def test_its_url_has_the_shape_that_people_take_apart(published: PublishedPipeline, monkeypatch: pytest.MonkeyPatch, ws: Workspace) -> None:
    path = (
        "/pipelines/v1.0/subscriptions/subscription/resourceGroups/group/providers/Microsoft.MachineLearningServices/workspaces/team"
        f"/PipelineRuns/PipelineSubmit/{published.id}"
    )
    assert published.endpoint == f"http://localhost:8080/amlpipe{path}"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/")
    assert PublishedPipeline.get(ws, published.id).endpoint == f"https://airflow.example.com/amlpipe{path}"
    monkeypatch.setenv("AMLPIPE_API_URL", "https://ml.example.com/rest/")
    assert PublishedPipeline.get(ws, published.id).endpoint == f"https://ml.example.com/rest{path}"


def test_names_of_the_workspace_are_quoted_in_urls(project: Path) -> None:
    odd = Workspace("", "my group", "team")
    url = pipeline(odd).publish("score").endpoint
    assert "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my%20group/" in url


def test_it_is_found_by_its_id_alone(ws: Workspace, published: PublishedPipeline) -> None:
    assert str(PublishedPipeline.get(ws, id=published.id)) == str(published)
    with pytest.raises(UserErrorException, match=f"'score' is a name; the ids of that name, newest first: {published.id}"):
        PublishedPipeline.get(ws, "score")
    with pytest.raises(
        UserErrorException, match="no published pipeline of the workspace has the id '068f4885-7088-424b-8ce2-eeb9ba5381a6'"
    ):
        PublishedPipeline.get(ws, id="068f4885-7088-424b-8ce2-eeb9ba5381a6")
    with pytest.raises(UserErrorException, match="PublishedPipeline.get: id must be text"):
        PublishedPipeline.get(ws, 3)  # type: ignore[arg-type]


def test_a_disabled_one_is_hidden_until_it_is_enabled(ws: Workspace, published: PublishedPipeline) -> None:
    published.disable()
    assert (published.status, PublishedPipeline.list(ws), len(PublishedPipeline.get_all(ws, active_only=False))) == ("Disabled", [], 1)
    with pytest.raises(UserErrorException.__mro__[2], match="is disabled and cannot be run"):
        published.submit(ws, "nights")
    published.enable()
    assert [item.id for item in PublishedPipeline.list(ws)] == [published.id]


def test_it_is_submitted_three_ways_and_values_are_sent_as_text(
    ws: Workspace, published: PublishedPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    run = published.submit(ws, "nights", pipeline_parameters={"pipeline_arg": "20"}, continue_on_step_failure=True)
    assert isinstance(run, PipelineRun)
    assert capsys.readouterr().out.splitlines()[0] == f"Submitted PipelineRun {run.id}"
    record = record_of(ws, run)
    assert (record.parameters, record.continue_on_step_failure, record.experiment) == ({"pipeline_arg": 20}, True, "nights")
    other = Experiment(ws, "nights").submit(published, tags={"a": 1}, pipeline_params={"pipeline_arg": 30}, regenerate_outputs=True)
    record = record_of(ws, other)
    assert (record.parameters, record.policy, record.tags) == ({"pipeline_arg": 30}, "refresh", {"a": "1"})
    assert [found.id for found in PipelineRun.get_pipeline_runs(ws, published.id)] == [other.id, run.id]
    assert other.properties["azureml.pipelineid"] == published.id


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pipeline_arg": None}, "Invalid parameter type <class 'NoneType'>"),
        ({"pipeline_arg": "many"}, "parameter 'pipeline_arg' takes a value of type integer"),
        ({"pipeline_args": 3}, "has no parameter 'pipeline_args'; its parameters are: pipeline_arg"),
        (["pipeline_arg"], "pipeline_parameters must be a dictionary"),
    ],
)
def test_values_that_cannot_be_are_refused_before_anything_is_recorded(
    ws: Workspace, published: PublishedPipeline, given: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        published.submit(ws, "nights", given)
    assert open_workspace(ws).runs.ids() == []


def test_a_published_pipeline_of_another_workspace_is_not_submitted_here(ws: Workspace, published: PublishedPipeline) -> None:
    other = Workspace("subscription", "group", "other")
    with pytest.raises(UserErrorException, match="is of workspace 'team' .*, but is used in workspace 'other'"):
        published.submit(other, "nights")


def test_a_run_is_published(ws: Workspace) -> None:
    run = Experiment(ws, "nights").submit(pipeline(ws), pipeline_parameters={"pipeline_arg": 20})
    made = run.publish_pipeline(name="My_Published_Pipeline", description="My Published Pipeline Description", version="1.0")
    assert (made.name, made.description, made.version) == ("My_Published_Pipeline", "My Published Pipeline Description", "1.0")
    again = made.submit(ws, "nights")
    assert (record_of(ws, again).parameters, record_of(ws, again).pipeline) == ({"pipeline_arg": 10}, "My_Published_Pipeline")


def test_while_airflow_parses_nothing_is_published(ws: Workspace, airflow_is_parsing: None) -> None:
    with pytest.raises(UserErrorException, match="Pipeline.publish uses the workspace, which must not happen while Airflow parses"):
        pipeline(ws).publish("score")
    with pytest.raises(UserErrorException, match="PublishedPipeline.list uses the workspace"):
        PublishedPipeline.list(ws)


def test_data_is_given_to_a_published_pipeline_as_an_object_or_by_its_name(ws: Workspace) -> None:
    store = ws.get_default_datastore()
    for name in ("one", "two"):
        Path(f"{name}.txt").write_text(name)
        store.upload_files([f"{name}.txt"], target_path=name, show_progress=False)
    where = (PipelineParameter("where", DataPath(store, "one")), DataPathComputeBinding(mode="download"))
    made = Pipeline(ws, PythonScriptStep("train.py", source_directory="src", arguments=[where], inputs=[where])).publish("score")
    for given in (DataPath(store, "two"), "workspaceblobstore/two"):
        run = made.submit(ws, "nights", {"where": given})
        assert record_of(ws, run).parameters["where"] == DatastorePath(datastore="workspaceblobstore", path="two")
    draft = PipelineDraft.create(ws, made, experiment_name="nights", pipeline_parameters={"where": DataPath(store, "two")})
    assert record_of(ws, PipelineDraft.get(ws, draft.id).submit_run()).parameters["where"].path == "two"


# ---- endpoints


@pytest.fixture
def endpoint(ws: Workspace, published: PublishedPipeline) -> PipelineEndpoint:
    return PipelineEndpoint.publish(workspace=ws, name="nightly score", pipeline=published, description="Test description Notebook")


def test_an_endpoint_begins_with_version_0_which_is_the_default(
    ws: Workspace, endpoint: PipelineEndpoint, published: PublishedPipeline
) -> None:
    assert (endpoint.default_version, endpoint.get_default_version(), endpoint.status) == ("0", "0", "Active")
    assert [(item.version, item.pipeline.id) for item in endpoint.list_versions()] == [("0", published.id)]
    found = PipelineEndpoint.get(workspace=ws, name="nightly score")
    assert (found.id, found.description) == (endpoint.id, "Test description Notebook")
    assert PipelineEndpoint.get(ws, id=endpoint.id).name == "nightly score"
    assert str(found) == f"PipelineEndpoint(Name: nightly score,\nId: {found.id},\nStatus: Active,\nEndpoint: {found.endpoint})"


def test_people_make_urls_of_its_url_by_cutting(endpoint: PipelineEndpoint) -> None:
    before = "http://localhost:8080/amlpipe/pipelines/v1.0/subscriptions/subscription/resourceGroups/group/providers"
    before += "/Microsoft.MachineLearningServices/workspaces/team/PipelineRuns/PipelineEndpointSubmit/"
    assert endpoint.endpoint == f"{before}Id/{endpoint.id}"
    assert endpoint.endpoint.split("Id", 1)[0] + "Name?name=x&pipelineVersion=0" == f"{before}Name?name=x&pipelineVersion=0"


def test_a_pipeline_is_published_first_under_a_name_with_the_time(ws: Workspace) -> None:
    made = PipelineEndpoint.publish(ws, "score", "d", pipeline(ws))
    assert made.get_pipeline().name.startswith("score-")
    assert made.get_pipeline().name.endswith("-Pipeline")
    assert made.get_pipeline().description == "d"


def test_only_a_pipeline_or_a_published_one_can_be_behind_it(ws: Workspace, endpoint: PipelineEndpoint) -> None:
    class MyPipeline(Pipeline):
        pass

    mine = MyPipeline(ws, PythonScriptStep("train.py", source_directory="src"))
    for wrong in (endpoint, mine, None, "score"):
        with pytest.raises(ValueError, match="PipelineEndpoint.publish: pipeline must be a Pipeline or a PublishedPipeline, not "):
            PipelineEndpoint.publish(ws, "other", "d", wrong)
    assert len(PipelineEndpoint.list(ws)) == 1


def test_a_name_that_is_taken_publishes_nothing(ws: Workspace, endpoint: PipelineEndpoint) -> None:
    with pytest.raises(ValueError, match="an endpoint is called 'nightly score' already"):
        PipelineEndpoint.publish(ws, "nightly score", "d", pipeline(ws))
    assert len(PublishedPipeline.list(ws)) == 1


def test_versions_are_added_and_one_is_the_default(ws: Workspace, endpoint: PipelineEndpoint, published: PublishedPipeline) -> None:
    second, third = pipeline(ws, "b").publish("score"), pipeline(ws, "c").publish("score")
    endpoint.add(second)
    assert endpoint.default_version == "0"
    endpoint.add_default(third)
    assert (endpoint.default_version, endpoint.get_pipeline().id, endpoint.get_pipeline("1").id) == ("2", third.id, second.id)
    with pytest.raises(ValueError, match="is version '1' of pipeline endpoint 'nightly score' already"):
        endpoint.add(second)
    endpoint.set_default_version("1")
    endpoint.set_default(published)
    assert PipelineEndpoint.get(ws, id=endpoint.id).default_version == "0"
    second.disable()
    assert [item.id for item in endpoint.list_pipelines()] == [published.id, third.id]
    assert [item.id for item in endpoint.get_all_pipelines(active_only=False)] == [published.id, second.id, third.id]
    assert [item.version for item in endpoint.get_all_versions()] == ["0", "1", "2"]


def test_an_endpoint_with_many_versions_looks_up_none_of_them_until_it_is_asked_for(
    ws: Workspace, endpoint: PipelineEndpoint, published: PublishedPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    find = PublishedRegistry.find

    def counted(self: PublishedRegistry, pipeline_id: str) -> Any:
        asked.append(pipeline_id)
        return find(self, pipeline_id)

    monkeypatch.setattr(PublishedRegistry, "find", counted)
    (version,) = PipelineEndpoint.get(ws, name="nightly score").list_versions()
    assert (repr(version), asked) == (f"PipelineVersion(Version: 0,\nPipeline Id: {published.id})", [])
    assert (version.pipeline.name, version.pipeline.name, asked) == ("score", "score", [published.id])


def test_versions_are_texts_that_exist(ws: Workspace, endpoint: PipelineEndpoint) -> None:
    for wrong in ("1", 0):
        with pytest.raises(ValueError, match="has no version .*; its versions are texts: '0'"):
            endpoint.set_default_version(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="has no version"):
            endpoint.get_pipeline(wrong)  # type: ignore[arg-type]
    stranger = pipeline(ws, "b").publish("score")
    with pytest.raises(ValueError, match=f"published pipeline {stranger.id} is no version of endpoint 'nightly score'"):
        endpoint.set_default(stranger)
    with pytest.raises(ValueError, match="PipelineEndpoint.add: pipeline must be a PublishedPipeline, not Pipeline"):
        endpoint.add(pipeline(ws))  # type: ignore[arg-type]


def test_an_endpoint_that_is_not_there_lists_those_there_are(ws: Workspace, endpoint: PipelineEndpoint) -> None:
    with pytest.raises(UserErrorException, match="no pipeline endpoint is called 'nope'; there are: 'nightly score'"):
        PipelineEndpoint.get(ws, name="nope")
    with pytest.raises(UserErrorException, match="give the id or the name of an endpoint"):
        PipelineEndpoint.get(ws)
    with pytest.raises(
        UserErrorException, match=r"A published pipeline has that name, and is no endpoint: PublishedPipeline.get\(workspace, id="
    ):
        PipelineEndpoint.get(ws, name="score")


def test_it_runs_its_default_or_the_version_that_is_named(ws: Workspace, endpoint: PipelineEndpoint, published: PublishedPipeline) -> None:
    second = pipeline(ws, "b").publish("score")
    endpoint.add_default(second)
    run = endpoint.submit("PipelineEndpointExperiment", {"pipeline_arg": 3})
    assert (record_of(ws, run).published, record_of(ws, run).endpoint.version) == (second.id, "1")
    run = endpoint.submit("PipelineEndpointExperiment", pipeline_version="0")
    assert (record_of(ws, run).published, run.properties["amlpipe.endpoint"]) == (published.id, "nightly score:0")
    run = Experiment(ws, "nights").submit(endpoint, pipeline_version="1", pipeline_parameters={"pipeline_arg": 4})
    assert record_of(ws, run).endpoint.version == "1"
    with pytest.warns(UserWarning, match="pipeline_version is not known and has no effect"):
        Experiment(ws, "nights").submit(published, pipeline_version="1")


def test_a_disabled_or_archived_endpoint_is_hidden_and_not_run(ws: Workspace, endpoint: PipelineEndpoint) -> None:
    endpoint.disable()
    with pytest.raises(ValueError, match="pipeline endpoint 'nightly score' .* is disabled and cannot be run"):
        endpoint.submit("nights")
    endpoint.enable()
    endpoint.set_name("renamed")
    assert [item.name for item in PipelineEndpoint.list(ws)] == ["renamed"]
    endpoint.archive()
    assert (endpoint.status, PipelineEndpoint.list(ws), len(PipelineEndpoint.get_all(ws, active_only=False))) == ("Disabled", [], 1)
    with pytest.raises(ValueError, match="is archived and cannot be run; give it a name"):
        endpoint.submit("nights")
    assert endpoint.reactivate("renamed") is endpoint
    assert (endpoint.status, endpoint.name) == ("Active", "renamed")


def test_as_many_are_listed_as_were_asked_for(ws: Workspace, endpoint: PipelineEndpoint, published: PublishedPipeline) -> None:
    PipelineEndpoint.publish(ws, "second", "d", published)
    assert [item.name for item in PipelineEndpoint.list(ws, max_results=1)] == ["second"]


# ---- drafts


def test_a_draft_is_written_down_changed_run_published_and_deleted(ws: Workspace) -> None:
    draft = PipelineDraft.create(
        ws,
        pipeline(ws),
        name="try",
        experiment_name="nights",
        pipeline_parameters={"pipeline_arg": 7},
        tags={"team": "vision"},
        properties={"a": 1},
    )
    found = PipelineDraft.get(ws, draft.id)
    assert (found.name, found.tags, found.properties, found.last_submitted_pipeline_run_id) == ("try", {"team": "vision"}, {"a": "1"}, None)
    assert [item.id for item in PipelineDraft.list(ws, tags={"team": "vision"})] == [draft.id]
    assert PipelineDraft.list(ws, tags={"team": "sound"}) == []
    run = draft.submit_run()
    assert (run.parameters, run.experiment.name, draft.last_submitted_pipeline_run_id) == ({"pipeline_arg": 7}, "nights", run.id)
    draft.update(pipeline=pipeline(ws, "b"), name="tried", pipeline_parameters={"pipeline_arg": 8})
    made = draft.publish()
    assert (made.name, made.get_step_names()) == ("tried", ["b"])
    assert record_of(ws, made.submit(ws, "nights")).parameters == {"pipeline_arg": 8}
    draft.delete()
    with pytest.raises(UserErrorException, match=f"no pipeline draft of the workspace has the id '{draft.id}'"):
        PipelineDraft.get(ws, draft.id)
    with pytest.raises(UserErrorException, match="no pipeline draft"):
        draft.submit_run()


def test_a_draft_is_made_of_a_published_pipeline_and_of_a_run(ws: Workspace, published: PublishedPipeline) -> None:
    assert PipelineDraft.create(ws, published).parent_pipeline_id == published.id
    run = published.submit(ws, "nights")
    draft = PipelineDraft.create(ws, run)
    assert (draft.parent_pipeline_run_id, draft.name, draft.description) == (run.id, "Pipeline draft", None)
    with pytest.raises(UserErrorException, match="pipeline must be a Pipeline, a PublishedPipeline or a PipelineRun, not 'score'"):
        PipelineDraft.create(ws, "score")
