"""Does a script notice that it is run for a command, and not by python itself?"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.services.script import run_module, run_script

REPOSITORY = Path(__file__).parents[3]
RUN = """
import sys
from pathlib import Path
import airflow_amlpipe.azureml
from airflow_amlpipe.services.script import run_module, run_script
given = sys.argv[1:]
outcome = run_module(given[1], given[2:]) if given[0] == "-m" else run_script(Path(given[0]), given[1:])
sys.exit(outcome.exit_code)
"""


def run(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return started(["-c", RUN, str(script), *arguments], script.parent.parent, **variables)


def started(arguments: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
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


MAIN = """\
import os, sys
{imports}
print(sys.argv, sys.path[0], os.getcwd(), __name__, __file__, __package__, __spec__ and __spec__.name, __cached__ and 'cached')
print(type(__loader__).__name__, type(__builtins__).__name__, sys.stdin.read())
os.chdir('/')
def fall():
    raise ValueError('over')
fall()
"""


def test_a_script_and_its_traceback_look_as_under_python_also_when_it_goes_elsewhere(script: Path) -> None:
    script.write_text(MAIN.format(imports=""))

    for path in (str(script), "project/main.py"):
        assert seen(["-c", RUN, path, "a b", "--json"], script.parent.parent) == seen([path, "a b", "--json"], script.parent.parent)


@pytest.mark.parametrize("name", ["project.main", "project"])
def test_a_module_and_a_package_look_as_under_python_with_m(script: Path, name: str) -> None:
    script.write_text(MAIN.format(imports="from . import beside" if name == "project.main" else ""))
    (script.parent / "__main__.py").write_text(MAIN.format(imports="from . import other"))
    for file in ("beside.py", "other.py"):
        (script.parent / file).write_text("")

    ours = seen(["-c", RUN, "-m", name, "--rate", "0.5"], script.parent.parent)

    assert ours == seen(["-m", name, "--rate", "0.5"], script.parent.parent)
    assert "ValueError: over" in ours[2]


def seen(arguments: list[str], folder: Path) -> tuple[int, str, str]:
    answer = started(arguments, folder)
    # Python's own way of running a module shows in its tracebacks.
    lines = answer.stderr.splitlines()
    return answer.returncode, answer.stdout, "\n".join(line for line in lines if "<frozen runpy>" not in line)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "there is no such module"),
        ("project.nowhere", "there is no such module"),
        ("nowhere.main", "there is no such module"),
        ("project/main.py", "leave the .py out"),
        ("project", "a package without a __main__.py"),
        ("_socket", "not written in Python"),
        ("project.broken", "broken.py, line 1 is not Python"),
    ],
)
def test_a_module_that_cannot_be_run_is_refused(script: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    (script.parent / "broken.py").write_text("not python at all\n")
    monkeypatch.chdir(script.parent.parent)
    for attribute in ("argv", "path"):
        monkeypatch.setattr(sys, attribute, [*getattr(sys, attribute)])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    with pytest.raises(DefinitionError, match=re.escape(said)):
        run_module(name, [])


def test_what_a_package_lacks_when_it_is_imported_is_its_own_error(script: Path) -> None:
    (script.parent / "__init__.py").write_text("import not_installed\n")
    script.write_text("")

    answer = started(["-c", RUN, "-m", "project.main"], script.parent.parent)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'not_installed'"


def test_a_script_may_say_how_its_errors_are_shown(script: Path) -> None:
    script.write_text("import sys\nsys.excepthook = lambda kind, error, trace: print(kind.__name__, trace.tb_lineno)\n1 / 0\n")

    assert run(script).stdout == "ZeroDivisionError 3\n"


def test_processes_that_a_script_starts_find_azureml_too(script: Path) -> None:
    script.write_text(
        "import multiprocessing\n"
        "from azureml.core import Workspace\n"
        "def place(_):\n    return Workspace.__module__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        print(pool.map(place, [1]), Workspace.__module__)\n"
    )

    answer = run(script)

    assert answer.stdout == "['airflow_amlpipe.sdk.core.workspace'] airflow_amlpipe.sdk.core.workspace\n", answer.stderr
