"""Where did SDK v1 keep the class of a run of AutoML?"""

from __future__ import annotations

from airflow_amlpipe.sdk.train.automl import AutoMLRun

__all__ = ["AutoMLRun"]
