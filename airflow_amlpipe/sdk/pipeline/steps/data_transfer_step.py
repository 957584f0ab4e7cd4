"""How does a copy from one datastore to another become a step?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import UnsupportedFeatureError, shorten
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.sql_data_reference import SqlDataReference
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._items import PORT_DATA
from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep

__all__ = ["DataTransferStep"]

_TYPES = (None, "file", "directory")


class DataTransferStep(RunnableStep):
    """Copies a file or folder from one datastore to another; the worker does it, no script runs.

    What arrives is compared with what was there, and nobody sees a half of it at the destination; files there that are not ours stay.

    :param source_data_reference: a DataReference, or what an earlier step writes; rows of a SqlDataReference become the CSV file ``rows.csv``
    :param destination_data_reference: a DataReference below whose path the copy goes
    :param compute_target: a DataFactoryCompute in SDK v1; any is taken, and none is used
    :param source_reference_type: ``file`` or ``directory``: what the source has to be; ``None`` takes what is there
    :param destination_reference_type: ``file``: the path becomes the copied file; ``directory``: the copy goes into it; ``None``: what is there already,
        else what the source is
    :raises UserErrorException: one of the first four is missing or of another type
    """

    _command_kind = "data_transfer"

    def __init__(
        self,
        name: str,
        source_data_reference: Any = None,
        destination_data_reference: Any = None,
        compute_target: Any = None,
        source_reference_type: str | None = None,
        destination_reference_type: str | None = None,
        allow_reuse: bool = True,
    ) -> None:
        where = f"DataTransferStep {shorten(repr(name))}"
        if not name:
            raise UserErrorException("DataTransferStep: name is required")
        for what, value in (
            ("source_data_reference", source_data_reference),
            ("destination_data_reference", destination_data_reference),
            ("compute_target", compute_target),
        ):
            if value is None:
                raise UserErrorException(f"{where}: {what} is required")
        for what, value in (("source_reference_type", source_reference_type), ("destination_reference_type", destination_reference_type)):
            if value not in _TYPES:
                raise UserErrorException(f"{where}: {what} {shorten(repr(value))} is not known; use 'file' or 'directory'")
        if not isinstance(source_data_reference, PORT_DATA):
            raise UserErrorException(
                f"{where}: source_data_reference {shorten(repr(source_data_reference))} of type {type(source_data_reference).__name__} "
                "cannot be copied; use a DataReference, a SqlDataReference, or the PipelineData of an earlier step"
            )
        if isinstance(destination_data_reference, SqlDataReference):
            raise UnsupportedFeatureError(
                f"{where}: nothing is written into databases; write the rows in a PythonScriptStep, with SQLAlchemy or the database's own driver"
            )
        if not isinstance(destination_data_reference, DataReference):
            raise UserErrorException(
                f"{where}: destination_data_reference {shorten(repr(destination_data_reference))} of type "
                f"{type(destination_data_reference).__name__} is no place on a datastore; use a DataReference"
            )
        reference = destination_data_reference
        output = PipelineData(reference.data_reference_name, datastore=reference.datastore, output_mode="upload")
        output._binding.destination = reference.path_on_datastore or ""
        super().__init__(name, inputs=[source_data_reference], outputs=[output], compute_target=compute_target, allow_reuse=allow_reuse)
        self._output = output
        self._source_type = source_reference_type
        self._destination_type = destination_reference_type

    def get_output(self) -> PipelineData:
        """Return the copy, for steps that read it."""
        return self._output
