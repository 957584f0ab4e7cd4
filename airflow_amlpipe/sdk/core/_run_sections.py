"""Which sections does a run configuration have, and what may each of them say?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.core._element import ConfigElement
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.runconfig import RunConfiguration

__all__ = [
    "Data",
    "DataReferenceConfiguration",
    "DockerConfiguration",
    "HistoryConfiguration",
    "MpiConfiguration",
    "OutputData",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
    "distribute",
]


class DockerConfiguration(ConfigElement):
    """Whether and how a step runs in a container."""

    _fields = ("arguments", "shared_volumes", "shm_size", "use_docker")

    def __init__(self, use_docker: bool = False, shared_volumes: bool = True, arguments: Any = (), shm_size: str = "2g") -> None:
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments)
        self.shm_size = shm_size


class MpiConfiguration(ConfigElement):
    """How many nodes and processes work together through MPI."""

    _fields = ("node_count", "process_count_per_node")

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count


class PyTorchConfiguration(ConfigElement):
    """How many nodes and processes work together through PyTorch."""

    _fields = ("communication_backend", "node_count", "process_count")

    def __init__(self, communication_backend: str = "Nccl", process_count: int | None = None, node_count: int = 1) -> None:
        self.communication_backend = communication_backend
        self.process_count = process_count
        self.node_count = node_count


class TensorflowConfiguration(ConfigElement):
    """How many workers and parameter servers work together through TensorFlow."""

    _fields = ("parameter_server_count", "worker_count")

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class ParallelTaskConfiguration(ConfigElement):
    """How tasks are spread over workers."""

    _fields = ("max_retries_per_worker", "terminal_exit_codes", "worker_count_per_node")

    def __init__(
        self, max_retries_per_worker: int = 0, worker_count_per_node: int = 1, terminal_exit_codes: Iterable[int] | None = None
    ) -> None:
        self.max_retries_per_worker = max_retries_per_worker
        self.worker_count_per_node = worker_count_per_node
        self.terminal_exit_codes = None if terminal_exit_codes is None else list(terminal_exit_codes)


class SparkConfiguration(ConfigElement):
    """Settings of Spark; kept, and without effect on a machine of one's own."""

    _fields = ("configuration",)

    def __init__(self, configuration: dict[str, Any] | None = None) -> None:
        self.configuration = configuration or {}


class HistoryConfiguration(ConfigElement):
    """What a run keeps; kept, and without effect: logs, ``outputs/`` and ``logs/`` are always kept."""

    _fields = ("directories_to_watch", "output_collection", "snapshot_project")

    def __init__(
        self, output_collection: bool = True, snapshot_project: bool = True, directories_to_watch: Iterable[str] | None = None
    ) -> None:
        self.output_collection = output_collection
        self.snapshot_project = snapshot_project
        self.directories_to_watch = ["logs"] if directories_to_watch is None else list(directories_to_watch)


class DataReferenceConfiguration(ConfigElement):
    """A place on a datastore that a run reads, by the name of its datastore."""

    _fields = ("datastore_name", "mode", "overwrite", "path_on_compute", "path_on_datastore")

    def __init__(
        self,
        datastore_name: str | None = None,
        mode: str = "mount",
        path_on_datastore: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.datastore_name = datastore_name
        self.mode = mode.lower()
        self.path_on_datastore = path_on_datastore
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite


class Data(ConfigElement):
    """A dataset that a run reads; :meth:`create` makes one from a ``dataset.as_named_input(...)``."""

    _fields = (
        "create_output_directories",
        "data_location",
        "environment_variable_name",
        "mechanism",
        "options",
        "overwrite",
        "path_on_compute",
    )

    def __init__(
        self,
        data_location: Any = None,
        create_output_directories: bool | None = None,
        mechanism: str = "direct",
        environment_variable_name: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool = False,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism = mechanism.lower()
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options

    @staticmethod
    def create(data: Any) -> Data:
        """Return what a run reads when it reads ``data``."""
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        if not isinstance(data, DatasetConsumptionConfig):
            raise UserErrorException(
                f"Data.create: {shorten(repr(data))} of type {type(data).__name__} cannot be read by a run; use dataset.as_named_input('name')"
            )
        return Data(data, mechanism=data.mode, environment_variable_name=data.name, path_on_compute=data.path_on_compute)


class OutputData(ConfigElement):
    """Where a run writes an output."""

    _fields = ("additional_options", "mechanism", "output_location")

    def __init__(self, output_location: Any = None, mechanism: str = "mount", additional_options: Any = None) -> None:
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options


def distribute(run_config: RunConfiguration, job: Any) -> None:
    """Write what a ``distributed_job_config`` says into ``run_config``.

    :raises UserErrorException: it is no configuration of a distributed job
    """
    if isinstance(job, MpiConfiguration):
        run_config.communicator, run_config.mpi, run_config.node_count = "OpenMpi", job, job.node_count
    elif isinstance(job, PyTorchConfiguration):
        run_config.framework, run_config.communicator = "PyTorch", job.communication_backend
        run_config.pytorch, run_config.node_count = job, job.node_count
    elif isinstance(job, TensorflowConfiguration):
        run_config.framework, run_config.communicator, run_config.tensorflow = "Tensorflow", "ParameterServer", job
        run_config.node_count = job.worker_count + job.parameter_server_count
    elif isinstance(job, ParallelTaskConfiguration):
        run_config.communicator, run_config.parallel_task = "ParallelTask", job
    else:
        raise UserErrorException(
            f"distributed_job_config {shorten(repr(job))} of type {type(job).__name__} is not known; "
            "use MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration or ParallelTaskConfiguration"
        )
