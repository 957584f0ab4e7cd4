"""What does `azureml.telemetry` offer? Its switch, which has nothing to switch: airflow-amlpipe tells nobody what it is used for."""

from __future__ import annotations

from typing import Any

__all__ = ["set_diagnostics_collection"]


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: Any = None) -> None:
    """Do nothing: no diagnostics are collected."""
