"""What can be done with a pipeline that is being worked on?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.publish import keep_frozen, keep_spec
from airflow_amlpipe.services.published import values_as_sent
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.spec.names import check_display_name
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.workspace.drafts import DraftRecord
from airflow_amlpipe.workspace.published import PublishedPipeline
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["change_draft", "create_draft", "delete_draft", "get_draft", "list_drafts", "publish_draft", "submit_draft"]


def create_draft(
    workspace: str,
    name: str,
    *,
    home: Path,
    spec: PipelineSpec | None = None,
    source_base: Path | None = None,
    published: str | None = None,
    run_id: str | None = None,
    parameters: Mapping[str, object] | None = None,
    **fields: Any,
) -> DraftRecord:
    """Write down a draft of ``spec``, of a published pipeline, or of what a run ran.

    :param fields: ``description``, ``experiment``, ``continue_on_step_failure``, ``tags`` and ``properties``
    :raises DefinitionError: a source folder or script is missing, or a value is none of its parameter
    """
    check_display_name("pipeline draft", name)
    opened = open_workspace(workspace, home=home)
    kept = _kept(opened, spec=spec, source_base=source_base, published=published, run_id=run_id)
    values = _values(opened, kept["spec"], parameters)
    return opened.drafts.add(name=name, parameters=values, **kept, **fields)


def get_draft(workspace: str, draft_id: str, *, home: Path) -> DraftRecord:
    """:raises UnknownNameError: there is no such draft."""
    return open_workspace(workspace, home=home).drafts.get(draft_id)


def list_drafts(workspace: str, *, home: Path) -> list[DraftRecord]:
    """Return the drafts, the newest first."""
    return open_workspace(workspace, home=home).drafts.all()


def change_draft(
    workspace: str,
    draft_id: str,
    *,
    home: Path,
    spec: PipelineSpec | None = None,
    source_base: Path | None = None,
    published: str | None = None,
    run_id: str | None = None,
    parameters: Mapping[str, object] | None = None,
    **fields: Any,
) -> DraftRecord:
    """Change what is given of a draft; another pipeline in it keeps the values that it has parameters for.

    :raises UnknownNameError: there is no such draft
    :raises DefinitionError: as :func:`create_draft`
    """
    opened = open_workspace(workspace, home=home)
    known = opened.drafts.get(draft_id)
    if "name" in fields:
        check_display_name("pipeline draft", fields["name"])
    if spec is not None or published is not None or run_id is not None:
        kept = _kept(opened, spec=spec, source_base=source_base, published=published, run_id=run_id)
        declared = {parameter.name for parameter in opened.get_spec(kept["spec"]).parameters}
        fields = {**kept, "parameters": {name: value for name, value in known.parameters.items() if name in declared}, **fields}
    if parameters is not None:
        fields["parameters"] = _values(opened, fields.get("spec", known.spec), parameters)
    return opened.drafts.change(draft_id, **fields)


def delete_draft(workspace: str, draft_id: str, *, home: Path) -> None:
    """Delete a draft; runs and published pipelines made of it stay.

    :raises UnknownNameError: there is no such draft
    """
    open_workspace(workspace, home=home).drafts.remove(draft_id)


def publish_draft(workspace: str, draft_id: str, *, home: Path) -> PublishedPipeline:
    """Publish what is in a draft, under its name; the draft's values become the defaults of the parameters.

    :raises UnknownNameError: there is no such draft
    """
    opened = open_workspace(workspace, home=home)
    draft = opened.drafts.get(draft_id)
    spec = opened.get_spec(draft.spec)
    bound = spec.bind_parameters(dict(draft.parameters))
    declared = tuple(parameter.model_copy(update={"default": bound[parameter.name]}) for parameter in spec.parameters)
    frozen = spec.model_copy(update={"name": draft.name, "parameters": declared})
    return opened.published.add(
        draft.name,
        spec=keep_frozen(opened, frozen),
        step_names=draft.step_names,
        description=draft.description,
        continue_on_step_failure=draft.continue_on_step_failure,
        source=draft.source,
    )


def submit_draft(workspace: str, draft_id: str, *, home: Path) -> str:
    """Run what is in a draft, in the draft's experiment, and return the id of the run.

    :raises UnknownNameError: there is no such draft
    :raises DefinitionError: it names no experiment
    """
    opened = open_workspace(workspace, home=home)
    draft = opened.drafts.get(draft_id)
    if draft.experiment is None:
        raise DefinitionError(
            f"pipeline draft {shorten(repr(draft.name))} names no experiment; give it one: draft.update(experiment_name=...)"
        )
    run_id = submit_pipeline(
        opened.get_spec(draft.spec),
        workspace=workspace,
        experiment=draft.experiment,
        parameters=draft.parameters,
        tags=draft.tags,
        source_base=None,
        home=home,
        continue_on_step_failure=bool(draft.continue_on_step_failure),
        description=draft.description,
        source=draft.source,
    )
    opened.drafts.change(draft_id, last_run_id=run_id)
    return run_id


def _kept(
    workspace: WorkspaceStore,
    *,
    spec: PipelineSpec | None,
    source_base: Path | None,
    published: str | None,
    run_id: str | None,
) -> dict[str, Any]:
    """Store what a draft is to hold, and return the fields that say so."""
    source: Mapping[str, dict[str, Any]] = {}
    if spec is not None and source_base is not None:
        digest, source = keep_spec(workspace, spec, source_base=source_base)
    elif published is not None:
        pipeline = workspace.published.get(published)
        spec, source = workspace.get_spec(pipeline.spec), pipeline.source
        digest = keep_frozen(workspace, spec)
    else:
        record = workspace.runs.get(run_id or "")
        if record.spec is None:
            raise DefinitionError(
                f"run {shorten(record.run_id)} is one of a DAG file, whose definition is kept there; draft the pipeline itself"
            )
        spec, source = workspace.get_spec(record.spec), record.source
        digest = keep_frozen(workspace, spec)
    return {
        "spec": digest,
        "step_names": {step.id: step.name for step in spec.in_order()},
        "source": dict(source),
        "parent_pipeline_id": published,
        "parent_run_id": run_id,
    }


def _values(workspace: WorkspaceStore, digest: str, given: Mapping[str, object] | None) -> dict[str, Any]:
    spec = workspace.get_spec(digest)
    values = values_as_sent(spec, given or {})
    bound = spec.bind_parameters(values)
    return {name: bound[name] for name in values}
