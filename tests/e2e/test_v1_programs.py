"""Do programs run unchanged that are built as people built them for SDK v1: many files, settings in the environment, steps that talk through their parent?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.user import User

pytestmark = pytest.mark.e2e

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
    "prices/notebooks/scratch.ipynb": "{}",
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


def steps(user: User) -> dict[str, Any]:
    return {step["name"]: step for step in user.show()["steps"]}


def test_a_retraining_pipeline_of_a_team_runs_and_is_reused(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, RETRAINING, "prices")
    user.python("before.py")
    printed = user.amlpipe("run", "build_train_pipeline.py", "--degree", "1", "--tag", "build=7", "--tag", "branch=main").stdout
    assert printed.splitlines()[:5] == ["get_workspace:", "prices", "none", "local", "none"]
    assert "\nended with Finished\n" in printed
    run = user.show()
    assert run["parameters"] == {"model_name": "prices.json", "degree": 1, "caller_run_id": "ci-7"}
    assert run["tags"] == {"build": "7", "branch": "main", "evaluated": "prices.json"}
    found = steps(user)
    logged = user.logged("house-prices")
    assert logged["Prepare"]["metrics"] == {"rows": 3}
    assert [round(loss, 2) for loss in logged["Train Model"]["metrics"]["loss"]] == [2.38, 1.38, 0.38]
    assert logged["Train Model"]["tags"] == {"run_type": "train"}
    assert (logged[""]["metrics"]["rows"], round(logged[""]["metrics"]["error"], 2)) == (3, 0.38)
    logs = user.amlpipe("runs", "logs", "latest", "Report").stdout
    assert "['prices.json'] ci-7 ci-7 True" in logs
    # again, from a fresh start of everything: what may be reused is
    user.amlpipe("run", "build_train_pipeline.py", "--tag", "build=8")
    assert {name: step["reused"] for name, step in steps(user).items()} == {
        "Prepare": True,
        "Train Model": True,
        "Evaluate Model ": False,
        "Report": False,
    }
    # a note in a file that .amlignore leaves out is no reason; a sibling that the training imports is
    (user.checkout / "prices" / "notebooks" / "scratch.ipynb").write_text('{"cells": []}')
    user.edit("prices/training/model.py", "/ len(rows)", "/ max(len(rows), 1)")
    user.amlpipe("run", "build_train_pipeline.py", "--force")
    assert {name: step["reused"] for name, step in steps(user).items()} == dict.fromkeys(found, False)


def test_the_same_builder_without_its_package_on_the_path_says_what_python_says(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, {"sub/build.py": "from ml_service.settings import Settings\n"}, "prices")
    answer = user.amlpipe("run", "sub/build.py", check=False)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (1, "ModuleNotFoundError: No module named 'ml_service'")


def test_odd_habits_of_scripts_work(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, ODDITIES, "odd")
    user.python("before.py")
    printed = user.amlpipe("run", "build.py").stdout
    assert "the counts will be at $AZUREML_DATAREFERENCE_counts\n" in printed
    assert "status Finished Completed 2 ['count words', 'last.py', 'read', 'read', 'steps/spread.py']\n" in printed
    assert "files 6 True\n" in printed
    assert "by name folder\n" in printed
    assert sorted(path.name for path in (user.checkout / "results").rglob("*.part")) == [f"{n}-{r}.part" for n in (0, 1) for r in (0, 1, 2)]
    assert user.show()["tags"] == {"mounted": "6", "downloaded": "6"}
    user.amlpipe("run", "build.py")
    reused = [(step["name"], step["reused"]) for step in user.show()["steps"]]
    assert sorted(reused) == [("count words", True), ("last.py", True), ("read", False), ("read", True), ("steps/spread.py", True)]
