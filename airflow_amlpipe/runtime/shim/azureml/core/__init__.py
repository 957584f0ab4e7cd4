"""What does `from azureml.core import ...` find inside a step?"""

from airflow_amlpipe.runtime.protocol import SDK_VERSION
from airflow_amlpipe.runtime.run import Run

VERSION = __version__ = SDK_VERSION

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Keyvault",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Webservice",
    "Workspace",
    "get_run",
]


def get_run(experiment, run_id, rehydrate=True, clean_up=True):
    """Return another run, as the SDK knows it."""
    return Run.get(experiment.workspace, run_id)


# Read when they are first asked for: a script that only logs pays for none of them.
_SERVED = {
    "Dataset": "datasets",
    "Datastore": "datastores",
    "Environment": "environments",
    "Keyvault": "secrets",
    "Model": "models",
    "Workspace": "workspace",
}


# What scripts import along with Run and only a script that submits can use.
_OF_SUBMISSION = ("ComputeTarget", "ContainerRegistry", "RunConfiguration", "ScriptRun", "ScriptRunConfig", "Webservice")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _SERVED:
        from importlib import import_module

        return getattr(import_module("airflow_amlpipe.runtime." + _SERVED[name]), name)
    if name == "Experiment":
        from airflow_amlpipe.runtime.surroundings import Experiment

        return Experiment
    from airflow_amlpipe.runtime.elsewhere import from_sdk, or_stand_in

    return (or_stand_in if name in _OF_SUBMISSION else from_sdk)("core", name, "azureml.core." + name)
