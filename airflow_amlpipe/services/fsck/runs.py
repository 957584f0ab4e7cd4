"""Are the records of every run and every try whole, and where they belong? (I3)"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.services.fsck.survey import Survey, Unreadable, read_json
from airflow_amlpipe.workspace.ids import time_of_id
from airflow_amlpipe.workspace.layout import run_folder, runs_folder, spec_path, step_folder
from airflow_amlpipe.workspace.records import RunFinished, RunRecord, StepFinished, StepReusing, StepStarted
from airflow_amlpipe.workspace.try_files import Logged

__all__ = ["check_runs"]

_TRY = re.compile(r"(\d{4,})-(.+)")
_LONG = timedelta(days=1)


def check_runs(survey: Survey) -> None:
    """Look at every run."""
    ended: defaultdict[str, list[str]] = defaultdict(list)
    lock = threading.Lock()

    def note_end(step_run_id: str, folder: str) -> None:
        with lock:
            ended[step_run_id].append(folder)

    def look() -> None:
        run_ids = survey.names(runs_folder())
        survey.count("runs", len(run_ids))
        survey.each(lambda run_id: _Run(survey, run_id, note_end).check(), [(run_folder(run_id), run_id) for run_id in run_ids], "runs")

    survey.guarded(runs_folder(), look)
    for step_run_id, folders in sorted(ended.items()):
        if len(folders) > 1:
            survey.report(Check.FINISHED_TWICE, sorted(folders)[1], f"step run {step_run_id} has ended in {min(folders)} too")


class _Run:
    """One run, while it is looked at."""

    def __init__(self, survey: Survey, run_id: str, note_end: Callable[[str, str], None]) -> None:
        self._survey = survey
        self._run_id = run_id
        self._folder = run_folder(run_id)
        self._note_end = note_end
        self._record: RunRecord | None = None

    def check(self) -> None:
        survey, folder = self._survey, self._folder
        names = survey.names(folder)
        if "run.json" not in names:
            if names:
                survey.report(Check.RUN_WITHOUT_RECORD, folder, f"it holds {shorten(', '.join(names))}, and no run.json")
            else:
                survey.report(Check.RUN_RECORD_MISSING, folder, "the folder holds nothing")
        record = survey.record(RunRecord, f"{folder}/run.json", Check.RUN_RECORD_UNREADABLE)
        if record is not None:
            self._check_record(record)
        survey.record(RunFinished, f"{folder}/finished.json", Check.RUN_RECORD_UNREADABLE)
        self._check_json(f"{folder}/cancel.json")
        if "tags" in names:
            for number in survey.log(f"{folder}/tags"):
                self._check_json(f"{folder}/tags/{number:08d}.json")
        if "logged" in names:
            for name in survey.names(f"{folder}/logged"):
                survey.record(Logged, f"{folder}/logged/{name}", Check.RUN_RECORD_UNREADABLE)
        if "steps" in names:
            for step_id in survey.names(f"{folder}/steps"):
                for name in survey.names(step_folder(self._run_id, step_id)):
                    self._check_try(step_id, name)

    def _check_record(self, record: RunRecord) -> None:
        if record.run_id != self._run_id:
            self._survey.report(Check.RECORD_ELSEWHERE, f"{self._folder}/run.json", f"it is the record of run {shorten(record.run_id)}")
            return
        self._record = record
        if record.spec is not None and not self._survey.workspace.store.exists(spec_path(record.spec)):
            self._survey.report(Check.SPEC_GONE, spec_path(record.spec), f"it is not there; run {record.run_id} names it")

    def _check_json(self, path: str) -> None:
        body = self._survey.read(path)
        found = None if body is None else read_json(body)
        if isinstance(found, Unreadable):
            self._survey.report_unreadable(found, path, Check.RUN_RECORD_UNREADABLE)

    def _check_try(self, step_id: str, name: str) -> None:
        survey = self._survey
        folder = f"{step_folder(self._run_id, step_id)}/{name}"
        match = _TRY.fullmatch(name)
        if match is None:
            survey.report(Check.FOREIGN_NAME, folder, f"{shorten(repr(name))} is not called as tries are")
            return
        survey.count("tries")
        names = survey.names(folder)
        if not names:
            survey.report(Check.RUN_RECORD_MISSING, folder, "the folder holds nothing")
            return
        if "started.json" not in names:
            survey.report(Check.TRY_WITHOUT_START, folder, f"it holds {shorten(', '.join(names))}, and no started.json")
        if self._record is not None and self._record.step_ids and step_id not in self._record.step_ids:
            known = ", ".join(self._record.step_ids)
            survey.report(Check.STEP_UNKNOWN, folder, f"the run has no step {shorten(repr(step_id))}; its steps are: {shorten(known)}")
        finished = survey.record(StepFinished, f"{folder}/finished.json", Check.RUN_RECORD_UNREADABLE)
        started = survey.record(StepStarted, f"{folder}/started.json", Check.RUN_RECORD_UNREADABLE)
        survey.record(Logged, f"{folder}/metrics.json", Check.RUN_RECORD_UNREADABLE)
        survey.record(StepReusing, f"{folder}/reusing.json", Check.RUN_RECORD_UNREADABLE)
        for record, file in ((started, "started"), (finished, "finished")):
            if record is None:
                continue
            says = (record.run_id, record.step_id, f"{record.try_number:04d}-{record.step_run_id}")
            if says != (self._run_id, step_id, name):
                shown = f"it is of run {says[0]}, step {says[1]!r}, try {says[2]}"
                survey.report(Check.RECORD_ELSEWHERE, f"{folder}/{file}.json", shorten(shown))
        if "finished.json" in names:
            self._note_end(match.group(2), folder)
        elif started is not None:
            began = time_of_id(match.group(2))
            if began is not None and datetime.now(UTC) - began > _LONG:
                survey.report(Check.TRY_UNFINISHED, folder, f"it began {began:%Y-%m-%d %H:%M} UTC and has no end")
