"""Where do scripts import ComputeTargetException from?"""

from __future__ import annotations

from airflow_amlpipe.sdk.core.compute.amlcompute import AmlCompute
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget
from airflow_amlpipe.sdk.exceptions import ComputeTargetException

__all__ = ["AmlCompute", "ComputeTarget", "ComputeTargetException"]
