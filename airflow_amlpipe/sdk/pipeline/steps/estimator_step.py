"""How does an Estimator become a step?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep
from airflow_amlpipe.sdk.train.estimator import Estimator

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["EstimatorStep"]


class EstimatorStep(PythonScriptStep):
    """Runs the script of an Estimator; deprecated by SDK v1 in favour of PythonScriptStep.

    :param estimator_entry_script_arguments: the script's arguments; the estimator must have none of its own
    :raises UserErrorException: the estimator, or its script, is missing, or it has arguments of its own
    """

    def __init__(
        self,
        name: str | None = None,
        estimator: Estimator | None = None,
        estimator_entry_script_arguments: list[Any] | None = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        compute_target: Any = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        if not isinstance(estimator, Estimator):
            raise UserErrorException(f"EstimatorStep: estimator must be an Estimator, not {shorten(repr(estimator))}")
        if estimator.entry_script is None:
            raise UserErrorException("EstimatorStep: the estimator has no entry_script; give it the script to run")
        if estimator.script_params:
            raise UserErrorException(
                "EstimatorStep: script_params of the estimator have no effect in a step; give estimator_entry_script_arguments=[...] instead"
            )
        if estimator_entry_script_arguments is None:
            raise UserErrorException("EstimatorStep: estimator_entry_script_arguments must be given; [] if the script has none")
        super().__init__(
            estimator.entry_script,
            name=name,
            arguments=estimator_entry_script_arguments,
            compute_target=compute_target,
            runconfig=estimator.run_config,
            runconfig_pipeline_params=runconfig_pipeline_params,
            inputs=[*(inputs or ()), *estimator.inputs],
            outputs=outputs,
            source_directory=estimator.source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )
