"""From the definition of an environment to an interpreter: what is installed, where is it kept, and when is it built anew?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_amlpipe.spec.environment import EnvironmentSpec

__all__ = ["StepInterpreter", "prepare_environment"]


@dataclass(frozen=True, slots=True)
class StepInterpreter:
    """An interpreter that is ready to run a script.

    :ivar python: its path
    :ivar path: folders that come first on the script's ``PATH``
    :ivar variables: what programs of this environment expect to find
    """

    python: str
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def prepare_environment(
    spec: EnvironmentSpec,
    *,
    home: Path,
    say: Callable[[str], None],
    conda_packages_from_pypi: bool = False,
    python_downloads: bool = False,
) -> StepInterpreter:
    """Return the interpreter of ``spec``, building its environment below ``home/environments`` when nobody has yet."""
    raise NotImplementedError
