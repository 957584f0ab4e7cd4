"""How is a plan carried out so that it can be killed anywhere, and never takes what is needed by now?

The order: results are set aside, so that nobody reuses them from here on -> everything is looked at once more -> outputs -> runs -> contents ->
keys. A run that took a result before it was set aside has announced so by then and is seen (``StepRun.finish_reused``); one that comes later finds
the result set aside. Whatever is deleted, nothing that is kept refers to it any more; whatever is not deleted yet, the records that prove whose it is
are still there. So a clearing-up that was killed is gone on with by the next.

Only what the plan names is deleted, one thing a call, and of that only what a plan made at this very moment names too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.services.clearing.plan import ClearingItem, ClearingPlan, ItemKind
from airflow_amlpipe.services.clearing.planning import plan_clearing
from airflow_amlpipe.services.clearing.retention import RetentionPolicy
from airflow_amlpipe.services.clearing.safety import refuse_unsafe
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["MOST_OBJECTS", "Swept", "apply_plan"]

MOST_OBJECTS: Final = 10_000
"""A plan that would delete more files than this needs to be told that many are meant."""

_ORDER: tuple[ItemKind, ...] = ("output", "run", "content", "key", "unfinished", "plan")


@dataclass
class Swept:
    """What became of a plan.

    :ivar done: what was deleted or set aside, in order
    :ivar left: what the plan names and is needed by now, or is gone already
    """

    done: list[ClearingItem] = field(default_factory=list)
    left: list[ClearingItem] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "done": [item.model_dump(mode="json") for item in self.done],
            "left": [item.model_dump(mode="json") for item in self.left],
            "freed_bytes": sum(item.size_bytes or 0 for item in self.done),
        }


def apply_plan(
    workspace: WorkspaceStore,
    plan: ClearingPlan,
    *,
    most_objects: int = MOST_OBJECTS,
    now: datetime | None = None,
    on_progress: Callable[[int, str], None] | None = None,
) -> Swept:
    """Delete what ``plan`` names and nobody needs by now; again is fine, and goes on where a killed one stopped.

    :param most_objects: refuse to delete more files than this
    :raises DefinitionError: the plan is of another workspace, or of more files than ``most_objects``; nothing was deleted
    :raises ProtocolError: a record cannot be read, and may say what is needed; nothing more was deleted
    :raises DatastoreUnavailableError: something could not be deleted; what was not is still listed by the next plan
    """
    if plan.workspace != workspace.store.url:
        raise DefinitionError(
            f"the plan {plan.id} is of the workspace {shorten(plan.workspace)}, and this is {shorten(workspace.store.url)}"
        )
    if plan.object_count > most_objects:
        raise DefinitionError(
            f"the plan {plan.id} deletes {plan.object_count} files, which is more than {most_objects}; look through it, and give --max-objects "
            f"{plan.object_count} if they are all meant"
        )
    policy = RetentionPolicy.model_validate(plan.retention)

    def present() -> tuple[ClearingItem, ...]:
        return plan_clearing(workspace, policy, now=now or datetime.now(UTC), on_progress=on_progress).items

    return _Sweep(workspace, plan, present).run()


class _Sweep:
    def __init__(self, workspace: WorkspaceStore, plan: ClearingPlan, present: Callable[[], tuple[ClearingItem, ...]]) -> None:
        self._workspace = workspace
        self._store = workspace.store
        self._plan = plan
        self._present = present
        self._swept = Swept()

    def run(self) -> Swept:
        self._set_aside()
        # Everything is looked at once more: a run may have taken a result just before it was set aside.
        looked_at = time.time()
        may_go = _without_what_is_trusted(self._present())
        for kind in _ORDER:
            for item in self._of(kind):
                if item.place in may_go and not (kind == "content" and self._is_asked_for(item.path, looked_at)):
                    refuse_unsafe(self._workspace, item)
                    self._delete(item)
                    self._swept.done.append(item)
                    crash_point(f"gc-{kind}-deleted")
                else:
                    self._swept.left.append(item)
        return self._swept

    def _is_asked_for(self, path: str, since: float) -> bool:
        """Whether somebody goes on to refer to a content since then (``Store.freshen``); deleting all before it may have taken long."""
        try:
            written = self._store.last_written(path)
        except FileNotFoundError:
            return False
        return written is not None and written > since

    def _of(self, kind: ItemKind) -> Iterable[ClearingItem]:
        return (item for item in self._plan.items if item.kind == kind)

    def _set_aside(self) -> None:
        items = list(self._of("result"))
        may_go = {item.place for item in self._present()} if items else set()
        for item in items:
            if item.place not in may_go:
                self._swept.left.append(item)
                continue
            self._workspace.results.mark_bad(item.key, Rejection(item.number, f"cleared away: {item.reason} (plan {self._plan.id})"))
            self._swept.done.append(item)
            crash_point("gc-result-set-aside")

    def _delete(self, item: ClearingItem) -> None:
        store: Store = self._store if item.datastore is None else self._workspace.datastores.open(item.datastore)
        if item.kind == "run":
            self._delete_run(item.path)
        elif item.kind == "key":
            self._delete_key(item.key)
        else:
            store.remove_tree(item.path)
            folder = item.path.rpartition("/")[0]
            if item.kind == "output" and item.owner in folder:
                store.remove_empty(folder)  # where all outputs of the step run were

    def _delete_run(self, folder: str) -> None:
        if self._store.local_path(folder) is None:
            # One object after the other: what says that a run or a try exists goes last, so that half a run is still one.
            for step_id in self._store.list_names(f"{folder}/steps"):
                for name in self._store.list_names(f"{folder}/steps/{step_id}"):
                    self._delete_but(f"{folder}/steps/{step_id}/{name}", "started.json")
            self._delete_but(folder, "run.json")
        self._store.remove_tree(folder)

    def _delete_but(self, folder: str, last: str) -> None:
        for name in self._store.list_names(folder):
            if name != last:
                self._store.remove_tree(f"{folder}/{name}")
        self._store.remove_tree(f"{folder}/{last}")

    def _delete_key(self, key: str) -> None:
        # Results from the first on, so that the log never has a hole, and before what says that they are bad. An entry that somebody
        # appends meanwhile is none of those listed, and stays.
        folder = key_folder(key)
        for kind in ("results", "bad", "beats", "claims"):
            for name in self._store.list_names(f"{folder}/{kind}"):
                self._store.remove_tree(f"{folder}/{kind}/{name}")
                crash_point("gc-key-entry-deleted")
            self._store.remove_empty(f"{folder}/{kind}")
        self._store.remove_empty(folder)


def _without_what_is_trusted(present: tuple[ClearingItem, ...]) -> set[tuple[str, str | None, str]]:
    """Return the places that may go now.

    A result that was needed when others were set aside, or came since, may be needed no more by now; but it is still trusted. What belongs to it
    goes with the next plan, which sets it aside first.
    """
    trusted = [item for item in present if item.kind == "result"]
    owners, keys = {item.owner for item in trusted}, {item.key for item in trusted}
    is_linked = any(item.is_linked for item in trusted)  # to what is another's
    stays = {
        item.place
        for item in present
        if (item.kind == "output" and (item.owner in owners or is_linked))
        or (item.kind == "key" and item.key in keys)
        or (item.kind == "content" and trusted)
    }
    return {item.place for item in present} - stays
