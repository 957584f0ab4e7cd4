"""How does a pipeline become a run? It is bound, frozen, written down, planned, and handed to an engine of its own if anything has to run.

Like SDK v1's ``submit`` this returns at once; ``follow.py`` watches. A run whose plan says that every step is reused is recorded and
finished here: no engine starts, and Airflow is not imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from airflow_amlpipe.compute.processes import host_name
from airflow_amlpipe.exceptions import ReuseRequiredError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.services.collect import CollectedPipeline, active_collector
from airflow_amlpipe.services.engine_process import StartedEngine, recording
from airflow_amlpipe.services.plan import PipelinePlan, plan_steps
from airflow_amlpipe.services.sources import FrozenSources, freeze_sources, stored_sources
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.names import check_display_name
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.git_state import git_state
from airflow_amlpipe.workspace.ids import new_run_id, now_text
from airflow_amlpipe.workspace.package_logins import PackageLogins
from airflow_amlpipe.workspace.records import EndpointVersion, RunRecord
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["SubmittedRun", "git_states", "submit_pipeline", "submitted_runs"]


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """A run that this process submitted."""

    run_id: str
    workspace: str
    experiment: str


_submitted: list[SubmittedRun] = []


def submitted_runs() -> tuple[SubmittedRun, ...]:
    """Return the runs that this process has submitted, oldest first."""
    return tuple(_submitted)


def submit_pipeline(
    spec: PipelineSpec,
    *,
    workspace: str,
    experiment: str,
    parameters: Mapping[str, object] | None = None,
    policy: str = "auto",
    tags: Mapping[str, str] | None = None,
    source_base: Path | None,
    home: Path,
    continue_on_step_failure: bool = False,
    description: str | None = None,
    dag_id: str | None = None,
    parent_run_id: str | None = None,
    published: str | None = None,
    endpoint: EndpointVersion | None = None,
    source: Mapping[str, dict[str, Any]] | None = None,
    kind: Literal["pipeline", "script"] = "pipeline",
) -> str:
    """Submit ``spec`` and return the id of its run.

    Everything that can be known to be wrong is found before anything is recorded. What is recorded comes in an order that leaves nothing
    half-done: frozen sources, specification, run, then either all steps as reused or an engine that carries the run out.

    :param workspace: root of the workspace
    :param policy: as :class:`ReusePolicy` reads it
    :param source_base: what relative source folders are relative to; ``None`` if the steps' sources were frozen and stored before
    :param home: folder of this machine for engines, environments and memos
    :param dag_id: id of the DAG that carries the run out; made from the pipeline's name and digest by default
    :param published: id of the published pipeline that is run, if one is
    :param endpoint: what it was reached through, if it was
    :param source: git state by source folder where ``source_base`` is ``None``
    :raises UnknownNameError: a parameter that the pipeline does not declare, or a policy that names no step of it
    :raises DefinitionError: a parameter of the wrong type, a missing source folder or script, or data that is not there
    :raises ReuseRequiredError: the policy is ``require`` and a step would have to run
    :raises BackendUnavailableError: a step has to run and this interpreter has no Airflow
    """
    home = home.absolute()
    parameters, policy = _as_the_command_wants(spec, workspace, experiment, source_base, parameters or {}, policy)
    opened = open_workspace(workspace, home=home)
    check_display_name("experiment", experiment)
    bound = spec.bind_parameters(dict(parameters))
    chosen = ReusePolicy.parse(policy)
    chosen.check_step([step.id for step in spec.steps])
    settings = Settings.load()
    frozen = (
        stored_sources(spec)
        if source_base is None
        else freeze_sources(opened, spec, source_base, limit_bytes=settings.source_limit_bytes, limit_files=settings.source_limit_files)
    )
    run_id = new_run_id()
    with _Engine(run_id, workspace=workspace, home=home, allowed=chosen.mode != "require") as engine:
        plan = plan_steps(opened, frozen.spec, parameters=bound, policy=chosen, on_first_run=engine.start)
        _enforce(plan, chosen)
        PackageLogins(home).keep(step.environment for step in spec.steps)
        frozen.store(opened)
        crash_point("submission-frozen")
        digest = opened.put_spec(frozen.spec)
        crash_point("submission-specified")
        record = RunRecord(
            run_id=run_id,
            pipeline=spec.name,
            experiment=experiment,
            created_at=now_text(),
            spec=digest,
            step_ids=tuple(step.step_id for step in plan.steps),
            step_names={step.step_id: step.name for step in plan.steps},
            parameters=bound,
            policy=str(chosen),
            tags=dict(tags or {}),
            description=description if description is not None else spec.description,
            parent_run_id=parent_run_id,
            source=git_states(frozen) if source is None else dict(source),
            airflow=None if dag_id is None else {"dag_id": dag_id},
            host=host_name(),
            continue_on_step_failure=continue_on_step_failure,
            published=published,
            endpoint=endpoint,
            kind=kind,
        )
        submitted = SubmittedRun(run_id, workspace, experiment)
        if plan.is_all_reused:
            with recording(home, run_id, workspace):
                opened.runs.create(record)
                crash_point("submission-recorded")
                _submitted.append(submitted)
                _finish_reused(opened, record, plan)
        else:
            opened.runs.create(record)
            _submitted.append(submitted)
            engine.go()
    return run_id


class _Engine:
    """Starts the engine as soon as one step is known to run, and dismisses it if the submission fails after that."""

    def __init__(self, run_id: str, *, workspace: str, home: Path, allowed: bool) -> None:
        self._run_id, self._workspace, self._home, self._allowed = run_id, workspace, home, allowed
        self._started: StartedEngine | None = None

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        if self._allowed:
            self._started = StartedEngine.start(self._run_id, workspace=self._workspace, home=self._home)

    def go(self) -> None:
        if self._started is not None:
            self._started.go()
            self._started = None

    def __exit__(self, *_: object) -> None:
        if self._started is not None:
            self._started.dismiss()


def _as_the_command_wants(
    spec: PipelineSpec, workspace: str, experiment: str, source_base: Path | None, parameters: Mapping[str, object], policy: str
) -> tuple[Mapping[str, object], str]:
    """Apply what ``amlpipe run`` or ``amlpipe plan`` was told, if the submitting script runs for one of them."""
    collector = active_collector()
    if collector is None:
        return parameters, policy
    changed = collector.submitting(CollectedPipeline(spec, workspace, experiment, source_base, parameters=parameters, policy=policy))
    return changed.parameters, changed.policy


def _enforce(plan: PipelinePlan, policy: ReusePolicy) -> None:
    if policy.mode == "require" and not plan.is_all_reused:
        # The reasons are written for what has happened; here nothing has.
        steps = "; ".join(
            f"step {shorten(repr(step.name))} would have to run: {step.explanation.removeprefix('ran: ')}"
            for step in plan.steps
            if step.answer == "run"
        )
        raise ReuseRequiredError(
            f"pipeline {plan.pipeline!r} was not submitted, because the reuse policy 'require' allows no step to run: {shorten(steps, 2000)}"
        )


def _finish_reused(workspace: WorkspaceStore, record: RunRecord, plan: PipelinePlan) -> None:
    try:
        for step in plan.steps:
            assessment = step.assessment
            if assessment is not None and assessment.decision.result is not None:
                step_run = StepRun(workspace, record.pipeline, record.run_id, assessment.step, try_number=1, airflow=record.airflow)
                step_run.start()
                step_run.finish_reused(assessment, assessment.decision.result)
                crash_point("submission-step-reused")
    except BaseException as error:
        # No engine knows of this run, so nobody else would say that it has ended.
        workspace.runs.finish(record.run_id, "Failed", f"reused results could not be handed on: {shorten(str(error), 1000)}; submit again")
        raise
    workspace.runs.finish(record.run_id, "Finished")


def git_states(frozen: FrozenSources) -> dict[str, dict[str, Any]]:
    """Return the git state of every source folder that is in a repository, by the folder as the author wrote it."""
    states: dict[str, dict[str, Any]] = {}
    if frozen.base is None:
        return states
    known: dict[str, dict[str, object] | None] = {}
    for directory in frozen.snapshots:
        folder = os.path.realpath(frozen.base / directory)
        if folder not in known:
            known[folder] = git_state(Path(folder))
        state = known[folder]
        if state is not None:
            states[directory] = state
    return states
