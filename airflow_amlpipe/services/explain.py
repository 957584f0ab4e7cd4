"""Why was this step of that run reused, or not? The answer with its root cause, through the steps before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.step import KeyManifest
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.explain import Difference
from airflow_amlpipe.reuse.volatile import volatile_changes
from airflow_amlpipe.services.runs import find_step
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.workspace.asked import AskedThing, read_asked
from airflow_amlpipe.workspace.history import Comparison, StepHistory, key_manifest_of
from airflow_amlpipe.workspace.records import RunRecord, StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["StepExplanation", "explain_run", "explain_step"]


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """Why a step did what it did.

    :ivar sentence: the reason that was recorded when it was decided
    :ivar compared_with: run id of the nearest earlier try of the step; ``None`` when there is none
    :ivar compared_pipeline: the pipeline of that run, where only runs of other pipelines have such a step
    :ivar differences: what is different from that try, in the order of the key's components
    :ivar volatile: what differs in volatile values, which are no cause: from that try, or from the one that computed a reused result
    :ivar warning: that one thing alone keeps making the step run, and what to do
    :ivar asked: what the script asked of its host when it ran, and changed there; none of it is in the key, and what has an identity
        (``told``) is asked again before the result is reused
    :ivar causes: the explanations of the steps whose changed output is among the differences
    """

    run_id: str
    step_id: str
    step_name: str
    status: str
    reused: bool
    reason: str
    sentence: str
    key: str | None
    produced_by_run: str | None = None
    compared_with: str | None = None
    compared_pipeline: str | None = None
    differences: tuple[Difference, ...] = ()
    causes: tuple[StepExplanation, ...] = ()
    volatile: tuple[str, ...] = ()
    warning: str | None = None
    asked: tuple[AskedThing, ...] = ()

    @property
    def root_causes(self) -> tuple[str, ...]:
        """What started it, in one sentence each: changes that are not themselves the effect of an earlier step's change."""
        upstream = [cause for explanation in self.causes for cause in explanation.root_causes]
        caused = (
            {difference.where.partition("/")[0] for difference in self.differences if difference.component == "inputs"}
            if self.causes
            else set()
        )
        since = f" since it ran in pipeline {shorten(repr(self.compared_pipeline))}" if self.compared_pipeline else ""
        own = [
            f"step {self.step_name!r}: {difference.sentence}{since}"
            for difference in self.differences
            if not (difference.component == "inputs" and difference.where.partition("/")[0] in caused)
        ]
        if not own and not upstream and not self.reused:
            own = [f"step {self.step_name!r} {self.sentence}"]
        return tuple(dict.fromkeys([*own, *upstream]))

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        return {
            "run_id": self.run_id,
            "step": self.step_id,
            "name": self.step_name,
            "status": self.status,
            "reused": self.reused,
            "reason": self.reason,
            "explanation": self.sentence,
            "key": self.key,
            "produced_by_run": self.produced_by_run,
            "compared_with": self.compared_with,
            "compared_pipeline": self.compared_pipeline,
            "differences": [
                {
                    "component": item.component,
                    "where": item.where,
                    "change": item.change,
                    "before": item.before,
                    "after": item.after,
                    "sentence": item.sentence,
                }
                for item in self.differences
            ],
            "volatile_differences": list(self.volatile),
            "warning": self.warning,
            "asked": [thing.model_dump(mode="json") for thing in self.asked],
            "causes": [cause.to_json() for cause in self.causes],
            "root_causes": list(self.root_causes),
        }


def explain_step(workspace: str, run_id: str, step: str, *, home: Path) -> StepExplanation:
    """Explain what was decided for ``step`` (its id or name) in run ``run_id``.

    :raises UnknownNameError: the workspace has no such run, or the run no such step
    """
    opened = open_workspace(workspace, home=home)
    record = opened.runs.get(run_id)
    return _Explainer(opened, record).explain(find_step(record, step))


def explain_run(workspace: str, run_id: str, *, home: Path) -> dict[str, StepExplanation]:
    """Explain every step of a run, by step id, in order of execution; what several go back to is looked up once.

    :raises UnknownNameError: the workspace has no such run
    """
    opened = open_workspace(workspace, home=home)
    explainer = _Explainer(opened, opened.runs.get(run_id))
    return {step_id: explainer.explain(step_id) for step_id in opened.runs.get(run_id).step_ids}


class _Explainer:
    """Explains steps of one run; each step once, however many others it caused."""

    def __init__(self, workspace: WorkspaceStore, record: RunRecord) -> None:
        self._workspace = workspace
        self._record = record
        self._history = StepHistory(workspace, record.pipeline, before_run_id=record.run_id)
        self._settings = Settings.load()
        self._known: dict[str, StepExplanation] = {}

    def explain(self, step_id: str) -> StepExplanation:
        if step_id not in self._known:
            self._known[step_id] = self._explain(step_id)
        return self._known[step_id]

    def _explain(self, step_id: str) -> StepExplanation:
        runs, run_id = self._workspace.runs, self._record.run_id
        name = self._record.step_names.get(step_id, step_id)
        tries = runs.tries(run_id, step_id)
        if not tries:
            return StepExplanation(
                run_id, step_id, name, "NotStarted", False, "", "has not started in this run, so nothing was decided", None
            )
        finished = tries[-1].finished
        if finished is None:
            return StepExplanation(
                run_id, step_id, name, "Running", False, "", "is still running; what was decided is recorded when it ends", None
            )
        manifest = key_manifest_of(finished)
        compared = None
        if manifest is not None and not finished.reused:
            compared = self._history.compare(manifest, step_id=step_id, step_name=name)
        return StepExplanation(
            run_id,
            step_id,
            finished.step_name,
            finished.status,
            finished.reused,
            finished.reason or "",
            _sentence(finished, manifest, compared),
            finished.key,
            finished.reused_from.run_id if finished.reused_from else None,
            compared.with_try.run_id if compared else None,
            compared.other_pipeline if compared else None,
            compared.differences if compared else (),
            self._causes(finished, compared.differences if compared else ()),
            self._volatile(finished, compared.with_try if compared else self._origin(finished)),
            finished.streak.sentence(self._settings.changed_streak_warning) if finished.streak else None,
            read_asked(self._workspace, tries[-1].made_in),
        )

    def _origin(self, finished: StepFinished) -> StepFinished | None:
        origin = finished.reused_from
        if origin is None or not finished.volatile:
            return None
        tries = self._workspace.runs.tries(origin.run_id, origin.step_id)
        return next((item.finished for item in tries if item.started.step_run_id == origin.step_run_id), None)

    @staticmethod
    def _volatile(finished: StepFinished, other: StepFinished | None) -> tuple[str, ...]:
        return volatile_changes(other.volatile, finished.volatile) if other is not None else ()

    def _causes(self, finished: StepFinished, differences: tuple[Difference, ...]) -> tuple[StepExplanation, ...]:
        inputs = {difference.where.partition("/")[0] for difference in differences if difference.component == "inputs"}
        upstream = dict.fromkeys(source for name, source in finished.inputs_from.items() if name in inputs)
        # A reused step did not write anything new: what changed is which step or output is read.
        return tuple(cause for cause in map(self.explain, upstream) if not cause.reused)


def _sentence(finished: StepFinished, manifest: KeyManifest | None, compared: Comparison | None) -> str:
    said = finished.explanation or (f"ended before it was decided: {shorten(finished.error or 'no reason was recorded', 500)}")
    if finished.reason != Reason.NO_RECORD.name or manifest is None:
        return said
    if compared is None:
        return f"{said} (it is the first run of this step that is known)"
    other = f" of pipeline {shorten(repr(compared.other_pipeline))}" if compared.other_pipeline else ""
    if not compared.differences:
        return f"{said} (run {compared.with_try.run_id}{other} had the same key, but left no result: it ended {compared.with_try.status})"
    return f"{said} (it never ran in this pipeline before; compared with run {compared.with_try.run_id}{other})" if other else said
