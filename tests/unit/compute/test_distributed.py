"""How do the processes of one step start together, and what else than Python does a step start?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compute.distributed import distributed
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import LiteralArgument, NotebookRun, ParameterArgument, RScript, StepVariable
from tests.builders import OUT, a_step
from tests.unit.compute.conftest import Stage

ARGV = ("python", "train.py")
# What mpirun does of which a step can tell: as many processes as asked, each with its rank.
MPIRUN = """#!/bin/sh
[ "$1" = -n ] || exit 9
count=$2
shift 2
rank=0
while [ "$rank" -lt "$count" ]; do
    OMPI_COMM_WORLD_RANK=$rank OMPI_COMM_WORLD_SIZE=$count "$@" || exit $?
    rank=$((rank + 1))
done
"""
# What papermill does of which a step can tell.
PAPERMILL = """
import json
class PapermillExecutionError(Exception): pass
def execute_notebook(notebook, output, parameters, kernel_name, **options):
    cells = json.load(open(notebook))
    json.dump({"cells": cells, "parameters": parameters, "kernel": kernel_name}, open(output, "w"))
    if cells == ["fail"]:
        raise PapermillExecutionError("cell 1 failed")
"""


def program(folder: Path, name: str, text: str) -> StepInterpreter:
    """A program that is first on the path of the step."""
    folder.mkdir()
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return StepInterpreter(sys.executable, (str(folder), str(Path(sys.executable).parent)))


def run(request: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(request.argv, cwd=request.working_folder, env=dict(request.environment), capture_output=True, text=True)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (RunSettingsSpec(), {}),
        (RunSettingsSpec(node_count=3), {}),
        (RunSettingsSpec(communicator="OpenMpi"), {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"}),
        (RunSettingsSpec(communicator="Nccl"), {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}),
    ],
)
def test_a_process_that_is_alone_is_started_as_it_is_and_told_so(settings: RunSettingsSpec, expected: dict[str, str]) -> None:
    argv, variables = distributed("step 'a'", settings, ARGV, {}, "python")
    assert argv == ARGV
    assert expected.items() <= variables.items()


def test_what_the_author_set_stays() -> None:
    given = {"MASTER_PORT": "9", "OMPI_COMM_WORLD_RANK": "7"}
    for communicator in ("Gloo", "IntelMpi"):
        _, variables = distributed("step 'a'", RunSettingsSpec(communicator=communicator), ARGV, given, "python")
        assert not given.keys() & variables.keys()


def test_several_processes_are_started_by_mpirun(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    (folder.code / "train.py").write_text("import os; print(os.environ['OMPI_COMM_WORLD_RANK'], os.environ['OMPI_COMM_WORLD_SIZE'])")
    settings = RunSettingsSpec(node_count=2, processes_per_node=2, communicator="OpenMpi")
    said = run(stage(a_step(run_settings=settings), interpreter=program(tmp_path / "bin", "mpirun", MPIRUN)))
    assert said.stdout.splitlines() == ["0 4", "1 4", "2 4", "3 4"], said.stderr


@pytest.mark.parametrize(
    ("communicator", "message"), [("OpenMpi", "there is no mpirun on this compute"), ("ParameterServer", "worker_count to 1")]
)
def test_several_processes_that_nothing_can_start_are_refused(communicator: str, message: str, tmp_path: Path) -> None:
    settings = RunSettingsSpec(node_count=3, processes_per_node=2, communicator=communicator)
    with pytest.raises(DefinitionError, match=rf"step 'a': 3 node\(s\) with 2 process\(es\) each.*{message}"):
        distributed("step 'a'", settings, ARGV, {"PATH": str(tmp_path)}, "python")


@pytest.mark.parametrize("processes_per_node", [1, 2])
def test_processes_of_pytorch_run_side_by_side_and_know_their_places(stage: Stage, folder: StepFolder, processes_per_node: int) -> None:
    names = "RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR"
    # One write each: what several processes print in pieces mixes.
    line = f"import os, sys; os.write(1, ' '.join([*(os.environ[name] for name in {names}), sys.argv[1], chr(10)]).encode())"
    (folder.code / "train.py").write_text(line)
    settings = RunSettingsSpec(node_count=2, processes_per_node=processes_per_node, communicator="Nccl")
    said = run(stage(a_step(run_settings=settings, arguments=(LiteralArgument(value="a b"),))))
    places = ["0 0 0", "1 1 0", "2 0 1", "3 1 1"] if processes_per_node == 2 else ["0 0 0", "1 0 1"]
    assert sorted(said.stdout.splitlines()) == [f"{place} {len(places)} 127.0.0.1 a b " for place in places], said.stderr


def test_when_one_process_fails_the_others_are_ended_and_its_exit_code_stands(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "train.py").write_text("import os, sys, time\nif os.environ['RANK'] == '1': sys.exit(7)\ntime.sleep(600)")
    began = time.monotonic()
    said = run(stage(a_step(run_settings=RunSettingsSpec(node_count=3, communicator="Gloo"))))
    assert said.returncode == 7
    assert time.monotonic() - began < 60


# ---- R


def test_an_r_script_is_started_by_the_rscript_of_the_compute(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    (folder.code / "fit.R").write_text("print(1)\n")
    step = a_step(command=RScript(script="fit.R"), arguments=(LiteralArgument(value="a b"),))
    said = run(stage(step, interpreter=program(tmp_path / "bin", "Rscript", '#!/bin/sh\necho "R: $1 [$2]"\n')))
    assert said.stdout == "R: fit.R [a b]\n"


def test_a_compute_without_r_says_so(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    (folder.code / "fit.R").write_text("print(1)\n")
    with pytest.raises(DefinitionError, match="there is no Rscript on this compute; install R there"):
        stage(
            a_step(command=RScript(script="fit.R")), worker_environment={"PATH": str(tmp_path)}, interpreter=StepInterpreter(sys.executable)
        )


# ---- notebooks


def a_notebook_step(**changes: Any) -> Any:
    return a_step(
        **{
            "command": NotebookRun(notebook="deep/train.ipynb", output_notebook="done.ipynb", copy_to="executed"),
            "outputs": (*OUT, OutputSpec(name="executed", datastore="workspaceblobstore")),
            "variables": (
                StepVariable(name="rate", value=LiteralArgument(value=0.5)),
                StepVariable(name="depth", value=ParameterArgument(parameter="p")),
            ),
            **changes,
        }
    )


@pytest.fixture
def papermill(folder: StepFolder) -> None:
    (folder.code / "deep").mkdir()
    (folder.code / "papermill.py").write_text(PAPERMILL)
    (folder.code / "ipykernel.py").write_text("")


@pytest.mark.usefixtures("papermill")
@pytest.mark.parametrize(("cells", "code"), [('["fine"]', 0), ('["fail"]', 1)])
def test_a_notebook_gets_typed_parameters_and_its_executed_copy_is_kept_however_it_ends(
    stage: Stage, folder: StepFolder, cells: str, code: int
) -> None:
    import json

    (folder.code / "deep" / "train.ipynb").write_text(cells)
    said = run(stage(a_notebook_step(), parameters={"p": 3}))
    assert said.returncode == code, said.stderr
    executed = json.loads((folder.code / "outputs" / "done.ipynb").read_text())
    assert executed["parameters"] == {"rate": 0.5, "depth": 3, "out": str(folder.outputs / "out")}
    assert executed["kernel"] == "python3"
    assert (folder.outputs / "executed" / "done.ipynb").read_text() == (folder.code / "outputs" / "done.ipynb").read_text()
    assert ("cell 1 failed" in said.stderr) == bool(code)


def test_without_papermill_the_requirement_to_add_is_named(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "deep").mkdir()
    (folder.code / "deep" / "train.ipynb").write_text("[]")
    (folder.code / "ipykernel.py").write_text("raise ImportError('No module named ipykernel')")
    said = run(stage(a_notebook_step(), parameters={"p": 3}))
    assert said.returncode == 1
    assert "Add the requirements 'papermill' and 'ipykernel' to the step's environment" in said.stderr
