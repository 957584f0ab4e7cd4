"""Does a notebook notice that it is run for a command, and not in Jupyter?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.services.notebook import run_notebook

REPOSITORY = Path(__file__).parents[3]
RUN = "import sys; from pathlib import Path; from airflow_amlpipe.services.notebook import run_notebook; sys.exit(run_notebook(Path(sys.argv[1]), sys.argv[2:]).exit_code)"


def run(folder: Path, *cells: str, **metadata: object) -> subprocess.CompletedProcess[str]:
    found = [{"cell_type": "markdown", "source": "# A lab"}]
    found += [{"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": metadata} for cell in cells]
    (folder / "a lab.ipynb").write_text(json.dumps({"cells": found, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}))
    return subprocess.run(
        [sys.executable, "-c", RUN, str(folder / "a lab.ipynb"), "--rate", "1"],
        cwd=folder.parent,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_magics_commands_and_what_cells_write_do_what_they_do_in_jupyter(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        "%matplotlib inline\nimport os, sys\nfolder = 'steps'\nos.makedirs(folder, exist_ok=True)",
        "%%writefile $folder/train.py\nprint('trained')\n",
        "!echo {folder} $folder",
        "names = !ls steps\nprint(names[0], os.getcwd() == sys.path[0], __name__, sys.argv[1:])",
        "%run steps/train.py",
        "from IPython.display import display\ndisplay({'a': 1})",
        "import asyncio\nawait asyncio.sleep(0, 'waited')",
    )

    lines = [line for line in answer.stdout.splitlines() if not line.startswith("Writing")]
    assert lines == ["steps steps", "train.py True __main__ ['--rate', '1']", "trained", "{'a': 1}", "Out[7]: 'waited'"], answer.stderr
    assert (tmp_path / "steps" / "train.py").read_text() == "print('trained')\n"
    assert answer.returncode == 0


def test_the_first_cell_that_fails_ends_it_and_is_shown_with_its_lines(tmp_path: Path) -> None:
    answer = run(tmp_path, "def fall():\n    raise ValueError('over')", "fall()", "print('not reached')")

    assert answer.stderr.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/a lab.ipynb, cell 3", line 1, in <module>',
        "    fall()",
        f'  File "{tmp_path}/a lab.ipynb, cell 2", line 2, in fall',
        "    raise ValueError('over')",
        "ValueError: over",
    ]
    assert (answer.stdout, answer.returncode) == ("", 1)


def test_a_cell_may_exit_and_one_that_is_tagged_may_fail(tmp_path: Path) -> None:
    answer = run(tmp_path, "1 / 0", "import sys; sys.exit(4)", tags=["raises-exception"])

    assert (answer.stdout, answer.stderr, answer.returncode) == ("", "", 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("print(1)", "is no notebook"),
        ('{"worksheets": []}', "has no list of cells"),
        ('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "is written in R"),
    ],
)
def test_what_is_no_notebook_of_python_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "lab.ipynb").write_text(text)

    with pytest.raises(DefinitionError, match=said):
        run_notebook(tmp_path / "lab.ipynb", [])


def test_without_ipython_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab.ipynb").write_text('{"cells": []}')
    monkeypatch.setitem(sys.modules, "IPython.core.interactiveshell", None)

    with pytest.raises(DefinitionError, match=r"airflow-amlpipe\[notebooks\]"):
        run_notebook(tmp_path / "lab.ipynb", [])
