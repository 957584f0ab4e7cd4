"""What does `from azureml.core.run import ...` find inside a step?"""

from airflow_amlpipe.runtime.offline import OfflineRun as _OfflineRun
from airflow_amlpipe.runtime.run import Run
from airflow_amlpipe.runtime.submitted import SubmittedRun as _SubmittedRun

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]


def get_run(experiment, run_id, rehydrate=True, clean_up=True):
    """Return another run, as the SDK knows it."""
    return Run.get(experiment.workspace, run_id)
