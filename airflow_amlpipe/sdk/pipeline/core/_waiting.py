"""What does a person see while they wait for a run?

The lines are those of SDK v1's ``PipelineRun.wait_for_completion``, because scripts and people look for them: the pipeline's id and status, each step's log between its
status and its summary, and a summary of the whole. Steps that run at the same time are shown one after another.
"""

from __future__ import annotations

import sys
from pprint import pformat
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._run_records import StepRecords, try_seen
from airflow_amlpipe.sdk._workspace_store import home, open_workspace
from airflow_amlpipe.sdk.exceptions import ActivityFailedException, ExperimentExecutionException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun
    from airflow_amlpipe.services.follow import RunEvent

__all__ = ["failure_of", "follow", "wait_for_run", "wait_for_step"]

_LONGEST_WAIT_SECONDS = 10 * 365 * 86400.0


def wait_for_run(run: PipelineRun, *, show_output: bool, timeout_seconds: float, raise_on_error: bool) -> str:
    """Wait for the whole run and return its status."""
    shown = _ShownRun(run) if show_output else None
    if shown is not None:
        _say(
            f"PipelineRunId: {run.id}",
            f"Link to Azure Machine Learning Portal: {run.get_portal_url()}",
            f"PipelineRun Status: {run.get_status()}",
        )
    ended = follow(run, shown.on_event if shown is not None else _ignore, timeout_seconds)
    status = run.get_status()
    if not ended:
        _say(f"Timed out of waiting after {timeout_seconds:g} seconds, PipelineRun Status: {status}. The run goes on.")
        return status
    if shown is not None:
        _say(
            "",
            "",
            "PipelineRun Execution Summary",
            "==============================",
            f"PipelineRun Status: {status}",
            pformat(run.get_details()),
            "",
        )
    if status == "Failed" and raise_on_error:
        raise failure_of(run)
    return status


def wait_for_step(step: StepRun, *, show_output: bool, timeout_seconds: float, raise_on_error: bool) -> str:
    """Wait for one try of one step and return its status."""
    shown = _ShownStep(step)

    def on_event(event: RunEvent) -> None:
        if event.started is None or event.started.step_run_id != step.id:
            return
        if show_output:
            shown.show(event)
        if event.kind == "step_finished":
            raise _Ended

    ended = (step.get_status() != "Running" and not show_output) or follow(step.parent, on_event, timeout_seconds)
    status = step.get_status()
    if not ended:
        _say(f"Timed out of waiting after {timeout_seconds:g} seconds, StepRun( {step.name} ) Status: {status}. The run goes on.")
    elif status == "Failed" and raise_on_error:
        raise failure_of(step.parent)
    return status


class _Ended(Exception):
    """What was waited for has ended."""


def follow(run: PipelineRun, on_event: Any, timeout_seconds: float) -> bool:
    """Follow the run until it ends (``True``) or the time is up (``False``)."""
    from airflow_amlpipe.services.follow import follow_run

    limit = None if timeout_seconds is None or timeout_seconds > _LONGEST_WAIT_SECONDS else float(timeout_seconds)
    try:
        return follow_run(run._workspace._url, run.id, home=home(), on_event=on_event, timeout_seconds=limit) is not None
    except _Ended:
        return True
    except KeyboardInterrupt as interrupt:
        raise ExperimentExecutionException(
            f"Waiting for run {run.id} was interrupted. The run goes on; stop it with run.cancel() or `amlpipe runs cancel {run.id}`"
        ) from interrupt


def _ignore(_event: RunEvent) -> None:
    """Nothing is shown."""


class _ShownStep:
    """Prints the events of one try."""

    def __init__(self, step: StepRun) -> None:
        self._step = step

    def show(self, event: RunEvent) -> None:
        name = self._step.name
        if event.kind == "step_started":
            _say("", "", f"StepRunId: {self._step.id}", f"Link to Azure Machine Learning Portal: {self._step.get_portal_url()}")
            _say(f"StepRun( {name} ) Status: Running")
        elif event.kind == "log_line":
            _say(event.line)
        elif event.kind == "step_finished" and event.finished is not None:
            _say("", f"StepRun({name}) Execution Summary", "=" * (len(name) + 27), f"StepRun( {name} ) Status: {event.finished.status}")
            if event.finished.explanation:
                _say(event.finished.explanation)
            if event.finished.error:
                _say(event.finished.error)
            _say(pformat(self._step.get_details()))


class _ShownRun:
    """Prints the events of a run's steps, one step after another: the others' wait until the one being shown has ended."""

    def __init__(self, run: PipelineRun) -> None:
        self._run = run
        self._waiting: dict[str, list[RunEvent]] = {}
        self._shown: str | None = None

    def on_event(self, event: RunEvent) -> None:
        if event.started is None:
            for step_run_id in list(self._waiting):
                self._show_all(step_run_id)
            return
        step_run_id = event.started.step_run_id
        self._waiting.setdefault(step_run_id, []).append(event)
        if self._shown is None:
            self._shown = step_run_id
        while self._shown is not None and self._show_all(self._shown):
            self._shown = next(iter(self._waiting), None)

    def _show_all(self, step_run_id: str) -> bool:
        """Show what is waiting of one step; ``True`` if it has ended."""
        events = self._waiting.get(step_run_id, [])
        for event in events:
            _ShownStep(self._step_of(event)).show(event)
        ended = any(event.kind == "step_finished" for event in events)
        if ended:
            del self._waiting[step_run_id]
        else:
            events.clear()
        return ended

    def _step_of(self, event: RunEvent) -> StepRun:
        from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun

        started: Any = event.started
        item = try_seen(started, event.finished)
        return StepRun(self._run.experiment, started.step_run_id, self._run.id, started.step_id, _try=item)


def failure_of(run: PipelineRun) -> ActivityFailedException:
    """Return the error that says which step failed, and its last words."""
    finished = open_workspace(run._workspace).runs.finished(run.id)
    failed = [
        item.finished for _, item in StepRecords(run._workspace, run.id) if item.finished is not None and item.finished.status == "Failed"
    ]
    if not failed:
        why = finished.error if finished is not None and finished.error else "no step says why"
        return ActivityFailedException(f"run {run.id} failed: {shorten(why, 2000)}")
    first = failed[0]
    others = f" ({len(failed) - 1} more steps failed)" if len(failed) > 1 else ""
    tail = f"\n{first.log_tail[-2000:]}" if first.log_tail and first.log_tail not in (first.error or "") else ""
    message = f"run {run.id} failed: step {first.step_name!r}: {first.error or 'it says nothing'}{others}; see `amlpipe runs logs {run.id} {first.step_id}`{tail}"
    return ActivityFailedException(message, exit_code=first.exit_code, log_tail=first.log_tail)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
