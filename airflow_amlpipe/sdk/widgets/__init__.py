"""What does `azureml.widgets` offer? A view of how far a run is."""

from __future__ import annotations

from airflow_amlpipe.sdk.widgets.run_details import RunDetails

__all__ = ["RunDetails"]
