"""Do the examples of the documentation work as they stand?"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.cli.application import build_parser
from tests.airflow_home import share_database
from tests.docs.pages import REPOSITORY, Page, pages

PAGES = pages()
AMLPIPE = "import sys; from airflow_amlpipe.cli import main; sys.exit(main())"
CONFIG = '{"subscription_id": "local", "resource_group": "local", "workspace_name": "docs"}'


def amlpipe_commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in PAGES:
        for line in page.commands:
            words = shlex.split(line, comments=True)
            if words[:1] == ["amlpipe"]:
                found.append((str(page), words[1:]))
    return found


@pytest.mark.parametrize(("page", "words"), amlpipe_commands(), ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_the_command_line_accepts_every_command(page: str, words: list[str]) -> None:
    build_parser().parse_args(words)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = {words[1] for page in PAGES for line in page.commands if (words := shlex.split(line, comments=True))[:1] == ["make"]}
    assert used <= targets


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Page) -> None:
    assert [link for link in page.links if not (page.path.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_json_examples_are_json(page: Page) -> None:
    for block in page.blocks:
        if block.language == "json":
            json.loads(block.text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout of the reader's own, with the files that the pages take for granted."""
    (tmp_path / "config.json").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "local-images").mkdir()
    (tmp_path / "local-images" / "one.pgm").write_text("P2 1 1 1 1\n", encoding="ascii")
    share_database(tmp_path / "home")
    for workspace in ("docs", "logs"):
        logs = tmp_path / "home" / "workspaces" / workspace / "workspaceblobstore" / "logs"
        logs.mkdir(parents=True)
        (logs / "monday.log").write_text("an error\n", encoding="ascii")
    return tmp_path


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AMLPIPE_HOME": str(folder / "home"), "PYTHONPATH": str(REPOSITORY)}
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert answer.returncode == 0, f"{arguments}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer


def write_files(page: Page, folder: Path) -> list[str]:
    """Write the blocks that stand for a file; return those that define a pipeline."""
    pipelines = []
    for block in page.blocks:
        if block.name:
            path = folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            if block.language == "python" and "Pipeline(" in block.text:
                pipelines.append(block.name)
    return pipelines


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.name and "Pipeline(" in b.text for b in page.blocks)], ids=str)
def test_every_pipeline_can_be_planned(page: Page, folder: Path) -> None:
    for name in write_files(page, folder):
        planned = json.loads(python(folder, "-c", AMLPIPE, "plan", "--json", name).stdout)
        (pipeline,) = planned["pipelines"]
        assert {step["answer"] for step in pipeline["steps"]} <= {"run", "depends"}


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "python" and not b.name for b in page.blocks)], ids=str)
def test_every_snippet_runs(page: Page, folder: Path) -> None:
    write_files(page, folder)
    for block in page.blocks:
        if block.language == "python" and not block.name:
            python(folder, "-c", "import airflow_amlpipe.azureml\n" + block.text)


def the_readme() -> Page:
    (readme,) = [page for page in PAGES if page.path.name == "README.md" and page.path.parent == REPOSITORY]
    return readme


def test_the_pipeline_of_the_readme_runs_and_is_reused(folder: Path) -> None:
    write_files(the_readme(), folder)
    outcomes = []
    for _ in range(2):
        python(folder, "-c", AMLPIPE, "run", "pipeline.py")
        run = json.loads(python(folder, "-c", AMLPIPE, "runs", "show", "latest", "--json").stdout)
        assert run["status"] == "Finished"
        outcomes.append({step["name"]: step["reused"] for step in run["steps"]})
    assert outcomes == [{"count": False, "rank": False}, {"count": True, "rank": True}]


def test_the_script_of_the_readme_is_a_dag_file_after_the_changes_that_it_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.chdir(folder)
    readme = the_readme()
    write_files(readme, folder)
    script = (folder / "pipeline.py").read_text(encoding="utf-8")
    (first,) = re.findall(r"begins with `([^`]+)`", readme.text)
    (last,) = re.findall(r"ends in `([^`]+)`", readme.text)
    built = [line for line in script[: script.index("run = Experiment")].splitlines() if ".upload(" not in line]
    for name, text in (("script.py", f"{first}\n{script}"), ("words.py", "\n".join((first, *built, last)))):
        (folder / name).write_text(text, encoding="utf-8")
    bag = DagBag(dag_folder=str(folder / "words.py"))
    assert (bag.import_errors, [sorted(dag.task_ids) for dag in bag.dags.values()]) == ({}, [["count", "rank"]])
    (refused,) = DagBag(dag_folder=str(folder / "script.py"), safe_mode=False).import_errors.values()
    assert "must not happen while Airflow parses a DAG file" in refused


def test_the_maintenance_dag_clears_the_workspace_by_its_saved_rules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = (folder / "home" / "workspaces" / "docs").as_uri()
    monkeypatch.setenv("AIRFLOW_CONN_AMLPIPE_DEFAULT", json.dumps({"conn_type": "amlpipe_workspace", "extra": {"url": url}}))
    (page,) = [page for page in PAGES if page.path.name == "keep-a-workspace-small.md"]
    write_files(page, folder)
    python(folder, "-c", AMLPIPE, "gc", "--workspace", "docs", "--policy", "rules.json", "--save")
    program = "import maintenance; dag = maintenance.keep_the_workspace_small(); print(dag.get_task('clear').python_callable())"
    answer = python(folder, "-c", program)
    assert answer.stdout.splitlines()[-1] == "{'cleared': 0, 'left': 0}"
