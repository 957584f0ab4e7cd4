"""Do steps of every kind run from a script, from a DAG file, and by themselves?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.airflow_home import copy_database, share_database
from tests.e2e.user import User

pytestmark = pytest.mark.e2e

COMMAND = """
from azureml.core import Workspace, Experiment, Dataset
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import CommandStep

ws = Workspace.from_config()
words = OutputFileDatasetConfig("words")
word = PipelineParameter("word", "; touch pwned; $(touch pwned) `touch pwned`")
say = CommandStep(
    command=["printf '%s\\\\n' hello > words.txt && printf '%s\\\\n'", word, ">>", "words.txt", "&&", "cp", "words.txt", words],
    name="say", source_directory="src",
)
count = CommandStep(command=["python count.py", words.as_input("words")], name="count", source_directory="src")
"""
SUBMIT = """
run = Experiment(ws, "commands").submit(Pipeline(ws, [count]))
run.wait_for_completion()
"""
COUNT = """
import os, sys
from azureml.core import Run
lines = open(os.path.join(sys.argv[1], "words.txt")).read().splitlines()
Run.get_context().log("lines", len(lines))
print("second line:", lines[1])
assert not os.path.exists("pwned")
"""
SCRIPT_RUN = """
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
ws = Workspace.from_config()
run = Experiment(ws, "single").submit(ScriptRunConfig(source_directory="src", script="train.py", arguments=["--rate", 0.5]))
print("RUN", run.id)
details = run.wait_for_completion(show_output=True)
print("STATUS", run.get_status(), details["status"])
print("METRICS", run.get_metrics())
print("FILES", [name for name in run.get_file_names() if name.startswith("outputs/")])
"""
TRANSFER = """
import os
from azureml.core import Datastore, Experiment, Workspace
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import DataTransferStep, PythonScriptStep

ws = Workspace.from_config()
files, blobs = Datastore.get(ws, "workspacefilestore"), Datastore.get(ws, "workspaceblobstore")
os.makedirs("raw/deep", exist_ok=True)
open("raw/a.csv", "w").write("a")
open("raw/deep/b.csv", "w").write("b")
files.upload("raw", "raw", overwrite=True)
copy = DataTransferStep(
    name="copy",
    source_data_reference=DataReference(files, "raw", "raw"),
    destination_data_reference=DataReference(blobs, "landed", "landed"),
    compute_target="local",
)
copied = copy.get_output()
look = PythonScriptStep("look.py", name="look", source_directory="src", inputs=[copied], arguments=[copied])
run = Experiment(ws, "copies").submit(Pipeline(ws, [look]))
run.wait_for_completion()
"""
LOOK = """
import pathlib, sys
print("found:", sorted(str(path.relative_to(sys.argv[1])) for path in pathlib.Path(sys.argv[1]).rglob("*.csv")))
"""
TRAIN = """
import os, sys
from azureml.core import Run
run = Run.get_context()
run.log("rate", float(sys.argv[2]))
os.makedirs("outputs", exist_ok=True)
open("outputs/model.txt", "w").write("weights")
print("trained")
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Somebody with a folder of scripts and a config.json."""
    user = User(tmp_path / "checkout", tmp_path / "home")
    (user.checkout / "src").mkdir(parents=True)
    share_database(user.home)
    (user.checkout / "src" / "count.py").write_text(COUNT)
    (user.checkout / "src" / "train.py").write_text(TRAIN)
    (user.checkout / "src" / "look.py").write_text(LOOK)
    (user.checkout / "config.json").write_text('{"subscription_id": "s", "resource_group": "g", "workspace_name": "team"}')
    return user


def test_a_command_runs_in_a_pipeline_and_no_value_of_it_is_read_as_a_command(user: User) -> None:
    """S08."""
    (user.checkout / "build.py").write_text(COMMAND + SUBMIT)
    printed = user.amlpipe("run", "build.py").stdout
    assert "second line: ; touch pwned; $(touch pwned) `touch pwned`" in printed
    assert user.outcome() == {"say": "ran", "count": "ran"}
    assert not list(user.checkout.rglob("pwned"))
    user.amlpipe("run", "build.py")
    assert user.outcome() == {"say": "reused", "count": "reused"}


def test_a_command_runs_in_a_dag_file_too(user: User) -> None:
    dag = "import airflow_amlpipe.azureml\n" + COMMAND + "dag = Pipeline(ws, [count]).to_dag('commands')\n"
    (user.checkout / "commands.py").write_text(dag)
    user.amlpipe("run", "--param", "word=plain", "commands.py")
    assert "second line: plain" in user.amlpipe("runs", "logs", "latest", "count").stdout
    airflow = {
        "AIRFLOW_HOME": str(user.home / "server"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(user.checkout),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    copy_database(user.home / "server")
    user.python("-m", "airflow", "dags", "test", "commands", "--conf", '{"word": "$(touch pwned)"}', **airflow)
    assert "second line: $(touch pwned)" in user.amlpipe("runs", "logs", "latest", "count").stdout


def test_a_script_runs_by_itself(user: User) -> None:
    (user.checkout / "single.py").write_text(SCRIPT_RUN)
    printed = user.amlpipe("run", "single.py").stdout
    for line in ("trained", "STATUS Completed Completed", "METRICS {'rate': 0.5}", "FILES ['outputs/model.txt']", "Execution Summary"):
        assert line in printed.splitlines()


def test_a_copy_between_datastores_is_there_for_the_next_step_and_where_its_author_said(user: User) -> None:
    (user.checkout / "copies.py").write_text(TRANSFER)
    printed = user.amlpipe("run", "copies.py").stdout
    assert "found: ['a.csv', 'deep/b.csv']" in printed
    landed = user.home / "workspaces" / "team" / "workspaceblobstore" / "landed"
    assert {str(path.relative_to(landed)): path.read_text() for path in landed.rglob("*.csv")} == {"a.csv": "a", "deep/b.csv": "b"}
    user.amlpipe("run", "copies.py")
    assert user.outcome() == {"copy": "reused", "look": "reused"}


MODULE = """
from azureml.core import Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Module, Pipeline, PipelineData
from azureml.pipeline.core.graph import InputPortDef, OutputPortDef
from azureml.pipeline.steps import ModuleStep

ws = Workspace.from_config()
text = OutputPortDef("text")
module = Module.create(ws, "writer", "writes a text")
module.publish_python_script("write.py", "first", [], [text], params={"word": "one"}, arguments=[text], version="1", source_directory="src")
open("src/write.py", "w").write("raise SystemExit('edited since')")
text_in = InputPortDef("text")
reader = Module.create(ws, "reader", "")
reader.publish_python_script("look.py", "", [text_in], [], arguments=[text_in], source_directory="src")
written = PipelineData("written")
write = ModuleStep(module, outputs_map={"text": written}, params={"word": "two"})
read = ModuleStep(reader, inputs_map={"text": written})
run = Experiment(ws, "modules").submit(Pipeline(ws, [read]))
run.wait_for_completion()
"""
WRITE = """
import os, sys
os.makedirs(sys.argv[1])
open(os.path.join(sys.argv[1], os.environ["AML_PARAMETER_word"] + ".csv"), "w").write("x")
"""


def test_a_module_runs_as_it_was_published(user: User) -> None:
    (user.checkout / "src" / "write.py").write_text(WRITE)
    (user.checkout / "modules.py").write_text(MODULE)
    assert "found: ['two.csv']" in user.amlpipe("run", "modules.py").stdout
