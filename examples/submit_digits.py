"""The digits pipeline as an Azure ML v1 script: nothing in it knows where it runs.

amlpipe run dags/digits_images.py          # once: writes the images it reads
amlpipe run examples/submit_digits.py      # after `make run`: AMLPIPE_HOME=.amlpipe .venv/bin/amlpipe run examples/submit_digits.py
"""

import argparse
import os

from azureml.core import Dataset, Environment, Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--strong", type=float, default=0.01, help="C of the strongly regularised model")
parser.add_argument("--regenerate-outputs", action="store_true", help="run every step, whatever could be reused")
args = parser.parse_args()

ws = Workspace.from_config()
def_blob_store = ws.get_default_datastore()

# Compute: made once, found again afterwards.
compute_name = "aml-compute"
if compute_name in ws.compute_targets:
    compute_target = ws.compute_targets[compute_name]
    print("Found compute target: " + compute_name)
else:
    print("Creating a new compute target...")
    provisioning_config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", min_nodes=0, max_nodes=4)
    compute_target = ComputeTarget.create(ws, compute_name, provisioning_config)
    compute_target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)

# Environment: scikit-learn for the steps.
aml_run_config = RunConfiguration()
aml_run_config.target = compute_target
aml_run_config.environment = Environment("digits")
aml_run_config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["scikit-learn==1.9.1"])

sources = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dags", "digits")

images = Dataset.File.from_files([(def_blob_store, "digits/")])
prepared = OutputFileDatasetConfig(name="prepared", destination=(def_blob_store, "prepared/{run-id}"))
prepared = prepared.register_on_complete(name="digits-prepared")
prepare_step = PythonScriptStep(
    name="prepare",
    script_name="prepare.py",
    source_directory=os.path.join(sources, "prepare"),
    arguments=["--images", images.as_named_input("images").as_download(), "--output", prepared],
    compute_target=compute_target,
    runconfig=aml_run_config,
    allow_reuse=True,
)

train_steps = []
models = []
for strength, default in [("strong", 0.01), ("weak", 10.0)]:
    c = PipelineParameter(name="c_" + strength, default_value=default)
    model = OutputFileDatasetConfig(name="model_" + strength)
    train_steps.append(
        PythonScriptStep(
            name="train " + strength,
            script_name="train.py",
            source_directory=os.path.join(sources, "train"),
            arguments=["--prepared", prepared.as_input("prepared"), "--inverse-regularisation", c, "--output", model],
            compute_target=compute_target,
            runconfig=aml_run_config,
            allow_reuse=True,
        )
    )
    models.append(model.as_input("model_" + strength))

best = OutputFileDatasetConfig(name="best").register_on_complete(name="digits-best-model")
compare_step = PythonScriptStep(
    name="compare",
    script_name="compare.py",
    source_directory=os.path.join(sources, "compare"),
    arguments=["--prepared", prepared.as_input("prepared"), "--output", best, "--models", *models],
    compute_target=compute_target,
    runconfig=aml_run_config,
    allow_reuse=True,
)

compare_models = [prepare_step, *train_steps, compare_step]
pipeline = Pipeline(workspace=ws, steps=[compare_models])

pipeline_run = Experiment(ws, "digits").submit(
    pipeline,
    pipeline_parameters={"c_strong": args.strong},
    regenerate_outputs=args.regenerate_outputs,
)
pipeline_run.wait_for_completion(show_output=True)

compare_run = pipeline_run.find_step_run("compare")[0]
print("Best accuracy:", compare_run.get_metrics()["best_accuracy"])
