"""How does an R script become a step?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

__all__ = ["RScriptStep"]


class RScriptStep(RunnableStep):
    """Runs ``Rscript <script_name> <arguments>`` in a copy of ``source_directory``, with the Rscript that the compute has.

    :param cran_packages: not installed here: the compute, or the environment (conda packages ``r-...``), has to have them; a warning says so
    """

    _command_kind = "r_script"

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        params: dict[str, Any] | None = None,
        source_directory: str | None = None,
        use_gpu: bool = False,
        custom_docker_image: str | None = None,
        cran_packages: list[Any] | None = None,
        github_packages: list[Any] | None = None,
        custom_url_packages: list[str] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        self._script_name = self._checked_script(script_name)
        super().__init__(
            name or script_name,
            inputs=inputs,
            outputs=outputs,
            arguments=arguments,
            compute_target=compute_target,
            runconfig=runconfig,
            runconfig_pipeline_params=runconfig_pipeline_params,
            params=params,
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )
        wanted = [
            getattr(package, "name", package)
            for package in (*(cran_packages or ()), *(github_packages or ()), *(custom_url_packages or ()))
        ]
        if wanted:
            warnings.warn(
                f"{self._where}: the R packages {shorten(', '.join(map(str, wanted)))} are not installed here; the compute has to have them, "
                "or the environment as conda packages (r-...)",
                UserWarning,
                stacklevel=2,
            )
