"""What has run in this workspace, and how did it go?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeVar

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.spec.json_text import read_note
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import run_folder, runs_folder, step_folder, try_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.records import (
    RunFinished,
    RunRecord,
    RunStatus,
    StepFinished,
    StepReusing,
    StepStarted,
    StepStatus,
    StepTry,
    StepWait,
)

__all__ = ["RunRegistry"]

RecordT = TypeVar("RecordT", bound=SpecModel)
# Inside the class below, ``list`` is the method.
StepTries = list[StepTry]
RunIds = list[str]


class RunRegistry:
    """The runs of one workspace. Every record is written once; a run's status is folded from them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, record: RunRecord) -> bool:
        """Write down that a run exists; ``False`` if somebody (an earlier task of it, for example) already has."""
        return self._store.create_exclusive(f"{run_folder(record.run_id)}/run.json", record_body(record), durable=False)

    def get(self, run_id: str) -> RunRecord:
        """:raises UnknownNameError: the workspace has no such run."""
        record = self._read(RunRecord, f"{run_folder(run_id)}/run.json") if _is_id(run_id) else None
        if record is None:
            raise UnknownNameError(f"run {shorten(repr(run_id))} is not in the workspace; `amlpipe runs list` shows those that are")
        return record

    def ids(self) -> RunIds:
        """Return the ids of all runs, newest first; one listing."""
        return sorted(self._store.list_names(runs_folder()), reverse=True)

    def list(self, *, experiment: str | None = None) -> Iterator[RunRecord]:
        """Yield the runs, of one experiment or of all, newest first; each costs one read."""
        for run_id in self.ids():
            record = self._read(RunRecord, f"{run_folder(run_id)}/run.json")
            if record is not None and experiment in {None, record.experiment}:
                yield record

    def finish(self, run_id: str, status: RunStatus, error: str | None = None) -> bool:
        """Write down how a run ended; ``False`` if that was already known."""
        record = RunFinished(status=status, finished_at=now_text(), error=error)
        return self._store.create_exclusive(f"{run_folder(run_id)}/finished.json", record_body(record), durable=False)

    def finished(self, run_id: str) -> RunFinished | None:
        return self._read(RunFinished, f"{run_folder(run_id)}/finished.json")

    def status(self, run_id: str) -> RunStatus:
        """Return the run's status: as its carrier recorded it, else folded from its steps."""
        end = self.finished(run_id)
        if end is not None:
            return end.status
        record = self.get(run_id)
        if record.kind == "interactive":
            return "Running"  # whoever began it says when it has ended
        last = {step_id: tries[-1].status for step_id, tries in self.steps(run_id).items()}
        if not last:
            return "Canceled" if self.cancel_requested(run_id) else "NotStarted"
        if "Running" in last.values():
            return "Running"
        if record.step_ids and set(last) >= set(record.step_ids) and set(last.values()) == {"Finished"}:
            return "Finished"
        # Under Airflow a failed step may yet be retried or cleared; it counts as failed until that try starts.
        outcomes: tuple[RunStatus, ...] = ("Failed", "Canceled")
        for word in outcomes:
            if word in last.values():
                return word
        return "Running"

    def request_cancel(self, run_id: str, why: str) -> None:
        """Ask for a run to be cancelled; whoever carries it out looks for this. Asking twice is fine."""
        self.get(run_id)
        self._store.create_exclusive(
            f"{run_folder(run_id)}/cancel.json", json.dumps({"why": why, "at": now_text()}).encode(), durable=False
        )

    def cancel_requested(self, run_id: str) -> bool:
        return self._store.exists(f"{run_folder(run_id)}/cancel.json")

    def tags(self, run_id: str) -> dict[str, str]:
        """Return the run's tags: those it was submitted with, and what was set or removed (``null``) since."""
        tags = dict(self.get(run_id).tags)
        for _, body in AppendLog(self._store, f"{run_folder(run_id)}/tags").entries():
            for name, value in read_note(body, f"tags of run {run_id}").items():
                if value is None:
                    tags.pop(name, None)
                else:
                    tags[name] = value
        return tags

    def change_tags(self, run_id: str, changes: dict[str, str | None]) -> None:
        """Set tags, or remove those whose value is ``None``."""
        self.get(run_id)
        AppendLog(self._store, f"{run_folder(run_id)}/tags").append(json.dumps(changes).encode())

    def start_step(self, record: StepStarted) -> str:
        """Write down that a try of a step began and return its folder in the workspace store."""
        folder = try_folder(record.run_id, record.step_id, record.try_number, record.step_run_id)
        self._store.create_exclusive(f"{folder}/started.json", record_body(record), durable=False)
        return folder

    def announce_reuse(self, folder: str, record: StepReusing) -> None:
        """Write down which earlier result the try in ``folder`` is about to hand on, in place of what it announced before."""
        self._store.put(f"{folder}/reusing.json", record_body(record), durable=False)

    def reusing(self, folder: str) -> StepReusing | None:
        """Return what the try in ``folder`` announced to hand on, if it did."""
        return self._read(StepReusing, f"{folder}/reusing.json")

    def finish_step(self, record: StepFinished) -> bool:
        """Write down how a try ended; ``False`` if that was already known."""
        folder = try_folder(record.run_id, record.step_id, record.try_number, record.step_run_id)
        return self._store.create_exclusive(f"{folder}/finished.json", record_body(record), durable=False)

    def finished_try(self, folder: str) -> StepFinished | None:
        """Return how the try in ``folder`` ended; ``None`` if it has not, or its run is not kept any more."""
        return self._read(StepFinished, f"{folder}/finished.json")

    def end_try(self, item: StepTry, status: StepStatus, error: str) -> bool:
        """Write down that a try which began has ended without anybody to say how; ``False`` if that was already known."""
        shared = {field: getattr(item.started, field) for field in _SHARED_FIELDS}
        return self.finish_step(StepFinished(**shared, status=status, finished_at=now_text(), error=error))

    def pause_step(self, folder: str, sentence: str) -> None:
        """Write down that the try in ``folder`` waits for somebody else, and for whom."""
        self._waits(folder).append(record_body(StepWait(sentence=sentence, at=now_text())), durable=False)

    def resume_step(self, folder: str) -> bool:
        """Write down that the try in ``folder`` goes on; ``False`` if it does not wait, or another process has gone on with it."""
        waits = self._waits(folder)
        latest = waits.latest()
        if latest is None or self._parse(StepWait, latest[1], f"{folder}/waits").sentence is None:
            return False
        return waits.append_if(latest[0], record_body(StepWait(sentence=None, at=now_text())), durable=False) is not None

    def steps(self, run_id: str) -> dict[str, StepTries]:
        """Return the tries of every step that has started, oldest first, by step id."""
        names = self._store.list_names(f"{run_folder(run_id)}/steps")
        tries = {step_id: self.tries(run_id, step_id) for step_id in names}
        return {step_id: found for step_id, found in tries.items() if found}

    def tries(self, run_id: str, step_id: str) -> StepTries:
        """Return the tries of one step, oldest first."""
        found = []
        for name in self._store.list_names(step_folder(run_id, step_id)):
            folder = f"{step_folder(run_id, step_id)}/{name}"
            finished = self._read(StepFinished, f"{folder}/finished.json")
            started = self._read(StepStarted, f"{folder}/started.json")
            if started is None and finished is not None:
                started = StepStarted(**{field: getattr(finished, field) for field in _SHARED_FIELDS})
            if started is not None:
                waiting = "" if finished is not None else self._waiting(folder)
                found.append(StepTry(folder=folder, started=started, finished=finished, waiting=waiting))
        return sorted(found, key=lambda item: (item.started.try_number, item.started.step_run_id))

    def output_of(self, run_id: str, step_id: str) -> StepFinished | None:
        """Return the newest try of a step that ended well: what the steps after it read."""
        for item in reversed(self.tries(run_id, step_id)):
            if item.finished is not None and item.finished.status == "Finished":
                return item.finished
        return None

    def _waiting(self, folder: str) -> str:
        latest = self._waits(folder).latest()
        return "" if latest is None else self._parse(StepWait, latest[1], f"{folder}/waits").sentence or ""

    def _waits(self, folder: str) -> AppendLog:
        return AppendLog(self._store, f"{folder}/waits")

    def _read(self, model: type[RecordT], path: str) -> RecordT | None:
        try:
            body = self._store.read(path)
        except FileNotFoundError:
            return None
        return self._parse(model, body, path)

    @staticmethod
    def _parse(model: type[RecordT], body: bytes, path: str) -> RecordT:
        return parse_record(model, body, f"record {path}")


_SHARED_FIELDS = ("run_id", "step_id", "step_name", "step_run_id", "try_number", "started_at")


def _is_id(run_id: str) -> bool:
    return bool(run_id) and run_id.replace("-", "").replace("_", "").isalnum()
