"""Is what we need of Airflow where version_compat.py says it is?"""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_amlpipe import version_compat


def test_the_names_are_airflows_own() -> None:
    assert version_compat.AirflowFailException is AirflowFailException
    assert issubclass(version_compat.AirflowFailException, AirflowException)
    assert version_compat.AirflowPlugin.__name__ == "AirflowPlugin"


def test_an_option_is_read_and_one_that_is_not_set_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    assert version_compat.airflow_option("api", "base_url") == "https://airflow.example"
    assert version_compat.airflow_option("amlpipe", "no_such_option") == ""
