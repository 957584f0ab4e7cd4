"""How strongly should a classifier of digits be regularised? Prepare, train on two values in parallel, compare.

An Azure ML pipeline as an Airflow DAG file: the classes are azureml's, the last line makes the DAG. dags/digits_images.py writes the images.
"""

from pathlib import Path

import airflow_amlpipe.azureml  # noqa: F401  makes `azureml` importable in an Airflow DAG file
from azureml.core import Dataset, Environment, RunConfiguration, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(str(Path(__file__).with_name("config.json")))
def_blob_store = ws.get_default_datastore()

# scikit-learn is installed for the steps, in an environment of their own; Airflow never sees it.
run_config = RunConfiguration()
run_config.target = "local"
run_config.environment = Environment("digits")
run_config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["scikit-learn==1.9.1"])

images = Dataset.File.from_files([(def_blob_store, "digits/")])
prepared = OutputFileDatasetConfig(name="prepared").register_on_complete(name="digits-prepared")
prepare_step = PythonScriptStep(
    name="prepare",
    script_name="prepare.py",
    source_directory="digits/prepare",
    arguments=["--images", images.as_named_input("images").as_download(), "--output", prepared],
    runconfig=run_config,
)

train_steps = []
models = []
for strength, default in [("strong", 0.01), ("weak", 10.0)]:
    c = PipelineParameter(name=f"c_{strength}", default_value=default)
    model = OutputFileDatasetConfig(name=f"model_{strength}")
    train_step = PythonScriptStep(
        name=f"train {strength}",
        script_name="train.py",
        source_directory="digits/train",
        arguments=["--prepared", prepared.as_input("prepared"), "--inverse-regularisation", c, "--output", model],
        runconfig=run_config,
    )
    train_steps.append(train_step)
    models.append(model.as_input(model.name))

best = OutputFileDatasetConfig(name="best").register_on_complete(name="digits-best-model")
compare_step = PythonScriptStep(
    name="compare",
    script_name="compare.py",
    source_directory="digits/compare",
    arguments=["--prepared", prepared.as_input("prepared"), "--output", best, "--models", *models],
    runconfig=run_config,
)

pipeline = Pipeline(workspace=ws, steps=[prepare_step, *train_steps, compare_step])
dag = pipeline.to_dag("digits_training", tags=["example"])
