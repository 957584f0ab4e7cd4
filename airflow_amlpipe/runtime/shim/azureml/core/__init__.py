"""What does `from azureml.core import ...` find inside a step?"""

from airflow_amlpipe.runtime.protocol import SDK_VERSION
from airflow_amlpipe.runtime.run import Run

VERSION = __version__ = SDK_VERSION

__all__ = ["VERSION", "Run", "get_run"]


def get_run(experiment, run_id, rehydrate=True, clean_up=True):
    """Return another run, as the SDK knows it."""
    return Run.get(experiment.workspace, run_id)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    from airflow_amlpipe.runtime.elsewhere import from_sdk

    return from_sdk("core", name, "azureml.core." + name)
