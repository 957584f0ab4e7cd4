"""What does `azureml.pipeline.core` offer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._lazy import lazy_names

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep, StepSequence
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun, PortDataReference, StepRun, StepRunOutput

__all__ = [
    "Pipeline",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "Volatile",
]

_TO_DAG = "turn the pipeline into a DAG with Pipeline.to_dag"
_OUTPUT = "use OutputFileDatasetConfig"
_MODULE = "make the script a PythonScriptStep"
_SCHEDULE = "give the schedule to Pipeline.to_dag(dag_id, schedule=...)"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Pipeline": "pipeline.core.pipeline",
        "PipelineParameter": "pipeline.core.graph",
        "PipelineRun": "pipeline.core.run",
        "PipelineStep": "pipeline.core.builder",
        "PortDataReference": "pipeline.core.run",
        "StepRun": "pipeline.core.run",
        "StepRunOutput": "pipeline.core.run",
        "StepSequence": "pipeline.core.builder",
        "Volatile": "pipeline.core.graph",
    },
    {
        "Graph": "look at the DAG in Airflow",
        "InputPortBinding": "give the output itself, or output.as_input(), to the step",
        "Module": _MODULE,
        "ModuleVersion": _MODULE,
        "ModuleVersionDescriptor": _MODULE,
        "OutputPortBinding": _OUTPUT,
        "PipelineData": _OUTPUT,
        "PipelineDataset": "use dataset.as_named_input(name)",
        "PipelineDraft": "keep the script that builds the pipeline",
        "PipelineEndpoint": _TO_DAG,
        "PublishedPipeline": _TO_DAG,
        "Schedule": _SCHEDULE,
        "ScheduleRecurrence": _SCHEDULE,
        "TimeZone": _SCHEDULE,
        "TrainingOutput": _OUTPUT,
    },
)
