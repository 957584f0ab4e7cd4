"""What is said of scripts and notebooks of SDK v1 before anybody runs them?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent
from time import perf_counter
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnknownNameError
from airflow_amlpipe.migration.examining import examine
from airflow_amlpipe.migration.findings import Examination, Verdict
from tests.guides import GUIDE_001, GUIDE_004, IRIS_TRAIN, SCHEDULES_004, SUBMIT_001, TABLE_001
from tests.v1_programs import CELLS, ODDITIES, RETRAINING, SAMPLES

REPOSITORY = Path(__file__).resolve().parents[3]
STEPS = "from azureml.pipeline.steps import PythonScriptStep\n"
CORE = "from azureml.pipeline.core import Pipeline, PipelineParameter\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def look(folder: Path, text: str, name: str = "script.py") -> Examination:
    (folder / name).write_text(dedent(text), encoding="utf-8")
    return examine([name])


def found(examination: Examination, verdict: Verdict) -> list[tuple[int, str]]:
    return [(finding.place.line, finding.subject) for finding in examination.of(verdict)]


def notebook(*cells: str, language: str = "python") -> str:
    return json.dumps(
        {
            "cells": [{"cell_type": "markdown", "source": ["# title"]}]
            + [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells],
            "metadata": {"kernelspec": {"language": language}},
            "nbformat": 4,
        }
    )


def test_a_script_of_members_that_are_the_same_works(folder: Path) -> None:
    examination = look(
        folder,
        """
        import azureml.core
        from azureml.core import Workspace
        def show(ws: Workspace):
            print(azureml.core.VERSION, ws.name, ws.resource_group, sep="\\n")
        """,
    )
    assert (examination.findings, examination.exit_code) == ([], 0)
    assert examination.works["azureml.core.Workspace.name"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "from azureml.core import Workspace\nws = Workspace.from_config()\nws.delete()",
        "from azureml.core import Workspace as W\nws = W.from_config()\nws.delete()",
        "import azureml.core\nws = azureml.core.Workspace.from_config()\nws.delete()",
        "import azureml.core as c\nws = c.Workspace.from_config()\nws.delete()",
        "from azureml import core\nws = core.Workspace.from_config()\nws.delete()",
        "from azureml.core.workspace import Workspace\nws = Workspace.from_config()\nws.delete()",
        "from azureml.core import *\nws = Workspace.from_config()\nws.delete()",
        "from azureml.core import Workspace\na = b = Workspace.from_config()\nb.delete()",
        "from azureml.core import Workspace\na, b = 1, Workspace.from_config()\nb.delete()",
        "from azureml.core import Workspace\nif (ws := Workspace.from_config()):\n    ws.delete()",
        "from azureml.core import Workspace\n\n[ws.delete() for ws in [Workspace.get('x')] if ws]; Workspace.from_config().delete()",
    ],
)
def test_a_name_is_followed_through_aliases_and_assignments(folder: Path, text: str) -> None:
    assert found(look(folder, text), Verdict.FAILS) == [(3, "azureml.core.Workspace.delete")]


def test_a_name_is_followed_through_functions_objects_branches_and_loops(folder: Path) -> None:
    examination = look(
        folder,
        """
        from azureml.core import Experiment, Workspace
        def workspace(path=None):
            return later(path)
        def later(path):
            if path:
                ws = Workspace.from_config(path)
            else:
                ws = Workspace.get("x")
            return ws
        class Builder:
            def __init__(self):
                self.ws = later(None)
            def clean(self):
                self.ws.delete()
        def main():
            at_the_end.delete()
            for run in Experiment(workspace(), "x").get_runs():
                run.nonsense()
            lazy = None
            try:
                lazy = workspace()
            finally:
                lazy.delete()
        at_the_end = workspace()
        """,
    )
    assert found(examination, Verdict.FAILS) == [
        (15, "azureml.core.Workspace.delete"),
        (17, "azureml.core.Workspace.delete"),
        (19, "azureml.core.Run.nonsense"),
        (24, "azureml.core.Workspace.delete"),
    ]


def test_nothing_is_said_of_what_nobody_can_tell(folder: Path) -> None:
    examination = look(
        folder,
        """
        from azureml.core import Workspace
        import mine
        ws = mine.workspace()
        ws.delete()
        Workspace = mine.Workspace
        Workspace.from_config().delete()
        """,
    )
    assert found(examination, Verdict.FAILS) == []


def test_what_is_absent_is_named_with_what_to_do_instead(folder: Path) -> None:
    (finding,) = look(folder, "from azureml.core import Workspace\nWorkspace.from_config().delete()").of(Verdict.FAILS)
    assert (str(finding.place), finding.text, finding.remedy) == ("script.py:2", "absent", "delete the workspace's folder")


def test_a_module_and_a_name_that_sdk_v1_never_had_fail_where_they_are_imported(folder: Path) -> None:
    examination = look(folder, "import azureml.nonsense\nfrom azureml.core import Image\nfrom azureml.core import Workspaces\n")
    assert found(examination, Verdict.FAILS) == [(1, "azureml.nonsense"), (3, "azureml.core.Workspaces")]
    assert examination.findings[1].remedy == "did you mean 'Workspace'? docs/reference/coverage.md lists what there is"


def test_a_module_of_sdk_v1_that_is_not_here_fails_where_something_of_it_is_used(folder: Path) -> None:
    examination = look(
        folder,
        """
        import azureml.automl.core, azureml.core.webservice
        import azureml.datadrift as drift
        from azureml.core import webservice
        from azureml.core.webservice import AciWebservice, Webservice
        from azureml.interpret import *
        def deploy():
            azureml.core.webservice.LocalWebservice.deploy_configuration()
            webservice.Webservice(ws, "x")
            AciWebservice.deploy_configuration()
            drift.DataDriftDetector.create()
            azureml.automl.core.shared.x()
        """,
    )
    assert found(examination, Verdict.FAILS) == [
        (8, "azureml.core.webservice.LocalWebservice.deploy_configuration"),
        (9, "azureml.core.webservice.Webservice"),
        (10, "azureml.core.webservice.AciWebservice.deploy_configuration"),
        (11, "azureml.datadrift.DataDriftDetector.create"),
        (12, "azureml.automl.core.shared"),
    ]
    assert examination.findings[0].remedy == "serve the model outside of airflow-amlpipe"


def test_a_name_that_a_module_without_a_package_lacks_ends_no_examination(folder: Path) -> None:
    text = (
        "from azureml.core.run import Run, _OfflineRun\nfrom azureml.core.run import Nonsense\nisinstance(Run.get_context(), _OfflineRun)\n"
    )
    assert found(look(folder, text), Verdict.FAILS) == [(2, "azureml.core.run.Nonsense")]


@pytest.mark.parametrize("module", ["azureml.nonsense", "azureml.mlflow"])
def test_an_import_whose_failure_the_script_expects_only_differs(folder: Path, module: str) -> None:
    examination = look(folder, f"try:\n    import {module}\nexcept ImportError:\n    pass\nimport {module}\n")
    assert (found(examination, Verdict.FAILS), found(examination, Verdict.DIFFERS)) == ([(5, module)], [(2, module)])


def test_a_member_that_sdk_v1_had_not_either_fails(folder: Path) -> None:
    examination = look(folder, "from azureml.core import Workspace\nWorkspace.from_config().defualt_datastore\n")
    assert [finding.text for finding in examination.of(Verdict.FAILS)] == ["Workspace has no member 'defualt_datastore'"]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("PythonScriptStep('a.py', compute='local')", "TypeError: got an unexpected keyword argument 'compute'"),
        ("PythonScriptStep()", "TypeError: missing a required argument: 'script_name'"),
        ("Pipeline(ws, [], nonsense=1)", "TypeError: got an unexpected keyword argument 'nonsense'"),
        ("Workspace.get('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')", "TypeError: too many positional arguments"),
    ],
)
def test_arguments_that_a_call_does_not_take_fail(folder: Path, call: str, problem: str) -> None:
    examination = look(folder, f"from azureml.core import Workspace\nws = Workspace.get('x')\n{STEPS}{CORE}{call}\n")
    assert [(finding.place.line, finding.text) for finding in examination.of(Verdict.FAILS)] == [(5, problem)]


@pytest.mark.parametrize(
    "call", ["PythonScriptStep('a.py', target='local')", "PythonScriptStep(**given)", "PythonScriptStep(*given, name='x')"]
)
def test_arguments_that_a_call_takes_or_may_take_do_not(folder: Path, call: str) -> None:
    assert found(look(folder, f"{STEPS}given = load()\n{call}\n"), Verdict.FAILS) == []


def test_what_may_be_of_several_classes_fails_only_if_it_fails_for_all(folder: Path) -> None:
    examination = look(
        folder,
        """
        from azureml.core.compute import AmlCompute, ComputeTarget
        target = ComputeTarget.create(ws, "x", AmlCompute.provisioning_configuration())
        target.wait_for_completion(show_output=True, min_node_count=None)
        target.nonsense()
        """,
    )
    assert [finding.place.line for finding in examination.of(Verdict.FAILS)] == [5]


def test_an_attribute_that_a_run_configuration_does_not_have_cannot_be_set(folder: Path) -> None:
    examination = look(
        folder,
        """
        from azureml.core.runconfig import RunConfiguration
        config = RunConfiguration()
        config.target = "local"
        config.tagret = "local"
        """,
    )
    assert [finding.place.line for finding in examination.of(Verdict.FAILS)] == [5]


def test_a_step_is_asked_for_what_its_run_has_inside(folder: Path) -> None:
    examination = look(folder, "from azureml.core import Run\nrun = Run.get_context()\nrun.log('a', 1)\nrun.wait_for_completion()\n")
    (finding,) = examination.of(Verdict.FAILS)
    assert (finding.place.line, finding.remedy) == (4, "a script cannot wait for its own end")
    assert examination.works["azureml.core.Run.log"] == 1


HABITS: list[tuple[str, str, Verdict]] = [
    ("OutputFileDatasetConfig()", "unnamed output", Verdict.DIFFERS),
    ("OutputFileDatasetConfig('a').register_on_complete('b')", "dropped registration", Verdict.DIFFERS),
    ("never = OutputFileDatasetConfig('a').register_on_complete('b')", "dropped registration", Verdict.DIFFERS),
    ("PipelineParameter('a', None)", "parameter's default", Verdict.FAILS),
    ("PipelineParameter('a', default_value=[1])", "parameter's default", Verdict.FAILS),
    ("print(f'{PipelineParameter('a', 1)}')".replace("'a'", '"a"'), "parameter in a text", Verdict.FAILS),
    ("p = PipelineParameter('a', 1); x = 'b/%s' % p", "parameter in a text", Verdict.FAILS),
    ("p = PipelineParameter('a', 1); x = 'b/{}'.format(p)", "parameter in a text", Verdict.FAILS),
    ("p = PipelineParameter('a', 1); x = str(p)", "parameter in a text", Verdict.FAILS),
    ("o = OutputFileDatasetConfig('a'); x = f'{o}/b'", "data in a text", Verdict.FAILS),
    ("o = OutputFileDatasetConfig('a'); PythonScriptStep('a.py', arguments=[f'{o}/b'], outputs=[b])", "data in a text", Verdict.FAILS),
    ("OutputFileDatasetConfig('a', destination=(store, PipelineParameter('a', 1)))", "parameter in a destination", Verdict.FAILS),
    ("Pipeline(ws, steps=(a, b))", "steps in a tuple", Verdict.FAILS),
    (
        "x = ['--a', OutputFileDatasetConfig('o')]; a = PythonScriptStep('a.py', arguments=x)\nb = PythonScriptStep('b.py', arguments=x)",
        "shared list of arguments",
        Verdict.FAILS,
    ),
    (
        "o = OutputFileDatasetConfig('a')\ndef make(x=[o]):\n    return PythonScriptStep('a.py', arguments=x)",
        "mutable default",
        Verdict.FAILS,
    ),
    ("PythonScriptStep('a.py', arguments=['--a', Dataset.File.from_files('x')])", "dataset without a name", Verdict.FAILS),
    ("PythonScriptStep('a.py', inputs=[Dataset.get_by_name(ws, 'x')])", "dataset without a name", Verdict.FAILS),
    ("a = DataReference(store)\nb = DataReference(store)", "unnamed references", Verdict.DIFFERS),
    ("x = 'PipelineParameter_Name:a_Default:1'", "literal", Verdict.FAILS),
]
IMPORTS = f"{STEPS}{CORE}from azureml.core import Dataset\nfrom azureml.data import OutputFileDatasetConfig, DataReference\nws, store, a, b = load()\n"


@pytest.mark.parametrize(("text", "subject", "verdict"), HABITS, ids=[subject for _, subject, _ in HABITS])
def test_a_habit_that_sdk_v1_let_pass_is_named(folder: Path, text: str, subject: str, verdict: Verdict) -> None:
    examination = look(folder, IMPORTS + text)
    named = [finding for finding in examination.findings if finding.subject == subject]
    assert [finding.verdict for finding in named] == [verdict]
    assert named[0].remedy


@pytest.mark.parametrize(
    "text",
    [
        "OutputFileDatasetConfig('a')",
        "kept = OutputFileDatasetConfig('a').register_on_complete('b')\nPythonScriptStep('a.py', outputs=[kept])",
        "PipelineParameter('a', 1)",
        "PythonScriptStep('a.py', arguments=['--a', PipelineParameter('a', 1)])",
        "x = ['--a']; a = PythonScriptStep('a.py', arguments=[*x]); b = PythonScriptStep('b.py', arguments=x)",
        "x = ['--a']; a = PythonScriptStep('a.py', arguments=x)\nx = ['--b']; b = PythonScriptStep('b.py', arguments=x)",
        "PythonScriptStep('a.py', arguments=[Dataset.File.from_files('x').as_named_input('x')])",
        "x = ['--a']; a = PythonScriptStep('a.py', arguments=x)\nb = PythonScriptStep('b.py', arguments=x)",
        "x = ['--a', PipelineParameter('a', 1)]; a = PythonScriptStep('a.py', arguments=x)\nb = PythonScriptStep('b.py', arguments=x)",
        "o = OutputFileDatasetConfig('o'); x = [o]; a = PythonScriptStep('a.py', arguments=x)\nb = PythonScriptStep('b.py', arguments=x, outputs=[o])",
        "def make(x=[]):\n    return PythonScriptStep('a.py', arguments=x)",
        "o = OutputFileDatasetConfig('o'); PythonScriptStep('a.py', arguments=[f'{o}/b'], outputs=[o.as_upload()])",
        "o = OutputFileDatasetConfig('o'); PythonScriptStep('a.py', arguments=[f'{o}/b'], outputs=made())",
        "o = OutputFileDatasetConfig('o'); given = [o]; PythonScriptStep('a.py', arguments=['d=%s' % o], outputs=given)",
        "o = OutputFileDatasetConfig('o'); print(f'{o}'); x = ['--o', o]; PythonScriptStep('a.py', arguments=x)",
        "d = Dataset.File.from_files('x').as_named_input('d').as_mount(); PythonScriptStep('a.py', arguments=[f'{d}/a.csv'], inputs=[d])",
        "o = OutputFileDatasetConfig('o', destination=(store, 'x')); p = OutputFileDatasetConfig('p', destination=(store, 'x'))",
        "a = DataReference(store)\nb = DataReference(other)",
        "a = DataReference(store, 'a')\nb = DataReference(store, 'b')",
    ],
)
def test_what_is_meant_like_that_is_not(folder: Path, text: str) -> None:
    subjects = {subject for _, subject, _ in HABITS}
    assert [finding for finding in look(folder, IMPORTS + text).findings if finding.subject in subjects] == []


def test_packages_of_sdk_v1_are_named_in_every_kind_of_list(folder: Path) -> None:
    (folder / "requirements-train.txt").write_text("numpy\nazureml-core==1.61\nazureml_defaults\nmy-azureml\n")
    (folder / "environment.yml").write_text("name: x\ndependencies:\n- python=3.8\n- pip:\n  - azureml-sdk  # all of it\n  - pandas\n")
    (folder / "workflow.yml").write_text("on: push\njobs:\n  azureml-core: {}\n")
    script = "from azureml.core.conda_dependencies import CondaDependencies\nCondaDependencies.create(pip_packages=['numpy', 'azureml-defaults'])\n"
    (folder / "build.py").write_text(script)
    (folder / "book.ipynb").write_text(notebook("!pip install --upgrade azureml-sdk[notebooks]"))
    named = [finding for finding in examine(["."]).findings if finding.subject == "requirement of SDK v1"]
    assert [(str(finding.place), finding.text.split("`")[1]) for finding in named] == [
        ("book.ipynb, cell 2:1", "pip install --upgrade azureml-sdk[notebooks]"),
        ("build.py:2", "azureml-defaults"),
        ("environment.yml:5", "azureml-sdk"),
        ("requirements-train.txt:2", "azureml-core==1.61"),
        ("requirements-train.txt:3", "azureml_defaults"),
    ]
    assert {finding.verdict for finding in named} == {Verdict.DIFFERS}


def test_cells_of_a_notebook_are_one_program_and_magics_keep_the_lines(folder: Path) -> None:
    text = notebook(
        "%matplotlib inline\nfrom azureml.core import Workspace\n!ls \\\n  -l",
        "%%time\nfiles = !ls\nws = Workspace.from_config()\nws?\n\nws.delete()",
        "%%writefile step.py\nfrom azureml.core import Run\nRun.get_context().wait_for_completion()",
        "%%html\n<b>not Python</b>",
    )
    examination = look(folder, text, "book.ipynb")
    assert [(str(finding.place), finding.subject) for finding in examination.of(Verdict.FAILS)] == [
        ("book.ipynb, cell 3:6", "azureml.core.Workspace.delete"),
        ("book.ipynb, cell 4:3", "azureml.core.Run.wait_for_completion"),
    ]


def test_a_notebook_of_another_language_is_left_alone(folder: Path) -> None:
    assert look(folder, notebook("library(azuremlsdk)\nws <- load()", language="R"), "book.ipynb").findings == []


@pytest.mark.parametrize(
    ("name", "content", "subject"),
    [
        ("a.py", b"from azureml.core import (\n", "syntax"),
        ("a.py", b"print 'azureml'\n", "syntax"),
        ("a.py", b"import azureml\0\n", "syntax"),
        ("a.py", b"x = " + b"(" * 5000 + b"1" + b")" * 5000, "syntax"),
        ("a.py", b"# coding: nonsense\nimport azureml\n", "unreadable"),
        ("a.py", b"import azureml # \xff\xfe\n", "unreadable"),
        ("a.ipynb", b"{", "unreadable"),
        ("a.ipynb", b"[1]", "unreadable"),
        ("a.ipynb", b'{"worksheets": []}', "unreadable"),
        ("a.ipynb", b'{"cells": [{"cell_type": "code", "source": "from azureml import ("}]}', "syntax"),
        ("conda.yml", b"dependencies: [azureml-core\n", "unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(folder: Path, name: str, content: bytes, subject: str) -> None:
    (folder / name).write_bytes(content)
    (finding,) = examine([name]).findings
    assert (finding.place.file, finding.verdict, finding.subject) == (name, Verdict.FAILS, subject)


def test_odd_cells_are_passed_over(folder: Path) -> None:
    cells: list[Any] = [
        None,
        1,
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 5},
        {"cell_type": "code", "source": [1, "x = 1"]},
    ]
    (folder / "a.ipynb").write_text(json.dumps({"cells": cells, "metadata": []}))
    assert examine(["a.ipynb"]).findings == []


def test_an_encoding_that_the_script_names_is_followed(folder: Path) -> None:
    (folder / "a.py").write_bytes(
        "# coding: latin-1\n# é\nfrom azureml.core import Workspace\nWorkspace.get('x').delete()\n".encode("latin-1")
    )
    (folder / "b.py").write_bytes(b"\xef\xbb\xbffrom azureml.core import Workspace\r\nWorkspace.get('x').delete()\r\n")
    assert [str(finding.place) for finding in examine(["."]).of(Verdict.FAILS)] == ["a.py:4", "b.py:2"]


def test_folders_of_tools_and_of_other_peoples_packages_are_left_out(folder: Path) -> None:
    for place in (".git", ".venv/lib", "mine/site-packages/x", "env/lib", "node_modules", "__pycache__", "src"):
        (folder / place).mkdir(parents=True)
        (folder / place / "a.py").write_text("import azureml.nonsense\n")
    (folder / "env" / "pyvenv.cfg").write_text("")
    (folder / "loop").symlink_to(folder)
    (folder / "notes.txt").write_text("azureml-core\n")
    examination = examine([".", "src", "src/a.py"])
    assert [str(finding.place) for finding in examination.findings] == ["src/a.py:1"]
    assert (examination.files, examination.using) == (1, 1)


def test_a_path_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="'nothing.py': there is no such file or folder"):
        examine(["nothing.py"])


def test_a_big_folder_takes_no_time(folder: Path) -> None:
    text = "import os\n" + "\n".join(f"def f{number}(x):\n    return [x + {number}, os.sep]" for number in range(50))
    for number in range(300):
        (folder / f"m{number}.py").write_text(text + ("\nimport azureml.core\n" if number % 10 == 0 else ""))
    began = perf_counter()
    examination = examine(["."])
    assert (examination.files, examination.using) == (300, 30)
    assert perf_counter() - began < 20


def test_nothing_of_a_script_is_run(folder: Path) -> None:
    look(folder, "import azureml.core\nopen('ran', 'w')\nraise SystemExit(1)\n")
    assert not (folder / "ran").exists()
    assert "script" not in sys.modules


@pytest.mark.parametrize("program", ["retraining", "oddities", "samples", "notebook", "first guide", "third guide", "example"])
def test_nothing_is_said_to_fail_of_programs_that_run(folder: Path, program: str) -> None:
    """They are run by tests/e2e."""
    if program == "example":
        examination = examine([str(REPOSITORY / "examples"), str(REPOSITORY / "dags")])
    elif program == "notebook":
        examination = look(folder, notebook(*CELLS), "lab.ipynb")
    else:
        texts = {
            "retraining": RETRAINING,
            "oddities": ODDITIES,
            "samples": SAMPLES,
            "first guide": {"guide.py": GUIDE_001 + SUBMIT_001 + TABLE_001, "iris_train.py": IRIS_TRAIN},
            "third guide": {"guide.py": GUIDE_004},
        }[program]
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        examination = examine(["."])
    assert [(str(finding.place), finding.subject, finding.text) for finding in examination.of(Verdict.FAILS)] == []
    assert examination.works.total() > 3


def test_what_the_third_guide_asks_of_schedules_is_said_to_fail(folder: Path) -> None:
    examination = look(folder, GUIDE_004 + SCHEDULES_004)
    assert {finding.subject.split(".")[-1] for finding in examination.of(Verdict.FAILS)} >= {"create", "list"}


def test_a_class_that_cannot_be_made_may_be_imported_and_fails_where_it_is_made(folder: Path) -> None:
    text = (
        "from azureml.pipeline.steps import AdlaStep, DatabricksStep\nfrom azureml.core import Image\nfrom azureml.train.hyperdrive import *\n"
        "DatabricksStep('x')\nImage.create('x')\nHyperDriveRunConfig()\n"
    )
    examination = look(folder, text)
    assert found(examination, Verdict.FAILS) == [
        (4, "azureml.pipeline.steps.DatabricksStep"),
        (5, "azureml.core.Image.create"),
        (6, "azureml.train.hyperdrive.HyperDriveRunConfig"),
    ]
    assert {finding.remedy for finding in examination.findings} >= {
        "serve the model outside of airflow-amlpipe",
        "make one PythonScriptStep for each set of values",
    }
    assert not examination.works


def test_what_is_said_to_be_a_dataset_or_a_target_is_one_of_those_there_are(folder: Path) -> None:
    text = """
    from azureml.core import ComputeTarget, Dataset, Datastore
    def build(data: Dataset, target: ComputeTarget, store: Datastore):
        data.as_named_input("raw").as_mount()
        data.to_pandas_dataframe()
        target.vm_size, store.container_name
        data.nonsense
    """
    assert found(look(folder, text), Verdict.FAILS) == [(7, "azureml.data.FileDataset.nonsense")]


INSIDE = """from azureml.core import Experiment, Run
run = Run.get_context()
run.log("a", 1)
run.log_confusion_matrix("a", {})
run.upload_file("a", "b")
run.parent.log("a", 1)
child = run.child_run("part")
child.log("a", 1)
child.complete()
with run.child_run("other") as part:
    part.log_row("a", x=1)
for each in run.create_children(count=2):
    each.log("a", 1)
    each.complete()
run.complete()
run.fail()
work = run.experiment.start_logging()
work.log("a", 1)
work.complete()
"""
OUTSIDE = """from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.pipeline.core import Pipeline, PublishedPipeline
ws = Workspace.get("team")
experiment = Experiment(ws, "nights")
experiment.submit(Pipeline(ws, [])).log("a", 1)
experiment.submit(config=PublishedPipeline.get(ws, "id")).complete()
experiment.submit(ScriptRunConfig(".", script="x.py")).log("a", 1)
for run in experiment.get_runs():
    run.log("a", 1)
Run.get(ws, "id").complete()
"""


def test_what_a_script_does_with_its_own_run_and_with_those_below_it_works(folder: Path) -> None:
    assert look(folder, INSIDE).findings == []


def test_what_cannot_be_done_with_a_run_from_outside_fails(folder: Path) -> None:
    failing = found(look(folder, OUTSIDE), Verdict.FAILS)
    assert sorted((line, subject.rpartition(".")[2]) for line, subject in failing) == [
        (5, "log"),
        (6, "complete"),
        (7, "log"),
        (9, "log"),
        (10, "complete"),
    ]


FLOWS = {
    "a property": "class A:\n    def __init__(self): self.ws, self.n = Workspace.get('x'), 1\n    @property\n    def it(self): return self.ws\nA().it.delete()",
    "a class method": "class A:\n    ws = Workspace.get('x')\n    @classmethod\n    def make(cls): return cls()\nA.make().ws.delete()",
    "a class above": "class A:\n    def get(self): return Workspace.get('x')\nclass B(A):\n    def go(self): super().get().delete()",
    "an annotated field": "from dataclasses import dataclass\n@dataclass\nclass A:\n    ws: Workspace\n    def go(self): self.ws.delete()",
    "a tuple": "def both(): return 1, Workspace.get('x')\nn, ws = both()\nws.delete()",
    "an item of a tuple": "pair = (1, Workspace.get('x'))\npair[1].delete()",
    "a default": "def f(ws=Workspace.get('x')): ws.delete()",
    "an argument": "def f(n, *, ws): ws.delete()\nf(1, ws=Workspace.get('x'))",
    "an argument of a maker": "class A:\n    def __init__(self, ws): self.ws = ws\n    def go(self): self.ws.delete()\nA(Workspace.get('x'))",
    "a comprehension": "spaces = {n: Workspace.get(n) for n in 'ab'}\n[ws.delete() for ws in spaces.values()]",
    "what is appended": "spaces = []\nspaces.append(Workspace.get('x'))\nfor n, ws in enumerate(spaces): ws.delete()",
    "a generator": "def each(): yield Workspace.get('x')\nfor ws in each(): ws.delete()",
    "with": "from contextlib import contextmanager\n@contextmanager\ndef opened(): yield Workspace.get('x')\nwith opened() as ws: ws.delete()",
    "a global name": "ws = None\ndef begin():\n    global ws\n    ws = Workspace.get('x')\ndef go(): ws.delete()",
    "an optional argument": "from typing import Optional\ndef f(ws: Optional[Workspace] = None, n: 'int | None' = None): ws.delete()",
    "a list of them": "from typing import List\ndef f(all: List[Workspace]): all[0].delete()",
    "an import by its name": "import importlib\nimportlib.import_module('azureml.core').Workspace.get('x').delete()",
    "a lambda": "go = lambda ws=Workspace.get('x'): ws.delete()",
}


@pytest.mark.parametrize("text", FLOWS.values(), ids=FLOWS)
def test_a_name_is_followed_through_what_a_script_makes_itself(folder: Path, text: str) -> None:
    examination = look(folder, f"from azureml.core import Workspace\n{text}\n")
    line = 2 + text[: text.index(".delete()")].count("\n")
    assert found(examination, Verdict.FAILS) == [(line, "azureml.core.Workspace.delete")]


@pytest.mark.parametrize(
    "text",
    [
        "for name in ws.datasets: name.startswith('x')",
        "names = {'a': ws}\nfor name in names: name.upper()",
        "def f(ws):\n    ws = open('x')\n    ws.write('')\nf(ws)",
        "class A:\n    ws = ws\n    def go(self): return self.other.delete()",
        "import json\njson.loads('').delete()",
        "ws = 1 if ws else ws\nprint(ws)",
    ],
)
def test_what_is_followed_is_not_taken_for_something_else(folder: Path, text: str) -> None:
    assert look(folder, f"from azureml.core import Workspace\nws = Workspace.get('x')\n{text}\n").of(Verdict.FAILS) == []


def test_a_name_is_followed_into_the_modules_beside_a_script(folder: Path) -> None:
    (folder / "jobs" / "util").mkdir(parents=True)
    (folder / "jobs" / "util" / "__init__.py").write_text("from .spaces import Env\n")
    (folder / "jobs" / "util" / "spaces.py").write_text(
        "from azureml.core import Workspace\nimport jobs.build\ndef get(): return Workspace.get('x')\nSHARED = get()\nclass Env:\n    ws = get()\n"
    )
    (folder / "jobs" / "build.py").write_text(
        "from jobs.util.spaces import get, SHARED\nfrom util import spaces, Env\nimport util.spaces as s, util.spaces\nfrom .util import spaces as t\n"
        "get().delete()\nSHARED.delete()\nEnv().ws.delete()\nspaces.get().delete()\ns.get().delete()\nutil.spaces.get().delete()\nt.get().delete()\n"
    )
    examination = examine(["jobs"])
    assert [str(finding.place) for finding in examination.of(Verdict.FAILS)] == [f"jobs/build.py:{line}" for line in range(5, 12)]
    assert (examination.files, examination.using) == (3, 1)
