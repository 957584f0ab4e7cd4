"""How is the end of a step written down, so that nothing half-done is ever taken for done?

The order: outputs to a place unique to the try -> their manifests -> the result (the commit) -> fixed destinations -> registered
datasets -> the finished record. A crash before the commit leaves files that nobody refers to; a crash after it is mended by the
retry, which finds its own result and does the rest again with the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError, StepFailedError
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.result import StepResult, StoredOutput, writer_name
from airflow_amlpipe.reuse.streak import Streak
from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.spec.data import StepOutputSource
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.spec.template import resolve_destination
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.ids import new_run_id, now_text
from airflow_amlpipe.workspace.layout import try_folder
from airflow_amlpipe.workspace.outputs import publish_output, register_output, store_output
from airflow_amlpipe.workspace.progress import Say
from airflow_amlpipe.workspace.records import Origin, OutputRecord, StepFinished, StepReusing, StepStarted, StepStatus
from airflow_amlpipe.workspace.try_files import hand_on_logged
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["StepRun"]


@dataclass
class StepRun:
    """One try of one step, from its first record to its last.

    :ivar step_run_id: unique to this execution, even if Airflow delivers one try twice; what ``{run-id}`` in a destination becomes
    :ivar streak: what alone has made this step run lately, if one thing has
    :ivar source: git state of the code that runs, by source folder; set before the job is launched
    """

    workspace: WorkspaceStore
    pipeline: str
    run_id: str
    step: StepSpec
    try_number: int
    airflow: dict[str, str] | None = None
    step_run_id: str = field(default_factory=new_run_id)
    started_at: str = field(default_factory=now_text)
    source: dict[str, dict[str, Any]] = field(default_factory=dict)
    streak: Streak | None = None
    _began: float = field(default_factory=monotonic)
    _taken: StepResult | None = None

    @property
    def folder(self) -> str:
        """The try's folder in the workspace store."""
        return try_folder(self.run_id, self.step.id, self.try_number, self.step_run_id)

    @property
    def writer(self) -> str:
        """Who registers what its script registers; see ``StepResult.writer``."""
        return writer_name(self.run_id, self.step.id)

    def start(self) -> None:
        """Write down that the try began."""
        self.workspace.runs.start_step(
            StepStarted(
                run_id=self.run_id,
                step_id=self.step.id,
                step_name=self.step.name,
                step_run_id=self.step_run_id,
                try_number=self.try_number,
                started_at=self.started_at,
                airflow=self.airflow,
            )
        )

    def take(self, result: StepResult) -> bool:
        """Announce that this try hands on ``result``, and return whether it still may: nobody has set the result aside by then."""
        if self._taken is not result:
            announced = StepReusing(key=result.key, step_run_id=result.step_run_id, outputs=dict(result.outputs))
            self.workspace.runs.announce_reuse(self.folder, announced)
            if not self.workspace.results.is_trusted(result):
                return False
            self._taken = result
        return True

    def finish_reused(self, assessment: Assessment, result: StepResult) -> StepFinished:
        """Hand on an earlier result as if the step had run now: destinations, datasets, what it told the pipeline's run, and record included.

        First it is announced, then looked at once more: whoever clears results away sets them aside first and looks for announcements then, so
        one of the two sees the other.

        :raises DatastoreUnavailableError: the result was cleared away in this very moment; try again, and the step runs
        """
        if not self.take(result):
            raise DatastoreUnavailableError(
                f"step {self.step.name!r}: the earlier result that was to stand in for it (run {result.run_id}) was cleared away, or found bad, "
                "in this very moment; run again, and the step is computed"
            )
        outputs = self._hand_on(result.outputs, result)
        hand_on_logged(self.workspace, result, self.run_id)
        return self._finish("Finished", assessment, outputs=outputs, reused_from=_origin_of(result))

    def finish_ran(
        self, assessment: Assessment, produced: Mapping[str, Path], *, told: tuple[Told, ...] = (), say: Say | None = None
    ) -> StepFinished:
        """Commit what the script wrote and hand it on.

        If somebody else has stored a result of the same step since this one was decided, that one stands; what this try wrote is handed on in
        its own run all the same. A run that asked to compute again stores a newer one.

        :param produced: local file or folder of each output; it is moved away
        :param told: what its script asked for by itself, and what identifies the answers
        :param say: told of transfers that take long
        :raises CommitUnknownError: nobody can say whether the result was stored; retry, nothing was deleted
        """
        stored = {
            output.name: store_output(self.workspace, self.step, output, produced[output.name], self.step_run_id, say=say)
            for output in self.step.outputs
        }
        result = StepResult(
            key=assessment.key,
            key_manifest=assessment.key_manifest.to_json(),
            outputs=stored,
            pipeline=self.pipeline,
            run_id=self.run_id,
            step_id=self.step.id,
            step_name=self.step.name,
            step_run_id=self.step_run_id,
            folder=self.folder,
            airflow=self.airflow,
            created_at=now_text(),
            duration_seconds=monotonic() - self._began,
            volatile=dict(assessment.volatile),
            told=told,
        )
        crash_point("outputs-stored")
        standing = result
        if self.step.allow_reuse:
            decision = assessment.decision
            after = None if decision.reason is Reason.FORCED else decision.newest_seen
            standing = self.workspace.results.publish(result, after=after)
        crash_point("result-stored")
        lost_race_to = None if standing.step_run_id == self.step_run_id else _origin_of(standing)
        return self._finish("Finished", assessment, outputs=self._hand_on(stored, result), lost_race_to=lost_race_to, exit_code=0)

    def finish_failed(self, error: BaseException, assessment: Assessment | None = None, *, status: StepStatus = "Failed") -> StepFinished:
        """Write down that the try ended badly, with what a person needs to know; also that it began, if that could not be written then."""
        self.start()
        message = str(error) if isinstance(error, AmlPipeError) else f"{type(error).__name__}: {error}"
        exit_code, tail = (error.exit_code, error.log_tail) if isinstance(error, StepFailedError) else (None, "")
        return self._finish(status, assessment, outputs={}, exit_code=exit_code, error=message, log_tail=tail)

    def _hand_on(self, stored: Mapping[str, StoredOutput], result: StepResult) -> dict[str, OutputRecord]:
        records = {}
        for output in self.step.outputs:
            place = stored[output.name]
            published_to = None
            if output.is_published:
                where = f"step {self.step.name!r}: output {output.name!r}"
                published_to = resolve_destination(where, output.destination, run_id=self.step_run_id, output_name=output.name)
                publish_output(self.workspace, output, place, published_to)
                crash_point("destination-filled")
            dataset = register_output(self.workspace, output, place, result, run_id=self.run_id, step_id=self.step.id)
            crash_point("output-handed-on")
            records[output.name] = OutputRecord(
                **place.model_dump(), dataset=dataset, published_to=published_to, pipeline_output=output.pipeline_output
            )
        return records

    def _finish(
        self,
        status: StepStatus,
        assessment: Assessment | None,
        *,
        outputs: dict[str, OutputRecord],
        reused_from: Origin | None = None,
        lost_race_to: Origin | None = None,
        exit_code: int | None = None,
        error: str | None = None,
        log_tail: str = "",
    ) -> StepFinished:
        record = StepFinished(
            run_id=self.run_id,
            step_id=self.step.id,
            step_name=self.step.name,
            step_run_id=self.step_run_id,
            try_number=self.try_number,
            status=status,
            reused=reused_from is not None,
            reason=assessment.decision.reason.name if assessment else None,
            explanation=_explanation(assessment, lost_race_to),
            changed=assessment.decision.changed if assessment else "",
            key=assessment.key if assessment else None,
            key_manifest=assessment.key_manifest.to_json() if assessment else None,
            source=self.source,
            volatile=dict(assessment.volatile) if assessment else {},
            streak=self.streak,
            inputs_from={item.name: item.source.step for item in self.step.inputs if isinstance(item.source, StepOutputSource)},
            outputs=outputs,
            reused_from=reused_from,
            lost_race_to=lost_race_to,
            started_at=self.started_at,
            finished_at=now_text(),
            duration_seconds=round(monotonic() - self._began, 3),
            exit_code=exit_code,
            error=error,
            log_tail=log_tail,
        )
        crash_point("try-ending")
        if not self.workspace.runs.finish_step(record) and status == "Finished":
            return self._finish_beside(record)
        crash_point("try-ended")
        return record

    def _finish_beside(self, record: StepFinished) -> StepFinished:
        """Say that the step ended well where another process has written down another end of the same try: it believed us dead, or we it."""
        known = self.workspace.runs.finished_try(self.folder)
        if known is not None and known.status == "Finished":
            return known
        self.step_run_id = new_run_id()
        self.start()
        record = record.model_copy(update={"step_run_id": self.step_run_id})
        self.workspace.runs.finish_step(record)
        return record


def _explanation(assessment: Assessment | None, lost_race_to: Origin | None) -> str:
    if assessment is None:
        return ""
    sentence = assessment.sentence
    if lost_race_to is None:
        return sentence
    return f"{sentence}; lost-race: run {lost_race_to.run_id} stored a result of the same step first, so this one stays with its own run"


def _origin_of(result: StepResult) -> Origin:
    return Origin(
        pipeline=result.pipeline,
        run_id=result.run_id,
        step_id=result.step_id,
        step_run_id=result.step_run_id,
        folder=result.folder,
        airflow=result.airflow,
    )
