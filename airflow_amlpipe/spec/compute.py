"""Where does a step run, and on how many nodes?"""

from __future__ import annotations

from typing import Literal

from airflow_amlpipe.spec.model import SpecModel, added_later

__all__ = ["ComputeKind", "CountName", "ComputeTargetSpec", "RunSettingsSpec"]

ComputeKind = Literal["local"]
CountName = Literal["node_count", "processes_per_node", "worker_count", "parameter_server_count"]


class ComputeTargetSpec(SpecModel):
    """A named compute target: the back end that runs its steps, and the size its author gave it.

    :ivar kind: the back end
    :ivar sdk_type: the SDK v1 class it was created as, so that it comes back as that class
    :ivar details: what that class shows beside it (``address``, ``resource_id``, ...); never a password or token
    """

    name: str
    kind: ComputeKind = "local"
    sdk_type: str = "AmlCompute"
    vm_size: str = ""
    vm_priority: str = "dedicated"
    min_nodes: int = 0
    max_nodes: int | None = None
    idle_seconds_before_scaledown: int = 1800
    description: str | None = None
    tags: dict[str, str] = {}
    details: dict[str, str | int] = added_later({})


class RunSettingsSpec(SpecModel):
    """Run settings that change results: how many nodes and processes work together, and through what.

    :ivar worker_count: of TensorFlow; ``None``: as the step has nodes
    :ivar parameters: the pipeline parameter that holds a count in the run, by the count's name
    """

    node_count: int = 1
    processes_per_node: int = 1
    communicator: str | None = None
    worker_count: int | None = added_later(None)
    parameter_server_count: int | None = added_later(None)
    parameters: dict[CountName, str] = added_later({})
