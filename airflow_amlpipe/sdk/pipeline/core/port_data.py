"""Where does an output of a step run lie?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.pipeline.core._port_bindings import BindsAsInput

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun

__all__ = ["PortDataReference", "StepRunOutput"]


class StepRunOutput:
    """An output of a step run."""

    def __init__(self, context: Any, pipeline_run_id: str, step_run: StepRun, name: str, step_output: Any) -> None:
        self.context = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.name = name
        self.step_output = step_output

    def get_port_data_reference(self) -> PortDataReference:
        """Return where it lies."""
        from airflow_amlpipe.sdk.core.datastore import Datastore

        datastore = Datastore.get(self.context, self.step_output.datastore)
        reference = DataReference(datastore, self.name, self.step_output.path)
        return PortDataReference(self.context, self.pipeline_run_id, reference, self.step_run)


class PortDataReference(BindsAsInput):
    """Where an output of a step run lies."""

    def __init__(self, context: Any, pipeline_run_id: str, data_reference: DataReference, step_run: StepRun | None = None) -> None:
        self._context = context
        self.pipeline_run_id = pipeline_run_id
        self._data_reference = data_reference
        self._step_run = step_run
        # Scripts of SDK v1 read this one of ``PortDataReference``, private as its name is.
        self._path_on_datastore = data_reference.path_on_datastore or ""

    @property
    def name(self) -> str:
        return self._data_reference.data_reference_name

    @property
    def datastore(self) -> Any:
        return self._data_reference.datastore

    @property
    def datastore_name(self) -> str:
        return self._data_reference.datastore.name

    @property
    def path_on_datastore(self) -> str:
        return self._path_on_datastore

    def download(self, local_path: str, overwrite: bool | None = None, show_progress: bool | None = None) -> int:
        """Copy the output to ``<local_path>/<path_on_datastore>`` and return how many files it has."""
        count: int = self.datastore.download(local_path, self._path_on_datastore, bool(overwrite), show_progress is not False)
        return count

    def _as_input_source(self) -> DataReference:
        return self._data_reference
