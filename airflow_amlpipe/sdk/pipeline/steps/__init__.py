"""What does `azureml.pipeline.steps` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep

__all__ = ["PythonScriptStep"]

_SCRIPT = "run the work in a PythonScriptStep"
_AZURE = "it needs an Azure service; call that service from the script of a PythonScriptStep"

__getattr__, __dir__ = lazy_names(
    __name__,
    {"PythonScriptStep": "pipeline.steps.python_script_step"},
    {
        "AdlaStep": _AZURE,
        "AutoMLStep": "run the training script in a PythonScriptStep",
        "AutoMLStepRun": "run the training script in a PythonScriptStep",
        "AzureBatchStep": _AZURE,
        "CommandStep": "start the command from the script of a PythonScriptStep",
        "DataTransferStep": "copy the data in the script of a PythonScriptStep",
        "DatabricksStep": _AZURE,
        "EstimatorStep": _SCRIPT,
        "HyperDriveStep": "make one PythonScriptStep for each value",
        "HyperDriveStepRun": "make one PythonScriptStep for each value",
        "KustoStep": _AZURE,
        "ModuleStep": _SCRIPT,
        "MpiStep": _SCRIPT,
        "ParallelRunConfig": _SCRIPT,
        "ParallelRunStep": _SCRIPT,
        "RScriptStep": "start Rscript from the script of a PythonScriptStep",
        "SynapseSparkStep": _AZURE,
    },
)
