"""Which estimator did SDK v1 have for scikit-learn?"""

from __future__ import annotations

from airflow_amlpipe.sdk.train.estimator import Estimator

__all__ = ["SKLearn"]


class SKLearn(Estimator):
    """A training script with scikit-learn around it; ``framework_version`` says which."""

    _packages = ("scikit-learn",)
