"""What does ``Pipeline.to_dag`` return: for Airflow a DAG, for a command that reads the file something that becomes one when it has to?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from airflow_amlpipe.services.collect import CollectedPipeline, active_collector
from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["PostponedDag", "dag_of_file"]


def dag_of_file(spec: PipelineSpec, *, dag_id: str, workspace: str, source_base: Path, schedule: Any = None, **dag_kwargs: Any) -> Any:
    """Return the DAG of ``spec``, or a :class:`PostponedDag` while a command collects what a file defines.

    :param source_base: what relative source folders are relative to: the folder of the file that asked for the DAG, as this machine has it.
        Every worker parses the DAG file anew, so it is never another machine's; Airflow does not serialise it.
    :raises DefinitionError: the DAG id cannot be used
    """
    collector = active_collector()
    if collector is None:
        return _build(spec, dag_id=dag_id, workspace=workspace, source_base=source_base, schedule=schedule, **dag_kwargs)
    collector.collect(CollectedPipeline(spec=spec, workspace=workspace, experiment=dag_id, source_base=source_base, dag_id=dag_id))
    return PostponedDag(spec, dag_id=dag_id, workspace=workspace, source_base=source_base, schedule=schedule, **dag_kwargs)


class PostponedDag:
    """Stands for a DAG that nobody has asked anything of yet: importing Airflow for it would take longer than a reused run.

    Whatever else is asked of it, or set, it passes to the DAG, which is built then.
    """

    def __init__(self, spec: PipelineSpec, **build: Any) -> None:
        self.__dict__.update(_spec=spec, _build=build, _dag=None)

    def test(self, *_: Any, **__: Any) -> None:
        """Do nothing: the command that reads this file runs the pipeline itself."""
        print("amlpipe: dag.test() is left out, the command runs the pipeline itself", file=sys.stderr)  # noqa: T201

    def __enter__(self) -> Any:
        return self._built().__enter__()

    def __exit__(self, *error: object) -> Any:
        return self._built().__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._built(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._built(), name, value)

    def _built(self) -> Any:
        if self.__dict__["_dag"] is None:
            self.__dict__["_dag"] = _build(self.__dict__["_spec"], **self.__dict__["_build"])
        return self.__dict__["_dag"]


def _build(spec: PipelineSpec, **build: Any) -> Any:
    from airflow_amlpipe.compiler.dag_builder import build_dag

    return build_dag(spec, **build)
