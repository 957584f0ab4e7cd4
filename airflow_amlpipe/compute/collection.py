"""What did a step's script leave behind?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.spec.step import StepSpec

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import Event

__all__ = ["Artifact", "CollectedOutput", "CollectedStep", "RunOutcome", "collect_step"]


@dataclass(frozen=True, slots=True)
class CollectedOutput:
    """What the script wrote as one output: a folder (perhaps empty), or one file in its place."""

    name: str
    path: Path
    is_file: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file kept with a run under ``name`` (``/``-separated)."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a script recorded for one run, its own or the pipeline's.

    :ivar metrics: as ``get_metrics`` returns them; may hold ``nan`` and ``inf``
    :ivar events: the metric events themselves, JSON-able without ``nan``; give those of the pipeline's run to later steps
    :ivar tags: tags set; ``None`` for one that was removed
    :ivar cancel_reason: the script asked for the run to be canceled
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    tags: dict[str, str | None] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True)
class CollectedStep:
    """Everything a try left behind; nothing has been copied yet.

    :ivar notices: sentences for the step's log
    """

    outputs: dict[str, CollectedOutput]
    run: RunOutcome
    parent: RunOutcome
    notices: tuple[str, ...] = ()


def collect_step(step: StepSpec, folder: StepFolder) -> CollectedStep:
    """Return what the script of ``step`` left in ``folder``. Call it when nothing of the job runs any more."""
    raise NotImplementedError
