"""What is a run below a step's run, which a script makes for one of several things it tries?

Its metrics, tags and properties are events of the step under a target of their own, its files lie with the step's below ``children/<id>/``. It
can have runs below it in turn. SDK v1 refused all this inside a step of a pipeline.
"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002

from __future__ import annotations

import os
import time

from airflow_amlpipe.runtime.artifacts import ArtifactFolder
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.protocol import SELF, uploads_folder
from airflow_amlpipe.runtime.submitted import RecordedRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Sequence

__all__ = ["CHILD_TARGET", "ChildRun", "children_of", "make_child", "make_children"]

CHILD_TARGET = "child/"
_MOST_CHILDREN = 100


class ChildRun(RecordedRun):
    """A run below a step's run, or below another such run."""

    type = "azureml.ChildRun"

    def __init__(self, parent: RecordedRun, run_id: str, name: str) -> None:
        self._TARGET = CHILD_TARGET + run_id
        part: Any = {
            "id": run_id,
            "name": name,
            "number": 1,
            "tags": {},
            "properties": {},
            "url": parent.get_portal_url(),
            "events": [],
        }
        super().__init__(parent._folder, parent._context, part, parent.experiment)
        self._artifacts = ArtifactFolder(os.path.join(uploads_folder(parent._folder, SELF), "children", run_id), "")
        self.parent = parent

    def complete(self, _set_status: bool = True) -> None:
        """Say that the run has ended well."""
        self._end("Completed")

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Say that the run has failed; the step goes on."""
        self._end("Failed", "" if error_details is None else str(error_details))

    def cancel(self) -> None:
        """Say that the run is given up; the step goes on."""
        self._end("Canceled")

    @property
    def status(self) -> str:
        """``Running`` until it is completed, failed or canceled."""
        return self._summary().status or "Running"

    def _end(self, status: str, error: str = "") -> None:
        self._record({"kind": "status", "value": status, "error": error, "at": time.time()})

    def __exit__(self, *raised: object) -> None:
        kind, error = raised[:2]
        if kind is None:
            self.complete()
        else:
            self.fail("%s: %s" % (getattr(kind, "__name__", kind), error))


def make_child(parent: RecordedRun, name: Optional[str], run_id: Optional[str]) -> ChildRun:
    """Return a new run below ``parent``.

    :raises UserErrorException: the id cannot be used
    """
    import uuid

    chosen = "%s_%s" % (parent.id, uuid.uuid4().hex[:12]) if run_id is None else str(run_id)
    if not chosen or not all(character.isalnum() or character in "_-." for character in chosen) or chosen.startswith("."):
        raise UserErrorException("child_run: the id %.80r cannot be used; use letters, digits, '_' and '-'" % chosen)
    if any(child.id == chosen for child in children_of(parent)):
        raise UserErrorException("child_run: this run has a child with the id %.80r already" % chosen)
    parent._record({"kind": "child", "id": chosen, "name": name or chosen, "at": time.time()})
    return ChildRun(parent, chosen, name or chosen)


def make_children(parent: RecordedRun, count: Optional[int], tag_key: Optional[str], tag_values: Optional[Sequence[Any]]) -> List[ChildRun]:
    """Return ``count`` new runs, or one for each of ``tag_values`` with the tag ``tag_key``.

    :raises UserErrorException: neither or both are given, or too many
    """
    if (count is None) == (tag_values is None) or (tag_values is not None and tag_key is None):
        raise UserErrorException("create_children: give count, or tag_key and tag_values")
    values = list(tag_values) if tag_values is not None else [None] * (count or 0)
    if not 0 < len(values) <= _MOST_CHILDREN:
        raise UserErrorException("create_children: %d runs at once; from 1 to %d can be made" % (len(values), _MOST_CHILDREN))
    children = [make_child(parent, None, None) for _ in values]
    for child, value in zip(children, values):
        if tag_key is not None and value is not None:
            child.tag(tag_key, value)
    return children


def children_of(parent: RecordedRun) -> Iterator[ChildRun]:
    """Yield the runs below ``parent`` that any process of the step has made, the first one first."""
    for run_id, name in parent._summary().children:
        yield ChildRun(parent, run_id, name)
