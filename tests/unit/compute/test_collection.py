"""What of the things a script leaves behind is kept, and what is refused?"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from airflow_amlpipe.compute.collection import CollectedOutput, CollectedStep, collect_step
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.local import LocalBackend
from airflow_amlpipe.compute.waiting import follow_job
from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import OutputArgument, StepSpec
from tests.builders import OUT, a_step
from tests.unit.compute.conftest import Stage

STEP = a_step(outputs=OUT, arguments=(OutputArgument(output="out"),))


def run_script(stage: Stage, folder: StepFolder, script: str, step: StepSpec = STEP) -> CollectedStep:
    (folder.code / "train.py").write_text(script)
    backend = LocalBackend()
    follow_job(backend, backend.launch(stage(step)), on_line=lambda *_: None)
    return collect_step(step, folder)


def names(collected: CollectedStep) -> list[str]:
    return [artifact.name for artifact in collected.run.artifacts]


def test_everything_a_script_does_is_collected(stage: Stage, folder: StepFolder) -> None:
    script = """
import os, sys
from azureml.core import Run
run = Run.get_context()
open(os.path.join(sys.argv[1], "model.txt"), "w").write("model")
open("outputs/report.txt", "w").write("report")
os.makedirs("logs/deep"); open("logs/deep/train.log", "w").write("log")
open("scratch.txt", "w").write("x")
run.upload_file("plots/a.txt", "scratch.txt")
run.log("auc", 0.5); run.log("auc", float("nan"))
run.tag("best", "yes"); run.add_properties({"seed": 1})
run.parent.log("auc of train", 0.5); run.parent.tag("stage", "trained"); run.parent.upload_file("summary.txt", "scratch.txt")
print("done")
"""
    collected = run_script(stage, folder, script)
    output = collected.outputs["out"]
    assert output == CollectedOutput("out", folder.outputs / "out", is_file=False)
    assert (output.path / "model.txt").read_text() == "model"
    assert names(collected) == ["logs/deep/train.log", "outputs/report.txt", "plots/a.txt"]
    assert str(collected.run.metrics) == "{'auc': [0.5, nan]}"
    assert collected.run.tags == {"best": "yes"}
    assert collected.run.properties == {"seed": "1"}
    assert collected.parent.metrics == {"auc of train": 0.5}
    assert [event["name"] for event in collected.parent.events] == ["auc of train"]
    assert collected.parent.tags == {"stage": "trained"}
    assert [artifact.name for artifact in collected.parent.artifacts] == ["summary.txt"]
    assert [log.name for log in collected.logs] == ["stderr.txt", "stdout.txt"]
    assert not collected.notices
    assert collect_step(STEP, folder) == collected or str(collect_step(STEP, folder)) == str(collected), "collecting changes nothing"


def test_an_output_the_script_did_not_write_is_an_empty_folder(stage: Stage, folder: StepFolder) -> None:
    """R52."""
    assert not list(run_script(stage, folder, "pass").outputs["out"].path.iterdir())


def test_an_output_the_script_removed_is_an_empty_folder(stage: Stage, folder: StepFolder) -> None:
    """R52."""
    collected = run_script(stage, folder, "import os, sys; os.rmdir(sys.argv[1])")
    assert collected.outputs["out"].path.is_dir()


@pytest.mark.parametrize(
    ("script", "is_file", "found"),
    [
        ("pathlib.Path(sys.argv[1]).write_text('x')", True, []),
        ("pathlib.Path(sys.argv[1]).mkdir(); pathlib.Path(sys.argv[1], 'a').write_text('x')", False, ["a"]),
        ("assert not pathlib.Path(sys.argv[1]).exists()", False, []),
    ],
)
def test_an_output_that_is_not_made_is_what_the_script_made_there(
    stage: Stage, folder: StepFolder, script: str, is_file: bool, found: list[str]
) -> None:
    step = a_step(
        arguments=(OutputArgument(output="out"),), outputs=(OutputSpec(name="out", datastore="workspaceblobstore", is_made=False),)
    )
    collected = run_script(stage, folder, f"import pathlib, sys\n{script}\n", step)
    output = collected.outputs["out"]
    assert (output.is_file, [] if is_file else sorted(path.name for path in output.path.iterdir())) == (is_file, found)


def test_a_file_in_the_place_of_the_folder_is_an_output_of_one_file(stage: Stage, folder: StepFolder) -> None:
    """R52."""
    collected = run_script(stage, folder, "import os, sys; os.rmdir(sys.argv[1]); open(sys.argv[1], 'w').write('x')")
    assert collected.outputs["out"] == CollectedOutput("out", folder.outputs / "out", is_file=True)


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("os.symlink('/etc/passwd', out + '/stolen')", "'stolen'"),
        ("os.symlink('/etc', out + '/folder')", "'folder'"),
        ("os.symlink('nowhere', out + '/dangling')", "'dangling'"),
        ("os.symlink('circle', out + '/circle')", "'circle'"),
        ("os.symlink('..', out + '/up')", "'up'"),
        ("os.symlink('.', out + '/here')", "'here'"),
        ("os.makedirs(out + '/a'); os.symlink('..', out + '/a/back')", "'a/back'"),
        ("os.mkfifo(out + '/pipe')", "'pipe'"),
        ("import socket; socket.socket(socket.AF_UNIX).bind(out + '/s')", "'s'"),
        ("[os.symlink('/etc', out + '/x%d' % i) for i in range(9)]", "'x4' and 4 more"),
        ("os.rmdir(out); os.mkfifo(out)", "'.'"),
        ("os.rmdir(out); os.symlink('/etc', out)", "is a symbolic link to '/etc' now"),
    ],
)
def test_what_could_carry_bytes_of_other_places_is_refused_and_named(stage: Stage, folder: StepFolder, script: str, named: str) -> None:
    """R51, S23."""
    with pytest.raises(DefinitionError, match=f"step 'train': output 'out' .*{named}"):
        run_script(stage, folder, f"import os, sys\nout = os.path.relpath(sys.argv[1])\n{script}")


def test_links_within_an_output_stay(stage: Stage, folder: StepFolder) -> None:
    script = "import os, sys; open(sys.argv[1] + '/v1', 'w').write('x'); os.symlink('v1', sys.argv[1] + '/latest')"
    assert (run_script(stage, folder, script).outputs["out"].path / "latest").readlink() == Path("v1")


def test_a_link_among_artifacts_is_left_out_with_a_notice(stage: Stage, folder: StepFolder) -> None:
    script = "import os; os.symlink('/etc/passwd', 'outputs/stolen'); os.symlink('/etc', 'logs/folder'); open('outputs/a', 'w').close()"
    collected = run_script(stage, folder, script)
    assert names(collected) == ["outputs/a"]
    assert len(collected.notices) == 2
    assert "'outputs/stolen' is not kept as an artifact" in collected.notices[0]


def test_an_artifacts_folder_that_became_a_link_is_not_followed(stage: Stage, folder: StepFolder) -> None:
    assert names(run_script(stage, folder, "import os; os.rmdir('outputs'); os.symlink('/etc', 'outputs')")) == []


def test_an_uploaded_file_wins_over_one_of_the_same_name(stage: Stage, folder: StepFolder) -> None:
    script = (
        "from azureml.core import Run\nopen('outputs/m', 'w').write('first')\nRun.get_context().upload_file('outputs/m', 'outputs/m')\n"
        "open('outputs/m', 'w').write('second')"
    )
    (artifact,) = run_script(stage, folder, script).run.artifacts
    assert artifact.path.read_text() == "first"


def test_only_files_that_a_glob_names_are_uploaded(stage: Stage, folder: StepFolder) -> None:
    step = a_step(
        outputs=(OutputSpec(name="out", datastore="lake", mode="upload", globs=("**/*.csv", "keep/**")),),
        arguments=(OutputArgument(output="out"),),
    )
    script = """
import os, sys
for name in ("a.csv", "a.txt", "deep/b.csv", "deep/b.txt", "keep/c.txt", "gone/d.txt"):
    path = os.path.join(sys.argv[1], name); os.makedirs(os.path.dirname(path), exist_ok=True); open(path, "w").close()
"""
    root = run_script(stage, folder, script, step).outputs["out"].path
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()) == ["a.csv", "deep/b.csv", "keep/c.txt"]
    assert not (root / "gone").exists()


def test_an_output_written_below_the_working_folder_is_not_an_artifact_too(stage: Stage, folder: StepFolder) -> None:
    step = a_step(outputs=(OutputSpec(name="out", datastore="lake", source="outputs/model"),), arguments=(OutputArgument(output="out"),))
    script = "import sys\nopen(sys.argv[1] + '/m', 'w').close(); open('outputs/model/n', 'w').close(); open('outputs/r', 'w').close()"
    collected = run_script(stage, folder, script, step)
    assert sorted(path.name for path in collected.outputs["out"].path.iterdir()) == ["m", "n"]
    assert names(collected) == ["outputs/r"]


@pytest.mark.parametrize(
    "script",
    ["open(path + '/m', 'w').close()", "import shutil; os.unlink(path); os.mkdir(path); open(path + '/m', 'w').close()"],
    ids=["as it was given", "after replacing it"],
)
def test_an_output_with_an_absolute_path_is_fetched_from_there(stage: Stage, folder: StepFolder, script: str) -> None:
    temporary = Path(tempfile.mkdtemp(prefix="amlpipe-test-"))
    try:
        source = str(temporary / "model")
        step = a_step(outputs=(OutputSpec(name="out", datastore="lake", source=source),), arguments=(OutputArgument(output="out"),))
        collected = run_script(stage, folder, f"import os, sys\npath = sys.argv[1]\nassert path == {source!r}\n{script}", step)
        assert [path.name for path in collected.outputs["out"].path.iterdir()] == ["m"]
        assert collected.outputs["out"].path == folder.outputs / "out"
        assert not os.path.lexists(source)
    finally:
        shutil.rmtree(temporary)


def test_the_pipeline_can_be_canceled_by_its_script(stage: Stage, folder: StepFolder) -> None:
    collected = run_script(stage, folder, "from azureml.core import Run\nRun.get_context().parent.cancel()\nRun.get_context().cancel()")
    assert collected.parent.cancel_requested
    assert not collected.run.cancel_requested


def test_torn_and_foreign_event_lines_are_passed_over(stage: Stage, folder: StepFolder) -> None:
    stage(STEP)
    protocol.append_event(str(folder.run), {"kind": "tag", "key": "a", "value": "b"})
    with (folder.run / protocol.EVENTS_FILE).open("ab") as file:
        file.write(
            b'{"kind": "ta\n[]\n{"kind": 1}\n\xff\n{"kind": "tag", "key": [], "value": 1}\n{"kind": "metric"}\n{"kind": "new in v9"}\n{"kind":'
        )
    collected = collect_step(STEP, folder)
    assert collected.run.tags == {"a": "b"}
    assert collected.run.metrics == {}


def test_a_deep_tree_is_no_trouble(stage: Stage, folder: StepFolder) -> None:
    script = """
import os, sys
for root in (sys.argv[1], os.path.join(os.getcwd(), "outputs")):
    os.chdir(root)
    for _ in range(600):
        os.mkdir("d"); os.chdir("d")
    open("leaf", "w").close()
"""
    collected = run_script(stage, folder, script)
    assert names(collected) == ["outputs/" + "d/" * 600 + "leaf"]


def test_a_private_folder_that_is_gone_is_an_infrastructure_error(stage: Stage, folder: StepFolder) -> None:
    stage(STEP)
    os.chmod(folder.outputs, 0o500)
    shutil.rmtree(folder.logs)
    folder.logs.write_text("")
    shutil.rmtree(folder.outputs)
    folder.outputs.write_text("")
    with pytest.raises(InfrastructureError, match="step 'train': what the script left could not be read"):
        collect_step(STEP, folder)
