"""Does a script notice that it is run for a command, and not by python itself?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.services.script import run_script

REPOSITORY = Path(__file__).parents[3]
RUN = "import sys; from pathlib import Path; from airflow_amlpipe.services.script import run_script; outcome = run_script(Path(sys.argv[1]), sys.argv[2:]); sys.exit(outcome.exit_code)"


def run(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, str(script), *arguments],
        cwd=script.parent.parent,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "main.py"
    path.parent.mkdir()
    return path


def test_a_script_sees_what_python_would_show_it(script: Path) -> None:
    (script.parent / "beside.py").write_text("value = 'found beside'\n")
    script.write_text(
        "import os, pickle, sys\n"
        "import beside\n"
        "class Thing: pass\n"
        "if __name__ == '__main__':\n"
        "    print(sys.argv[1:], beside.value, os.path.basename(os.getcwd()))\n"
        "    print(os.path.basename(sys.path[0]), os.path.basename(__file__), sys.modules['__main__'].Thing is Thing)\n"
        "    print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)\n"
    )

    answer = run(script, "--rate", "0.5")

    assert answer.stdout.splitlines() == [f"['--rate', '0.5'] found beside {script.parent.parent.name}", "project main.py True", "True"]
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('no data')", 1, "no data\n"),
    ],
)
def test_a_script_that_exits_ends_as_it_would_under_python(script: Path, text: str, code: int, said: str) -> None:
    script.write_text(text)

    answer = run(script)

    assert (answer.returncode, answer.stderr) == (code, said)


def test_a_script_that_raises_shows_its_own_lines_only(script: Path) -> None:
    script.write_text("def fall():\n    raise ValueError('over')\nfall()\n")

    answer = run(script)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[1].strip() == f'File "{script}", line 3, in <module>'
    assert answer.stderr.splitlines()[-1] == "ValueError: over"
    assert "airflow_amlpipe" not in answer.stderr


OURS = """\
import airflow_amlpipe.azureml
from airflow_amlpipe import exceptions
from azureml.core import Workspace

def submit():
    {line}

submit()
"""


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("raise exceptions.DefinitionError('the pipeline has no étape\\x1b')", 2, r"the pipeline has no étape\x1b"),
        ("raise exceptions.StepFailedError('step x failed', exit_code=9)", 1, "step x failed"),
        ("raise exceptions.DatastoreUnavailableError('away')", 3, "away"),
        ("Workspace.get('no/such')", 2, ""),
    ],
)
def test_an_error_of_ours_that_ends_a_script_is_their_lines_one_sentence_and_the_exit_code_of_its_kind(
    script: Path, line: str, code: int, said: str
) -> None:
    script.write_text(OURS.format(line=line))

    answer = run(script)

    lines = answer.stderr.splitlines()
    assert [text.strip() for text in lines[:-1] if not set(text.strip()) <= {"^", "~"}] == [
        f'File "{script}", line 8, in <module>',
        "submit()",
        f'File "{script}", line 6, in submit',
        line,
    ]
    assert lines[-1].startswith(f"amlpipe: {said}")
    assert answer.returncode == code


def test_a_message_of_several_lines_stays_one_of_several_lines(script: Path) -> None:
    script.write_text(OURS.format(line="raise exceptions.StepFailedError('failed\\nepoch 1\\nepoch 2', exit_code=9)"))

    assert run(script).stderr.splitlines()[-3:] == ["amlpipe: failed", "  epoch 1", "  epoch 2"]


def test_everything_is_shown_of_an_error_when_asked_for(script: Path) -> None:
    script.write_text(OURS.format(line="Workspace.get('no/such')"))

    answer = run(script, AMLPIPE_DEBUG="1")

    assert answer.stderr.startswith("Traceback")
    assert "airflow_amlpipe/sdk" in answer.stderr
    assert answer.returncode == 2


def test_an_error_of_ours_that_a_script_catches_is_its_own_business(script: Path) -> None:
    script.write_text(
        "from airflow_amlpipe.exceptions import DefinitionError\n"
        "try:\n    raise DefinitionError('wrong')\n"
        "except ValueError as error:\n    print('caught', error)\n"
    )

    answer = run(script)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "caught wrong\n", "")


def test_an_error_that_a_script_makes_of_one_of_ours_is_its_own_with_both_tracebacks(script: Path) -> None:
    script.write_text(
        "from airflow_amlpipe.exceptions import DefinitionError\n"
        "try:\n    raise DefinitionError('wrong')\n"
        "except ValueError as error:\n    raise RuntimeError('given up') from error\n"
    )

    answer = run(script)

    assert answer.returncode == 1
    assert answer.stderr.count("Traceback") == 2
    assert answer.stderr.splitlines()[-1] == "RuntimeError: given up"


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        run_script(tmp_path / "missing.py", [])


def test_a_script_that_is_no_python_is_refused_with_its_line(script: Path) -> None:
    script.write_text("fine = 1\nnot python at all\n")

    with pytest.raises(DefinitionError, match=r"main\.py', line 2 is not Python|main\.py, line 2 is not Python"):
        run_script(script, [])
