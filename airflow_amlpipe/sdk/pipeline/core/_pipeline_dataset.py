"""How is a dataset described that a step reads through a port?"""

from __future__ import annotations

import re
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["PipelineDataset"]


class PipelineDataset:
    """A dataset with the name under which a step reads it; SDK v1's own wrapper, which scripts met as ``bind_object`` of a port.

    :param parameter_name: name of a pipeline parameter whose default the dataset is
    """

    def __init__(
        self,
        dataset: Any = None,
        name: str | None = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
        parameter_name: str | None = None,
    ) -> None:
        PipelineDataset.validate_dataset(dataset)
        config = dataset if isinstance(dataset, DatasetConsumptionConfig) else None
        self.dataset = dataset if config is None else config.dataset
        self.name = check_binding_name("PipelineDataset", name or PipelineDataset.default_name(dataset))
        self.bind_mode = bind_mode if config is None else config.mode
        self.path_on_compute = None if path_on_compute is None else check_text("PipelineDataset: path_on_compute", path_on_compute)
        self.overwrite = overwrite
        self.parameter_name = parameter_name

    @staticmethod
    def create(dataset: Any, name: str | None = None, parameter_name: str | None = None) -> PipelineDataset:
        """Return a dataset, or what a step is given of one, as it is read through a port."""
        return PipelineDataset(dataset, name, parameter_name=parameter_name)

    @staticmethod
    def default_name(dataset: Any) -> str:
        """Return the name of a dataset that was given none: its own, else ``dataset``."""
        found = re.sub(r"\W", "_", str(getattr(dataset, "name", None) or "dataset"), flags=re.ASCII)
        return f"_{found}" if found[0].isdigit() else found

    @staticmethod
    def is_dataset(dset: Any) -> bool:
        """Whether ``dset`` is a dataset, what a step is given of one, or an output that becomes one."""
        return isinstance(dset, (AbstractDataset, DatasetConsumptionConfig, OutputDatasetConfig))

    @staticmethod
    def validate_dataset(dset: Any) -> None:
        """:raises UserErrorException: ``dset`` is none of what :meth:`is_dataset` says."""
        if not PipelineDataset.is_dataset(dset):
            raise UserErrorException(f"PipelineDataset: {shorten(repr(dset))} of type {type(dset).__name__} is no dataset")

    @property
    def dataset_id(self) -> str | None:
        return getattr(self.dataset, "id", None)

    @property
    def saved_dataset_id(self) -> str | None:
        return self.dataset_id

    @property
    def dataset_version(self) -> int | None:
        return getattr(self.dataset, "version", None)

    @property
    def workspace(self) -> Any:
        return getattr(self.dataset, "_workspace", None)

    def _as_input_source(self) -> Any:
        if isinstance(self.dataset, OutputDatasetConfig):
            return self.dataset._origin
        if self.parameter_name is not None and isinstance(self.dataset, AbstractDataset):
            return PipelineParameter(self.parameter_name, self.dataset)
        return self.dataset

    def __repr__(self) -> str:
        return f"PipelineDataset({self.name!r}, {self.dataset!r})"
