"""How does `from azureml.core import Workspace` find airflow-amlpipe?

Importing this module puts a finder in front of Python's own. It serves `azureml` and everything below from `airflow_amlpipe.sdk`: the very
same module objects, so a class is the same class under both names. No package called `azureml` is installed, ever; one that is installed is
left alone on disk, but not seen by this process any more. What scripts catch of msrest, which SDK v1 brought along, is served where msrest
is not installed.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._absent import absent_names
from airflow_amlpipe.sdk._places import home_of, instead_of_module, is_tried
from airflow_amlpipe.sdk.exceptions import NotSupportedYetError

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # importing importlib.abc costs as much as the rest of the alias, and its classes add nothing here

__all__ = ["install"]

_ALIAS = "azureml"
# What our own runtime puts on the path of a step, and `amlpipe run` on the path of what a script starts with multiprocessing.
_SHIMS = tuple(str(Path("airflow_amlpipe", folder, "shim")) for folder in ("runtime", "services"))
_STAND_INS = Path(__file__).parent / "sdk" / "_stand_ins"


class _ModuleNotSupportedError(NotSupportedYetError, ModuleNotFoundError):
    """A module that airflow-amlpipe does not know; a ModuleNotFoundError too, which is what probing code expects."""


class _Alias(Loader):
    """Makes `azureml.x` another name of a module that is imported already."""

    def __init__(self, target: ModuleType) -> None:
        self._target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002  the import system's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what stands in sys.modules afterwards. Returned from create_module, the module would be given this spec.
        sys.modules[module.__name__] = self._target


class _Absent(Loader):
    """Makes a module of SDK v1 that is not here: a script that imports from it starts, and is told what to do when it uses a name."""

    def __init__(self, instead: str) -> None:
        self._instead = instead

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002  the import system's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = f"Not supported: {self._instead}."
        module.__getattr__ = absent_names(module, self._instead)  # type: ignore[method-assign]


class _AzureMLFinder:
    """Answers for `azureml` and everything below it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != _ALIAS and not fullname.startswith(f"{_ALIAS}."):
            return None
        name = home_of(fullname)
        if name is None:
            instead = instead_of_module(fullname)
            if instead is None or is_tried(fullname):
                raise _ModuleNotSupportedError(_missing(fullname, instead), name=fullname)
            return ModuleSpec(fullname, _Absent(instead), is_package=True)
        module = importlib.import_module(name)
        return ModuleSpec(fullname, _Alias(module), origin=module.__file__, is_package=hasattr(module, "__path__"))


class _StandInFinder:
    """Answers for a package that came with SDK v1, after all others: one that is installed is found before."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002  the import system's signature
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(fullname, [str(_STAND_INS)]) if path is None and (_STAND_INS / fullname).is_dir() else None


def install() -> None:
    """Serve `azureml` from here on in this process; twice is fine. Warns if a package of that name is installed."""
    if any(isinstance(finder, _AzureMLFinder) for finder in sys.meta_path):
        return
    loaded = [name for name in sys.modules if name == _ALIAS or name.startswith(f"{_ALIAS}.")]
    if _is_foreign(sys.modules.get(_ALIAS)) or (not loaded and _is_foreign(PathFinder.find_spec(_ALIAS))):
        warnings.warn(
            "a package called azureml is installed; in this process `import azureml` is airflow-amlpipe's from now on. "
            "Uninstall azureml-core and what came with it if you no longer need it",
            UserWarning,
            stacklevel=3,
        )
    for name in loaded:
        del sys.modules[name]
    sys.meta_path.insert(0, _AzureMLFinder())
    sys.meta_path.append(_StandInFinder())
    importlib.import_module(_ALIAS)


def _is_foreign(found: ModuleType | ModuleSpec | None) -> bool:
    """Whether there is an `azureml` that is none of our own."""
    place = getattr(found, "origin", None) or getattr(found, "__file__", None) or ""
    return found is not None and not any(shim in place for shim in _SHIMS)


def _missing(fullname: str, instead: str | None) -> str:
    advice = "" if instead is None else f"; {instead}"
    return f"No module named {fullname!r}: it is not supported by airflow-amlpipe{advice} (docs/reference/coverage.md lists what there is)"


install()
