"""What does every place that can run a step promise?

A back end starts one job per step try, says how it is, hands out what it wrote, and stops it. It keeps nothing in memory that matters:
the :class:`JobHandle` is all that another process, after a crash, needs to go on. So a back end for containers is written against this
file alone:

* ``launch`` is given local paths of the worker, in the command line and in variables too. A back end whose jobs see another file system
  mounts or copies ``request.folder`` (and the folders of ``PYTHONPATH``) there **at the same path**, so that no path has two forms.
* ``status`` asks the engine, never memory. What it cannot find out is an error (:class:`BackendUnavailableError`), not a state.
* ``logs`` reads on from an opaque position, so a follower that starts again repeats and loses nothing.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError, shorten
from airflow_amlpipe.storage.view import View

__all__ = [
    "ComputeBackend",
    "JobHandle",
    "JobState",
    "JobStatus",
    "LaunchRequest",
    "LogChunk",
    "LogPosition",
    "Resources",
    "known_kinds",
    "open_backend",
    "register_backend",
]

LogPosition = Mapping[str, int | str]
"""Where a reader of logs stands. Only the back end that made it looks inside; ``{}`` is the beginning. JSON-able."""


class JobState(Enum):
    """How a job is. ``GONE``: it is not running and nobody can say how it ended (the machine restarted, somebody removed it)."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"

    @property
    def is_final(self) -> bool:
        """Whether it cannot change any more."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.GONE}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job is, in the back end's own words if ``detail`` is not empty.

    :ivar exit_code: what the script returned; negative for the signal that ended it; ``None`` while nobody knows
    """

    state: JobState
    exit_code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job asks for; back ends that share a machine without limits ignore it."""

    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One job.

    :ivar job_name: unique per try of a step, and findable again in the engine (container name, pod label)
    :ivar argv: the command; argument lists all the way, never a shell line
    :ivar environment: every variable the job gets, and no other
    :ivar working_folder: where it starts
    :ivar folder: the private folder of the try; working folder, inputs, outputs and logs lie in it
    :ivar log_folder: where stdout and stderr are kept
    :ivar image: the image to run in, for back ends that have images
    :ivar views: data that the job is shown where it lies, for back ends that can (``shows_views``)
    :ivar views_from: the process that alone has the sources of ``views`` mounted; 0 if the machine has
    """

    job_name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    working_folder: Path
    folder: Path
    log_folder: Path
    image: str | None = None
    resources: Resources = Resources()
    labels: Mapping[str, str] = field(default_factory=dict)
    views: tuple[View, ...] = ()
    views_from: int = 0


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A durable pointer to a launched job: kept in Airflow's state store before anybody waits for the job.

    :ivar kind: the back end that made it, and the only one that reads ``payload``
    """

    kind: str
    payload: Mapping[str, str | int | None]

    def to_json(self) -> str:
        """Return the handle as one line of JSON."""
        return json.dumps({"kind": self.kind, "payload": dict(self.payload)}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobHandle:
        """:raises ProtocolError: ``text`` is no handle."""
        try:
            document = json.loads(text)
            kind, payload = document["kind"], document["payload"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProtocolError(f"a job handle could not be read: {shorten(repr(text))}") from error
        if not isinstance(kind, str) or not isinstance(payload, dict):
            raise ProtocolError(f"a job handle could not be read: {shorten(repr(text))}")
        return cls(kind, payload)


@dataclass(frozen=True, slots=True)
class LogChunk:
    """What a job wrote since a position, at most about a mebibyte a stream, and the position after it."""

    stdout: bytes
    stderr: bytes
    position: LogPosition

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to read."""
        return not self.stdout and not self.stderr


class ComputeBackend(ABC):
    """Start, watch and stop one job. Objects are cheap, hold no state that matters and may be made anew in every process.

    :ivar shows_views: whether jobs can be given ``LaunchRequest.views``; the others are given copies
    """

    kind: str
    shows_views: bool = False

    @abstractmethod
    def launch(self, request: LaunchRequest) -> JobHandle:
        """Start the job and return at once.

        :raises DefinitionError: the command can never be started (no such interpreter, arguments too long)
        :raises ViewRefusedError: this machine cannot show the job its ``views``; nothing was started, copy them and launch again
        :raises BackendUnavailableError: the engine did not take it; nothing was started, a retry may help
        """

    @abstractmethod
    def status(self, handle: JobHandle) -> JobStatus:
        """Return how the job is; from any process, any number of times, also long after it ended.

        :raises BackendUnavailableError: the engine could not be asked
        """

    @abstractmethod
    def logs(self, handle: JobHandle, position: LogPosition) -> LogChunk:
        """Return what the job wrote after ``position``. What it wrote before its state became final is there once ``status`` says so.

        :raises BackendUnavailableError: the engine could not be asked
        """

    @abstractmethod
    def terminate(self, handle: JobHandle, grace_seconds: float = 10.0) -> None:
        """End everything the job started: ask first, force after ``grace_seconds``; return once nothing of it runs.

        Twice is fine, and so is a job that ended long ago: then only what it left running behind is ended.

        :raises BackendUnavailableError: something could not be stopped
        """

    def wait(self, handle: JobHandle, seconds: float) -> None:  # noqa: ARG002  # for those that override it
        """Return when the job may have ended, after ``seconds`` at the latest. A back end that can be woken overrides this."""
        time.sleep(seconds)


_FACTORIES: dict[str, Callable[[], ComputeBackend]] = {}


def register_backend(kind: str, factory: Callable[[], ComputeBackend]) -> None:
    """Make ``factory`` the one that :func:`open_backend` calls for ``kind``; the last registration holds."""
    _FACTORIES[kind] = factory


def known_kinds() -> tuple[str, ...]:
    """Return the kinds that can be opened, sorted."""
    return tuple(sorted(_FACTORIES))


def open_backend(kind: str) -> ComputeBackend:
    """Return a back end of ``kind``.

    :raises UnknownNameError: there is none; the message lists those there are
    """
    if kind not in _FACTORIES:
        raise UnknownNameError(f"compute kind {shorten(repr(kind))} is not known; use one of: {', '.join(known_kinds())}")
    return _FACTORIES[kind]()


def _open_local() -> ComputeBackend:
    from airflow_amlpipe.compute.local import LocalBackend

    return LocalBackend()


register_backend("local", _open_local)
