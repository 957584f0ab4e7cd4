"""How does a pipeline that a DAG file defines become its DAG?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.services.collect import CollectedPipeline, current_collector
from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["dag_of_file"]


def dag_of_file(
    spec: PipelineSpec, *, dag_id: str, schedule: Any, workspace: str, source_base: Path, **dag_kwargs: Any
) -> Any:
    """Return the DAG of ``spec``; where pipelines are only collected, a stand-in for it, and Airflow is not imported.

    :param source_base: folder of the DAG file, which relative source folders start from
    :param dag_kwargs: further arguments of ``airflow.sdk.DAG``
    :raises DefinitionError: the DAG id or an argument cannot be used
    """
    collector = current_collector()
    if collector is not None:
        return collector.on_dag(CollectedPipeline(spec, "dag", dag_id, workspace, source_base))
    from airflow_amlpipe.compiler import build_dag

    return build_dag(spec, dag_id=dag_id, schedule=schedule, workspace=workspace, source_base=source_base, **dag_kwargs)
