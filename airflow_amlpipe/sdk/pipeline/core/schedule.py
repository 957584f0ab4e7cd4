"""When is a pipeline run by itself? For now: as Airflow's own schedule of a DAG.

``ScheduleRecurrence`` and ``TimeZone`` are here with SDK v1's rules. ``Schedule`` comes later; until then ``Pipeline.to_dag(dag_id, schedule=...)``
makes a DAG that Airflow runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._time_zones import TimeZone

__all__ = ["Schedule", "ScheduleRecurrence", "TimeZone"]

_FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
_OF_DAYS = ("Day", "Week")
_WEEK_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})")
_START_TIME = "%Y-%m-%dT%H:%M:%S"
_LATER = "schedules come later; give the schedule to Pipeline.to_dag(dag_id, schedule=...) in a DAG file, or let cron call `amlpipe pipelines run`"


class ScheduleRecurrence:
    """How often a pipeline is run.

    :param frequency: ``Minute``, ``Hour``, ``Day``, ``Week`` or ``Month``
    :param interval: every how many of them
    :param start_time: a datetime without a time zone, or ``YYYY-MM-DDThh:mm:ss``
    :param time_zone: a TimeZone; UTC where only ``start_time`` is given
    :param hours: of ``Day`` and ``Week``: 0 to 23
    :param minutes: of ``Day`` and ``Week``: 0 to 59
    :param week_days: of ``Week``: names such as ``Monday``
    :param time_of_day: of ``Day`` and ``Week``: ``hh:mm``, in place of ``hours`` and ``minutes``
    :raises UserErrorException: one of them cannot be, or two do not go together
    """

    def __init__(
        self,
        frequency: str,
        interval: int,
        start_time: datetime | str | None = None,
        time_zone: TimeZone | None = None,
        hours: list[int] | None = None,
        minutes: list[int] | None = None,
        week_days: list[str] | None = None,
        time_of_day: str | None = None,
    ) -> None:
        self.frequency = frequency
        self.interval = interval
        self.start_time = start_time
        self.time_zone = TimeZone.UTC if time_zone is None and start_time is not None else time_zone
        self.hours = hours
        self.minutes = minutes
        self.week_days = week_days
        self.time_of_day = time_of_day
        self.validate()
        if time_of_day is not None:
            hour, _, minute = time_of_day.partition(":")
            self.hours, self.minutes = [int(hour)], [int(minute)]

    def validate(self) -> None:
        """:raises UserErrorException: a value cannot be, or two do not go together."""
        _check(
            self.frequency in _FREQUENCIES,
            f"frequency {shorten(repr(self.frequency))} is not known; use one of: {', '.join(_FREQUENCIES)}",
        )
        _check(
            isinstance(self.interval, int) and not isinstance(self.interval, bool) and self.interval >= 1,
            f"interval {shorten(repr(self.interval))} cannot be used; give a whole number of at least 1",
        )
        for name in ("hours", "minutes", "time_of_day"):
            _check(
                getattr(self, name) is None or self.frequency in _OF_DAYS,
                f"{name} goes with the frequencies Day and Week only, not with {self.frequency}",
            )
        _check(
            self.week_days is None or self.frequency == "Week", f"week_days goes with the frequency Week only, not with {self.frequency}"
        )
        _check_list("week_days", self.week_days, _WEEK_DAYS, "full English names such as 'Monday'")
        _check_list("hours", self.hours, range(24), "whole numbers from 0 to 23")
        _check_list("minutes", self.minutes, range(60), "whole numbers from 0 to 59")
        self._check_time_of_day()
        self._check_start()

    def _check_time_of_day(self) -> None:
        if self.time_of_day is None:
            return
        match = _TIME_OF_DAY.fullmatch(self.time_of_day) if isinstance(self.time_of_day, str) else None
        _check(
            match is not None and int(match.group(1)) < 24 and int(match.group(2)) < 60,
            f"time_of_day {shorten(repr(self.time_of_day))} cannot be used; write hh:mm, such as 09:30",
        )
        given = self.hours is not None or self.minutes is not None
        own = match is not None and (self.hours, self.minutes) == ([int(match.group(1))], [int(match.group(2))])
        _check(not given or own, "time_of_day takes the place of hours and minutes; give one or the other")

    def _check_start(self) -> None:
        start = self.start_time
        if isinstance(start, str):
            try:
                datetime.strptime(start, _START_TIME)  # noqa: DTZ007  # the zone is time_zone
            except ValueError as error:
                raise UserErrorException(
                    f"ScheduleRecurrence: start_time {shorten(repr(start))} cannot be used; write YYYY-MM-DDThh:mm:ss without a zone"
                ) from error
        elif start is not None:
            _check(
                isinstance(start, datetime),
                f"start_time {shorten(repr(start))} cannot be used; give a datetime, or text YYYY-MM-DDThh:mm:ss",
            )
            _check(
                start.tzinfo is None,
                "start_time has a time zone of its own; give a datetime without one, and time_zone=TimeZone....",
            )
        _check(
            self.time_zone is None or isinstance(self.time_zone, TimeZone),
            f"time_zone {shorten(repr(self.time_zone))} cannot be used; give a member of azureml.pipeline.core.schedule.TimeZone",
        )

    def __str__(self) -> str:
        every = f"every {self.interval} {self.frequency}s" if self.interval != 1 else f"every {self.frequency}"
        at = f" at {', '.join(self._times())}" if self.hours or self.minutes else ""
        on = f" on {', '.join(self.week_days)}" if self.week_days else ""
        return f"Runs{at}{on} {every}"

    def _times(self) -> list[str]:
        return [f"{hour}:{minute:02d}" for hour in self.hours or [0] for minute in self.minutes or [0]]


class Schedule:
    """Not supported: schedules come later; give the schedule to Pipeline.to_dag(dag_id, schedule=...) in a DAG file."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        refuse("Schedule", _LATER)

    create = absent("Schedule.create", _LATER)
    create_for_pipeline_endpoint = absent("Schedule.create_for_pipeline_endpoint", _LATER)
    get = absent("Schedule.get", _LATER)
    get_all = absent("Schedule.get_all", _LATER)
    get_schedules_for_pipeline_endpoint_id = absent("Schedule.get_schedules_for_pipeline_endpoint_id", _LATER)
    get_schedules_for_pipeline_id = absent("Schedule.get_schedules_for_pipeline_id", _LATER)
    list = absent("Schedule.list", _LATER)
    load_yaml = absent("Schedule.load_yaml", _LATER)


def _check(is_sound: Any, problem: str) -> None:
    if not is_sound:
        raise UserErrorException(f"ScheduleRecurrence: {problem}")


def _check_list(name: str, given: Any, known: Iterable[Any], wanted: str) -> None:
    if given is None:
        return
    values = list(known)
    is_sound = isinstance(given, list) and all(not isinstance(item, bool) and item in values for item in given)
    _check(is_sound, f"{name} {shorten(repr(given))} cannot be used; give a list of {wanted}")
