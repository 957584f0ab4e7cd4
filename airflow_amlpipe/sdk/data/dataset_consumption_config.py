"""How is a dataset handed to a step?"""

from __future__ import annotations

import copy
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_dataset_binding_name
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["DatasetConsumptionConfig"]

_MODES = ("direct", "mount", "download")


class DatasetConsumptionConfig:
    """An input of a step: its name there, its data, and how the script gets it.

    :param dataset: a dataset, a PipelineParameter whose default is one, an output of another step, or ``(workspace, name[, version])``; version ``"latest"`` is resolved at each run
    :param mode: ``direct`` (the script gets the dataset's id), ``mount`` or ``download`` (a local path)
    :param path_on_compute: where the data is put, for scripts that expect it there
    """

    def __init__(self, name: str, dataset: Any, mode: str = "direct", path_on_compute: str | None = None) -> None:
        self._name: str | None = check_dataset_binding_name("DatasetConsumptionConfig", name)
        self._set(dataset, mode, path_on_compute)

    @classmethod
    def _of(cls, name: str | None, dataset: Any, mode: str, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return an input that may have no name of its own: it gets one from its place in the step."""
        made = cls.__new__(cls)
        made._name = None if name is None else check_dataset_binding_name("as_input", name)
        made._set(dataset, mode, path_on_compute)
        return made

    def _set(self, dataset: Any, mode: str, path_on_compute: str | None) -> None:
        if mode == "hdfs":
            refuse("mode 'hdfs'", "use as_mount() or as_download()")
        if mode not in _MODES:
            raise UserErrorException(f"DatasetConsumptionConfig: mode {shorten(repr(mode))} is not known; use one of: {', '.join(_MODES)}")
        is_tuple = (
            isinstance(dataset, tuple) and len(dataset) in {2, 3} and isinstance(dataset[1], str) and hasattr(dataset[0], "subscription_id")
        )
        data = dataset.default_value if isinstance(dataset, PipelineParameter) else dataset
        if isinstance(data, DataPath):
            raise UserErrorException(
                f"DatasetConsumptionConfig: PipelineParameter {dataset.name!r} is a DataPath; "
                "give the tuple (parameter, DataPathComputeBinding()) to inputs and arguments"
            )
        if not is_tuple and not isinstance(data, (AbstractDataset, OutputDatasetConfig)):
            raise UserErrorException(
                f"DatasetConsumptionConfig: {shorten(repr(dataset))} is no data; "
                "give a dataset, a PipelineParameter whose default is one, an output of another step, or a tuple (workspace, name[, version])"
            )
        if mode != "direct" and getattr(data, "_definition", {}).get("kind") == "tabular":
            raise UserErrorException(
                f"DatasetConsumptionConfig: a table has no files to {mode}; leave the mode out, so that the script gets the dataset: "
                "run.input_datasets[name].to_pandas_dataframe()"
            )
        self.dataset = dataset
        self.mode = mode
        self.path_on_compute = None if path_on_compute is None else check_text("DatasetConsumptionConfig: path_on_compute", path_on_compute)
        self._given_name: str | None = None

    @property
    def name(self) -> str | None:
        """The name it was given, else the one from its place in a step, else ``None``."""
        return self._name or self._given_name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_dataset_binding_name("DatasetConsumptionConfig", name)

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return a copy in mount mode."""
        return self._bound("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return a copy in download mode."""
        return self._bound("download", path_on_compute)

    as_hdfs = absent("DatasetConsumptionConfig.as_hdfs", "use as_mount() or as_download()")

    def _bound(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        copied = copy.copy(self)
        copied._set(self.dataset, mode, path_on_compute)
        return copied

    @property
    def arg_val(self) -> str:
        """The text that stands for its path within an argument or a command: ``f"data={output.arg_val}"``; it has to be in inputs or outputs, too.

        :raises UserErrorException: it has no name yet
        """
        if self.name is None:
            raise UserErrorException("DatasetConsumptionConfig.arg_val: it has no name that could stand in a text; give it one")
        return str(self)

    def __str__(self) -> str:
        return f"DatasetConsumptionConfig:{self.name or 'unnamed'}"
