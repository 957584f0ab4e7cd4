"""What does `azureml.core.compute` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.compute.adla import AdlaCompute
    from airflow_amlpipe.sdk.core.compute.aks import AksCompute
    from airflow_amlpipe.sdk.core.compute.amlcompute import AmlCompute
    from airflow_amlpipe.sdk.core.compute.batch import BatchCompute
    from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget
    from airflow_amlpipe.sdk.core.compute.computeinstance import ComputeInstance
    from airflow_amlpipe.sdk.core.compute.databricks import DatabricksCompute
    from airflow_amlpipe.sdk.core.compute.datafactory import DataFactoryCompute
    from airflow_amlpipe.sdk.core.compute.dsvm import DsvmCompute
    from airflow_amlpipe.sdk.core.compute.hdinsight import HDInsightCompute
    from airflow_amlpipe.sdk.core.compute.kubernetescompute import KubernetesCompute
    from airflow_amlpipe.sdk.core.compute.kusto import KustoCompute
    from airflow_amlpipe.sdk.core.compute.remote import RemoteCompute
    from airflow_amlpipe.sdk.core.compute.synapse import SynapseCompute

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "AmlCompute",
    "BatchCompute",
    "ComputeInstance",
    "ComputeTarget",
    "DataFactoryCompute",
    "DatabricksCompute",
    "DsvmCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "KustoCompute",
    "RemoteCompute",
    "SynapseCompute",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AdlaCompute": "core.compute.adla",
        "AksCompute": "core.compute.aks",
        "AmlCompute": "core.compute.amlcompute",
        "BatchCompute": "core.compute.batch",
        "ComputeInstance": "core.compute.computeinstance",
        "ComputeTarget": "core.compute.compute",
        "DataFactoryCompute": "core.compute.datafactory",
        "DatabricksCompute": "core.compute.databricks",
        "DsvmCompute": "core.compute.dsvm",
        "HDInsightCompute": "core.compute.hdinsight",
        "KubernetesCompute": "core.compute.kubernetescompute",
        "KustoCompute": "core.compute.kusto",
        "RemoteCompute": "core.compute.remote",
        "SynapseCompute": "core.compute.synapse",
    },
)
