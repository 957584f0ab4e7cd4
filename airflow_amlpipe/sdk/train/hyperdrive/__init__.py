"""What does `azureml.train.hyperdrive` offer? Its names, so that scripts which import them start; a search is not run yet."""

from __future__ import annotations

from enum import Enum

from airflow_amlpipe.sdk._absent import absent_class
from airflow_amlpipe.sdk.train.hyperdrive.parameter_expressions import (
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "EarlyTerminationPolicy",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "HyperParameterSampling",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

_VALUES = "make one PythonScriptStep for each set of values"

BanditPolicy = absent_class("BanditPolicy", _VALUES, __name__)
BayesianParameterSampling = absent_class("BayesianParameterSampling", _VALUES, __name__)
EarlyTerminationPolicy = absent_class("EarlyTerminationPolicy", _VALUES, __name__)
HyperParameterSampling = absent_class("HyperParameterSampling", _VALUES, __name__)
GridParameterSampling = absent_class("GridParameterSampling", _VALUES, __name__)
HyperDriveConfig = absent_class("HyperDriveConfig", _VALUES, __name__)
HyperDriveRunConfig = absent_class("HyperDriveRunConfig", _VALUES, __name__)
HyperDriveRun = absent_class("HyperDriveRun", _VALUES, __name__)
MedianStoppingPolicy = absent_class("MedianStoppingPolicy", _VALUES, __name__)
NoTerminationPolicy = absent_class("NoTerminationPolicy", _VALUES, __name__)
RandomParameterSampling = absent_class("RandomParameterSampling", _VALUES, __name__)
TruncationSelectionPolicy = absent_class("TruncationSelectionPolicy", _VALUES, __name__)


class PrimaryMetricGoal(Enum):
    """Whether the better value of a metric is the larger or the smaller one."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"
