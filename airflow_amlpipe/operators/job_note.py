"""What has to be remembered of a launched job, so that the next try of its task finds it again?

Written into Airflow's task state store before anybody waits for the job. Airflow's own ``ResumableJobMixin`` keeps a bare id and goes by
the job's state alone; here the job is taken up again only if it is still the answer to the same question (the step's key), it goes on
under its own records and folder, and a job that nobody needs any more is ended. So the same is done by hand.

The note is never deleted: whether it still holds is read from the records of the try it belongs to.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Protocol

from airflow_amlpipe.exceptions import ProtocolError, shorten
from airflow_amlpipe.workspace.step_run import StepRun

__all__ = ["NOTE_KEY", "JobNote", "StateStore"]

NOTE_KEY: Final = "amlpipe"
"""Under this key the task state store holds ``{"reused": ..., "fingerprint": ..., "job": {...}}``; one key, because each costs a request."""

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {"launched_at": (int, float), "shown": list, "source": dict, "try_number": int}


class StateStore(Protocol):
    """What we use of Airflow's task state store: it outlives a try of a task, and is empty for the first one."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class JobNote:
    """A launched job, and the try it was launched for.

    :ivar handle: the back end's ``JobHandle`` as JSON
    :ivar key: the step's key when it was launched
    :ivar launched_at: when, in seconds of the clock; its time-out counts from there, whoever waits for it
    :ivar source: git state of the code it runs, by source folder
    :ivar shown: the inputs that it reads where their data lies
    """

    handle: str
    key: str
    step_run_id: str
    try_number: int
    started_at: str
    launched_at: float
    source: dict[str, dict[str, Any]]
    shown: list[str]

    @classmethod
    def of(cls, handle: str, key: str, run: StepRun, *, shown: Iterable[str]) -> JobNote:
        """Return the note of a job that was launched for ``run`` just now."""
        return cls(handle, key, run.step_run_id, run.try_number, run.started_at, time.time(), source=run.source, shown=sorted(shown))

    @classmethod
    def find(cls, store: StateStore) -> JobNote | None:
        """Return the note that an earlier try left, if one did.

        :raises ProtocolError: it is there and cannot be read
        """
        kept = store.get(NOTE_KEY)
        if kept is None:
            return None
        job = kept.get("job") if isinstance(kept, Mapping) else kept
        if job is None:
            return None
        types = {field.name: _TYPES.get(field.name, str) for field in fields(cls)}
        if not isinstance(job, Mapping) or job.keys() != types.keys() or not all(isinstance(job[name], types[name]) for name in types):
            raise ProtocolError(f"the note of a job in the task state store could not be read: {shorten(repr(job))}")
        return cls(**job)

    @property
    def running_seconds(self) -> float:
        """How long ago it was launched; 0 if the clock was set back since, or is another machine's and behind."""
        return max(0.0, time.time() - self.launched_at)

    def keep(self, store: StateStore) -> None:
        """Write the note; it replaces an earlier one."""
        store.set(NOTE_KEY, {"reused": False, "fingerprint": self.key, "job": asdict(self)})
