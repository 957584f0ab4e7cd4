"""What do the event lines of a step add up to, for its own run or for the pipeline's?"""

from __future__ import annotations

from airflow_amlpipe.runtime.metrics import fold_metrics, is_metric
from airflow_amlpipe.runtime.protocol import SELF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Tuple

    from airflow_amlpipe.runtime.protocol import Event

__all__ = ["RunSummary", "summarize"]


class RunSummary:
    """What was recorded for one run.

    :ivar metric_events: in order; :func:`~airflow_amlpipe.runtime.metrics.fold_metrics` reads them
    :ivar tags: tags set; ``None`` for one that was taken away
    :ivar properties: each was set once
    :ivar cancel_requested: the script called ``cancel``
    :ivar children: id and name of each run that was made below it
    :ivar status: how it ended, of a run below a step's
    :ivar error: why, if it failed
    """

    def __init__(self) -> None:
        self.metric_events: List[Event] = []
        self.tags: Dict[str, Optional[str]] = {}
        self.properties: Dict[str, str] = {}
        self.cancel_requested = False
        self.children: List[Tuple[str, str]] = []
        self.status = ""
        self.error = ""

    def metrics(self) -> Dict[str, Any]:
        """Return what ``get_metrics`` returns."""
        return fold_metrics(self.metric_events)

    def add(self, event: Event) -> None:
        """Take one event in; what this version does not know is passed over."""
        kind, key, value = event.get("kind"), event.get("key"), event.get("value")
        if is_metric(event):
            self.metric_events.append(event)
        elif kind == "tag" and isinstance(key, str) and isinstance(value, str):
            self.tags[key] = value
        elif kind == "untag" and isinstance(key, str):
            self.tags[key] = None
        elif kind == "property" and isinstance(key, str) and isinstance(value, str):
            self.properties.setdefault(key, value)
        elif kind == "cancel":
            self.cancel_requested = True
        elif kind == "child" and isinstance(event.get("id"), str) and isinstance(event.get("name"), str):
            self.children.append((event["id"], event["name"]))
        elif kind == "status" and isinstance(value, str):
            self.status, self.error = value, str(event.get("error") or "")


def summarize(events: Iterable[Event], target: str) -> RunSummary:
    """Return what ``events`` say about ``target`` (``self`` or ``parent``)."""
    found = RunSummary()
    for event in events:
        if event.get("target", SELF) == target:
            found.add(event)
    return found
