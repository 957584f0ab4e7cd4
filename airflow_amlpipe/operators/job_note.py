"""What has to be remembered of a launched job, so that the next try of its task finds it again?

Written into Airflow's task state store before anybody waits for the job. Airflow's own ``ResumableJobMixin`` keeps a bare id and goes by
the job's state alone; here the job is taken up again only if it is still the answer to the same question (the step's key), it goes on
under its own records and folder, and a job that nobody needs any more is ended. So the same is done by hand.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_amlpipe.exceptions import ProtocolError, shorten

__all__ = ["JobNote", "StateStore"]

_KEY = "job"


class StateStore(Protocol):
    """What we use of Airflow's task state store: it outlives a try of a task, and is empty for the first one."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class JobNote:
    """A launched job, and the try it was launched for.

    :ivar handle: the back end's ``JobHandle`` as JSON
    :ivar key: the step's key when it was launched
    """

    handle: str
    key: str
    step_run_id: str
    try_number: int
    started_at: str

    @classmethod
    def find(cls, store: StateStore) -> JobNote | None:
        """Return the note that an earlier try left, if one did.

        :raises ProtocolError: it is there and cannot be read
        """
        text = store.get(_KEY)
        if not text:
            return None
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise ProtocolError(f"the note of a job in the task state store could not be read: {shorten(repr(text))}") from error

    def keep(self, store: StateStore) -> None:
        """Write the note; it replaces an earlier one."""
        store.set(_KEY, json.dumps(asdict(self), sort_keys=True))

    @staticmethod
    def forget(store: StateStore) -> None:
        """Take the note away: the job has ended and is recorded."""
        store.delete(_KEY)
