"""Do files and parameters go from step to step as scripts of SDK v1 hand them on?

The script is written as those of SDK v1 are; nothing in it knows of airflow-amlpipe.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_home import copy_database, share_database

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
PIPELINE = """
from azureml.core import Dataset, Datastore, Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(path=__file__.rpartition("/")[0])
store = Datastore.get(ws, "workspaceblobstore")
where = (PipelineParameter("where", DataPath(store, "in/one")), DataPathComputeBinding(mode="mount"))
which = DatasetConsumptionConfig("which", PipelineParameter("which", Dataset.get_by_name(ws, "words"))).as_download()
words = PipelineData("words", datastore=store, pipeline_output_name="all words")
single = PipelineData("single", output_name="one_file")
write = PythonScriptStep(
    "write.py",
    name="write",
    arguments=["--where", where, "--which", which, f"--words={words}/deep", "--single", single],
    inputs=[where],
    outputs=[words, single],
    source_directory="src",
    runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 1)},
)
read = PythonScriptStep("read.py", name="read", arguments=[words, single], inputs=[words, single], source_directory="src")
pipeline = Pipeline(ws, [read])
"""
FILES = {
    "config.json": '{"subscription_id": "local", "resource_group": "local", "workspace_name": "team"}',
    "upload.py": """
from azureml.core import Dataset, Workspace
ws = Workspace.from_config()
store = ws.get_default_datastore()
store.upload("data", "in")
Dataset.File.from_files((store, "in/one")).register(ws, "words")
Dataset.File.from_files((store, "in/two")).register(ws, "words", create_new_version=True)
""",
    "data/one/x.txt": "one",
    "data/two/x.txt": "two",
    "script.py": f"""
import sys
from azureml.core import Experiment
{PIPELINE}
values = {{"where": DataPath(store, "in/two")}} if "two" in sys.argv else None
run = Experiment(ws, "words").submit(pipeline, pipeline_parameters=values)
run.wait_for_completion(show_output=False)
found = run.get_pipeline_output("all words")
assert found.download("got") == 1, found
print("got", open(f"got/{{found._path_on_datastore}}/deep/words.txt").read())
assert run.find_step_run("read")[0].get_output_data
assert [node.name for node in run.get_graph().module_nodes] == ["write", "read"]
assert run.find_step_run("write")[0].get_outputs().keys() == {{"words", "one_file"}}
""",
    "dag_file.py": f"import airflow_amlpipe.azureml\n{PIPELINE}\ndag = pipeline.to_dag('words')\n",
    "values.py": """
from azureml.core import Dataset, Experiment, Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
store = ws.get_default_datastore()
store.upload("tables", "tables", overwrite=True)


def files(name):
    return Dataset.File.from_files((store, f"tables/{name}.csv"))


def table(name):
    return Dataset.Tabular.from_delimited_files((store, f"tables/{name}.csv"))


one = DatasetConsumptionConfig("one", PipelineParameter(name="file_param", default_value=files("a"))).as_mount()
many = DatasetConsumptionConfig("many", PipelineParameter(name="table_param", default_value=table("a")))
place = PipelineParameter(name="input_datapath", default_value=DataPath(store, "tables"))
step = PythonScriptStep(
    name="show",
    script_name="show.py",
    source_directory="src",
    compute_target="local",
    arguments=["--one", one, "--many", many, "--place", (place, DataPathComputeBinding(mode="mount"))],
    inputs=[one, many, (place, DataPathComputeBinding(mode="mount"))],
)
pipeline = Pipeline(ws, steps=[step])
experiment = Experiment(ws, "values")


def shown(run):
    run.wait_for_completion(show_output=False)
    print(run.find_step_run("show")[0].get_stdout_log().strip())


shown(experiment.submit(pipeline))
other, rows = files("b"), table("b")
assert (other.id, rows.id) == (None, None)
run = experiment.submit(pipeline, pipeline_parameters={"file_param": other, "table_param": rows})
assert Dataset.get_by_id(ws, other.id).to_path() == other.to_path()
assert Dataset.get_by_id(ws, rows.id).to_pandas_dataframe().shape == (2, 2)
shown(run)
published = pipeline.publish(name="values")
shown(published.submit(ws, "values", pipeline_parameters={"input_datapath": DataPath(store, "tables/b.csv"), "file_param": other}))
for wrong in ({"table_param": other}, {"file_param": rows}, {"input_datapath": "tables"}):
    for submit in (experiment.submit, lambda _, pipeline_parameters: published.submit(ws, "values", pipeline_parameters)):
        try:
            submit(pipeline, pipeline_parameters=wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
print("refused")
""",
    "tables/a.csv": "x,y\n1,2\n",
    "tables/b.csv": "x,y\n1,2\n3,4\n",
    "src/show.py": """
import argparse, os
from azureml.core import Run

parser = argparse.ArgumentParser()
for name in ("one", "many", "place"):
    parser.add_argument("--" + name)
args = parser.parse_args()
inputs = Run.get_context().input_datasets
assert inputs["one"] == args.one and inputs["many"].id == args.many
places = sorted(os.listdir(args.place)) if os.path.isdir(args.place) else os.path.basename(args.place)
print(os.path.basename(args.one), inputs["many"].to_pandas_dataframe().shape, places)
""",
    "src/write.py": """
import argparse, os
parser = argparse.ArgumentParser()
for name in ("where", "which", "words", "single"):
    parser.add_argument("--" + name)
args = parser.parse_args()
assert args.words == os.environ["AZUREML_DATAREFERENCE_words"] + "/deep", args
assert args.single == os.environ["AZUREML_DATAREFERENCE_one_file"], args
assert args.where == os.environ["AZUREML_DATAREFERENCE_where"], args
assert not os.path.exists(os.path.dirname(args.words)), "the folder is the script's to make"
os.makedirs(args.words)
with open(os.path.join(args.words, "words.txt"), "w") as words:
    words.write(" ".join(open(os.path.join(place, "x.txt")).read() for place in (args.where, args.which)))
open(args.single, "w").write("one file")
""",
    "src/read.py": """
import sys
print("read", open(sys.argv[1] + "/deep/words.txt").read(), "and", open(sys.argv[2]).read())
""",
}


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        share_database(folder / "home")
        self.amlpipe("run", "upload.py")

    def amlpipe(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "airflow_amlpipe.cli", *arguments)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
        found = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=kept | {"AMLPIPE_HOME": str(self.folder / "home"), "PYTHONPATH": str(REPOSITORY), **variables},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found

    def steps(self, *arguments: str) -> dict[str, Any]:
        run = json.loads(self.amlpipe("run", "--json", *arguments).stdout)["runs"][0]
        return {"parameters": run["parameters"], **{step["name"]: step["reused"] for step in run["steps"]}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


def test_a_script_hands_files_on_and_takes_data_as_values(project: Project) -> None:
    """The first run computes, the second reuses; another place that holds something else computes again, the same under another name does not."""
    first = project.amlpipe("run", "script.py").stdout
    assert "got one two" in first
    again = project.steps("script.py")
    assert (again["write"], again["read"]) == (True, True)
    assert again["parameters"] == {
        "where": {"datastore": "workspaceblobstore", "path": "in/one"},
        "which": {"name": "words", "version": 2},
        "nodes": 1,
    }
    assert "got two two" in project.amlpipe("run", "script.py", "two").stdout
    named = project.steps("--param", "where=workspaceblobstore/in/two", "--param", "which=words:2", "script.py")
    assert (named["write"], named["read"]) == (True, True)
    assert project.steps("--param", "nodes=2", "script.py")["write"] is False


def test_a_dag_file_takes_data_from_conf(project: Project) -> None:
    values = {"where": {"DataStoreName": "workspaceblobstore", "RelativePath": "in/two"}, "which": {"name": "words", "version": 1}}
    airflow = {
        "AIRFLOW_HOME": str(project.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project.folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    copy_database(project.folder / "airflow")
    ran = project.run("-m", "airflow", "dags", "test", "words", "--conf", json.dumps(values), **airflow)
    assert "read two one and one file" in ran.stdout + ran.stderr


def test_datasets_and_places_are_values_of_a_pipeline_and_of_a_published_one(project: Project) -> None:
    """An unregistered dataset has an id once it was submitted; a value of another kind is refused either way."""
    lines = project.amlpipe("run", "--quiet", "values.py").stdout
    for line in ("a.csv (1, 2) ['a.csv', 'b.csv']", "b.csv (2, 2) ['a.csv', 'b.csv']", "b.csv (1, 2) b.csv", "refused"):
        assert line in lines
