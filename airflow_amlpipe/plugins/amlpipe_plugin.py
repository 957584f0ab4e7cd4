"""What does airflow-amlpipe add to Airflow besides operators and connections?

Registration only: every Airflow process imports this file when it starts, so it imports nothing else of ours that costs time, reads nothing
and starts nothing.
"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.operators.links import ProducedByLink
from airflow_amlpipe.version_compat import AirflowPlugin

__all__ = ["AmlPipePlugin"]


class AmlPipePlugin(AirflowPlugin):
    """The plugin ``amlpipe``, found through the entry point ``airflow.plugins``."""

    name = "amlpipe"
    operator_extra_links: list[Any] = [ProducedByLink()]  # noqa: RUF012  # Airflow declares it without ClassVar
