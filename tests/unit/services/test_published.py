"""What is frozen when a pipeline is published, and what does a run of it record?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.services import submit
from airflow_amlpipe.services.collect import CollectedPipeline, Collector, OnlyPlannedError, collecting
from airflow_amlpipe.services.drafts import change_draft, create_draft, publish_draft, submit_draft
from airflow_amlpipe.services.endpoints import (
    add_endpoint_version,
    create_endpoint,
    find_endpoint,
    set_endpoint_default,
    set_endpoint_status,
    submit_endpoint,
)
from airflow_amlpipe.services.plan import plan_pipeline
from airflow_amlpipe.services.publish import publish_pipeline, publish_run
from airflow_amlpipe.services.published import get_published, list_published, set_published_status, submit_published, values_as_sent
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.step import ParameterArgument
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.layout import snapshot_path
from airflow_amlpipe.workspace.published import PublishedPipeline
from airflow_amlpipe.workspace.sources import fetch_source
from tests.builders import OUT, a_pipeline, a_step
from tests.pretend import pretend_run, write_source
from tests.unit.services.test_submit import FakeEngine

TUNED = a_pipeline(
    a_step(arguments=(ParameterArgument(parameter="rate"),), outputs=OUT),
    parameters=(
        ParameterSpec(name="rate", type="number", default=0.5),
        ParameterSpec(name="size", type="integer", default=10),
        ParameterSpec(name="note", type="string", default="a"),
        ParameterSpec(name="fast", type="boolean", default=False),
    ),
)


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    FakeEngine.told = []
    monkeypatch.setattr(submit, "StartedEngine", FakeEngine)
    return FakeEngine.told


def published(workspace: WorkspaceStore, base: Path, spec: Any = TUNED, **options: Any) -> PublishedPipeline:
    write_source(base)
    return publish_pipeline(spec, workspace=workspace.url, source_base=base, home=workspace.home, **options)


def run_of(workspace: WorkspaceStore, pipeline: PublishedPipeline, **options: Any) -> Any:
    run_id = submit_published(workspace.url, pipeline.id, "nights", home=workspace.home, **options)
    return workspace.runs.get(run_id)


def test_what_is_published_is_run_after_its_source_folder_changed_or_went_away(workspace: WorkspaceStore, tmp_path: Path) -> None:
    pipeline = published(workspace, tmp_path)
    write_source(tmp_path, text="print('changed')\n")
    record = run_of(workspace, pipeline)
    (tmp_path / "src/train.py").unlink()
    assert run_of(workspace, pipeline).spec == record.spec == pipeline.spec
    fetch_source(workspace, workspace.get_spec(record.spec).steps[0].source.snapshot or "", tmp_path / "unpacked")
    assert (tmp_path / "unpacked/train.py").read_text() == "print('trained')\n"


def test_a_run_records_which_published_pipeline_it_ran_and_starts_as_any_other(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str]
) -> None:
    record = run_of(workspace, published(workspace, tmp_path, description="every night"), tags={"a": "b"}, parent_run_id="p")
    assert engine == ["start", "go"]
    assert (record.pipeline, record.experiment, record.description) == ("nightly", "nights", "every night")
    assert (record.published, record.endpoint, record.tags, record.parent_run_id) == (
        list_published(workspace.url, home=workspace.home)[0].id,
        None,
        {"a": "b"},
        "p",
    )


def test_a_run_that_is_not_of_a_published_pipeline_has_the_record_it_always_had(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    record = workspace.runs.get(pretend_run(workspace, TUNED, tmp_path))
    assert not {"published", "endpoint"} & set(record.model_dump(mode="json"))


def test_a_published_pipeline_reuses_what_the_pipeline_computed(workspace: WorkspaceStore, tmp_path: Path, engine: list[str]) -> None:
    write_source(tmp_path)
    pretend_run(workspace, TUNED, tmp_path)
    record = run_of(workspace, published(workspace, tmp_path))
    assert engine == []
    assert workspace.runs.status(record.run_id) == "Finished"


@pytest.mark.parametrize(
    ("given", "became"),
    [
        ({"size": "20"}, 20),
        ({"size": True}, 1),
        ({"rate": 1}, 1.0),
        ({"rate": "2.5"}, 2.5),
        ({"note": 3}, "3"),
        ({"note": True}, "True"),
        ({"fast": "True"}, True),
        ({"fast": 1}, True),
    ],
)
def test_values_are_sent_as_text_whatever_their_type(
    workspace: WorkspaceStore, tmp_path: Path, given: dict[str, Any], became: object
) -> None:
    record = run_of(workspace, published(workspace, tmp_path), parameters=given)
    value = record.parameters[next(iter(given))]
    assert (type(value), value) == (type(became), became)


@pytest.mark.parametrize("value", [None, [1], (1,), {"a": 1}, b"x"])
def test_a_value_that_is_no_value_is_refused_in_sdk_v1s_words(value: object) -> None:
    with pytest.raises(DefinitionError, match=r"Invalid parameter type <class '.*'>: parameter 'note' of 'nightly'"):
        values_as_sent(TUNED, {"note": value})


def test_a_text_that_is_no_value_of_the_parameter_and_a_name_it_does_not_have_are_refused() -> None:
    with pytest.raises(DefinitionError, match="parameter 'size' takes a value of type integer"):
        values_as_sent(TUNED, {"size": "many"})
    with pytest.raises(UnknownNameError, match="has no parameter 'sise'; its parameters are: fast, note, rate, size"):
        values_as_sent(TUNED, {"sise": 3})


@pytest.mark.parametrize(
    ("at_publish", "at_submit", "in_force"), [(True, None, True), (True, False, False), (None, True, True), (None, None, False)]
)
def test_what_is_said_at_submit_about_going_on_after_a_failure_goes_before_what_was_published(
    workspace: WorkspaceStore, tmp_path: Path, at_publish: bool | None, at_submit: bool | None, in_force: bool
) -> None:
    pipeline = published(workspace, tmp_path, continue_on_step_failure=at_publish)
    assert run_of(workspace, pipeline, continue_on_step_failure=at_submit).continue_on_step_failure is in_force


def test_a_disabled_one_is_not_listed_and_not_run_until_it_is_enabled(workspace: WorkspaceStore, tmp_path: Path) -> None:
    pipeline = published(workspace, tmp_path)
    set_published_status(workspace.url, pipeline.id, "Disabled", home=workspace.home)
    assert list_published(workspace.url, home=workspace.home) == []
    assert [item.status for item in list_published(workspace.url, home=workspace.home, active_only=False)] == ["Disabled"]
    with pytest.raises(DefinitionError, match=rf"published pipeline 'nightly' \({pipeline.id}\) is disabled and cannot be run; enable it"):
        run_of(workspace, pipeline)
    set_published_status(workspace.url, pipeline.id, "Active", home=workspace.home)
    assert run_of(workspace, pipeline).published == pipeline.id


def test_a_run_is_published_with_its_sources_and_the_pipelines_defaults(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, TUNED, tmp_path, parameters={"rate": 0.9})
    write_source(tmp_path, text="print('changed')\n")
    pipeline = publish_run(workspace.url, run_id, "My Published Pipeline", home=workspace.home, version="1.0")
    spec, ran = workspace.get_spec(pipeline.spec), workspace.get_spec(workspace.runs.get(run_id).spec or "")
    assert (spec.name, spec.steps, pipeline.run_id) == ("My Published Pipeline", ran.steps, run_id)
    assert [parameter.default for parameter in spec.parameters] == [0.5, 10, "a", False]


def test_a_run_whose_sources_are_not_kept_any_more_cannot_be_published(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, TUNED, tmp_path)
    digest = workspace.get_spec(workspace.runs.get(run_id).spec or "").steps[0].source.snapshot or ""
    Path(workspace.store.local_path(snapshot_path(digest)) or "").unlink()
    with pytest.raises(UnknownNameError, match="step 'train': the workspace does not keep its frozen source"):
        publish_run(workspace.url, run_id, "x", home=workspace.home)
    assert workspace.published.all() == []


def test_a_crash_before_the_entry_leaves_no_published_pipeline(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R20"""

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("airflow_amlpipe.workspace.published.PublishedRegistry.add", die)
        with pytest.raises(Killed):
            published(workspace, tmp_path)
    assert list_published(workspace.url, home=workspace.home, active_only=False) == []
    assert published(workspace, tmp_path).status == "Active"


def test_a_run_records_the_version_behind_the_endpoint_that_it_used(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R35"""
    first, second = published(workspace, tmp_path), published(workspace, tmp_path, version="2")
    endpoint = create_endpoint(workspace.url, "score", first.id, home=workspace.home)
    add_endpoint_version(workspace.url, endpoint.id, second.id, home=workspace.home)

    def run(**options: Any) -> tuple[Any, ...]:
        record = workspace.runs.get(submit_endpoint(workspace.url, endpoint.id, "nights", home=workspace.home, **options))
        assert record.endpoint is not None
        return record.published, record.endpoint.name, record.endpoint.version

    assert run() == (first.id, "score", "0")
    set_endpoint_default(workspace.url, endpoint.id, "1", home=workspace.home)
    assert run() == (second.id, "score", "1")
    assert run(version="0") == (first.id, "score", "0")


def test_a_default_that_changes_while_an_endpoint_is_run_gives_one_version_or_the_other_never_a_mixture(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R35"""
    first, second = published(workspace, tmp_path), published(workspace, tmp_path, version="2")
    endpoint = create_endpoint(workspace.url, "score", first.id, home=workspace.home)
    add_endpoint_version(workspace.url, endpoint.id, second.id, home=workspace.home)
    resolve = type(endpoint).pipeline_of

    def resolve_then_change(self: Any, version: str | None = None) -> tuple[str, str]:
        found = resolve(self, version)
        monkeypatch.setattr(type(endpoint), "pipeline_of", resolve)
        set_endpoint_default(workspace.url, endpoint.id, "1", home=workspace.home)
        return found

    monkeypatch.setattr(type(endpoint), "pipeline_of", resolve_then_change)
    record = workspace.runs.get(submit_endpoint(workspace.url, endpoint.id, "nights", home=workspace.home))
    assert record.endpoint is not None
    assert (record.published, record.endpoint.version) == (first.id, "0")
    assert find_endpoint(workspace.url, "score", home=workspace.home).default_version == "1"


def test_a_disabled_endpoint_and_an_unknown_version_are_not_run(workspace: WorkspaceStore, tmp_path: Path) -> None:
    endpoint = create_endpoint(workspace.url, "score", published(workspace, tmp_path).id, home=workspace.home)
    with pytest.raises(UnknownNameError, match="pipeline endpoint 'score' has no version '7'; its versions are texts: '0'"):
        submit_endpoint(workspace.url, endpoint.id, "nights", home=workspace.home, version="7")
    set_endpoint_status(workspace.url, endpoint.id, "Disabled", home=workspace.home)
    with pytest.raises(DefinitionError, match=r"pipeline endpoint 'score' \(.*\) is disabled and cannot be run; enable it first"):
        submit_endpoint(workspace.url, endpoint.id, "nights", home=workspace.home)
    assert workspace.runs.ids() == []


def test_an_endpoint_of_nothing_that_is_published_is_not_made(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError, match="no published pipeline of the workspace has the id 'x'"):
        create_endpoint(workspace.url, "score", "x", home=workspace.home)
    assert workspace.endpoints.all() == []


def test_people_may_type_the_beginning_of_an_id(workspace: WorkspaceStore, tmp_path: Path) -> None:
    pipeline = published(workspace, tmp_path)
    assert get_published(workspace.url, pipeline.id[:8], home=workspace.home, may_shorten=True).id == pipeline.id
    with pytest.raises(UnknownNameError):
        get_published(workspace.url, pipeline.id[:8], home=workspace.home)


def test_a_published_pipeline_is_planned_without_its_source_folder(workspace: WorkspaceStore, tmp_path: Path) -> None:
    pipeline = published(workspace, tmp_path)
    (tmp_path / "src/train.py").unlink()
    with collecting(Collector(only_plan=True, parameter_texts={"rate": "0.7"})) as collector, pytest.raises(OnlyPlannedError):
        run_of(workspace, pipeline)
    found: CollectedPipeline = collector.pipelines[0]
    assert (found.source_base, found.parameters) == (None, {"rate": 0.7})
    plan = plan_pipeline(
        found.spec, workspace=workspace.url, home=workspace.home, source_base=found.source_base, parameters=found.parameters
    )
    assert [(step.name, step.answer) for step in plan.steps] == [("train", "run")]


def test_planning_a_script_that_publishes_publishes_nothing(workspace: WorkspaceStore, tmp_path: Path) -> None:
    with collecting(Collector(only_plan=True)) as collector, pytest.raises(OnlyPlannedError):
        published(workspace, tmp_path)
    assert [pipeline.spec.name for pipeline in collector.pipelines] == ["nightly"]
    assert workspace.published.all() == []
    with collecting(Collector(parameter_texts={"rate": "0.7"})):
        assert workspace.get_spec(published(workspace, tmp_path).spec).parameters[0].default == 0.5


# ---- drafts


def test_a_draft_runs_with_its_values_and_remembers_the_run(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    draft = create_draft(
        workspace.url, "try", home=workspace.home, spec=TUNED, source_base=tmp_path, parameters={"size": "7"}, experiment="nights"
    )
    run_id = submit_draft(workspace.url, draft.id, home=workspace.home)
    assert workspace.runs.get(run_id).parameters["size"] == 7
    assert workspace.drafts.get(draft.id).last_run_id == run_id


def test_a_draft_without_an_experiment_is_not_run(workspace: WorkspaceStore, tmp_path: Path) -> None:
    draft = create_draft(workspace.url, "try", home=workspace.home, published=published(workspace, tmp_path).id)
    with pytest.raises(
        DefinitionError, match=r"pipeline draft 'try' names no experiment; give it one: draft.update\(experiment_name=...\)"
    ):
        submit_draft(workspace.url, draft.id, home=workspace.home)


def test_another_pipeline_in_a_draft_keeps_the_values_it_has_parameters_for(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, TUNED, tmp_path)
    draft = create_draft(workspace.url, "try", home=workspace.home, run_id=run_id, parameters={"size": 7, "note": "b"})
    smaller = TUNED.model_copy(update={"parameters": TUNED.parameters[:2]})
    changed = change_draft(workspace.url, draft.id, home=workspace.home, spec=smaller, source_base=tmp_path)
    assert (changed.parameters, changed.parent_run_id) == ({"size": 7}, None)
    with pytest.raises(UnknownNameError, match="has no parameter 'note'"):
        change_draft(workspace.url, draft.id, home=workspace.home, parameters={"note": "c"})


def test_the_values_of_a_draft_become_the_defaults_of_what_is_published(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    draft = create_draft(workspace.url, "try", home=workspace.home, spec=TUNED, source_base=tmp_path, parameters={"size": 7})
    made = publish_draft(workspace.url, draft.id, home=workspace.home)
    assert made.name == "try"
    assert [parameter.default for parameter in workspace.get_spec(made.spec).parameters] == [0.5, 7, "a", False]
