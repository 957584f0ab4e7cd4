"""How does a step hand files to later steps of its pipeline under a name?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._port_bindings import BindsAsInput, OutputPortBinding, TrainingOutput

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

__all__ = ["PipelineData"]


class PipelineData(BindsAsInput):
    """Files, or one file, that a step writes and later steps read.

    The path that the script is given does not exist: it makes a folder there, or writes one file. As in SDK v1 the object has to be in
    ``outputs`` of the step that writes it and in ``inputs`` of those that read it; in ``arguments`` it is its path.

    :param output_name: what the writing step calls it; without it, ``name``
    :param output_mode: ``mount`` or ``upload``; in both what was written is kept when the step has ended well
    :param output_path_on_compute: the path that the script writes to
    :param output_overwrite: kept for scripts that give it: every run writes to a place of its own
    :param is_directory: kept for scripts that give it: what the script wrote says what it is
    :param pipeline_output_name: under which ``PipelineRun.get_pipeline_output`` finds it
    """

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: str | None = None,
        output_mode: str = "mount",
        output_path_on_compute: str | None = None,
        output_overwrite: bool | None = None,
        data_type: str | None = None,
        is_directory: bool | None = None,
        pipeline_output_name: str | None = None,
        training_output: TrainingOutput | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise UserErrorException(f"PipelineData: name {shorten(repr(name))} cannot be used; give the data a name")
        self._binding = OutputPortBinding(
            name,
            datastore,
            output_name,
            output_mode,
            output_path_on_compute,
            is_directory,
            output_overwrite,
            data_type,
            pipeline_output_name,
            training_output,
        )

    @property
    def name(self) -> str:
        return self._binding.name

    # Scripts of SDK v1 read these, private as their names are.
    @property
    def _name(self) -> str:
        return self._binding.name

    @property
    def _output_name(self) -> str:
        return self._binding.output_name

    @property
    def datastore(self) -> Any:
        """Where it is written; ``None`` is the pipeline's default datastore."""
        return self._binding.datastore

    @property
    def data_type(self) -> str | None:
        return self._binding.data_type

    def get_env_variable_name(self) -> str:
        """Return how a shell names its path, ``$AZUREML_DATAREFERENCE_<output name>``, which is what ``str()`` gives too."""
        return f"$AZUREML_DATAREFERENCE_{self._binding.output_name}"

    def as_dataset(self) -> PipelineOutputFileDataset:
        """Return it as a dataset, that can be registered and read as a table."""
        from airflow_amlpipe.sdk.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

        return PipelineOutputFileDataset(self)

    def __str__(self) -> str:
        return self.get_env_variable_name()

    def __repr__(self) -> str:
        return f"PipelineData({self.name!r})"
