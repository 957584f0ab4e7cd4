"""Which programs do people have who wrote for SDK v1? Some of them, as files by their paths; all run unchanged (tests/e2e/test_v1_programs.py)."""

from __future__ import annotations

__all__ = ["CELLS", "NOTEBOOK", "ODDITIES", "RETRAINING", "SAMPLES"]

# A retraining pipeline as teams kept it under continuous integration: settings in `.env`, a builder with options of its own in a package, one source
# folder for all steps with scripts in sub-folders, steps that tell their parent what the next ones have to know.
RETRAINING = {
    ".env": """
# settings of the team's workspace
EXPERIMENT_NAME=house-prices
MODEL_NAME = prices.json
COMPUTE_CLUSTER_NAME=train-cluster
SOURCES_DIR_TRAIN='prices'
RUN_EVALUATION=true
""",
    "before.py": """
import airflow_amlpipe.azureml
from azureml.core import Dataset, Workspace

ws = Workspace.from_config()
store = ws.get_default_datastore()
store.upload_files(["data/houses.csv"], target_path="raw/houses", overwrite=True, show_progress=False)
Dataset.File.from_files([(store, "raw/houses/*.csv")]).register(ws, "houses", description="sold houses", create_new_version=True)
""",
    "data/houses.csv": "size,price\n50,100\n70,140\n90,181\n",
    "ml_service/__init__.py": "",
    "ml_service/settings.py": """
import os
from dataclasses import dataclass


def load_env(path=".env"):
    with open(path) as file:
        for line in file:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                os.environ.setdefault(name.strip(), value.strip().strip("'"))


@dataclass(frozen=True)
class Settings:
    experiment: str
    model: str
    compute: str
    sources: str
    evaluate: bool

    @classmethod
    def load(cls):
        load_env()
        get = os.environ.get
        return cls(get("EXPERIMENT_NAME"), get("MODEL_NAME"), get("COMPUTE_CLUSTER_NAME"), get("SOURCES_DIR_TRAIN"), get("RUN_EVALUATION") == "true")
""",
    "ml_service/attach_compute.py": """
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import ComputeTargetException


def get_compute(workspace, name, vm_size="STANDARD_D2_V2"):
    try:
        if name in workspace.compute_targets:
            compute = workspace.compute_targets[name]
            if compute and type(compute) is AmlCompute:
                print("Found existing compute target " + name + " so using it.")
        else:
            config = AmlCompute.provisioning_configuration(vm_size=vm_size, vm_priority="lowpriority", min_nodes=0, max_nodes=4,
                                                           idle_seconds_before_scaledown="300")
            compute = ComputeTarget.create(workspace, name, config)
            compute.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=10)
        return compute
    except ComputeTargetException as ex:
        print(ex)
        print("An error occurred trying to provision compute.")
        exit(1)
""",
    "build_train_pipeline.py": """
import argparse
import os

from azureml.core import Dataset, Environment, Experiment, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, StepSequence
from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.steps import PythonScriptStep
from azureml.data import OutputFileDatasetConfig

from ml_service.attach_compute import get_compute
from ml_service.settings import Settings


def main():
    parser = argparse.ArgumentParser("build and submit")
    parser.add_argument("--degree", type=int, default=1)
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--tag", action="append", default=[])
    args = parser.parse_args()
    e = Settings.load()

    aml_workspace = Workspace.from_config()
    print("get_workspace:")
    print(aml_workspace.name, aml_workspace.resource_group, aml_workspace.location, aml_workspace.subscription_id, sep="\\n")

    aml_compute = get_compute(aml_workspace, e.compute)
    environment = Environment(name="prices")
    run_config = RunConfiguration()
    run_config.environment = environment
    run_config.environment.environment_variables["PRICES_GREETING"] = "good morning"

    model_name_param = PipelineParameter(name="model_name", default_value=e.model)
    degree_param = PipelineParameter(name="degree", default_value=args.degree)
    caller_param = PipelineParameter(name="caller_run_id", default_value="none")

    houses = Dataset.get_by_name(aml_workspace, "houses").as_named_input("houses").as_mount()
    prepared = OutputFileDatasetConfig(name="prepared").as_upload(overwrite=True)
    model = OutputFileDatasetConfig("model", destination=(aml_workspace.get_default_datastore(), "models/{run-id}"))

    prepare_step = PythonScriptStep(
        name="Prepare", script_name="prepare/prepare.py", compute_target=aml_compute, source_directory=e.sources, runconfig=run_config,
        arguments=["--houses", houses, "--prepared", prepared], allow_reuse=True)
    train_step = PythonScriptStep(
        name="Train Model", script_name="training/train.py", compute_target=aml_compute, source_directory=e.sources, runconfig=run_config,
        arguments=["--prepared", prepared.as_input("prepared"), "--model", model, "--model_name", model_name_param, "--degree", degree_param],
        allow_reuse=not args.force)
    evaluate_step = PythonScriptStep(
        name="Evaluate Model ", script_name="evaluate/evaluate.py", compute_target=aml_compute, source_directory=e.sources, runconfig=run_config,
        arguments=["--allow_run_cancel", "false", "--model_name", model_name_param], allow_reuse=False)
    report_step = PythonScriptStep(
        name="Report", script_name="report.py", compute_target=aml_compute, source_directory=e.sources, runconfig=run_config, allow_reuse=False,
        arguments=["--model", model.as_input(), "--caller", caller_param])
    if e.evaluate:
        evaluate_step.run_after(train_step)
        report_step.run_after(evaluate_step)
        steps = [prepare_step, train_step, evaluate_step, report_step]
    else:
        steps = [prepare_step, train_step, report_step]

    train_pipeline = Pipeline(workspace=aml_workspace, steps=steps)
    train_pipeline._set_experiment_name
    assert train_pipeline.validate() == []
    run = Experiment(aml_workspace, e.experiment).submit(
        train_pipeline, tags=dict(tag.split("=") for tag in args.tag), pipeline_parameters={"caller_run_id": "ci-7"})
    status = run.wait_for_completion(show_output=True)
    print("ended with", status)


if __name__ == "__main__":
    main()
""",
    "prices/.amlignore": "notebooks/\n*.log\n",
    "prices/notebooks/scratch.ipynb": '{"cells": [], "metadata": {}}',
    "prices/util/__init__.py": "",
    "prices/util/tables.py": """
import csv
import os


def read_tables(folder):
    rows = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else [folder]:
        with open(os.path.join(folder, name) if name != folder else folder, newline="") as file:
            rows += [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return rows
""",
    "prices/prepare/prepare.py": """
import argparse
import json
import os

from azureml.core import Run
from util.tables import read_tables

run = Run.get_context()
parser = argparse.ArgumentParser()
parser.add_argument("--houses")
parser.add_argument("--prepared")
args = parser.parse_args()
rows = read_tables(args.houses)
print(os.environ["PRICES_GREETING"], "- houses:", len(rows))
os.makedirs(args.prepared, exist_ok=True)
with open(os.path.join(args.prepared, "rows.json"), "w") as file:
    json.dump(rows, file)
run.log("rows", len(rows))
run.parent.log("rows", len(rows))
""",
    "prices/training/model.py": """
def fit(rows, degree):
    weight = sum(row["price"] for row in rows) / sum(row["size"] ** degree for row in rows)
    return {"weight": weight, "degree": degree}


def error(model, rows):
    return sum(abs(model["weight"] * row["size"] ** model["degree"] - row["price"]) for row in rows) / len(rows)
""",
    "prices/training/train.py": """
import argparse
import json
import os

from azureml.core.run import Run
from model import error, fit  # beside this script


def main():
    run = Run.get_context()
    parser = argparse.ArgumentParser("train")
    parser.add_argument("--prepared")
    parser.add_argument("--model")
    parser.add_argument("--model_name", type=str)
    parser.add_argument("--degree", type=int)
    args = parser.parse_args()
    with open(os.path.join(args.prepared, "rows.json")) as file:
        rows = json.load(file)
    model = fit(rows, args.degree)
    for epoch in range(3):
        run.log("loss", error(model, rows) + 2 - epoch)
    run.log_row("fit", weight=model["weight"], degree=args.degree)
    run.parent.log("error", error(model, rows), "of the last model")
    os.makedirs("outputs", exist_ok=True)
    for folder in (args.model, "outputs"):
        with open(os.path.join(folder, args.model_name), "w") as file:
            json.dump(model, file)
    run.tag("run_type", value="train")
    print("tags now present for run: {}".format(run.tags))


if __name__ == "__main__":
    main()
""",
    "prices/evaluate/evaluate.py": """
import argparse

from azureml.core import Run

run = Run.get_context()
parser = argparse.ArgumentParser("evaluate")
parser.add_argument("--allow_run_cancel", type=str, default="true")
parser.add_argument("--model_name", type=str)
args = parser.parse_args()
new_error = run.parent.get_metrics().get("error")
print("the error of the parent is", round(new_error, 3))
if new_error > 1000 and args.allow_run_cancel.lower() == "true":
    run.parent.cancel()
run.parent.tag("evaluated", args.model_name)
""",
    "prices/report.py": """
import argparse
import os
import sys

from azureml.core import Run
from util import tables  # of the source folder's root

parser = argparse.ArgumentParser()
parser.add_argument("--model")
parser.add_argument("--caller")
args = parser.parse_args()
parent = Run.get_context().parent
print(sorted(os.listdir(args.model)), args.caller, os.environ["AML_PARAMETER_caller_run_id"], sys.argv[0].endswith("report.py"))
with open("report.txt", "w") as file:
    file.write("evaluated " + parent.get_tags()["evaluated"])
Run.get_context().upload_file("reports/report.txt", "report.txt")
""",
}


# What scripts do that nobody writes down: a file where a folder was announced, siblings of sub-folders, values by environment variable, folders that
# the script has to make, one output read by several steps in several ways, tags that later steps wait for.
ODDITIES = {
    "before.py": """
import airflow_amlpipe.azureml
from azureml.core import Workspace

store = Workspace.from_config().get_default_datastore()
store.upload("words", "raw/words", show_progress=False)
""",
    "words/a.txt": "one two\n",
    "words/deep/b.txt": "three\n",
    "build.py": """
import os
from azureml.core import Dataset, Datastore, Experiment, Workspace
from azureml.core.compute import ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.runconfig import DEFAULT_CPU_IMAGE, RunConfiguration
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, StepSequence
from azureml.pipeline.steps import PythonScriptStep

here = os.path.dirname(os.path.abspath(__file__))
ws = Workspace.from_config(path=here)
try:
    compute = ComputeTarget(workspace=ws, name="no-such-cluster")
except ComputeTargetException:
    compute = "local"
store = Datastore.get(ws, "workspaceblobstore")
run_config = RunConfiguration()
run_config.environment.docker.base_image = None
run_config.environment.python.user_managed_dependencies = True

words = DataReference(datastore=store, data_reference_name="words", path_on_datastore="raw/words")
counts = PipelineData("counts", datastore=store, is_directory=False)
folder = PipelineData("folder", datastore=store, pipeline_output_name="the_folder")
limit = PipelineParameter("limit", 2)
print("the counts will be at", counts.get_env_variable_name())

count = PythonScriptStep("count words.py", name="count words", arguments=["--words", words, "--counts", counts, "--limit", limit],
                         inputs=[words], outputs=[counts], compute_target=compute, runconfig=run_config, source_directory=os.path.join(here, "src"))
spread = PythonScriptStep(script_name="steps/spread.py", arguments=["--counts", counts, "--folder", folder], inputs=[counts], outputs=[folder],
                          params={"SUFFIX": ".part", "ROUNDS": 3}, compute_target=compute, runconfig=run_config, source_directory=os.path.join(here, "src"))
read_one = PythonScriptStep("steps/read.py", name="read", arguments=[folder.as_mount(), "mounted"], inputs=[folder.as_mount()],
                            compute_target=compute, runconfig=run_config, source_directory=os.path.join(here, "src"))
read_two = PythonScriptStep("steps/read.py", name="read", arguments=["--", folder.as_download(), "downloaded"], inputs=[folder.as_download()],
                            compute_target=compute, runconfig=run_config, source_directory=os.path.join(here, "src"), allow_reuse=False)
last = PythonScriptStep("last.py", compute_target=compute, runconfig=run_config, source_directory=os.path.join(here, "src"))
last.run_after(read_one)
last.run_after(read_two)
pipeline = Pipeline(ws, steps=[last, read_one, read_two], description="odd")
run = Experiment(ws, "odd").submit(pipeline, regenerate_outputs=False)
run.wait_for_completion(show_output=False, raise_on_error=True)
print("status", run.get_status(), run.status, len(run.find_step_run("read")), sorted(step.name for step in run.get_children()))
for step in run.get_steps():
    if step.name == "steps/spread.py":
        port = step.get_output_data("folder")
        print("files", port.download(local_path=os.path.join(here, "results"), show_progress=True), port.path_on_datastore == port._path_on_datastore)
print("by name", run.get_pipeline_output("the_folder").name)
""",
    "src/count words.py": """
import argparse, os
from lib import counting  # a package beside the script

parser = argparse.ArgumentParser()
parser.add_argument("--words"); parser.add_argument("--counts"); parser.add_argument("--limit", type=int)
args = parser.parse_args()
assert args.words == os.environ["AZUREML_DATAREFERENCE_words"], os.environ
assert args.counts == os.environ["AZUREML_DATAREFERENCE_counts"]
assert os.environ["AML_PARAMETER_limit"] == "2"
assert not os.path.exists(args.counts), "SDK v1 made the parent only"
with open(args.counts, "w") as file:  # a file, where others make a folder
    file.write("\\n".join(counting.count(args.words)[: args.limit]))
""",
    "src/lib/__init__.py": "",
    "src/lib/counting.py": """
import os

def count(folder):
    found = []
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            with open(os.path.join(root, name)) as file:
                found.append("%s %d" % (os.path.relpath(os.path.join(root, name), folder), len(file.read().split())))
    return found
""",
    "src/steps/near.py": "GREETING = 'from a sibling'\n",
    "src/steps/spread.py": """
import argparse, os, sys
import near           # beside this script
from lib import counting  # below the source folder

parser = argparse.ArgumentParser()
parser.add_argument("--counts"); parser.add_argument("--folder")
args = parser.parse_args()
print(near.GREETING, os.path.isfile(args.counts), os.getcwd() == os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.makedirs(args.folder, exist_ok=True)
with open(args.counts) as file:
    for number, line in enumerate(file):
        for round in range(int(os.environ["AML_PARAMETER_ROUNDS"])):
            with open(os.path.join(args.folder, "%d-%d%s" % (number, round, os.environ["AML_PARAMETER_SUFFIX"])), "w") as part:
                part.write(line)
""",
    "src/steps/read.py": """
import os, sys
from azureml.core import Run

folder, how = sys.argv[-2:]
run = Run.get_context()
run.parent.tag(how, len(os.listdir(folder)))
run.parent.log("files", len(os.listdir(folder)))
print(how, run.experiment.name, run.parent.id == os.environ["AZUREML_ROOT_RUN_ID"] if "AZUREML_ROOT_RUN_ID" in os.environ else True)
""",
    "src/last.py": """
from azureml.core import Run

parent = Run.get_context().parent
print("tags", parent.get_tags(), "metrics", parent.get_metrics())
assert parent.get_metrics()["files"] == [6, 6], parent.get_metrics()
""",
}


# A lab's notebook: a table that is registered, a pipeline of two scripts that cells write, a model that the second one registers, results read back.
NOTEBOOK = {
    "data/diabetes.csv": "PatientID,Pregnancies,Age,Diabetic\n1,0,21,0\n2,8,23,0\n3,7,43,1\n4,9,21,0\n5,1,55,1\n6,0,60,1\n",
    "data/diabetes2.csv": "PatientID,Pregnancies,Age,Diabetic\n7,2,48,1\n8,1,19,0\n",
}
# The notebook's cells. The lab's own first line is the only one that was not in it before.
CELLS = [
    "import airflow_amlpipe.azureml",
    """
import azureml.core
from azureml.core import Workspace

# Load the workspace from the saved config file
ws = Workspace.from_config()
print('Ready to use Azure ML {} to work with {}'.format(azureml.core.VERSION, ws.name))
""",
    """
from azureml.core import Dataset
from azureml.data.datapath import DataPath

default_ds = ws.get_default_datastore()

if 'diabetes dataset' not in ws.datasets:
    Dataset.File.upload_directory(src_dir='data', target=DataPath(default_ds, 'diabetes-data/'))

    #Create a tabular dataset from the path on the datastore (this may take a short while)
    tab_data_set = Dataset.Tabular.from_delimited_files(path=(default_ds, 'diabetes-data/*.csv'))

    # Register the tabular dataset
    try:
        tab_data_set = tab_data_set.register(workspace=ws,
                                name='diabetes dataset',
                                description='diabetes data',
                                tags = {'format':'CSV'},
                                create_new_version=True)
        print('Dataset registered.')
    except Exception as ex:
        print(ex)
else:
    print('Dataset already registered.')
""",
    """
import os
# Create a folder for the pipeline step files
experiment_folder = 'diabetes_pipeline'
os.makedirs(experiment_folder, exist_ok=True)

print(experiment_folder)
""",
    """%%writefile $experiment_folder/prep_diabetes.py
# Import libraries
import os
import argparse
import pandas as pd
from azureml.core import Run

# Get parameters
parser = argparse.ArgumentParser()
parser.add_argument("--input-data", type=str, dest='raw_dataset_id', help='raw dataset')
parser.add_argument('--prepped-data', type=str, dest='prepped_data', default='prepped_data', help='Folder for results')
args = parser.parse_args()
save_folder = args.prepped_data

# Get the experiment run context
run = Run.get_context()

# load the data (passed as an input dataset)
print("Loading Data...")
diabetes = run.input_datasets['raw_data'].to_pandas_dataframe()

# Log raw row count
row_count = (len(diabetes))
run.log('raw_rows', row_count)

# remove nulls
diabetes = diabetes.dropna()
diabetes['Age'] = diabetes['Age'] / diabetes['Age'].max()

# Log processed rows
row_count = (len(diabetes))
run.log('processed_rows', row_count)

# Save the prepped data
print("Saving Data...")
os.makedirs(save_folder, exist_ok=True)
save_path = os.path.join(save_folder,'data.csv')
diabetes.to_csv(save_path, index=False, header=True)

# End the run
run.complete()
""",
    """%%writefile $experiment_folder/train_diabetes.py
# Import libraries
from azureml.core import Run, Model
import argparse
import json
import os
import pandas as pd

# Get parameters
parser = argparse.ArgumentParser()
parser.add_argument("--training-data", type=str, dest='training_data', help='training data')
args = parser.parse_args()
training_data = args.training_data

# Get the experiment run context
run = Run.get_context()

# load the prepared data file in the training folder
print("Loading Data...")
file_path = os.path.join(training_data,'data.csv')
diabetes = pd.read_csv(file_path)

threshold = diabetes[diabetes.Diabetic == 1].Age.min()
acc = float(((diabetes.Age >= threshold) == (diabetes.Diabetic == 1)).mean())
print('Accuracy:', acc)
run.log('Accuracy', float(acc))
run.log_list('ages', list(diabetes.Age.round(2)))

# Save the trained model in the outputs folder
print("Saving model...")
os.makedirs('outputs', exist_ok=True)
model_file = os.path.join('outputs', 'diabetes_model.json')
with open(model_file, 'w') as file:
    json.dump({"threshold": threshold}, file)

# Register the model
print('Registering model...')
Model.register(workspace=run.experiment.workspace,
               model_path = model_file,
               model_name = 'diabetes_model',
               tags={'Training context':'Pipeline'},
               properties={'Accuracy': str(acc)})

run.complete()
""",
    """
from azureml.core.compute import ComputeTarget, AmlCompute
from azureml.core.compute_target import ComputeTargetException

cluster_name = "your-compute-cluster"

try:
    # Check for existing compute target
    pipeline_cluster = ComputeTarget(workspace=ws, name=cluster_name)
    print('Found existing cluster, use it.')
except ComputeTargetException:
    # If it doesn't already exist, create it
    try:
        compute_config = AmlCompute.provisioning_configuration(vm_size='STANDARD_DS11_V2', max_nodes=2)
        pipeline_cluster = ComputeTarget.create(ws, cluster_name, compute_config)
        pipeline_cluster.wait_for_completion(show_output=True)
    except Exception as ex:
        print(ex)
""",
    """
from azureml.core import Environment
from azureml.core.runconfig import RunConfiguration

# Create a Python environment for the experiment (the machine has what it needs)
experiment_env = Environment("experiment_env")
experiment_env.python.user_managed_dependencies = True

# Register the environment
experiment_env.register(workspace=ws)
registered_env = Environment.get(ws, 'experiment_env')

# Create a new runconfig object for the pipeline
pipeline_run_config = RunConfiguration()

# Use the compute you created above.
pipeline_run_config.target = pipeline_cluster

# Assign the environment to the run configuration
pipeline_run_config.environment = registered_env

print ("Run configuration created.")
""",
    """
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.steps import PythonScriptStep

# Get the training dataset
diabetes_ds = ws.datasets.get("diabetes dataset")

# Create an OutputFileDatasetConfig (temporary Data Reference) for data passed from step 1 to step 2
prepped_data = OutputFileDatasetConfig("prepped_data")

# Step 1, Run the data prep script
prep_step = PythonScriptStep(name = "Prepare Data",
                                source_directory = experiment_folder,
                                script_name = "prep_diabetes.py",
                                arguments = ['--input-data', diabetes_ds.as_named_input('raw_data'),
                                             '--prepped-data', prepped_data],
                                compute_target = pipeline_cluster,
                                runconfig = pipeline_run_config,
                                allow_reuse = True)

# Step 2, run the training script
train_step = PythonScriptStep(name = "Train and Register Model",
                                source_directory = experiment_folder,
                                script_name = "train_diabetes.py",
                                arguments = ['--training-data', prepped_data.as_input()],
                                compute_target = pipeline_cluster,
                                runconfig = pipeline_run_config,
                                allow_reuse = True)

print("Pipeline steps defined")
""",
    """
from azureml.core import Experiment
from azureml.pipeline.core import Pipeline
from azureml.widgets import RunDetails

# Construct the pipeline
pipeline_steps = [prep_step, train_step]
pipeline = Pipeline(workspace=ws, steps=pipeline_steps)
print("Pipeline is built.")

# Create an experiment and run the pipeline
experiment = Experiment(workspace=ws, name = 'mslearn-diabetes-pipeline')
pipeline_run = experiment.submit(pipeline, regenerate_outputs=True)
print("Pipeline submitted for execution.")
RunDetails(pipeline_run).show()
pipeline_run.wait_for_completion(show_output=True)
""",
    """
for run in pipeline_run.get_children():
    print(run.name, ':')
    metrics = run.get_metrics()
    for metric_name in metrics:
        print('\\t',metric_name, ":", metrics[metric_name])
""",
    """
from azureml.core import Model

for model in Model.list(ws):
    print(model.name, 'version:', model.version)
    for tag_name in model.tags:
        tag = model.tags[tag_name]
        print ('\\t',tag_name, ':', tag)
    for prop_name in model.properties:
        prop = model.properties[prop_name]
        print ('\\t',prop_name, ':', prop)
    print('\\n')
""",
    """
# Publish the pipeline from the run
published_pipeline = pipeline_run.publish_pipeline(
    name="diabetes-training-pipeline", description="Trains diabetes model", version="1.0")

rest_endpoint = published_pipeline.endpoint
print(rest_endpoint)
""",
    """
from azureml.core.authentication import InteractiveLoginAuthentication

interactive_auth = InteractiveLoginAuthentication()
auth_header = interactive_auth.get_authentication_header()
print("Authentication header ready.", sorted(auth_header))
""",
]

# Scripts as Microsoft's samples of pipelines were written: steps side by side and in sequence, data and paths as parameters, other kinds of steps.
SAMPLES = {
    "before.py": """
import airflow_amlpipe.azureml
from azureml.core import Workspace

store = Workspace.from_config().get_default_datastore()
for folder in ("first", "second"):
    store.upload_files(["data/" + folder + ".csv"], target_path=folder, overwrite=True, show_progress=False)
""",
    "data/first.csv": "a,b\n1,x\n2,y\n",
    "data/second.csv": "a,b\n1,x\n2,y\n3,z\n",
    # steps side by side and one after another, and what is printed of a run
    "getting_started.py": """
import azureml.core
from azureml.core import Workspace, Experiment, Datastore
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.widgets import RunDetails
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, StepSequence
from azureml.pipeline.steps import PythonScriptStep, DataTransferStep
from azureml.pipeline.core import PublishedPipeline
from azureml.pipeline.core.graph import PipelineParameter

print("SDK version:", azureml.core.VERSION)
ws = Workspace.from_config()
print(ws.name, ws.resource_group, ws.location, ws.subscription_id, sep = '\\n')
def_file_store = Datastore(ws, "workspacefilestore")
def_blob_store = Datastore(ws, "workspaceblobstore")
print("Blobstore's name: {}".format(def_blob_store.name))

cts = ws.compute_targets
for ct in cts:
    print(ct)
aml_compute = "local"
source_directory = './scripts'

step1 = PythonScriptStep(name="train_step", script_name="hello.py", compute_target=aml_compute, source_directory=source_directory, allow_reuse=True)
step2 = PythonScriptStep(name="compare_step", script_name="hello.py", arguments=["compare"], compute_target=aml_compute, source_directory=source_directory)
step3 = PythonScriptStep(name="extract_step", script_name="hello.py", arguments=["extract"], compute_target=aml_compute, source_directory=source_directory)
steps = [step1, step2, step3]
pipeline1 = Pipeline(workspace=ws, steps=steps)
print(pipeline1.validate())
pipeline_run1 = Experiment(ws, 'Hello_World1').submit(pipeline1, regenerate_outputs=False)
RunDetails(pipeline_run1).show()
pipeline_run1.wait_for_completion()
step_runs = pipeline_run1.get_children()
for step_run in step_runs:
    status = step_run.get_status()
    print('Script:', step_run.name, 'status:', status)
    # Change this if you want to see details even if the Step has succeeded.
    if status == "Failed":
        joblog = step_run.get_job_log()
        print('job log:', joblog)
    print('out:', step_run.get_stdout_log().strip())

step2.run_after(step1)
step3.run_after(step2)
pipeline1 = Pipeline(workspace=ws, steps=[step3])
print(len(pipeline1.graph.nodes) >= 3)
step_sequence = StepSequence(steps=[[step1, step2], step3])
pipeline2 = Pipeline(workspace=ws, steps=step_sequence)
pipeline_run2 = pipeline2.submit('Hello_World2', regenerate_outputs=True)
pipeline_run2.wait_for_completion(show_output=False)
print(pipeline_run2.get_details()["status"], pipeline_run2.get_status())
""",
    "scripts/hello.py": "import sys\nprint('hello', *sys.argv[1:])\n",
    # values given at submission: paths, text and datasets
    "parameters.py": """
from azureml.core import Dataset, Experiment, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
default_store = ws.get_default_datastore()

data_path = DataPath(datastore=default_store, path_on_datastore='first')
datapath1_pipeline_param = PipelineParameter(name="input_datapath", default_value=data_path)
datapath_input = (datapath1_pipeline_param, DataPathComputeBinding(mode='mount'))
string_pipeline_param = PipelineParameter(name="input_string", default_value='sample_string1')

file_dataset = Dataset.File.from_files((default_store, 'first/first.csv'))
file_pipeline_param = PipelineParameter(name="file_ds_param", default_value=file_dataset)
file_ds_consumption = DatasetConsumptionConfig("file_dataset", file_pipeline_param).as_mount()
tabular_dataset = Dataset.Tabular.from_delimited_files((default_store, 'first/*.csv'))
tabular_pipeline_param = PipelineParameter(name="tabular_ds_param", default_value=tabular_dataset)
tabular_ds_consumption = DatasetConsumptionConfig("tabular_dataset", tabular_pipeline_param)

train_step = PythonScriptStep(
    name='train_step', script_name="train.py",
    arguments=["--arg1", string_pipeline_param, "--arg2", datapath_input, "--arg3", file_ds_consumption, "--arg4", tabular_ds_consumption],
    inputs=[datapath_input, file_ds_consumption, tabular_ds_consumption],
    compute_target="local", source_directory="scripts_parameters")
pipeline = Pipeline(workspace=ws, steps=[train_step])
experiment = Experiment(ws, 'DataPath')
run = experiment.submit(pipeline)
run.wait_for_completion(show_output=False)
print("first", next(run.get_steps()).get_stdout_log().strip())

second = DataPath(datastore=default_store, path_on_datastore='second')
iris_file_ds = Dataset.File.from_files((default_store, 'second/second.csv'))
run = experiment.submit(pipeline, pipeline_parameters={
    "input_datapath": second, "input_string": "sample_string3", "file_ds_param": iris_file_ds,
    "tabular_ds_param": Dataset.Tabular.from_delimited_files((default_store, 'second/*.csv'))})
run.wait_for_completion(show_output=False)
print("second", next(run.get_steps()).get_stdout_log().strip())
print("the dataset has an id:", bool(iris_file_ds.id))

published = run.publish_pipeline(name="with data", description="", version="1")
run = published.submit(ws, "DataPath", pipeline_parameters={"input_string": "published"})
run.wait_for_completion(show_output=False)
print("third", next(run.get_steps()).get_stdout_log().strip())
""",
    "scripts_parameters/train.py": """
import argparse, os
from azureml.core import Dataset, Run

parser = argparse.ArgumentParser("train")
for number in range(1, 5):
    parser.add_argument("--arg%d" % number)
args = parser.parse_args()
run = Run.get_context()
table = Dataset.get_by_id(run.experiment.workspace, id=args.arg4)
print(args.arg1, sorted(os.listdir(args.arg2)), os.path.basename(args.arg3), len(table.to_pandas_dataframe()),
      len(run.input_datasets["tabular_dataset"].to_pandas_dataframe()), run.input_datasets["file_dataset"] == args.arg3)
""",
    # a command, a copy between datastores, a single script as a run of its own
    "kinds.py": """
from azureml.core import Dataset, Datastore, Environment, Experiment, ScriptRunConfig, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import CommandStep, DataTransferStep, PythonScriptStep

ws = Workspace.from_config()
blob, files = Datastore(ws, "workspaceblobstore"), Datastore(ws, "workspacefilestore")
lines = OutputFileDatasetConfig("lines")
csv = Dataset.File.from_files((blob, "second/second.csv"))
count = CommandStep(name="count", command=["python count.py", csv.as_named_input("csv").as_mount(), lines], compute_target="local",
                    source_directory="scripts_kinds")
copy = DataTransferStep(name="copy", source_data_reference=DataReference(blob, "source", "second"),
                        destination_data_reference=DataReference(files, "target", "copied"), source_reference_type="directory",
                        destination_reference_type="directory", compute_target="local")
copied = copy.get_output()
read = PythonScriptStep("read.py", arguments=["--lines", lines.as_input("lines"), "--copied", copied], inputs=[copied], compute_target="local",
                        source_directory="scripts_kinds")
run = Experiment(ws, "kinds").submit(Pipeline(ws, [count, copy, read]))
run.wait_for_completion(show_output=False)
for step in run.get_steps():
    if step.name == "read.py":
        print("read", step.get_stdout_log().strip())

config = ScriptRunConfig(source_directory="scripts", script="hello.py", arguments=["alone"], compute_target="local")
alone = Experiment(ws, "alone").submit(config)
alone.wait_for_completion(show_output=False)
print("alone", alone.get_status(), alone.type)
""",
    "scripts_kinds/count.py": "import os, sys\nopen(os.path.join(sys.argv[2], 'lines.txt'), 'w').write(str(len(open(sys.argv[1]).readlines())))\n",
    "scripts_kinds/read.py": """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--lines"); parser.add_argument("--copied")
args = parser.parse_args()
print(open(os.path.join(args.lines, "lines.txt")).read(), sorted(os.listdir(args.copied)))
""",
}
