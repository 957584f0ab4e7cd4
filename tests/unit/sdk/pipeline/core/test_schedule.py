"""Which recurrences can be, and how are they shown?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Workspace
from azureml.pipeline.core import TimeZone as ZoneOfCore
from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence, TimeZone


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"frequency": "Minute", "interval": 15}, "Runs every 15 Minutes"),
        ({"frequency": "Hour", "interval": 1}, "Runs every Hour"),
        ({"frequency": "Day", "interval": 1, "time_of_day": "9:05"}, "Runs at 9:05 every Day"),
        ({"frequency": "Day", "interval": 2, "hours": [6, 18], "minutes": [0, 30]}, "Runs at 6:00, 6:30, 18:00, 18:30 every 2 Days"),
        ({"frequency": "Day", "interval": 1, "hours": [6]}, "Runs at 6:00 every Day"),
        ({"frequency": "Day", "interval": 1, "minutes": [5]}, "Runs at 0:05 every Day"),
        (
            {"frequency": "Week", "interval": 1, "week_days": ["Monday", "Friday"], "time_of_day": "09:30"},
            "Runs at 9:30 on Monday, Friday every Week",
        ),
        ({"frequency": "Month", "interval": 3}, "Runs every 3 Months"),
    ],
)
def test_a_recurrence_is_shown_as_sdk_v1_shows_it(given: dict[str, Any], shown: str) -> None:
    made = ScheduleRecurrence(**given)
    assert str(made) == shown
    made.validate()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frequency": "day"}, "frequency 'day' is not known; use one of: Minute, Hour, Day, Week, Month"),
        ({"frequency": "Year"}, "frequency 'Year'"),
        ({"interval": 0}, "interval 0 cannot be used"),
        ({"interval": 1.5}, "interval 1.5 cannot be used"),
        ({"interval": True}, "interval True cannot be used"),
        ({"frequency": "Hour", "hours": [3]}, "hours goes with the frequencies Day and Week only, not with Hour"),
        ({"frequency": "Minute", "minutes": [3]}, "minutes goes with"),
        ({"frequency": "Month", "time_of_day": "3:30"}, "time_of_day goes with"),
        ({"week_days": ["Monday"]}, "week_days goes with the frequency Week only, not with Day"),
        ({"frequency": "Week", "week_days": ["monday"]}, "week_days .* full English names"),
        ({"frequency": "Week", "week_days": ["Mon"]}, "week_days"),
        ({"frequency": "Week", "week_days": "Monday"}, "week_days 'Monday' cannot be used; give a list"),
        ({"hours": [24]}, "hours .* whole numbers from 0 to 23"),
        ({"hours": 3}, "hours 3 cannot be used; give a list"),
        ({"minutes": [60]}, "minutes .* whole numbers from 0 to 59"),
        ({"minutes": [True]}, "minutes"),
        ({"time_of_day": "25:00"}, "time_of_day '25:00' cannot be used; write hh:mm"),
        ({"time_of_day": "9"}, "time_of_day"),
        ({"time_of_day": 930}, "time_of_day"),
        ({"time_of_day": "9:30", "hours": [3]}, "time_of_day takes the place of hours and minutes"),
        ({"time_of_day": "9:30", "minutes": [3]}, "time_of_day takes the place"),
        ({"start_time": "2020-01-01"}, "start_time '2020-01-01' cannot be used; write YYYY-MM-DDThh:mm:ss"),
        ({"start_time": 3}, "start_time 3 cannot be used"),
        ({"start_time": datetime(2020, 1, 1, tzinfo=UTC)}, "start_time has a time zone of its own"),
        ({"time_zone": "UTC"}, "time_zone 'UTC' cannot be used; give a member of"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"ScheduleRecurrence: {message}"):
        ScheduleRecurrence(**{"frequency": "Day", "interval": 1, **given})


def test_a_time_of_day_is_kept_as_hour_and_minute_and_a_start_without_a_zone_is_in_utc() -> None:
    made = ScheduleRecurrence("Day", 1, time_of_day="09:30")
    assert (made.hours, made.minutes, made.time_zone) == ([9], [30], None)
    assert ScheduleRecurrence("Day", 1, start_time="2020-01-01T00:00:00").time_zone is TimeZone.UTC
    assert ScheduleRecurrence("Day", 1, datetime(2020, 1, 1), TimeZone.RomanceStandardTime).time_zone is TimeZone.RomanceStandardTime  # noqa: DTZ001


def test_time_zones_are_those_of_windows() -> None:
    assert ZoneOfCore is TimeZone
    assert TimeZone("Romance Standard Time") is TimeZone.RomanceStandardTime
    assert len(TimeZone) == 131


def test_a_schedule_says_that_it_comes_later_and_what_to_do(ws: Workspace) -> None:
    recurrence = ScheduleRecurrence("Minute", 15)
    for ask in (
        lambda: Schedule.create(ws, name="s", pipeline_id="x", experiment_name="e", recurrence=recurrence),
        lambda: Schedule.list(ws),
        Schedule,
    ):
        with pytest.raises(
            UnsupportedFeatureError, match=r"schedules come later; give the schedule to Pipeline.to_dag\(dag_id, schedule=...\)"
        ):
            ask()
