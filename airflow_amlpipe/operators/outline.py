"""What does the task of one step have to know of the pipeline around it?"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames

__all__ = ["PipelineOutline"]


class PipelineOutline(SpecModel):
    """A pipeline without the content of its steps: every task of a DAG holds the same small text of it.

    :ivar step_names: name of every step by its id, in order of execution
    :ivar digest: of the stored specification, ``None`` for a DAG file
    """

    name: str
    description: str | None = None
    parameters: tuple[ParameterSpec, ...] = ()
    step_names: dict[str, str] = Field(default_factory=dict)
    digest: str | None = None
    workspace: WorkspaceNames | None = None

    @classmethod
    def of(cls, spec: PipelineSpec, step_names: Mapping[str, str], digest: str | None = None) -> PipelineOutline:
        """Return the outline of ``spec``.

        :param step_names: its steps in order of execution, which the caller has found out already
        """
        return cls(
            name=spec.name,
            description=spec.description,
            parameters=spec.parameters,
            step_names=dict(step_names),
            digest=digest,
            workspace=spec.workspace,
        )

    def bind_parameters(self, given: Mapping[str, object]) -> dict[str, ParameterValue]:
        """Return the value of every declared parameter, see :meth:`PipelineSpec.bind_parameters`."""
        return PipelineSpec(name=self.name, parameters=self.parameters, steps=()).bind_parameters(dict(given))
