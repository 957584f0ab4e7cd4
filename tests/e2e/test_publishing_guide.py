"""Does the code of the guide "publish and track pipelines" run as it is written? (its own lines, in a script given to ``amlpipe run``)

Every line of the guide's code is in ``GUIDE``, in its order. What deviates, and why:

* ``requests`` is a module of the project that notes what it is asked to send: the server that answers the URLs comes later.
* ``published_pipeline = PipelineEndpoint.get(workspace=ws, name="My_Published_Pipeline")``: SDK v1 refused that too, because there is no endpoint
  of that name, and an endpoint is no pipeline. The script checks that it is refused, and goes on with the published pipeline.
* ``PublishedPipeline.get(ws, id="068f4885-...")``: an id of somebody's workspace; the script checks that it is refused, and goes on with its own.
* Before the guide's code stands what it takes for granted: a workspace, a compute target, the data that the step compares, a run of the pipeline.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.workspace import WorkspaceStore
from tests.airflow_home import share_database

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).resolve().parents[2]
REQUESTS = """
import json, pathlib
def post(url, headers=None, json=None, _dumps=json.dumps):
    with pathlib.Path("posted.jsonl").open("a") as file:
        file.write(_dumps([url, headers, json]) + "\\n")
"""
COMPARE = """
import argparse, pathlib
parser = argparse.ArgumentParser()
for name in ("comp_data1", "comp_data2", "output_data", "param1"):
    parser.add_argument("--" + name)
given = parser.parse_args()
words = [sorted(path.read_text() for path in pathlib.Path(folder).iterdir()) for folder in (given.comp_data1, given.comp_data2)]
pathlib.Path(given.output_data).mkdir(exist_ok=True)
pathlib.Path(given.output_data, "compared.txt").write_text(f"{words} {given.param1}")
print("compared with", given.param1)
"""
BEFORE = """
from azureml.core import Dataset, Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.create(name="guide", show_output=False)
compute_target = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1))
store = ws.get_default_datastore()
store.upload_files(["one.txt", "two.txt"], target_path="words", show_progress=False)
comp_data1 = Dataset.File.from_files((store, "words/*")).as_named_input("comp_data1").as_download()
comp_data2 = Dataset.File.from_files((store, "words/*")).as_named_input("comp_data2").as_download()
out_data3 = OutputFileDatasetConfig("out_data3")
project_folder = "scripts"
aad_token = {"Authorization": "Bearer token"}
"""
GUIDE = """
from azureml.pipeline.core.graph import PipelineParameter

pipeline_param = PipelineParameter(
  name="pipeline_arg",
  default_value=10)

compareStep = PythonScriptStep(
  script_name="compare.py",
  arguments=["--comp_data1", comp_data1, "--comp_data2", comp_data2, "--output_data", out_data3, "--param1", pipeline_param],
  inputs=[ comp_data1, comp_data2],
  outputs=[out_data3],
  compute_target=compute_target,
  source_directory=project_folder)

# taken for granted: the pipeline, and a run of it
pipeline_run1 = Experiment(ws, "My_Pipeline").submit(Pipeline(ws, steps=[compareStep]))
pipeline_run1.wait_for_completion(show_output=False)

published_pipeline1 = pipeline_run1.publish_pipeline(
     name="My_Published_Pipeline",
     description="My Published Pipeline Description",
     version="1.0")

from azureml.pipeline.core import PublishedPipeline
import requests

response = requests.post(published_pipeline1.endpoint,
                         headers=aad_token,
                         json={"ExperimentName": "My_Pipeline",
                               "ParameterAssignments": {"pipeline_arg": 20}})

from azureml.pipeline.core import PipelineEndpoint

try:
    published_pipeline = PipelineEndpoint.get(workspace=ws, name="My_Published_Pipeline")
except ValueError as error:
    print("refused:", error)
    published_pipeline = published_pipeline1
pipeline_endpoint = PipelineEndpoint.publish(workspace=ws, name="PipelineEndpointTest",
                                            pipeline=published_pipeline, description="Test description Notebook")

pipeline_endpoint_by_name = PipelineEndpoint.get(workspace=ws, name="PipelineEndpointTest")
run_id = pipeline_endpoint_by_name.submit("PipelineEndpointExperiment")
print(run_id)

run_id = pipeline_endpoint_by_name.submit("PipelineEndpointExperiment", pipeline_version="0")
print(run_id)

rest_endpoint = pipeline_endpoint_by_name.endpoint
response = requests.post(rest_endpoint, 
                         headers=aad_token, 
                         json={"ExperimentName": "PipelineEndpointExperiment",
                               "RunSource": "API",
                               "ParameterAssignments": {"1": "united", "2":"city"}})

try:
    p = PublishedPipeline.get(ws, id="068f4885-7088-424b-8ce2-eeb9ba5381a6")
except ValueError as error:
    print("refused:", error)
    p = PublishedPipeline.get(ws, id=published_pipeline1.id)
p.disable()
"""  # noqa: W291  # the guide's own spaces
AFTER = """
import json, pathlib
# What follows from the guide: a new version of the script behind the same name.
p.enable()
source = pathlib.Path("scripts/compare.py")
source.write_text(source.read_text().replace("compared with", "compared anew with"))
second = Pipeline(ws, steps=[compareStep]).publish(name="My_Published_Pipeline", version="2.0")
pipeline_endpoint.add_default(second)
run = pipeline_endpoint.submit("PipelineEndpointExperiment", pipeline_parameters={"pipeline_arg": "30"})
run.wait_for_completion(show_output=False)
old = p.submit(ws, "PipelineEndpointExperiment")
second.disable()
try:
    pipeline_endpoint.submit("PipelineEndpointExperiment")
except ValueError as error:
    print("refused:", error)
found = {"first": p.id, "second": second.id, "endpoint": pipeline_endpoint.id, "run": run.id, "old": old.id}
pathlib.Path("found.json").write_text(json.dumps(found))
"""


def test_the_guide_runs_and_a_new_version_goes_behind_the_same_name(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    share_database(home)
    texts = {"requests.py": REQUESTS, "scripts/compare.py": COMPARE, "one.txt": "one", "two.txt": "two", "guide.py": BEFORE + GUIDE + AFTER}
    for name, text in texts.items():
        (project / name).write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
    answer = subprocess.run(
        [sys.executable, "-m", "airflow_amlpipe.cli", "run", "guide.py"],
        cwd=project,
        env=kept | {"AMLPIPE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    refused = [line.removeprefix("refused: ") for line in answer.stdout.splitlines() if line.startswith("refused: ")]
    assert "no pipeline endpoint is called 'My_Published_Pipeline'; there are: none. A published pipeline has that name" in refused[0]
    assert refused[1].startswith("no published pipeline of the workspace has the id '068f4885-7088-424b-8ce2-eeb9ba5381a6'")
    assert "is disabled and cannot be run" in refused[2]

    found = json.loads((project / "found.json").read_text())
    posted = [json.loads(line) for line in (project / "posted.jsonl").read_text().splitlines()]
    assert [url.rpartition("/PipelineRuns/")[2] for url, _, _ in posted] == [
        f"PipelineSubmit/{found['first']}",
        f"PipelineEndpointSubmit/Id/{found['endpoint']}",
    ]
    workspace = WorkspaceStore.open((home / "workspaces/guide").as_uri(), home=home)
    newest_first = list(workspace.runs.list())
    assert [workspace.runs.status(record.run_id) for record in newest_first] == ["Finished"] * 5
    used = [(record.experiment, record.published, record.endpoint and record.endpoint.version) for record in reversed(newest_first)]
    assert used == [
        ("My_Pipeline", None, None),
        ("PipelineEndpointExperiment", found["first"], "0"),
        ("PipelineEndpointExperiment", found["first"], "0"),
        ("PipelineEndpointExperiment", found["second"], "1"),
        ("PipelineEndpointExperiment", found["first"], None),
    ]

    def step(run_id: str) -> tuple[bool, str]:
        (tries,) = workspace.runs.steps(run_id).values()
        finished = tries[-1].finished
        assert finished is not None
        return finished.reused, workspace.store.read(f"{(finished.reused_from or tries[-1]).folder}/logs/stdout.txt").decode()

    # The new version ran its own script; the old one is the old script, and nothing of it had to run again.
    assert step(found["run"]) == (False, "compared anew with 30\n")
    assert step(found["old"]) == (True, "compared with 10\n")
    assert [step(record.run_id)[0] for record in newest_first[2:4]] == [True, True]
