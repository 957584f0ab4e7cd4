"""What does `azureml.train.automl` offer? Its names, so that scripts which import them start; models are not searched for by themselves."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent_class
from airflow_amlpipe.sdk.pipeline.steps._elsewhere import AutoMLStep, AutoMLStepRun

__all__ = ["AutoMLConfig", "AutoMLRun", "AutoMLStep", "AutoMLStepRun"]

_TRAINING = "run the training script in a PythonScriptStep"

AutoMLConfig = absent_class("AutoMLConfig", _TRAINING, __name__)
AutoMLRun = absent_class("AutoMLRun", _TRAINING, __name__)
