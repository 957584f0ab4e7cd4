"""What does ``amlpipe doctor`` say, and how does it end?"""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import Amlpipe

FAILING = "from azureml.core import Workspace\nws = Workspace.get('x')\nws.delete()\nws.name\nws.name\n"


def test_what_will_fail_is_named_with_its_place_and_remedy(amlpipe: Amlpipe, project: Path) -> None:
    (project / "build.py").write_text(FAILING)
    answer = amlpipe("doctor", ".")
    assert answer.code == 1
    assert answer.out.startswith("fails: azureml.core.Workspace.delete: absent\n  build.py:3\n  do: delete the workspace's folder\n")
    assert "azureml.core.Workspace.name (2)" in answer.out
    assert "1 files looked at, 1 of them use azureml: 1 uses will fail, 0 differ, 4 work as before\n" in answer.out


def test_the_answer_for_programs_has_every_place(amlpipe: Amlpipe, project: Path) -> None:
    (project / "build.py").write_text(FAILING)
    document = amlpipe("doctor", "--json", "build.py").document
    assert (document["files"], document["files_with_azureml"], document["counts"]) == (1, 1, {"fails": 1, "differs": 0, "works": 4})
    assert document["works"] == {"azureml.core.Workspace": 1, "azureml.core.Workspace.get": 1, "azureml.core.Workspace.name": 2}
    assert [finding for finding in document["findings"] if finding["verdict"] == "fails"] == [
        {
            "file": "build.py",
            "cell": None,
            "line": 3,
            "verdict": "fails",
            "subject": "azureml.core.Workspace.delete",
            "text": "absent",
            "remedy": "delete the workspace's folder",
        }
    ]


def test_what_only_differs_ends_with_0_and_strictly_with_1(amlpipe: Amlpipe, project: Path) -> None:
    (project / "build.py").write_text("from azureml.core import Workspace\nprint(Workspace.from_config().location)\n")
    answer = amlpipe("doctor", "build.py")
    assert answer.code == 0
    assert answer.out.splitlines()[0].startswith("differs: azureml.core.Workspace.location: ")
    assert answer.out.splitlines()[-1] == "nothing will fail as far as reading can tell; next: amlpipe plan SCRIPT"
    assert amlpipe("doctor", "--strict", "build.py").code == 1


def test_many_places_of_one_thing_are_counted(amlpipe: Amlpipe, project: Path) -> None:
    (project / "build.py").write_text("from azureml.core import Workspace\nws = Workspace.get('x')\n" + "ws.delete()\n" * 11)
    assert "  build.py:10\n  and 3 more (--json lists all)\n  do: " in amlpipe("doctor", "build.py").out


def test_a_folder_without_sdk_v1_says_so(amlpipe: Amlpipe, project: Path) -> None:
    (project / "other.py").write_text("import os\n")
    answer = amlpipe("doctor", ".")
    assert (answer.code, answer.out) == (0, "1 files looked at, 0 of them use azureml: 0 uses will fail, 0 differ, 0 work as before\n")


def test_a_path_that_is_not_there_is_refused(amlpipe: Amlpipe, project: Path) -> None:
    answer = amlpipe("doctor", "nothing")
    assert (answer.code, answer.err) == (2, "amlpipe: 'nothing': there is no such file or folder; name scripts, notebooks or folders\n")
