"""What would each step of this pipeline do, before anything runs?

Every step that can be decided now is decided by the one place that the operator asks too. A step that reads what another one has yet to
write cannot: if that other writes the same bytes as before, this one is still reused (early cut-off). No Airflow is imported.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.reuse.decision import Reason, rule_out_reuse
from airflow_amlpipe.reuse.explain import Difference
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.sources import freeze_sources, stored_sources
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, StepOutputSource
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.assessment import Assessment, assess_step
from airflow_amlpipe.workspace.history import StepHistory
from airflow_amlpipe.workspace.parameters import bind_step
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Answer", "PipelinePlan", "StepPlan", "ancestors_of", "plan_pipeline", "plan_steps"]

Answer = Literal["reuse", "run", "depends"]


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The answer for one step.

    :ivar reason: name of a ``Reason``, or ``DEPENDS``
    :ivar explanation: the sentence that people are shown
    :ivar differences: what changed since the nearest earlier run, where the step runs because of a change
    :ivar assessment: what was decided on; ``None`` while the data it reads is not written yet
    """

    step_id: str
    name: str
    answer: Answer
    reason: str
    explanation: str
    differences: tuple[Difference, ...] = ()
    assessment: Assessment | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return {
            "id": self.step_id,
            "name": self.name,
            "answer": self.answer,
            "reason": self.reason,
            "explanation": self.explanation,
            "differences": [difference.sentence for difference in self.differences],
            "key": self.assessment.key if self.assessment else None,
        }


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """The answers for all steps, in order of execution."""

    pipeline: str
    steps: tuple[StepPlan, ...]

    @property
    def is_all_reused(self) -> bool:
        return all(step.answer == "reuse" for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {"pipeline": self.pipeline, "all_reused": self.is_all_reused, "steps": [step.to_json() for step in self.steps]}


def plan_pipeline(
    spec: PipelineSpec,
    *,
    workspace: str,
    home: Path,
    source_base: Path | None,
    parameters: Mapping[str, object] | None = None,
    policy: str = "auto",
) -> PipelinePlan:
    """Return what submitting ``spec`` now would do, with what changed for every step that would run. Nothing is submitted.

    :param workspace: root of the workspace
    :param source_base: what relative source folders are relative to; ``None`` if the steps' sources were frozen and stored before
    :raises DefinitionError: the pipeline, a parameter or the policy cannot be used, or data is not there
    """
    opened = open_workspace(workspace, home=home)
    bound = spec.bind_parameters(dict(parameters or {}))
    settings = Settings.load()
    frozen = (
        stored_sources(spec)
        if source_base is None
        else freeze_sources(opened, spec, source_base, limit_bytes=settings.source_limit_bytes, limit_files=settings.source_limit_files)
    )
    plan = plan_steps(opened, frozen.spec, parameters=bound, policy=ReusePolicy.parse(policy))
    frozen.store_listings(opened)
    history = StepHistory(opened, spec.name)
    return PipelinePlan(plan.pipeline, tuple(_with_differences(history, step) for step in plan.steps))


def plan_steps(
    workspace: WorkspaceStore,
    spec: PipelineSpec,
    *,
    parameters: Mapping[str, ParameterValue],
    policy: ReusePolicy,
    on_first_run: Callable[[], None] | None = None,
) -> PipelinePlan:
    """Answer for every step of ``spec``, whose sources are frozen (each step has its snapshot's digest).

    :param on_first_run: called once, as soon as one step is known not to be reused
    :raises DefinitionError: an input's data is not there
    """
    policy.check_step([step.id for step in spec.steps])
    ancestors = ancestors_of(spec)
    written: dict[str, Mapping[str, StoredOutput]] = {}
    plans: list[StepPlan] = []
    for step in spec.in_order():
        plan = _plan_step(workspace, spec, step, parameters=parameters, policy=policy, ancestors=ancestors[step.id], written=written)
        plans.append(plan)
        if plan.answer == "reuse" and plan.assessment is not None and plan.assessment.decision.result is not None:
            written[step.id] = plan.assessment.decision.result.outputs
        elif on_first_run is not None:
            on_first_run()
            on_first_run = None
    return PipelinePlan(spec.name, tuple(plans))


def ancestors_of(spec: PipelineSpec) -> dict[str, frozenset[str]]:
    """Return, for every step, the ids of all steps it follows from."""
    found: dict[str, frozenset[str]] = {}
    for step in spec.in_order():
        found[step.id] = frozenset(step.upstream).union(*(found[step_id] for step_id in step.upstream))
    return found


def _plan_step(
    workspace: WorkspaceStore,
    spec: PipelineSpec,
    step: StepSpec,
    *,
    parameters: Mapping[str, ParameterValue],
    policy: ReusePolicy,
    ancestors: frozenset[str],
    written: Mapping[str, Mapping[str, StoredOutput]],
) -> StepPlan:
    step = bind_step(workspace, step, parameters)
    unwritten = [item.source.step for item in step.inputs if isinstance(item.source, StepOutputSource) and item.source.step not in written]
    read = {item.source.name for item in step.inputs if isinstance(item.source, DatasetSource) and item.source.version is None}
    unwritten += _unregistered(workspace, spec, read, ancestors=ancestors, written=written)
    if not unwritten:
        assessment = assess_step(
            workspace,
            step,
            snapshot=step.source.snapshot or "",
            parameters=parameters,
            upstream=written,
            policy=policy,
            ancestors=ancestors,
        )
        for warning in filter(None, (item.warning for item in assessment.inputs.values())):
            warnings.warn(f"step {shorten(repr(step.name))}: {warning}", UserWarning, stacklevel=2)
        decision = assessment.decision
        asked = {told.arguments.get("name") for told in decision.result.told if told.is_of_latest_dataset} if decision.result else set()
        unwritten = _unregistered(workspace, spec, asked, ancestors=ancestors, written=written)
        if not unwritten:
            answer: Answer = "reuse" if decision.is_reused else "run"
            return StepPlan(step.id, step.name, answer, decision.reason.name, assessment.sentence, assessment=assessment)
    ruled_out = rule_out_reuse(step, policy=policy, ancestors=ancestors)
    if ruled_out is not None:
        return StepPlan(step.id, step.name, "run", ruled_out.name, ruled_out.value)
    writers = [shorten(repr(spec.step(step_id).name)) for step_id in dict.fromkeys(unwritten)]
    written_by = f"{' and '.join(writers)} write{'' if len(writers) > 1 else 's'}"
    return StepPlan(
        step.id,
        step.name,
        "depends",
        "DEPENDS",
        f"depends on what {written_by}: reused if that is what an earlier run read, run otherwise",
    )


def _unregistered(
    workspace: WorkspaceStore,
    spec: PipelineSpec,
    read: Collection[object],
    *,
    ancestors: frozenset[str],
    written: Mapping[str, Mapping[str, StoredOutput]],
) -> list[str]:
    """Return the earlier steps that will register the latest version of a dataset that a step reads, where it is not that version yet.

    :param read: the names of which the step reads the latest version
    """
    found = []
    for earlier in spec.steps if set(read) - {None} else ():
        for output in earlier.outputs if earlier.id in ancestors else ():
            if output.register_as is not None and output.register_as.name in read:
                latest = workspace.datasets.find(output.register_as.name)
                stored = written.get(earlier.id, {}).get(output.name)
                if stored is None or latest is None or latest.digest != stored.digest:
                    found.append(earlier.id)
    return found


def _with_differences(history: StepHistory, plan: StepPlan) -> StepPlan:
    if plan.reason != Reason.NO_RECORD.name or plan.assessment is None:
        return plan
    compared = history.compare(plan.assessment.key_manifest, step_id=plan.step_id, step_name=plan.name)
    if compared is None:
        return plan
    explanation = plan.explanation
    if compared.other_pipeline:
        explanation += f" (it never ran in this pipeline before; compared with pipeline {shorten(repr(compared.other_pipeline))})"
    return replace(plan, explanation=explanation, differences=compared.differences)
