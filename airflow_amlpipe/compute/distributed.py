"""How do several processes of one step start on one machine, and what do they know of each other?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Final

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.runtime import side_by_side
from airflow_amlpipe.spec.compute import RunSettingsSpec

__all__ = ["distributed"]

_MPI: Final = frozenset({"mpi", "intelmpi", "openmpi"})
_TORCH: Final = frozenset({"nccl", "gloo"})
# All nodes are this machine, which may have fewer cores than processes are asked for, and a container's only user is often root.
_OPEN_MPI: Final = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
# What Open MPI and PyTorch's launcher tell a process that is alone.
_ALONE_MPI: Final = {
    "OMPI_COMM_WORLD_RANK": "0",
    "OMPI_COMM_WORLD_SIZE": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
    "OMPI_COMM_WORLD_NODE_RANK": "0",
}
_ALONE_TORCH: Final = {
    "RANK": "0",
    "LOCAL_RANK": "0",
    "NODE_RANK": "0",
    "WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "6105",
}


def distributed(
    where: str, settings: RunSettingsSpec, argv: tuple[str, ...], environment: Mapping[str, str], python: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the command that starts every process of the step, and the variables they get for it.

    :param argv: the command of one process
    :param python: the step's interpreter
    :param environment: of the job; ``mpirun`` is looked for on its ``PATH``
    :raises DefinitionError: more than one process is asked for, and nothing here can start them together
    """
    communicator = (settings.communicator or "").lower()
    processes = settings.node_count * settings.processes_per_node
    asked = f"{where}: {settings.node_count} node(s) with {settings.processes_per_node} process(es) each"
    if communicator in _MPI:
        if processes == 1:
            return argv, {name: value for name, value in _ALONE_MPI.items() if name not in environment}
        launcher = shutil.which("mpirun", path=environment.get("PATH", os.defpath))
        if launcher is None:
            raise DefinitionError(
                f"{asked} are asked for, and there is no mpirun on this compute; install Open MPI or MPICH there, "
                "or set node_count and process_count_per_node to 1"
            )
        return (launcher, "-n", str(processes), *argv), {name: value for name, value in _OPEN_MPI.items() if name not in environment}
    if communicator in _TORCH and processes > 1:
        return (python, side_by_side.__file__, str(processes), str(settings.processes_per_node), *argv), {}
    if communicator in _TORCH:
        return argv, {name: value for name, value in _ALONE_TORCH.items() if name not in environment}
    if communicator == "parameterserver" and (settings.worker_count or settings.node_count - 1) > 1:
        raise DefinitionError(
            f"{asked} of TensorFlow are asked for, and nothing here starts workers and parameter servers; "
            "start them in the script, or set worker_count to 1"
        )
    return argv, {}
