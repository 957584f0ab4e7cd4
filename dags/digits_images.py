"""Where do the digits come from? A pipeline of one step that writes scikit-learn's own images as files, once.

The images land in the folder `digits` of the workspace's default datastore, where dags/digits_training.py reads them. Edit one and train
again: everything that depends on it runs again. Run this pipeline again to have the original back.
"""

from pathlib import Path

import airflow_amlpipe.azureml  # noqa: F401  makes `azureml` importable in an Airflow DAG file
from azureml.core import Environment, RunConfiguration, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(str(Path(__file__).with_name("config.json")))

run_config = RunConfiguration()
run_config.target = "local"
run_config.environment = Environment("digits")
run_config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["scikit-learn==1.9.1"])

images = OutputFileDatasetConfig(name="images", destination=(ws.get_default_datastore(), "digits")).as_upload(overwrite=True)

write_step = PythonScriptStep(
    name="write images",
    script_name="write.py",
    source_directory="digits/images",
    arguments=["--output", images],
    runconfig=run_config,
)

pipeline = Pipeline(workspace=ws, steps=[write_step])
dag = pipeline.to_dag("digits_images", tags=["example"])
