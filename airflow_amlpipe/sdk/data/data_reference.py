"""How does a step get a file or folder of a datastore without a dataset?"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.datapath import DataPath, DataPathComputeBinding
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.runconfig import DataReferenceConfiguration
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore

__all__ = ["DataReference"]

_MODES = ("mount", "download", "upload")


class DataReference:
    """A place on a datastore as an input of a step. Without a name of its own it has the datastore's."""

    def __init__(
        self,
        datastore: AbstractDatastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        if not hasattr(datastore, "datastore_type"):
            raise UserErrorException(f"DataReference: {shorten(repr(datastore))} is no Datastore; use Datastore.get(ws, name)")
        if mode not in _MODES:
            raise UserErrorException(f"DataReference: mode {shorten(repr(mode))} is not known; use one of: {', '.join(_MODES)}")
        self.datastore = datastore
        self.data_reference_name = check_binding_name("DataReference", data_reference_name or re.sub(r"\W", "_", datastore.name))
        self.path_on_datastore = None if path_on_datastore is None else check_text("DataReference: path_on_datastore", path_on_datastore)
        self.mode = mode
        self.path_on_compute = None if path_on_compute is None else check_text("DataReference: path_on_compute", path_on_compute)
        self.overwrite = overwrite

    @staticmethod
    def create(
        data_reference_name: str | None = None,
        datapath: DataPath | None = None,
        datapath_compute_binding: DataPathComputeBinding | None = None,
    ) -> DataReference:
        """Return a reference to ``datapath``."""
        if not isinstance(datapath, DataPath) or datapath._datastore is None:
            raise UserErrorException("DataReference.create: datapath is missing, or names no datastore; give DataPath(datastore, path)")
        binding = datapath_compute_binding or DataPathComputeBinding()
        return DataReference(
            datapath._datastore, data_reference_name, datapath.path_on_datastore, binding.mode, binding.path_on_compute, binding.overwrite
        )

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Return a reference to ``path`` below this one."""
        copied = copy.copy(self)
        copied.path_on_datastore = "/".join(part.strip("/") for part in (self.path_on_datastore, path) if part) or None
        copied.data_reference_name = check_binding_name("DataReference", data_reference_name or self.data_reference_name)
        return copied

    def as_mount(self) -> DataReference:
        return self._bound("mount", None, overwrite=False)

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        return self._bound("download", path_on_compute, overwrite=overwrite)

    def as_upload(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        return self._bound("upload", path_on_compute, overwrite=overwrite)

    def to_config(self) -> DataReferenceConfiguration:
        """Return what ``RunConfiguration.data_references`` holds of it, for a ScriptRunConfig."""
        from airflow_amlpipe.sdk.core.runconfig import DataReferenceConfiguration

        return DataReferenceConfiguration(self.datastore.name, self.mode, self.path_on_datastore, self.path_on_compute, self.overwrite)

    def _bound(self, mode: str, path_on_compute: str | None, *, overwrite: bool) -> DataReference:
        copied = copy.copy(self)
        copied.mode, copied.path_on_compute, copied.overwrite = mode, path_on_compute, overwrite
        return copied

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"

    def __repr__(self) -> str:
        return f"DataReference({self.data_reference_name!r}, {self.datastore.name!r}, {self.path_on_datastore!r}, mode={self.mode!r})"
