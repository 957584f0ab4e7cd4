"""How does a package of the SDK offer its names without importing what lies behind them, and what does it say of those it lacks?

`from azureml.core import Workspace` must not pay for everything else in `azureml.core` (importing the SDK is part of parsing a DAG file).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from airflow_amlpipe.sdk._absent import absent_class

__all__ = ["lazy_names"]

_ROOT = "airflow_amlpipe.sdk"


def lazy_names(
    package: str, offered: Mapping[str, str], lacking: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for ``package``.

    :param offered: name -> the module that defines it, relative to the SDK's root (``core.workspace``)
    :param lacking: name of SDK v1 -> what to use instead; it can be imported, and using it says so
    """
    missing = lacking or {}

    def get(name: str) -> Any:
        if name in offered:
            value = getattr(importlib.import_module(f"{_ROOT}.{offered[name]}"), name)
            setattr(sys.modules[package], name, value)
            return value
        if name in missing:
            made = absent_class(name, missing[name], package)
            setattr(sys.modules[package], name, made)
            return made
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *offered})

    return get, names
