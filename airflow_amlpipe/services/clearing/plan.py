"""What is a list of things to delete?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_amlpipe.spec.model import SpecModel, added_later

__all__ = ["ClearingItem", "ClearingPlan", "ItemKind"]

ItemKind = Literal["result", "output", "run", "try", "content", "key", "unfinished", "plan"]


class ClearingItem(SpecModel):
    """One thing to delete, named exactly.

    :ivar kind: ``result`` is set aside (the record stays, nobody trusts it), everything else is deleted
    :ivar datastore: on which it lies; ``None`` for the workspace itself
    :ivar path: below the root of the datastore or the workspace
    :ivar reason: why it may go, as people read it
    :ivar owner: of an output, the step run that wrote it
    :ivar size_bytes: as it was recorded; ``None`` where nothing says
    :ivar key: of a result or a key
    :ivar number: of a result
    :ivar is_linked: of a result, whether one of its outputs is linked to data that is not its own
    """

    kind: ItemKind
    datastore: str | None = None
    path: str
    reason: str
    owner: str = ""
    size_bytes: int | None = None
    file_count: int = 1
    key: str = ""
    number: int = 0
    is_linked: bool = added_later(False)

    @property
    def place(self) -> tuple[str, str | None, str]:
        """What is the same for the same thing in two plans."""
        return (self.kind, self.datastore, self.path)


class ClearingPlan(SpecModel):
    """What may be deleted of a workspace, and why.

    :ivar policy: sentence of the retention policy it was made by
    :ivar kept: why things that might be expected here are not, each with how many there are
    """

    format: Literal["amlpipe/gc-plan/v1"] = "amlpipe/gc-plan/v1"
    id: str
    created_at: str
    workspace: str
    policy: str
    retention: dict[str, object]
    items: tuple[ClearingItem, ...]
    kept: dict[str, int] = Field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        return sum(item.size_bytes or 0 for item in self.items)

    @property
    def object_count(self) -> int:
        """How many files would be deleted, as far as that is recorded."""
        return sum(item.file_count for item in self.items if item.kind != "result")
