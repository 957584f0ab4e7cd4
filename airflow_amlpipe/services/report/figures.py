"""What do the records of many runs say, in figures?

A try that had to run counts as ``ran`` however it ended; the hit rate is the part of the decided tries that were reused. What a reused step
saved is what the try took that computed its result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_amlpipe.reuse.explain import Listing
from airflow_amlpipe.services.report.causes import Cause, Causes
from airflow_amlpipe.services.report.reading import ReadRun, ReadRuns, moment_of
from airflow_amlpipe.workspace.records import StepFinished

__all__ = ["Failure", "Figures", "Report", "figures_of"]

_MOST_FAILURES: Final = 50
_MOST_DURATIONS: Final = 40
_MOST_PERIODS: Final = 45


@dataclass
class Figures:
    """Figures of some tries: of all, of a period, or of what has one name.

    :ivar names: what they are of, such as pipeline and step
    :ivar durations: seconds of the newest tries that ran to a good end, oldest first
    """

    names: tuple[str, ...] = ()
    reused: int = 0
    ran: int = 0
    failed: int = 0
    spent_seconds: float = 0.0
    saved_seconds: float = 0.0
    longest_seconds: float = 0.0
    durations: list[float] = field(default_factory=list)

    @property
    def hit_rate(self) -> float | None:
        """Part of the decided tries that were reused, 0 to 1; ``None`` when none was decided."""
        decided = self.reused + self.ran
        return self.reused / decided if decided else None

    @property
    def mean_seconds(self) -> float | None:
        return sum(self.durations) / len(self.durations) if self.durations else None

    def add(self, finished: StepFinished, saved_seconds: float) -> None:
        """Add a try that has ended."""
        if finished.reused:
            self.reused += 1
            self.saved_seconds += saved_seconds
            return
        self.ran += finished.reason is not None
        self.failed += finished.status == "Failed"
        self.spent_seconds += finished.duration_seconds
        self.longest_seconds = max(self.longest_seconds, finished.duration_seconds)
        if finished.status == "Finished":
            self.durations = [*self.durations[1 - _MOST_DURATIONS :], finished.duration_seconds]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "reused": self.reused,
            "ran": self.ran,
            "failed": self.failed,
            "hit_rate": None if self.hit_rate is None else round(self.hit_rate, 4),
            "spent_seconds": round(self.spent_seconds, 3),
            "saved_seconds": round(self.saved_seconds, 3),
            "mean_seconds": None if self.mean_seconds is None else round(self.mean_seconds, 3),
            "longest_seconds": round(self.longest_seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that failed."""

    run_id: str
    pipeline: str
    step: str
    at: str
    error: str


@dataclass(frozen=True)
class Report:
    """Everything that is told of some runs.

    :ivar statuses: how many runs are in each status
    :ivar periods: figures of each hour, day or week, by its beginning, without gaps
    :ivar unreadable: ids of runs that are left out, because this version cannot read them
    """

    workspace: str
    since: datetime | None
    until: datetime
    statuses: dict[str, int]
    total: Figures
    periods: tuple[Figures, ...]
    pipelines: tuple[Figures, ...]
    experiments: tuple[Figures, ...]
    steps: tuple[Figures, ...]
    causes: tuple[Cause, ...]
    failures: tuple[Failure, ...]
    unreadable: tuple[str, ...]

    @property
    def slowest(self) -> tuple[Figures, ...]:
        """The steps that took most time, first the one that took most."""
        return tuple(sorted((step for step in self.steps if step.spent_seconds), key=lambda step: -step.spent_seconds))

    @property
    def components(self) -> dict[str, int]:
        """How often each component of the key made a step run, the most frequent first."""
        found: Counter[str] = Counter()
        for cause in self.causes:
            if cause.component:
                found[cause.component] += cause.count
        return dict(found.most_common())

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "workspace": self.workspace,
            "since": self.since.isoformat(timespec="seconds") if self.since else None,
            "until": self.until.isoformat(timespec="seconds"),
            "runs": {"total": sum(self.statuses.values()), "by_status": self.statuses},
            "steps": self.total.to_json(),
            "periods": [{"from": item.names[0], **item.to_json()} for item in self.periods],
            "by_pipeline": [{"pipeline": item.names[0], **item.to_json()} for item in self.pipelines],
            "by_experiment": [{"experiment": item.names[0], **item.to_json()} for item in self.experiments],
            "by_step": [{"pipeline": item.names[0], "step": item.names[1], **item.to_json()} for item in self.steps],
            "misses_by_component": self.components,
            "misses": [cause.to_json() for cause in self.causes],
            "slowest": [
                {"pipeline": item.names[0], "step": item.names[1], "spent_seconds": round(item.spent_seconds, 3)} for item in self.slowest
            ],
            "failures": [
                {"run_id": item.run_id, "pipeline": item.pipeline, "step": item.step, "at": item.at, "error": item.error}
                for item in self.failures
            ],
            "unreadable_runs": list(self.unreadable),
        }


def figures_of(read: ReadRuns, *, workspace: str, since: datetime | None, until: datetime, listing: Listing) -> Report:
    """Return the report on ``read``.

    :param listing: tells the files of a source snapshot
    """
    total, causes = Figures(), Causes(listing)
    pipelines, experiments, steps = _Table(), _Table(), _Table()
    periods = _Periods(read.runs, until)
    failures: list[Failure] = []
    for run in read.runs:
        record = run.record
        for finished in run.tries:
            saved = read.origins.get(finished.reused_from.step_run_id, 0.0) if finished.reused_from else 0.0
            rows = (
                total,
                periods.row(finished.finished_at),
                pipelines.row(record.pipeline),
                experiments.row(record.experiment),
                steps.row(record.pipeline, finished.step_name),
            )
            for row in rows:
                row.add(finished, saved)
            causes.see(record.pipeline, finished)
            if finished.status == "Failed":
                failures.append(Failure(record.run_id, record.pipeline, finished.step_name, finished.finished_at, finished.error or ""))
    return Report(
        workspace,
        since,
        until,
        dict(Counter(run.status for run in read.runs).most_common()),
        total,
        periods.rows,
        pipelines.rows,
        experiments.rows,
        steps.rows,
        causes.most_frequent(),
        tuple(sorted(failures, key=lambda item: item.at, reverse=True)[:_MOST_FAILURES]),
        read.unreadable,
    )


class _Table:
    """Figures by name, the most used first."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], Figures] = {}

    def row(self, *names: str) -> Figures:
        return self._rows.setdefault(names, Figures(names))

    @property
    def rows(self) -> tuple[Figures, ...]:
        return tuple(sorted(self._rows.values(), key=lambda row: (-(row.reused + row.ran), row.names)))


class _Periods:
    """Figures by time, in hours, days or weeks, whichever makes a plot that can be read."""

    def __init__(self, runs: Iterable[ReadRun], until: datetime) -> None:
        moments = [moment_of(item.finished_at) for run in runs for item in run.tries]
        first, last = min(moments, default=until), max(moments, default=until)
        fitting = (length for length in (timedelta(hours=1), timedelta(days=1)) if (last - first) / length < _MOST_PERIODS)
        self._length = next(fitting, timedelta(days=7 * max(1, round((last - first).days / 7 / _MOST_PERIODS))))
        self._first = first.replace(minute=0, second=0, microsecond=0)
        if self._length >= timedelta(days=1):
            self._first = self._first.replace(hour=0)
        count = int((last - self._first) / self._length) + 1 if moments else 0
        self.rows = tuple(Figures(((self._first + index * self._length).isoformat(timespec="minutes"),)) for index in range(count))

    def row(self, moment: str) -> Figures:
        return self.rows[int((moment_of(moment) - self._first) / self._length)]
