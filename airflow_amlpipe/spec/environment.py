"""Which software does a step's script find around it?"""

from __future__ import annotations

from airflow_amlpipe.spec.model import SpecModel

__all__ = ["EnvironmentLabels", "EnvironmentSpec"]


class EnvironmentSpec(SpecModel):
    """The definition of an environment; what is installed from it belongs to the back end.

    Without an image, conda packages or requirements the step runs in the interpreter that runs the worker.

    :ivar python_version: as the author asked for it, ``None`` when nobody did
    :ivar pip_requirements: requirement lines in the author's order
    :ivar pip_options: lines such as ``--extra-index-url ...``
    :ivar variables: environment variables of the step
    :ivar user_managed: take ``interpreter`` (or the worker's own) as it is and install nothing
    """

    name: str = "default-environment"
    version: str | None = None
    python_version: str | None = None
    pip_requirements: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    conda_packages: tuple[str, ...] = ()
    conda_channels: tuple[str, ...] = ()
    image: str | None = None
    dockerfile: str | None = None
    variables: dict[str, str] = {}
    user_managed: bool = False
    interpreter: str | None = None


class EnvironmentLabels(SpecModel):
    """The labels of a registered environment: version by label."""

    labels: dict[str, str] = {}
