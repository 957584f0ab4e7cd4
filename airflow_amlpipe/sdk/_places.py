"""Where is a module of SDK v1 here, and what is to be used instead of one that is not?"""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["home_of", "instead_of_module", "is_tried"]

_HOME = "airflow_amlpipe.sdk"
_STEPS = "pipeline.steps._elsewhere"
# Modules whose names live in another module here; most are those in which SDK v1 defined what its packages offered.
_ELSEWHERE = {
    "contrib.pipeline.steps": _STEPS,
    "data.context_managers": "data._mount_context",
    "data.stored_procedure_parameter": "pipeline.core.stored_procedures",
    "exceptions._azureml_exception": "exceptions",
    **dict.fromkeys(
        (
            "pipeline.steps.adla_step",
            "pipeline.steps.automl_step",
            "pipeline.steps.azurebatch_step",
            "pipeline.steps.databricks_step",
            "pipeline.steps.hyper_drive_step",
            "pipeline.steps.kusto_step",
            "pipeline.steps.parallel_run_config",
            "pipeline.steps.parallel_run_step",
            "pipeline.steps.synapse_spark_step",
        ),
        _STEPS,
    ),
    **dict.fromkeys(("train.automl.automlconfig", "train.automl.runtime"), "train.automl"),
    **dict.fromkeys(
        ("train.hyperdrive.policy", "train.hyperdrive.run", "train.hyperdrive.runconfig", "train.hyperdrive.sampling"), "train.hyperdrive"
    ),
}
_INTERPRET = "call the interpreting package itself in the script"
_SERVING = "serve the model outside of airflow-amlpipe"
# What to use instead of the packages of SDK v1 that are not here, by the longest name that fits.
_INSTEAD = {
    "azureml.accel": _SERVING,
    "azureml.automl": "run the training script in a PythonScriptStep",
    "azureml.contrib": "do it in the script of a PythonScriptStep",
    "azureml.contrib.explain": _INTERPRET,
    "azureml.contrib.interpret": _INTERPRET,
    "azureml.contrib.pipeline": "use PythonScriptStep",
    "azureml.core.container_registry": "log the compute's Docker in to the registry",
    "azureml.core.databricks": "run the work as a PythonScriptStep",
    "azureml.core.image": _SERVING,
    "azureml.core.linked_service": "leave it out: there are no Azure resources behind a workspace",
    "azureml.core.private_endpoint": "leave it out: there is no Azure network",
    "azureml.core.profile": _SERVING,
    "azureml.core.util": "leave it out",
    "azureml.core.webservice": _SERVING,
    "azureml.datadrift": "compare the datasets in the script of a PythonScriptStep",
    "azureml.dataprep": "read the files with pandas in the script",
    "azureml.explain": _INTERPRET,
    "azureml.fairness": "call fairlearn itself in the script",
    "azureml.interpret": _INTERPRET,
    "azureml.mlflow": "set MLFLOW_TRACKING_URI in the step's environment_variables",
    "azureml.monitoring": _SERVING,
    "azureml.opendatasets": "read the public files: Dataset.Tabular.from_parquet_files(url), or pandas",
    "azureml.responsibleai": _INTERPRET,
    "azureml.tensorboard": "start tensorboard on the files that run.download_files() gives",
    "azureml.train.automl": "run the training script in a PythonScriptStep",
    "azureml.train.hyperdrive": "make one PythonScriptStep for each set of values",
}
# Scripts try whether these are installed, as a ModuleNotFoundError tells them, and go another way without.
_TRIED = ("azureml.dataprep", "azureml.mlflow")


def home_of(fullname: str) -> str | None:
    """Return the name of the module that serves ``fullname`` (``azureml.core.run``) here, ``None`` if none does."""
    below = fullname.partition(".")[2]
    name = ".".join(part for part in (_HOME, _ELSEWHERE.get(below, below)) if part)
    try:
        return None if find_spec(name) is None else name
    except (ImportError, ValueError):  # what it would lie in is no package, or not there itself
        return None


def instead_of_module(fullname: str) -> str | None:
    """Return what to use instead of a module of SDK v1 that is not here; ``None`` if SDK v1 is not known to have had it."""
    known = [prefix for prefix in _INSTEAD if fullname == prefix or fullname.startswith(f"{prefix}.")]
    return _INSTEAD[max(known, key=len)] if known else None


def is_tried(fullname: str) -> bool:
    """Whether importing the module must fail where it is not here, because scripts ask in this way."""
    return fullname.startswith(_TRIED)
