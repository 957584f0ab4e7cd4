"""Does a v1 script that hands tables to its steps run unchanged, and is a step that read one reused just as long as it would read the same?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.user import User

pytestmark = pytest.mark.e2e

SCRIPT = """
import argparse
from azureml.core import Dataset, Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

parser = argparse.ArgumentParser()
parser.add_argument("--age", type=int, default=30)
args = parser.parse_args()

ws = Workspace.from_config()
store = ws.get_default_datastore()
store.upload("data", "people", overwrite=True, show_progress=False)
people = Dataset.Tabular.from_delimited_files((store, "people/**/*.csv"), partition_format="/people/{city}/p.csv")
people = people.register(ws, "people", create_new_version=True)
older = people.filter(people["age"] > args.age)
train, test = older.random_split(0.5, seed=1)
images = Dataset.File.from_files((store, "people"))

kept = OutputFileDatasetConfig("kept").read_delimited_files().register_on_complete("kept")
prepare = PythonScriptStep(
    "prepare.py", "prepare", ["--people", older.as_named_input("people"), "--kept", kept], "local", source_directory="src"
)
count = PythonScriptStep(
    "count.py", "count", [kept.keep_columns("name").as_input("names")],
    inputs=[train.as_named_input("train"), test.as_named_input("test"), images.as_named_input("images")],
    compute_target="local", source_directory="src",
)
run = Experiment(ws, "tables").submit(Pipeline(ws, [prepare, count]))
run.wait_for_completion(raise_on_error=True)
print("saved", older.id, Dataset.get_by_id(ws, older.id).to_pandas_dataframe().shape)
print("kept", list(Dataset.get_by_name(ws, "kept").to_pandas_dataframe().columns))
"""
FILES = {
    "build.py": SCRIPT,
    "data/oslo/p.csv": "name,age\nann,31\nbob,29\n",
    "data/rome/p.csv": "name,age\ncat,45\ndan,52\neve,19\n",
    "src/prepare.py": """
import argparse
from azureml.core import Dataset, Run

parser = argparse.ArgumentParser()
parser.add_argument("--people")
parser.add_argument("--kept")
args = parser.parse_args()
run = Run.get_context()
by_id = Dataset.get_by_id(run.experiment.workspace, id=args.people).to_pandas_dataframe()
by_name = run.input_datasets["people"].to_pandas_dataframe()
assert by_id.equals(by_name), (by_id, by_name)
print("people", by_id.to_dict("records"))
by_id.to_csv(args.kept + "/kept.csv", index=False)
""",
    "src/count.py": """
from azureml.core import Run

run = Run.get_context()
names = run.input_datasets["names"].to_pandas_dataframe()
print("columns", list(names.columns))
parts = [set(run.input_datasets[part].to_pandas_dataframe()["name"]) for part in ("train", "test")]
assert not parts[0] & parts[1] and parts[0] | parts[1] == set(names["name"]), parts
with run.input_datasets["images"].mount() as mounted:
    print("files", sorted(run.input_datasets["images"].to_path()))
run.log("rows", len(names))
""",
}

LINKS = """
from azureml.core import Dataset, Experiment, Workspace
from azureml.data import LinkFileOutputDatasetConfig, LinkTabularOutputDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
store = ws.get_default_datastore()
store.upload("data", "linked", overwrite=True, show_progress=False)
people = Dataset.Tabular.from_delimited_files((store, "linked"))
if "linked" not in ws.datasets:  # a new version is a reason to run again for a script that asks for the latest
    Dataset.File.from_files((store, "linked")).register(ws, "linked")
rows = LinkTabularOutputDatasetConfig("rows").register_on_complete("rows")
chosen = LinkFileOutputDatasetConfig("chosen")
choose = PythonScriptStep(
    "choose.py", "choose", inputs=[people.as_named_input("people")], outputs=[rows, chosen], compute_target="local", source_directory="src"
)
use = PythonScriptStep(
    "use.py", "use", [chosen.as_input("chosen")], inputs=[rows.as_input("rows")], compute_target="local", source_directory="src"
)
Experiment(ws, "links").submit(Pipeline(ws, [choose, use])).wait_for_completion(raise_on_error=True)
print("rows", Dataset.get_by_name(ws, "rows").to_pandas_dataframe()["name"].tolist())
"""
LINK_FILES = {
    "build.py": LINKS,
    "data/p.csv": "name,age\nann,31\nbob,29\ncat,45\n",
    "data/q.csv": "name,age\ndan,52\n",
    "src/choose.py": """
from azureml.core import Dataset, Run

run = Run.get_context()
people = run.input_datasets["people"]
run.output_datasets["rows"].link(people.filter(people["age"] > 30).skip(1))
run.output_datasets["chosen"].link(Dataset.get_by_name(run.experiment.workspace, "linked").take(1))
""",
    "src/use.py": """
import os, sys
from azureml.core import Run

run = Run.get_context()
print("rows", run.input_datasets["rows"].to_pandas_dataframe()["name"].tolist(), "files", sorted(os.listdir(sys.argv[1])))
""",
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User.with_files(tmp_path_factory.mktemp("tables"), FILES, "tables")


def log_of(user: User, step: str, workspace: str = "tables") -> str:
    run = user.home / "workspaces" / workspace / ".amlpipe" / "v1" / "runs"
    latest = max(run.iterdir(), key=lambda folder: folder.name)
    return "".join(path.read_text() for path in sorted(Path(latest, "steps", step).rglob("logs/*")) if path.is_file())


def test_steps_read_tables_and_are_reused_until_the_rows_or_what_is_taken_of_them_change(user: User) -> None:
    answer = user.amlpipe("run", "build.py")
    assert user.outcome() == {"prepare": "ran", "count": "ran"}
    assert "people [{'city': 'oslo', 'name': 'ann', 'age': 31}, {'city': 'rome', 'name': 'cat', 'age': 45}" in log_of(user, "prepare")
    assert "columns ['name']" in log_of(user, "count")
    assert "files ['/oslo/p.csv', '/rome/p.csv']" in log_of(user, "count")
    assert "(3, 3)" in answer.stdout
    assert "kept ['city', 'name', 'age']" in answer.stdout

    user.amlpipe("run", "build.py")
    assert user.outcome() == {"prepare": "reused", "count": "reused"}

    # Another definition on the same files.
    user.amlpipe("run", "build.py", "--age", "40")
    assert user.outcome() == {"prepare": "ran", "count": "ran"}
    assert "people [{'city': 'rome', 'name': 'cat', 'age': 45}" in log_of(user, "prepare")

    # Other files under the same definition.
    user.edit("data/oslo/p.csv", "bob,29", "bob,63")
    user.amlpipe("run", "build.py", "--age", "40")
    assert user.outcome() == {"prepare": "ran", "count": "ran"}
    assert "'name': 'bob', 'age': 63" in log_of(user, "prepare")
    user.edit("data/oslo/p.csv", "bob,63", "bob,29")
    user.amlpipe("run", "build.py", "--age", "40")
    assert user.outcome() == {"prepare": "reused", "count": "reused"}


def test_an_output_is_the_dataset_that_its_script_links_it_to(tmp_path: Path) -> None:
    user = User.with_files(tmp_path, LINK_FILES, "links")
    answer = user.amlpipe("run", "build.py")
    assert user.outcome() == {"choose": "ran", "use": "ran"}
    assert "rows ['cat', 'dan'] files ['p.csv']" in log_of(user, "use", "links")
    assert "rows ['cat', 'dan']" in answer.stdout

    user.amlpipe("run", "build.py")
    assert user.outcome() == {"choose": "reused", "use": "reused"}
