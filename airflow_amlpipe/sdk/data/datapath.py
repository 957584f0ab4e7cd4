"""Where does data lie: on which datastore, under which path?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore
    from airflow_amlpipe.sdk.data.data_reference import DataReference

__all__ = ["DataPath", "DataPathComputeBinding"]

_MODES = ("mount", "download", "upload")


class DataPath:
    """A path on a datastore, with nothing said yet about how a step gets it."""

    def __init__(self, datastore: AbstractDatastore | None = None, path_on_datastore: str | None = None, name: str | None = None) -> None:
        if datastore is not None and not hasattr(datastore, "datastore_type"):
            raise UserErrorException(
                f"DataPath: datastore must be a Datastore, not {type(datastore).__name__} ({shorten(repr(datastore))}); use Datastore.get(ws, name)"
            )
        self._datastore = datastore
        self._path_on_datastore = path_on_datastore
        self._name = name

    @property
    def datastore_name(self) -> str | None:
        return None if self._datastore is None else self._datastore.name

    @property
    def path_on_datastore(self) -> str | None:
        return self._path_on_datastore

    def create_data_reference(
        self, data_reference_name: str | None = None, datapath_compute_binding: DataPathComputeBinding | None = None
    ) -> DataReference:
        """Return this place as a DataReference."""
        from airflow_amlpipe.sdk.data.data_reference import DataReference

        return DataReference.create(data_reference_name, self, datapath_compute_binding)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPath:
        """Return the place that a DataReference names."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore)

    def __repr__(self) -> str:
        return f"DataPath(datastore={self.datastore_name!r}, path_on_datastore={self._path_on_datastore!r})"


class DataPathComputeBinding:
    """How a step gets the data of a DataPath: that of ``DataReference``, or of a PipelineParameter, as ``(parameter, binding)``."""

    def __init__(self, mode: str = "mount", path_on_compute: str | None = None, overwrite: bool = False) -> None:
        if mode not in _MODES:
            raise UserErrorException(f"DataPathComputeBinding: mode {shorten(repr(mode))} is not known; use one of: {', '.join(_MODES)}")
        self.mode: Any = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def create_data_reference(self, data_reference_name: str | None = None, datapath: DataPath | None = None) -> DataReference:
        """Return a DataReference to ``datapath`` that is bound like this."""
        from airflow_amlpipe.sdk.data.data_reference import DataReference

        return DataReference.create(data_reference_name, datapath, self)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPathComputeBinding:
        """Return the way in which a DataReference is bound."""
        return DataPathComputeBinding(data_reference.mode, data_reference.path_on_compute, data_reference.overwrite)
