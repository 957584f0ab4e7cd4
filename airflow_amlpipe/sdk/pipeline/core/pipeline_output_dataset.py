"""How is what a step wrote as PipelineData registered, and read as files or as a table by later steps?"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.output_dataset_config import RegistrationConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._port_bindings import InputPortBinding

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset"]

_READ = "register the dataset and read it with Dataset.get_by_name, or read the files in the script"


class PipelineOutputAbstractDataset:
    """PipelineData seen as a dataset. In ``outputs`` of a step it is the PipelineData itself, in ``inputs`` what was said here."""

    _mode = "mount"

    def __init__(self, pipeline_data: PipelineData) -> None:
        if not hasattr(pipeline_data, "_binding"):
            raise UserErrorException(
                f"{type(self).__name__}: {shorten(repr(pipeline_data))} is no PipelineData; use PipelineData(...).as_dataset()"
            )
        self._pipeline_data = pipeline_data
        self._input_name: str | None = None
        self._path_on_compute: str | None = None

    @property
    def name(self) -> str:
        """The name of the PipelineData."""
        return self._pipeline_data.name

    @property
    def input_name(self) -> str:
        """Under which the reading step finds it: the name it was given there, else that of the PipelineData."""
        return self._input_name or self.name

    def as_named_input(self, name: str) -> Self:
        """Return a copy that the reading step finds as ``run.input_datasets[name]``."""
        return self._with(_input_name=check_binding_name("as_named_input", name))

    def register(self, name: str, create_new_version: bool = True) -> Self:
        """Make what the step writes a new version of dataset ``name`` when it has ended well, and return this dataset.

        It is said of the PipelineData, so that it counts whichever of its objects the writing step is given.

        :param create_new_version: must be ``True``: every run that computes something new is a version of its own
        """
        registration = RegistrationConfiguration(name, None, None)
        if create_new_version is not True:
            raise UserErrorException(
                f"PipelineData {self.name!r}: register({name!r}, create_new_version={create_new_version!r}) cannot be done: what a run writes is a "
                "version of its own; leave create_new_version out"
            )
        self._pipeline_data._binding.dataset_registration = registration
        return self

    def create_input_binding(self) -> InputPortBinding:
        """Return it as an input."""
        return InputPortBinding(self.input_name, self._pipeline_data, self._mode, self._path_on_compute)

    def _with(self, **changes: Any) -> Self:
        copied = copy.copy(self)
        vars(copied).update(changes)
        return copied

    def __str__(self) -> str:
        return str(self._pipeline_data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pipeline_data!r})"


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """PipelineData seen as files, in mount mode unless another one was chosen."""

    def as_mount(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that the script sees as a local path."""
        return self._bound("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that is copied to a local path."""
        return self._bound("download", path_on_compute)

    def as_direct(self) -> PipelineOutputFileDataset:
        """Return a copy of which the script gets the id of a dataset."""
        return self._bound("direct", None)

    parse_delimited_files = absent("PipelineOutputFileDataset.parse_delimited_files", _READ)
    parse_parquet_files = absent("PipelineOutputFileDataset.parse_parquet_files", _READ)

    def _bound(self, mode: str, path_on_compute: str | None) -> PipelineOutputFileDataset:
        path = None if path_on_compute is None else check_text(f"PipelineData {self.name!r}: path_on_compute", path_on_compute)
        return self._with(_mode=mode, _path_on_compute=path)
