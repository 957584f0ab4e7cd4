"""What depends on the version of Airflow, and where did Airflow move it?

``airflow.sdk`` is Airflow's promise to DAG authors and providers; whatever we need beyond it is taken from here, so that a move is mended in
one file. What stands here holds for every supported version: 3.3 and later.
"""

from __future__ import annotations

from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRuntimeError
from airflow.sdk.plugins_manager import AirflowPlugin

__all__ = ["TRIGGER_FAIL_REPR", "AirflowException", "AirflowFailException", "AirflowRuntimeError", "AirflowPlugin", "airflow_option"]


def airflow_option(section: str, name: str) -> str:
    """Return an option of Airflow's configuration, ``""`` when it is not set."""
    return conf.get(section, name, fallback=None) or ""
