"""How does a script that several processes run together through MPI become a step?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.sdk.core.runconfig import MpiConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter
from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep
from airflow_amlpipe.sdk.train._packages import run_config_of

__all__ = ["MpiStep"]


class MpiStep(PythonScriptStep):
    """Runs a script in ``node_count`` times ``process_count_per_node`` processes, which ``mpirun`` starts on one machine.

    :param kwargs: what the processes find around them: ``conda_packages``, ``pip_packages``, ``pip_requirements_file``, ``environment_definition``,
        ``use_gpu``, ``use_docker``, ``custom_docker_image``, ``user_managed``
    :raises UserErrorException: one of the first seven is missing, as in SDK v1
    """

    def __init__(
        self,
        name: str | None = None,
        source_directory: str | None = None,
        script_name: str | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        node_count: int | PipelineParameter | None = None,
        process_count_per_node: int | PipelineParameter | None = None,
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        needed = {
            "name": name,
            "source_directory": source_directory,
            "script_name": script_name,
            "arguments": arguments,
            "compute_target": compute_target,
            "node_count": node_count,
            "process_count_per_node": process_count_per_node,
        }
        missing = [what for what, value in needed.items() if value is None]
        if missing:
            raise UserErrorException(f"MpiStep: {', '.join(missing)} must be given")
        counts = {"NodeCount": node_count, "MpiProcessCountPerNode": process_count_per_node}
        runconfig = run_config_of("MpiStep", **kwargs)
        nodes, processes = (value.default_value if isinstance(value, PipelineParameter) else value for value in counts.values())
        runconfig.communicator, runconfig.node_count = "OpenMpi", nodes  # type: ignore[assignment]  # checked when it is lowered
        runconfig.mpi = MpiConfiguration(processes, nodes)  # type: ignore[arg-type]
        super().__init__(
            str(script_name),
            name=name,
            arguments=arguments,
            compute_target=compute_target,
            runconfig=runconfig,
            runconfig_pipeline_params={key: value for key, value in counts.items() if isinstance(value, PipelineParameter)} or None,
            inputs=inputs,
            outputs=outputs,
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
            hash_paths=hash_paths,
        )
