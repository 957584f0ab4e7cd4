"""When may a step go on that waits for another run which computes the same?

Only looks, and looking twice is looking once: after a restart of the triggerer, or when two triggerers run it, every copy comes to an answer of
its own, Airflow takes the first, and the task decides anew whatever it says. A copy that begins anew counts an owner's silence anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from time import monotonic
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_amlpipe.exceptions import InfrastructureError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimWatch, WaitEnd
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["ClaimTrigger"]

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0
_LOOKS_PER_LIFE: Final = 4


class ClaimTrigger(BaseTrigger):
    """Fires once, when a result was stored, the owner of the step's newest claim has ended or is dead, or the wait took too long.

    :param workspace: root URL of the workspace
    :param conn_id: id of the connection to log in to it with; what that says is found where the trigger runs
    :param key: the step's
    :param newest_seen: number of the newest result that the waiting step was decided on
    :param waited_seconds: how long it has waited before
    """

    def __init__(
        self,
        *,
        workspace: str,
        key: str,
        newest_seen: int,
        run_id: str,
        step_id: str,
        step_run_id: str,
        ttl_seconds: float,
        max_wait_seconds: float,
        waited_seconds: float = 0.0,
        conn_id: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.workspace = workspace
        self.key = key
        self.newest_seen = newest_seen
        self.run_id = run_id
        self.step_id = step_id
        self.step_run_id = step_run_id
        self.ttl_seconds = ttl_seconds
        self.max_wait_seconds = max_wait_seconds
        self.waited_seconds = waited_seconds
        self.conn_id = conn_id
        self._opened: WorkspaceStore | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class and arguments, as Airflow stores them: ids and numbers."""
        return (
            "airflow_amlpipe.triggers.claim.ClaimTrigger",
            {
                "workspace": self.workspace,
                "key": self.key,
                "newest_seen": self.newest_seen,
                "run_id": self.run_id,
                "step_id": self.step_id,
                "step_run_id": self.step_run_id,
                "ttl_seconds": self.ttl_seconds,
                "max_wait_seconds": self.max_wait_seconds,
                "waited_seconds": self.waited_seconds,
                "conn_id": self.conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the wait is over; a store that cannot be read is looked at again."""
        started = monotonic()
        watch: ClaimWatch | None = None
        pause = min(_FIRST_PAUSE_SECONDS, self.ttl_seconds / _LOOKS_PER_LIFE)
        while True:
            end = None
            try:
                if watch is None:
                    watch = await asyncio.to_thread(self._watch)
                end = await asyncio.to_thread(self._look, watch)
            except InfrastructureError as error:
                self.log.warning("the claims of the step could not be read, they are read again: %s", error)
            waited = self.waited_seconds + monotonic() - started
            if end is None and waited >= self.max_wait_seconds:
                end = WaitEnd("gave-up")
            if end is not None:
                yield TriggerEvent({**asdict(end), "waited_seconds": waited})  # type: ignore[no-untyped-call]
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS, self.ttl_seconds / _LOOKS_PER_LIFE)

    async def on_kill(self) -> None:
        """Close the record of the try: somebody cleared the task or marked it by hand while it waited, so nobody goes on with it."""
        await asyncio.to_thread(self._close)

    def _watch(self) -> ClaimWatch:
        from airflow_amlpipe.compute.processes import has_died

        workspace = self._open()
        return ClaimWatch(
            ClaimLog(workspace.store, self.key),
            has_result=lambda: workspace.results.find_newer(self.key, after=self.newest_seen) is not None,
            ttl_seconds=self.ttl_seconds,
            is_dead=has_died,
        )

    def _look(self, watch: ClaimWatch) -> WaitEnd | None:
        return WaitEnd("canceled") if self._open().runs.cancel_requested(self.run_id) else watch.look()

    def _close(self) -> None:
        runs = self._open().runs
        for item in runs.tries(self.run_id, self.step_id):
            if item.started.step_run_id == self.step_run_id and item.waiting:
                runs.end_try(item, "Canceled", "the task was cleared or marked by hand while it waited for another run")

    def _open(self) -> WorkspaceStore:
        if self._opened is None:
            self._opened = open_workspace(self.workspace, home=Settings.load().home, conn_id=self.conn_id)
        return self._opened
