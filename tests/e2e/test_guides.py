"""Do the guides that build and that trigger pipelines run from their first line to their last, on a laptop with nothing running?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.user import User
from tests.guides import GUIDE_001, GUIDE_004, IRIS_TRAIN, SUBMIT_001, TABLE_001

pytestmark = pytest.mark.e2e

ENDPOINT = r"https?://\S+/pipelines/v1\.0/subscriptions/none/resourceGroups/none/providers/Microsoft\.MachineLearningServices/workspaces/guides/PipelineRuns"
FILES = {
    # What the guides take for granted: images in the datastore, the environment that Microsoft curated.
    "before.py": """
import airflow_amlpipe.azureml
from azureml.core import Environment, Workspace

ws = Workspace.from_config()
for folder in ("train-images", "iris"):
    ws.get_default_datastore().upload(folder, folder, show_progress=False)
Environment("AzureML-Tutorial").register(ws)
""",
    "train-images/0.pgm": "P2 1 1 1 1\n",
    "train-images/1.pgm": "P2 1 1 1 0\n",
    "iris/iris.csv": "sepal,species\n5.1,setosa\n6.3,virginica\n",
    "guide_001.py": "curated = True\n" + GUIDE_001 + SUBMIT_001,
    "table_001.py": "curated = True\n" + GUIDE_001 + TABLE_001 + "\nfrom azureml.core import Experiment\n"
    "Experiment(ws, 'Iris').submit(Pipeline(ws, [dataset_consuming_step])).wait_for_completion()\n",
    "publish.py": "curated = True\n" + GUIDE_001 + "\npipeline1.publish(name='My_Published_Pipeline')\n",
    "guide_004.py": GUIDE_004,
    "dataprep_src/prepare.py": """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--input"); parser.add_argument("--output")
args = parser.parse_args()
with open(os.path.join(args.output, "count.txt"), "w") as file:
    file.write(str(len(os.listdir(args.input))))
""",
    "train_src/train.py": """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--prepped_data"); parser.add_argument("--training_results")
args = parser.parse_args()
with open(os.path.join(args.prepped_data, "count.txt")) as before, open(os.path.join(args.training_results, "model.txt"), "w") as after:
    after.write("trained on " + before.read())
""",
    "train_src/compare.py": """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--param1"); parser.add_argument("--results")
args = parser.parse_args()
with open(os.path.join(args.results, "model.txt")) as file:
    Run.get_context().parent.tag("best", args.param1 + ": " + file.read())
""",
    "train_src/hello_world.py": "",
    "iris_src/iris_train.py": IRIS_TRAIN + "\nrun_context.log('rows', len(dataframe))\nrun_context.tag('workspace', ws.name)\n",
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Somebody who has copied the guides' code into files, and what the guides take for granted."""
    user = User.with_files(tmp_path_factory.mktemp("guides"), FILES, "guides")
    user.python("before.py")
    return user


@pytest.fixture(scope="module")
def trained(user: User) -> User:
    """The same person after the first guide."""
    user.amlpipe("run", "guide_001.py")
    return user


def output(user: User, name: str) -> Path:
    """Return the folder of an output of the latest run."""
    (found,) = [step["outputs"][name] for step in user.show()["steps"] if name in step["outputs"]]
    return user.home / "workspaces" / "guides" / found["datastore"] / found["path"]


def test_the_first_guide_prepares_trains_and_compares(trained: User) -> None:
    assert trained.outcome() == {"prepare.py": "ran", "train.py": "ran", "compare.py": "ran"}
    assert (output(trained, "training_results") / "model.txt").read_text() == "trained on 2"
    assert trained.show()["tags"]["best"] == "default_val: trained on 2"


def test_the_first_guide_run_again_reuses_every_step(trained: User) -> None:
    assert trained.run("guide_001.py") == {"prepare.py": "reused", "train.py": "reused", "compare.py": "reused"}


def test_new_data_is_a_reason_to_run_again_as_the_first_guide_promises(trained: User, tmp_path: Path) -> None:
    user = trained.moved_to(tmp_path)
    (user.home / "workspaces" / "guides" / "workspaceblobstore" / "train-images" / "2.pgm").write_text("P2 1 1 1 1\n")
    assert user.run("guide_001.py") == {"prepare.py": "ran", "train.py": "ran", "compare.py": "ran"}
    assert (output(user, "training_results") / "model.txt").read_text() == "trained on 3"


def test_a_step_reads_a_table_by_the_name_of_its_input(trained: User, tmp_path: Path) -> None:
    user = trained.moved_to(tmp_path)
    user.amlpipe("run", "table_001.py")
    assert user.logged("Iris")["iris_train.py"] == {"metrics": {"rows": 2}, "tags": {"workspace": "guides"}}


def test_the_third_guide_finds_what_was_published_and_disables_it(trained: User, tmp_path: Path) -> None:
    user = trained.moved_to(tmp_path)
    user.amlpipe("run", "publish.py")
    printed = user.amlpipe("run", "guide_004.py").stdout.splitlines()
    assert printed[0] == "Compare_Models_Exp"
    assert re.fullmatch(r"My_Published_Pipeline,'[0-9a-f-]{36}'", printed[1])
    assert re.fullmatch(rf"REST: {ENDPOINT}/PipelineSubmit/[0-9a-f-]{{36}}", printed[2])
    again = user.amlpipe("run", "guide_004.py", check=False)
    assert "IndexError" in again.stderr, "the only pipeline is disabled, and no longer listed"
