"""What does `azureml.pipeline.steps` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.steps._elsewhere import (
        AdlaStep,
        AutoMLStep,
        AutoMLStepRun,
        AzureBatchStep,
        DatabricksStep,
        HyperDriveStep,
        HyperDriveStepRun,
        KustoStep,
        ParallelRunConfig,
        ParallelRunStep,
        SynapseSparkStep,
    )
    from airflow_amlpipe.sdk.pipeline.steps.command_step import CommandStep
    from airflow_amlpipe.sdk.pipeline.steps.data_transfer_step import DataTransferStep
    from airflow_amlpipe.sdk.pipeline.steps.estimator_step import EstimatorStep
    from airflow_amlpipe.sdk.pipeline.steps.module_step import ModuleStep
    from airflow_amlpipe.sdk.pipeline.steps.mpi_step import MpiStep
    from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep
    from airflow_amlpipe.sdk.pipeline.steps.r_script_step import RScriptStep

__all__ = [
    "AdlaStep",
    "AutoMLStep",
    "AutoMLStepRun",
    "AzureBatchStep",
    "CommandStep",
    "DataTransferStep",
    "DatabricksStep",
    "EstimatorStep",
    "HyperDriveStep",
    "HyperDriveStepRun",
    "KustoStep",
    "ModuleStep",
    "MpiStep",
    "ParallelRunConfig",
    "ParallelRunStep",
    "PythonScriptStep",
    "RScriptStep",
    "SynapseSparkStep",
]

_ELSEWHERE = "pipeline.steps._elsewhere"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AdlaStep": _ELSEWHERE,
        "AutoMLStep": _ELSEWHERE,
        "AutoMLStepRun": _ELSEWHERE,
        "AzureBatchStep": _ELSEWHERE,
        "CommandStep": "pipeline.steps.command_step",
        "DataTransferStep": "pipeline.steps.data_transfer_step",
        "DatabricksStep": _ELSEWHERE,
        "EstimatorStep": "pipeline.steps.estimator_step",
        "HyperDriveStep": _ELSEWHERE,
        "HyperDriveStepRun": _ELSEWHERE,
        "KustoStep": _ELSEWHERE,
        "ModuleStep": "pipeline.steps.module_step",
        "MpiStep": "pipeline.steps.mpi_step",
        "ParallelRunConfig": _ELSEWHERE,
        "ParallelRunStep": _ELSEWHERE,
        "PythonScriptStep": "pipeline.steps.python_script_step",
        "RScriptStep": "pipeline.steps.r_script_step",
        "SynapseSparkStep": _ELSEWHERE,
    },
)
