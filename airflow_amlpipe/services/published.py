"""What is published, may it be run, and how is it run?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.collect import parameters_from_text
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.workspace.published import PublishedPipeline, PublishedStatus
from airflow_amlpipe.workspace.records import EndpointVersion

__all__ = ["get_published", "list_published", "published_spec", "set_published_status", "submit_published", "values_as_sent"]

_SHORTEST_PREFIX = 4


def list_published(workspace: str, *, home: Path, active_only: bool = True) -> list[PublishedPipeline]:
    """Return the published pipelines, the newest first."""
    found = open_workspace(workspace, home=home).published.all()
    return [item for item in found if item.status == "Active" or not active_only]


def get_published(workspace: str, text: str, *, home: Path, may_shorten: bool = False) -> PublishedPipeline:
    """Return the published pipeline with an id, or, for people who type, with an id that begins so.

    :raises UnknownNameError: there is none, or several begin so
    """
    registry = open_workspace(workspace, home=home).published
    if may_shorten and len(text) >= _SHORTEST_PREFIX and registry.find(text) is None:
        found = [item for item in registry.all() if item.id.startswith(text)]
        if len(found) > 1:
            ids = shorten(", ".join(item.id for item in found[:5]), 300)
            raise UnknownNameError(f"{len(found)} published pipelines begin with {text!r}: {ids}; give more of the id")
        if found:
            return found[0]
    return registry.get(text)


def set_published_status(workspace: str, pipeline_id: str, status: PublishedStatus, *, home: Path) -> PublishedPipeline:
    """Enable (``Active``) or disable (``Disabled``) a published pipeline, and return it as it stands then."""
    return open_workspace(workspace, home=home).published.set_status(pipeline_id, status)


def published_spec(workspace: str, pipeline_id: str, *, home: Path) -> PipelineSpec:
    """Return the specification of a published pipeline, whose steps name their frozen sources."""
    opened = open_workspace(workspace, home=home)
    return opened.get_spec(opened.published.get(pipeline_id).spec)


def submit_published(
    workspace: str,
    pipeline_id: str,
    experiment: str,
    *,
    home: Path,
    parameters: Mapping[str, object] | None = None,
    policy: str = "auto",
    tags: Mapping[str, str] | None = None,
    continue_on_step_failure: bool | None = None,
    parent_run_id: str | None = None,
    endpoint: EndpointVersion | None = None,
) -> str:
    """Run a published pipeline and return the id of the run, at once.

    :param parameters: values for some of the parameters, each as text would give it; the others have the defaults of when it was published
    :param continue_on_step_failure: ``None`` as it was published
    :param endpoint: what it was reached through, which the run records
    :raises UnknownNameError: there is no such published pipeline, or it has no such parameter
    :raises DefinitionError: it is disabled, or a value is none of its parameter
    """
    opened = open_workspace(workspace, home=home)
    pipeline = opened.published.get(pipeline_id)
    if pipeline.status != "Active":
        raise DefinitionError(
            f"published pipeline {shorten(repr(pipeline.name))} ({pipeline.id}) is disabled and cannot be run; enable it first: "
            f"PublishedPipeline.get(workspace, id).enable(), or `amlpipe pipelines enable {pipeline.id}`"
        )
    spec = opened.get_spec(pipeline.spec)
    return submit_pipeline(
        spec,
        workspace=workspace,
        experiment=experiment,
        parameters=values_as_sent(spec, parameters or {}),
        policy=policy,
        tags=tags,
        source_base=None,
        home=home,
        continue_on_step_failure=bool(pipeline.continue_on_step_failure if continue_on_step_failure is None else continue_on_step_failure),
        description=pipeline.description,
        parent_run_id=parent_run_id,
        published=pipeline.id,
        endpoint=endpoint,
        source=pipeline.source,
    )


def values_as_sent(spec: PipelineSpec, given: Mapping[str, object]) -> dict[str, object]:
    """Return values for a published pipeline's parameters.

    SDK v1 compared no types here: it sent ``str(value)``. So ``"5"`` is a value of a parameter whose default is ``1``, and ``3`` one of ``"a"``.
    What is no text of the parameter's type is refused, where SDK v1 let the script find out.

    :raises UnknownNameError: the pipeline has no such parameter
    :raises DefinitionError: a value that SDK v1 refused too (``None``, a list), or a text that is no value of the parameter's type
    """
    texts: dict[str, str] = {}
    others: dict[str, object] = {}
    declared = {parameter.name: parameter for parameter in spec.parameters}
    for name, value in given.items():
        if value is None or isinstance(value, list | tuple | dict | set | bytes):
            raise DefinitionError(
                f"Invalid parameter type {type(value)}: parameter {shorten(repr(name))} of {shorten(repr(spec.name))} was given "
                f"{shorten(repr(value))}; give a str, int, float, bool, DataPath or dataset"
            )
        if isinstance(value, str | int | float):
            texts[name] = str(declared[name].whole_or_truth(value) if name in declared else value)
        else:
            others[name] = value
    return {**parameters_from_text(spec, texts), **others}
