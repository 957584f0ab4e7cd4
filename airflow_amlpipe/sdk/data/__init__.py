"""What does `azureml.data` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.data_reference import DataReference
    from airflow_amlpipe.sdk.data.datapath import DataPath, DataPathComputeBinding
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
    from airflow_amlpipe.sdk.data.dataset_factory import DataType
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset
    from airflow_amlpipe.sdk.data.output_dataset_config import (
        LinkFileOutputDatasetConfig,
        LinkTabularOutputDatasetConfig,
        OutputFileDatasetConfig,
    )
    from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset

__all__ = [
    "DataPath",
    "DataPathComputeBinding",
    "DataReference",
    "DataType",
    "DatasetConsumptionConfig",
    "FileDataset",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
]

_FILES = "use OutputFileDatasetConfig"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DataPath": "data.datapath",
        "DataPathComputeBinding": "data.datapath",
        "DataReference": "data.data_reference",
        "DataType": "data.dataset_factory",
        "DatasetConsumptionConfig": "data.dataset_consumption_config",
        "FileDataset": "data.file_dataset",
        "LinkFileOutputDatasetConfig": "data.output_dataset_config",
        "LinkTabularOutputDatasetConfig": "data.output_dataset_config",
        "OutputFileDatasetConfig": "data.output_dataset_config",
        "TabularDataset": "data.tabular_dataset",
    },
    {
        "HDFSOutputDatasetConfig": _FILES,
    },
)
