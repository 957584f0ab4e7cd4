"""What does `azureml.core.compute` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.compute.amlcompute import AmlCompute
    from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget

__all__ = ["AmlCompute", "ComputeTarget"]

_LOCAL = "use AmlCompute, or the compute target 'local'"

__getattr__, __dir__ = lazy_names(
    __name__,
    {"AmlCompute": "core.compute.amlcompute", "ComputeTarget": "core.compute.compute"},
    dict.fromkeys(
        (
            "AdlaCompute",
            "AksCompute",
            "BatchCompute",
            "ComputeInstance",
            "DataFactoryCompute",
            "DatabricksCompute",
            "DsvmCompute",
            "HDInsightCompute",
            "KubernetesCompute",
            "KustoCompute",
            "RemoteCompute",
            "SynapseCompute",
        ),
        _LOCAL,
    ),
)
