"""What does `azureml.core` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.runtime.protocol import SDK_VERSION
from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.compute import ComputeTarget
    from airflow_amlpipe.sdk.core.dataset import Dataset
    from airflow_amlpipe.sdk.core.datastore import Datastore
    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.keyvault import Keyvault
    from airflow_amlpipe.sdk.core.model import Model
    from airflow_amlpipe.sdk.core.run import Run, get_run
    from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
    from airflow_amlpipe.sdk.core.script_run import ScriptRun
    from airflow_amlpipe.sdk.core.script_run_config import ScriptRunConfig
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = [
    "VERSION",
    "ComputeTarget",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Keyvault",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Workspace",
    "get_run",
]

# The SDK v1 whose surface this is; scripts print it and compare it with the one they were written for.
VERSION = __version__ = SDK_VERSION

_SERVING = "serve the model outside of airflow-amlpipe"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ComputeTarget": "core.compute.compute",
        "Dataset": "core.dataset",
        "Datastore": "core.datastore",
        "Environment": "core.environment",
        "Experiment": "core.experiment",
        "Keyvault": "core.keyvault",
        "Model": "core.model",
        "Run": "core.run",
        "RunConfiguration": "core.runconfig",
        "ScriptRun": "core.script_run",
        "ScriptRunConfig": "core.script_run_config",
        "Workspace": "core.workspace",
        "get_run": "core.run",
    },
    {
        "ContainerRegistry": "log the compute's Docker in to the registry",
        "Image": _SERVING,
        "LinkedService": "leave it out",
        "SynapseWorkspace": "leave it out",
        "Webservice": _SERVING,
    },
)
