"""Who is told of a pipeline instead of Airflow, when a script or DAG file is only asked what it would do?

``amlpipe plan FILE`` runs the file inside :func:`collecting`. What would have become a DAG or a run is recorded, and neither Airflow nor an
engine is started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol

from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["CollectedPipeline", "Collector", "PipelineCollector", "StandInDag", "collecting", "current_collector"]


@dataclass(frozen=True, slots=True)
class CollectedPipeline:
    """A pipeline that a file defines, and how it would have been started.

    :ivar origin: ``dag`` for ``Pipeline.to_dag``, ``submit`` for a submission
    :ivar name: the DAG's id, or the experiment's name
    :ivar workspace: root URL of the workspace
    :ivar source_base: what relative source folders are relative to
    :ivar parameters: values given at submission; the others have their defaults
    """

    spec: PipelineSpec
    origin: Literal["dag", "submit"]
    name: str
    workspace: str
    source_base: Path
    parameters: Mapping[str, object] = field(default_factory=dict)
    policy: str = "auto"


@dataclass(frozen=True, slots=True)
class StandInDag:
    """What ``Pipeline.to_dag`` returns while pipelines are collected: enough of a DAG for the rest of a DAG file."""

    dag_id: str

    def test(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing: a DAG file that ends with ``dag.test()`` is only asked what it would do."""


class Collector(Protocol):
    """Whoever wants to be told."""

    def on_dag(self, collected: CollectedPipeline) -> Any:
        """Take a pipeline of a DAG file; what is returned stands in for the DAG."""
        ...

    def on_submit(self, collected: CollectedPipeline) -> str:
        """Take a submitted pipeline; either return a run id, or end the script by raising ``SystemExit``."""
        ...


@dataclass(slots=True)
class PipelineCollector:
    """Keeps what it is told, and ends a script at its first submission: the lines after it need a run."""

    pipelines: list[CollectedPipeline] = field(default_factory=list)

    def on_dag(self, collected: CollectedPipeline) -> StandInDag:
        self.pipelines.append(collected)
        return StandInDag(collected.name)

    def on_submit(self, collected: CollectedPipeline) -> NoReturn:
        self.pipelines.append(collected)
        raise SystemExit(0)


_current: ContextVar[Collector | None] = ContextVar("amlpipe_collector", default=None)


def current_collector() -> Collector | None:
    """Return whoever wants to be told, ``None`` when pipelines are meant to run."""
    return _current.get()


@contextmanager
def collecting(collector: Collector | None = None) -> Iterator[Any]:
    """Tell ``collector`` of every pipeline that is turned into a DAG or submitted in this context, and give it to the ``with``."""
    chosen = PipelineCollector() if collector is None else collector
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
