"""What is installed in place of SDK v1's own packages, which a step never needs?

`azureml` comes with airflow-amlpipe, in every environment. Scripts may rely on what those packages brought along: pandas, pyarrow, MLflow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable

__all__ = ["is_azureml", "replace_azureml", "tell_replaced"]

_AZUREML = re.compile(r"(?P<name>azureml(?:-[A-Za-z0-9._-]+)?)\s*(?:\[(?P<extras>[^\]]*)\])?(?=$|[\s\[=<>!~;@])")
# What a script could import because such a package was installed.
_BROUGHT = {"azureml-dataset-runtime": ("pyarrow",), "azureml-mlflow": ("mlflow-skinny",), "azureml-opendatasets": ("pandas", "pyarrow")}
_EXTRAS = {"pandas": ("pandas",), "parquet": ("pandas", "pyarrow"), "azureml-defaults": (), "fuse": ()}
_told: set[tuple[str, tuple[str, ...]]] = set()


def is_azureml(line: str) -> bool:
    """Whether a requirement line names a package of SDK v1."""
    return _AZUREML.match(line) is not None


def replace_azureml(lines: Iterable[str], has: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the requirements that take the place of the lines that name packages of SDK v1, each once.

    :param has: whether a package is asked for anyway
    """
    found: list[str] = []
    for line in lines:
        match = _AZUREML.match(line)
        if match is None:
            continue
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        extras = [extra.strip().lower() for extra in (match["extras"] or "").split(",")]
        found += [package for extra in extras for package in _EXTRAS.get(extra, ())]
        found += _BROUGHT.get(name, ())
    return tuple(package for package in dict.fromkeys(found) if not has(package))


def tell_replaced(name: str, left_out: tuple[str, ...], instead: tuple[str, ...]) -> None:
    """Say once, on standard error, what is not installed in an environment and what is in its place."""
    if (name, left_out) in _told:
        return
    _told.add((name, left_out))
    installed = f"; installed in their place: {', '.join(instead)}" if instead else ""
    sys.stderr.write(
        f"environment {name!r}: {', '.join(left_out)} not installed, because `azureml` comes with airflow-amlpipe{installed}\n"
    )
