"""Which steps of SDK v1 cannot be made here, and what does its author do instead?

Scripts may import them, and pass them by; making one says what to use.
"""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent_class

__all__ = [
    "AdlaStep",
    "AutoMLStep",
    "AutoMLStepRun",
    "AzureBatchStep",
    "DatabricksStep",
    "HyperDriveStep",
    "HyperDriveStepRun",
    "KustoStep",
    "ParallelRunConfig",
    "ParallelRunStep",
    "SynapseSparkStep",
]

_AZURE = "it needs an Azure service; call that service from the script of a PythonScriptStep"
_TRAINING = "run the training script in a PythonScriptStep"
_VALUES = "make one PythonScriptStep for each set of values"
_BATCHES = "go through the mini-batches in the script of a PythonScriptStep"

AdlaStep = absent_class("AdlaStep", _AZURE, __name__)
AutoMLStep = absent_class("AutoMLStep", _TRAINING, __name__)
AutoMLStepRun = absent_class("AutoMLStepRun", _TRAINING, __name__)
AzureBatchStep = absent_class("AzureBatchStep", _AZURE, __name__)
DatabricksStep = absent_class("DatabricksStep", _AZURE, __name__)
HyperDriveStep = absent_class("HyperDriveStep", _VALUES, __name__)
HyperDriveStepRun = absent_class("HyperDriveStepRun", _VALUES, __name__)
KustoStep = absent_class("KustoStep", _AZURE, __name__)
ParallelRunConfig = absent_class("ParallelRunConfig", _BATCHES, __name__)
ParallelRunStep = absent_class("ParallelRunStep", _BATCHES, __name__)
SynapseSparkStep = absent_class("SynapseSparkStep", _AZURE, __name__)
