"""What is printed when a pipeline is submitted or published? SDK v1's lines, because scripts and people look for them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.spec.pipeline import PipelineSpec
    from airflow_amlpipe.spec.step import StepSpec

__all__ = ["print_steps", "print_submitted"]


def print_steps(spec: PipelineSpec, policy: str = "auto") -> None:
    """Print a line for each step and each dataset that a step reads."""
    for line in _lines(spec, policy):
        print(line)


def print_submitted(run: PipelineRun) -> None:
    """Print which run it has become, and where it is kept."""
    print(f"Submitted PipelineRun {run.id}")
    print(f"Link to Azure Machine Learning Portal: {run.get_portal_url()}")


def _lines(spec: PipelineSpec, policy: str) -> Iterator[str]:
    """Yield the lines; their ids follow from the content."""
    from airflow_amlpipe.reuse.policy import ReusePolicy

    may_reuse_any = ReusePolicy.parse(policy).mode in {"auto", "require"}
    for step in spec.in_order():
        may_reuse = step.allow_reuse and may_reuse_any
        what = "This step is eligible to reuse a previous run's output" if may_reuse else "This step will run and generate new outputs"
        yield f"Created step {step.name} [{_short(step.id)}][{_long(step)}], ({what})"
        for item in step.inputs:
            source: Any = item.source
            if getattr(source, "kind", "") == "dataset":
                eligible = "Consumers of this data are eligible to reuse prior runs."
                yield f"Created data reference {item.name} for StepId [{_short(step.id)}][{_long(step)}], ({eligible})"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _long(step: StepSpec) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, step.model_dump_json()))
