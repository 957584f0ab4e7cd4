"""Do scripts and notebooks come to import our SDK, with every other byte as it was?"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.migration.json_strings import json_strings, raw_offset
from airflow_amlpipe.migration.rewriting import Rewritten, rewrite_below, write_file

SDK = "airflow_amlpipe.sdk"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(folder: Path, content: str | bytes, name: str = "script.py", **options: Any) -> Rewritten:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (rewritten,) = rewrite_below([name], **options)
    return rewritten


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import azureml.core\n", f"import {SDK}.core\n"),
        ("import azureml.core as aml\naml.VERSION\n", f"import {SDK}.core as aml\naml.VERSION\n"),
        ("import azureml\nprint(azureml)\n", f"import {SDK}\nprint({SDK})\n"),
        ("import os, azureml.core,sys\n", f"import os, {SDK}.core,sys\n"),
        ("from azureml.core import Workspace  # why\n", f"from {SDK}.core import Workspace  # why\n"),
        ("from azureml import core\n", f"from {SDK} import core\n"),
        ("from azureml.core import *\n", f"from {SDK}.core import *\n"),
        ("from   azureml . core   import (\n  Workspace,\n  Run, )\n", f"from   {SDK} . core   import (\n  Workspace,\n  Run, )\n"),
        ("import azureml.core\nv = azureml.core.VERSION\n", f"import {SDK}.core\nv = {SDK}.core.VERSION\n"),
        ("import azureml.core\nprint(f'{azureml.core.VERSION!r:>9}')\n", f"import {SDK}.core\nprint(f'{{{SDK}.core.VERSION!r:>9}}')\n"),
        (
            "import azureml.core\ndef f(ws: azureml.core.Workspace = azureml.core.Workspace.get('x')): ...\n",
            f"import {SDK}.core\ndef f(ws: {SDK}.core.Workspace = {SDK}.core.Workspace.get('x')): ...\n",
        ),
        ("def f():\n\timport azureml.core\n\treturn azureml.core\n", f"def f():\n\timport {SDK}.core\n\treturn {SDK}.core\n"),
        (
            "try:\n    from azureml.core import Run\nexcept ImportError: Run = None\n",
            f"try:\n    from {SDK}.core import Run\nexcept ImportError: Run = None\n",
        ),
        ("if True: import azureml.core; azureml.core\n", f"if True: import {SDK}.core; {SDK}.core\n"),
        ("import azureml.core\ndel azureml.core.x\n", f"import {SDK}.core\ndel {SDK}.core.x\n"),
    ],
)
def test_an_import_and_what_it_binds_is_rewritten(folder: Path, before: str, after: str) -> None:
    rewritten = rewrite(folder, before)
    assert (rewritten.after, rewritten.problem, rewritten.notes) == (after, "", ())
    assert rewritten.changed == before.count("azureml") == after.count(SDK)


@pytest.mark.parametrize(
    "text",
    [
        "x = 'azureml.core'\n",
        "# import azureml.core\n",
        '"""import azureml.core"""\n',
        "import importlib\nimportlib.import_module('azureml.core')\n",
        "import myazureml.core\nfrom azureml_like import x\n",
        "from . import azureml\nazureml.core\n",
        "from .azureml import core\n",
        "import mine.azureml\nmine.azureml.core\n",
        "def f(azureml):\n    return azureml.core\nf(azureml=1)\n",
        "azureml = load()\nazureml.core\n",
        "import airflow_amlpipe.azureml\n",
        "import airflow_amlpipe.sdk.core\n",
    ],
)
def test_what_is_no_import_of_sdk_v1_is_left_alone(folder: Path, text: str) -> None:
    rewritten = rewrite(folder, text)
    assert (rewritten.after, rewritten.before) in {(text, text), ("", "")}
    assert (rewritten.changed, rewritten.problem) == (0, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"import azureml.core\r\nx = 1\r\n", b"import airflow_amlpipe.sdk.core\r\nx = 1\r\n"),
        (b"import azureml.core\rx = 1\r", b"import airflow_amlpipe.sdk.core\rx = 1\r"),
        (b"x = 1\r\nimport azureml.core\nazureml.core\r\n", b"x = 1\r\nimport airflow_amlpipe.sdk.core\nairflow_amlpipe.sdk.core\r\n"),
        (b"\xef\xbb\xbfimport azureml.core", b"\xef\xbb\xbfimport airflow_amlpipe.sdk.core"),
        (b"# coding: latin-1\n# \xe9\nimport azureml.core  # \xe9", b"# coding: latin-1\n# \xe9\nimport airflow_amlpipe.sdk.core  # \xe9"),
        ("é = '✓'; import azureml.core".encode(), "é = '✓'; import airflow_amlpipe.sdk.core".encode()),
        (b"import azureml.core  \n\x0c\n\t\n\n\n", b"import airflow_amlpipe.sdk.core  \n\x0c\n\t\n\n\n"),
        (b"x = 1\n\x0c\n\x0cimport azureml.core\n", b"x = 1\n\x0c\n\x0cimport airflow_amlpipe.sdk.core\n"),
        (b"x = 1 + \\\n  2\nimport azureml.core;", b"x = 1 + \\\n  2\nimport airflow_amlpipe.sdk.core;"),
    ],
)
def test_line_ends_marks_and_encodings_stay(folder: Path, before: bytes, after: bytes) -> None:
    rewritten = rewrite(folder, before)
    write_file(rewritten)
    assert (folder / "script.py").read_bytes() == after


def test_rewriting_again_changes_nothing(folder: Path) -> None:
    write_file(rewrite(folder, "import azureml.core\nfrom azureml.data import FileDataset\nprint(azureml.core.VERSION)\n"))
    (again,) = rewrite_below(["."])
    assert (again.changed, again.problem) == (0, "")


def test_what_is_rewritten_runs(folder: Path) -> None:
    rewritten = rewrite(folder, "import azureml.core\nfrom azureml.pipeline.core import Pipeline\nfound = azureml.core.VERSION, Pipeline\n")
    namespace: dict[str, Any] = {}
    exec(rewritten.after, namespace)
    from airflow_amlpipe.sdk.core import VERSION
    from airflow_amlpipe.sdk.pipeline.core import Pipeline

    assert namespace["found"] == (VERSION, Pipeline)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import azureml.automl.core\n", "azureml.automl.core"),
        ("from azureml.automl import core\n", "azureml.automl"),
        ("from azureml.core import webservice\n", "azureml.core.webservice"),
        ("from azureml.core import Workspace, Workshop\n", "azureml.core.Workshop"),
    ],
)
def test_the_import_of_what_is_not_here_is_left_alone_and_told(folder: Path, text: str, name: str) -> None:
    rewritten = rewrite(folder, text + "from azureml.data import FileDataset\n")
    assert rewritten.after == text + f"from {SDK}.data import FileDataset\n"
    assert rewritten.notes == (f"line 1: {name} is not here, its import is left alone (amlpipe doctor says what to do)",)


STEP = "from azureml.core import Run\nrun = Run.get_context()\n"


def test_a_script_that_runs_inside_a_step_keeps_what_every_environment_has(folder: Path) -> None:
    rewritten = rewrite(folder, STEP)
    assert (rewritten.after, rewritten.changed) == (STEP, 0)
    assert "inside a step azureml is served in every environment (--steps rewrites it)" in rewritten.notes[0]
    assert rewrite(folder, STEP, steps_too=True).after == STEP.replace("azureml", SDK)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "import azureml.core\nazureml = 1\nazureml.core\n",
            "line 2 gives the name azureml to something else too: change this file by hand",
        ),
        ("import azureml.core\ndel azureml\n", "line 2 deletes the name azureml: change this file by hand"),
        ("def f():\n    global azureml\n    import azureml.core\n", "line 2 says `global azureml`: change this file by hand"),
        ("import azureml.core\nprint 'x'\n", "it is no Python: line 2: "),
    ],
)
def test_what_cannot_be_rewritten_for_certain_is_not(folder: Path, text: str, problem: str) -> None:
    rewritten = rewrite(folder, text)
    assert rewritten.problem.startswith(problem)
    assert (folder / "script.py").read_text() == text


def notebook_text(*sources: Any, **layout: Any) -> str:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": ["import azureml.core"]}]
    cells += [{"cell_type": "code", "outputs": ["azureml.core"], "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {"azureml": "x"}, "nbformat": 4}, **layout)


@pytest.mark.parametrize("layout", [{"indent": 1}, {"separators": (",", ":")}, {"indent": 2, "ensure_ascii": False}, {"sort_keys": True}])
def test_only_code_of_a_notebook_is_rewritten_and_its_layout_stays(folder: Path, layout: dict[str, Any]) -> None:
    sources: list[Any] = [
        ["%matplotlib inline\n", "é = '✓ 😀 \\t \"'\n", 'x = "😀"; import azureml.core\n'],
        "print(azureml.core.VERSION)\n!pip list | grep azureml",
        [],
        ["%%writefile step.py\n", "from azureml.core import Run\n"],
        ["%%time\n", "from azureml.data import FileDataset"],
    ]
    text = notebook_text(*sources, **layout)
    rewritten = rewrite(folder, text, "book.ipynb")
    sources[0][2] = f'x = "😀"; import {SDK}.core\n'
    sources[1] = f"print({SDK}.core.VERSION)\n!pip list | grep azureml"
    sources[4][1] = f"from {SDK}.data import FileDataset"
    assert rewritten.after == notebook_text(*sources, **layout)
    assert rewritten.changed == 3
    assert rewritten.notes == (
        "cell 5, which writes step.py, is left alone: inside a step azureml is served in every environment (--steps rewrites it)",
    )

    sources[3][1] = f"from {SDK}.core import Run\n"
    assert rewrite(folder, text, "book.ipynb", steps_too=True).after == notebook_text(*sources, **layout)


def test_a_step_script_in_a_notebook_is_a_program_of_its_own(folder: Path) -> None:
    text = notebook_text(
        "import azureml.core", "%%writefile 'a b.py'\nazureml = 1\nprint(azureml)\n", "%%writefile c.py\nprint 'azureml'\n"
    )
    rewritten = rewrite(folder, text, "book.ipynb", steps_too=True)
    assert rewritten.after == text.replace('import azureml.core"}', f'import {SDK}.core"}}')
    assert [note.partition(": line")[0] for note in rewritten.notes] == ["cell 4, which writes c.py, is left alone: it is no Python"]


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nm = importlib.import_module('azureml.core.run')\n",
        "from importlib import import_module\nm = import_module('azureml.core.run', None)\n",
        "def f():\n    return __import__('azureml.core.run')\n",
        "from unittest import mock\n@mock.patch('azureml.core.run')\ndef f(_): ...\n",
        "import sys\nsys.modules['azureml.core.run'] = None\n",
        "def test(monkeypatch):\n    monkeypatch.setattr('azureml.core.run', 1)\n",
        "import pytest\npytest.importorskip('azureml.core.run')\n",
    ],
)
def test_a_text_that_names_what_is_imported_is_left_alone_and_told(folder: Path, text: str) -> None:
    rewritten = rewrite(folder, text)
    line = 1 + text[: text.index("azureml")].count("\n")
    assert rewritten.changed == 0
    assert rewritten.notes == (
        f"line {line}: the text 'azureml.core.run' is left alone; where it names a module of SDK v1, write '{SDK}.core.run'",
    )


def test_a_cell_that_cannot_be_read_keeps_the_notebook_as_it_is(folder: Path) -> None:
    rewritten = rewrite(folder, notebook_text("import azureml.core", "print 'azureml'"), "book.ipynb")
    assert rewritten.problem.startswith("cell 3: it is no Python: line 1")


def test_strings_of_a_document_are_found_where_they_stand() -> None:
    text = ' {"a": [1, true, null, -1.5e3, "x\\u00e9\\ud83d\\ude00\\n\\"y"], "b\\"": {"c": ""}, "d": []} '
    found = list(json_strings(text))
    assert [(string.path, string.text) for string in found] == [(("a", 4), 'xé😀\n"y'), (('b"', "c"), "")]
    assert text[raw_offset(text, found[0], 5)] == "y"


def test_permissions_and_links_stay(folder: Path) -> None:
    (folder / "real").mkdir()
    real = folder / "real" / "script.py"
    real.write_text("import azureml.core\n")
    real.chmod(0o750)
    (folder / "link.py").symlink_to(real)
    (rewritten,) = rewrite_below(["link.py"])
    write_file(rewritten)
    assert (folder / "link.py").is_symlink()
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == (f"import {SDK}.core\n", 0o750)
    assert os.listdir(folder / "real") == ["script.py"]


def test_a_file_that_was_changed_in_the_meantime_is_not_written_over(folder: Path) -> None:
    rewritten = rewrite(folder, "import azureml.core\n")
    (folder / "script.py").write_text("import azureml.data\n")
    with pytest.raises(DefinitionError, match="it was changed in the meantime"):
        write_file(rewritten)
    assert (folder / "script.py").read_text() == "import azureml.data\n"


def test_a_file_that_cannot_be_replaced_stays_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten = rewrite(folder, "import azureml.core\n")

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_file(rewritten)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("script.py", "import azureml.core\n")]


def test_without_libcst_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "libcst", None)
    assert rewrite(folder, "import azureml.core\n").problem.startswith("amlpipe migrate needs libcst: install the extra `migrate`")
