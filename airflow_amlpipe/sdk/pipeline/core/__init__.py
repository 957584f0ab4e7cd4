"""What does `azureml.pipeline.core` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core._graph_view import Graph
    from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData
    from airflow_amlpipe.sdk.pipeline.core._pipeline_dataset import PipelineDataset
    from airflow_amlpipe.sdk.pipeline.core._port_bindings import InputPortBinding, OutputPortBinding, TrainingOutput
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep, StepSequence
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile
    from airflow_amlpipe.sdk.pipeline.core.module import Module, ModuleVersion, ModuleVersionDescriptor
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
    from airflow_amlpipe.sdk.pipeline.core.pipeline_draft import PipelineDraft
    from airflow_amlpipe.sdk.pipeline.core.pipeline_endpoint import PipelineEndpoint
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun, PortDataReference, StepRun, StepRunOutput
    from airflow_amlpipe.sdk.pipeline.core.schedule import Schedule, ScheduleRecurrence, TimeZone

__all__ = [
    "Graph",
    "InputPortBinding",
    "OutputPortBinding",
    "Module",
    "ModuleVersion",
    "ModuleVersionDescriptor",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineDraft",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "PublishedPipeline",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "TimeZone",
    "TrainingOutput",
    "Volatile",
]


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Graph": "pipeline.core._graph_view",
        "InputPortBinding": "pipeline.core._port_bindings",
        "OutputPortBinding": "pipeline.core._port_bindings",
        "Module": "pipeline.core.module",
        "ModuleVersion": "pipeline.core.module",
        "ModuleVersionDescriptor": "pipeline.core.module",
        "Pipeline": "pipeline.core.pipeline",
        "PipelineData": "pipeline.core._pipeline_data",
        "PipelineDataset": "pipeline.core._pipeline_dataset",
        "PipelineDraft": "pipeline.core.pipeline_draft",
        "PipelineEndpoint": "pipeline.core.pipeline_endpoint",
        "PipelineParameter": "pipeline.core.graph",
        "PipelineRun": "pipeline.core.run",
        "PipelineStep": "pipeline.core.builder",
        "PortDataReference": "pipeline.core.run",
        "PublishedPipeline": "pipeline.core.published_pipeline",
        "Schedule": "pipeline.core.schedule",
        "ScheduleRecurrence": "pipeline.core.schedule",
        "StepRun": "pipeline.core.run",
        "StepRunOutput": "pipeline.core.run",
        "StepSequence": "pipeline.core.builder",
        "TimeZone": "pipeline.core.schedule",
        "TrainingOutput": "pipeline.core._port_bindings",
        "Volatile": "pipeline.core.graph",
    },
    {},
)
