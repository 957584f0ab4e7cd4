"""Where does a script get what the runtime itself does not have: datasets, workspaces, models?

From ``airflow_amlpipe.sdk``, where that is installed next to the script. Where it is not, the error names the requirement to add.
"""

from __future__ import annotations

from airflow_amlpipe.runtime.stand_ins import stand_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = ["REQUIREMENT", "CompletedBySdk", "from_sdk", "names_of_sdk", "or_stand_in", "sdk_module"]

REQUIREMENT = "airflow-amlpipe"


def sdk_module(module: str, wanted: str) -> Any:
    """Return ``airflow_amlpipe.sdk.<module>``.

    :param wanted: what the script asked for, as it is called there
    :raises ModuleNotFoundError: it is not installed in this environment, or has no such module
    """
    import importlib

    name = "airflow_amlpipe.sdk" + ("." + module if module else "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == "airflow_amlpipe" or not missing.startswith("airflow_amlpipe"):
            raise ModuleNotFoundError(
                "%s is not part of the runtime that every step has: add the requirement %r to the pip packages of this step's environment "
                "(it needs Python 3.11 or newer), or run the step in the worker's own interpreter (user_managed_dependencies = True). "
                "What works without it, inside a step: azureml.core's Run, Workspace, Datastore, Dataset, Model, Keyvault, azureml.pipeline.core's PipelineRun, and azureml.exceptions%s"
                % (wanted, REQUIREMENT, "" if missing == "airflow_amlpipe" else "; missing: %s" % missing),
                name=wanted,
            ) from error
        raise ModuleNotFoundError("%s is not served by airflow-amlpipe; see docs/reference/coverage.md" % wanted, name=wanted) from error


def from_sdk(module: str, name: str, wanted: str) -> Any:
    """Return ``name`` of ``airflow_amlpipe.sdk.<module>``.

    :raises ImportError: it is not there; the message says what to do
    """
    found = sdk_module(module, wanted)
    try:
        return getattr(found, name)
    except AttributeError as error:
        raise ImportError("%s is not served by airflow-amlpipe; see docs/reference/coverage.md" % wanted, name=wanted) from error


def names_of_sdk(module: str) -> List[str]:
    """Return what ``from azureml... import *`` gives of a module of the SDK; nothing where the SDK is not installed."""
    try:
        return list(getattr(sdk_module(module, module), "__all__", ()))
    except ModuleNotFoundError:
        return []


def or_stand_in(module: str, name: str, wanted: str) -> Any:
    """Like :func:`from_sdk`; where the SDK is not installed, a class in its place that says so when it is used.

    Scripts of steps import more than they use, and what only builds pipelines is not used in one.
    """
    try:
        return from_sdk(module, name, wanted)
    except ModuleNotFoundError:
        return stand_in(name, lambda _: from_sdk(module, name, wanted))


class CompletedBySdk:
    """Has what the runtime serves; anything else is asked of the SDK's object of the same kind, which is made when it is first needed."""

    _sdk: Any = None
    _NAME = ""

    def _load_sdk(self, wanted: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._sdk is None:
            try:
                self._sdk = self._load_sdk("%s.%s" % (self._NAME, name))
            except ImportError as error:
                if name.startswith("_"):  # probed for, not asked for: notebooks look for _repr_html_
                    raise AttributeError(name) from error
                raise
        return getattr(self._sdk, name)
