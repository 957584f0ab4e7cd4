"""What must stay, whatever a clearing-up would do?

A pin protects everything that is reached from it: a run and its steps' outputs, one step's outputs, a version of a dataset, every run of a
pipeline. The pins of a thing are an append log, as everything registered is; taking a pin out appends an entry too.
"""

from __future__ import annotations

from typing import Literal

from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.registry import Registry

__all__ = ["PinRecord", "PinRegistry"]


class PinRecord(SpecModel):
    """One pinned thing.

    :ivar target: id of a run, ``run id/step id``, ``name:version`` of a dataset, or name of a pipeline
    """

    kind: Literal["run", "step", "dataset", "pipeline"]
    target: str
    reason: str = ""
    pinned_at: str

    @property
    def name(self) -> str:
        """What the pin's log is called: a target may hold what no folder's name can."""
        return digest("amlpipe/pin/v1", [self.kind, self.target])


class PinRegistry(Registry[PinRecord]):
    """The pins of one workspace."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, kind="pins", noun="pin", model=PinRecord)

    def all(self) -> list[PinRecord]:
        """Return what is pinned now, oldest pin first."""
        found = [self.find(name) for name in self.names()]
        return sorted((pin for pin in found if pin is not None), key=lambda pin: (pin.pinned_at, pin.target))
