"""When is an environment built, what is in it, and what is said when it cannot be?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_amlpipe.compute import environments, installers, interpreters
from airflow_amlpipe.compute.environments import StepInterpreter, prepare_environment
from airflow_amlpipe.compute.interpreters import find_python, find_uv, worker_minor
from airflow_amlpipe.exceptions import DefinitionError, EnvironmentBuildError, InfrastructureError
from airflow_amlpipe.spec.environment import EnvironmentSpec
from tests.wheels import write_wheel

needs_uv = pytest.mark.skipif(find_uv() is None, reason="uv is not installed, so environments are built with pip")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel, made by hand, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        write_wheel(folder, version)
    return folder


def spec_of(wheels: Path, *requirements: str, **changes: object) -> EnvironmentSpec:
    options = ("--no-index", f"--find-links {wheels}")
    return EnvironmentSpec(**{"name": "train-env", "pip_requirements": requirements, "pip_options": options, **changes})  # type: ignore[arg-type]


class Listener:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def __str__(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def said() -> Listener:
    return Listener()


def version_in(interpreter: StepInterpreter) -> str:
    return subprocess.run(
        [interpreter.python, "-c", "import tiny_thing; print(tiny_thing.VERSION)"], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_an_environment_without_packages_is_the_workers_own_interpreter(tmp_path: Path, said: Listener) -> None:
    found = prepare_environment(EnvironmentSpec(), home=tmp_path, say=said)
    assert found == StepInterpreter(sys.executable, (str(Path(sys.executable).parent),))
    assert said.lines == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [None, "python"])
def test_a_user_managed_environment_installs_nothing(tmp_path: Path, said: Listener, given: str | None) -> None:
    spec = EnvironmentSpec(user_managed=True, interpreter=given, pip_requirements=("numpy",))
    assert prepare_environment(spec, home=tmp_path, say=said).python == sys.executable


def test_a_user_managed_interpreter_is_taken_as_it_is(tmp_path: Path, said: Listener) -> None:
    (tmp_path / "mine").symlink_to(sys.executable)
    assert prepare_environment(
        EnvironmentSpec(user_managed=True, interpreter=str(tmp_path / "mine")), home=tmp_path, say=said
    ).python == str(tmp_path / "mine")


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path, said: Listener) -> None:
    with pytest.raises(EnvironmentBuildError, match="environment 'default-environment': the interpreter '/no/python' was not found"):
        prepare_environment(EnvironmentSpec(user_managed=True, interpreter="/no/python"), home=tmp_path, say=said)


def test_packages_are_installed_once_and_kept(tmp_path: Path, said: Listener, wheels: Path) -> None:
    first = prepare_environment(spec_of(wheels, "tiny-thing==1.0"), home=tmp_path, say=said)
    assert version_in(first) == "1.0"
    assert first.path == (str(Path(first.python).parent),)
    assert (Path(first.path[0]) / "tiny").exists()
    assert "environment 'train-env': building it with Python" in said.lines[0]
    assert "because no environment of this definition is kept yet" in said.lines[0]
    assert "environment 'train-env': ready after" in said.lines[-1]
    again = Listener()
    renamed = spec_of(wheels, "tiny-thing==1.0", name="other", version="7", variables={"A": "b"})
    assert prepare_environment(renamed, home=tmp_path, say=again) == first
    assert again.lines == []
    assert prepare_environment(spec_of(wheels, "tiny-thing==2.0"), home=tmp_path, say=again) != first


def test_a_build_that_was_killed_is_done_again(tmp_path: Path, said: Listener, wheels: Path) -> None:
    spec = spec_of(wheels, "tiny-thing==1.0")
    first = prepare_environment(spec, home=tmp_path, say=said)
    folder = Path(first.python).parents[1]
    (folder / environments._READY).unlink()
    next(folder.glob("lib/python*/site-packages/tiny_thing.py")).unlink()
    again = Listener()
    assert version_in(prepare_environment(spec, home=tmp_path, say=again)) == "1.0"
    assert "because an earlier build of it did not finish" in str(again)


def test_an_environment_whose_base_interpreter_is_gone_is_built_again(tmp_path: Path, said: Listener, wheels: Path) -> None:
    spec = spec_of(wheels, "tiny-thing==1.0")
    python = Path(prepare_environment(spec, home=tmp_path, say=said).python)
    python.unlink()
    python.symlink_to("/no/such/python")
    assert version_in(prepare_environment(spec, home=tmp_path, say=said)) == "1.0"


def test_six_processes_build_one_environment_once(repository: Path, tmp_path: Path, wheels: Path) -> None:
    program = """
import sys
from pathlib import Path
from airflow_amlpipe.compute.environments import prepare_environment
from airflow_amlpipe.spec.environment import EnvironmentSpec
spec = EnvironmentSpec(pip_requirements=("tiny-thing==1.0",), pip_options=("--no-index", "--find-links " + sys.argv[2]))
print(prepare_environment(spec, home=Path(sys.argv[1]), say=print).python)
"""
    command = [sys.executable, "-c", program, str(tmp_path), str(wheels)]
    processes = [subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    ended = [process.communicate() for process in processes]
    assert not [stderr for _, stderr in ended if stderr]
    assert len({stdout.splitlines()[-1] for stdout, _ in ended}) == 1
    assert sum("building it with" in stdout for stdout, _ in ended) == 1


def test_what_cannot_be_resolved_is_the_authors_error_with_the_resolvers_words(tmp_path: Path, said: Listener, wheels: Path) -> None:
    with pytest.raises(
        EnvironmentBuildError, match=r"(?s)environment 'train-env' cannot be installed as it is written.*tiny.thing==9"
    ) as caught:
        prepare_environment(spec_of(wheels, "tiny-thing==9"), home=tmp_path, say=said)
    assert isinstance(caught.value, DefinitionError)
    assert "==9" in str(said), "progress is shown too"
    assert len(str(caught.value)) < 2500
    environments_left = [path for path in (tmp_path / "environments").iterdir() if (path / environments._READY).exists()]
    assert environments_left == []


def test_an_index_that_cannot_be_reached_may_be_retried(tmp_path: Path, said: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    spec = EnvironmentSpec(
        name="train-env", pip_requirements=("tiny-thing",), pip_options=("--index-url http://user:canary@127.0.0.1:9/simple",)
    )
    with pytest.raises(InfrastructureError, match="environment 'train-env' could not be installed now; a retry may help") as caught:
        prepare_environment(spec, home=tmp_path, say=said)
    assert "canary" not in str(caught.value) + str(said)
    assert not list((tmp_path / "environments").rglob("*requirements.txt")), "credentials are not left on the disk"


def test_what_a_step_needs_is_installed_where_its_environment_does_not_name_it(tmp_path: Path, said: Listener, wheels: Path) -> None:
    assert prepare_environment(EnvironmentSpec(), home=tmp_path, say=said, needs=("json", "email")).python == sys.executable
    assert version_in(prepare_environment(spec_of(wheels), home=tmp_path, say=said, needs=("tiny-thing",))) == "2.0"
    assert "tiny-thing are installed too, because what the step starts needs them" in str(said)
    assert version_in(prepare_environment(spec_of(wheels, "Tiny_Thing==1.0"), home=tmp_path, say=said, needs=("tiny-thing",))) == "1.0"


def test_azureml_packages_are_not_installed_and_it_is_said(tmp_path: Path, said: Listener) -> None:
    spec = EnvironmentSpec(pip_requirements=("azureml-defaults", "azureml-core==1.61.0"))
    assert prepare_environment(spec, home=tmp_path, say=said).python == sys.executable
    assert "not installed, because every step has the runtime in their place: azureml-defaults, azureml-core==1.61.0" in str(said)


def test_an_image_is_said_not_to_be_used(tmp_path: Path, said: Listener) -> None:
    prepare_environment(EnvironmentSpec(image="python:3.9"), home=tmp_path, say=said)
    assert "its Docker image is not used on local compute" in str(said)


def test_the_workers_own_version_of_python_is_not_built(tmp_path: Path, said: Listener) -> None:
    assert prepare_environment(EnvironmentSpec(python_version=worker_minor() + ".0"), home=tmp_path, say=said).python == sys.executable


@needs_uv
def test_another_version_of_python_is_used_where_it_is_there(tmp_path: Path, said: Listener, wheels: Path) -> None:
    other = next((minor for minor in ("3.13", "3.12", "3.10", "3.9") if minor != worker_minor() and find_python(minor)), None)
    if other is None:
        pytest.skip("this machine has no other version of Python")
    found = prepare_environment(spec_of(wheels, "tiny-thing==1.0", python_version=other), home=tmp_path, say=said)
    asked = subprocess.run([found.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
    assert asked.stdout.strip() == other
    assert version_in(found) == "1.0"


def test_a_version_that_is_not_there_is_replaced_with_a_loud_notice(tmp_path: Path, said: Listener, wheels: Path) -> None:
    found = prepare_environment(spec_of(wheels, "tiny-thing==1.0", python_version="3.99"), home=tmp_path, say=said)
    assert version_in(found) == "1.0"
    assert said.lines[0].startswith(
        f"WARNING: environment 'train-env' asks for Python 3.99, which this machine does not have; Python {worker_minor()} is used"
    )


def test_a_version_too_old_for_what_a_step_gets_is_replaced_though_it_is_there(
    tmp_path: Path, said: Listener, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "find_python", lambda minor: sys.executable if minor == worker_minor() else "/usr/bin/python" + minor)
    found = prepare_environment(spec_of(wheels, "tiny-thing==1.0", python_version="3.6.2"), home=tmp_path, say=said)
    assert version_in(found) == "1.0"
    assert said.lines[0] == (
        "WARNING: environment 'train-env' asks for Python 3.6, in which nothing that a step gets of airflow-amlpipe can run; "
        f"Python {worker_minor()} is used instead"
    )


@pytest.mark.parametrize("version", [">=3.8", "three", "3.x", "3.8; rm"])
def test_a_version_that_is_none_is_refused(tmp_path: Path, said: Listener, version: str) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"python_version .* cannot be used; write it like '3\.11'"):
        prepare_environment(EnvironmentSpec(python_version=version), home=tmp_path, say=said)


def test_conda_packages_without_conda_say_what_to_do(tmp_path: Path, said: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "find_conda", lambda: None)
    with pytest.raises(
        EnvironmentBuildError, match=r"has conda packages \(numpy=1\.21\).*no micromamba, mamba or conda; install one of them"
    ):
        prepare_environment(EnvironmentSpec(conda_packages=("numpy=1.21",)), home=tmp_path, say=said)


def test_conda_packages_may_come_from_pypi(tmp_path: Path, said: Listener, monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    monkeypatch.setattr(environments, "find_conda", lambda: None)
    spec = spec_of(wheels, conda_packages=("tiny-thing=1.0",))
    assert version_in(prepare_environment(spec, home=tmp_path, say=said, conda_packages_from_pypi=True)) == "1.0"
    assert "its conda packages are installed from PyPI under the same names" in str(said)


def test_conda_is_used_where_it_is_there(tmp_path: Path, said: Listener, monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    program = tmp_path / "micromamba"
    venv = " ".join((*(find_uv() or (sys.executable, "-m")), "venv"))
    program.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$@" > {tmp_path}/called\nexec {venv} "$4"\n')
    program.chmod(0o755)
    monkeypatch.setattr(environments, "find_conda", lambda: str(program))
    spec = spec_of(wheels, "tiny-thing==1.0", conda_packages=("python=3.9", "numpy=1.21"), conda_channels=("conda-forge", "defaults"))
    found = prepare_environment(spec, home=tmp_path, say=said)
    called = (tmp_path / "called").read_text().splitlines()
    assert called[:3] == ["create", "--yes", "--prefix"]
    assert called[4:] == ["-c", "conda-forge", "-c", "defaults", "python=3.9", "pip", "numpy=1.21"]
    assert found.variables == {"CONDA_PREFIX": called[3]}
    assert version_in(found) == "1.0"


def test_without_uv_pip_builds_the_environment(tmp_path: Path, said: Listener, monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    for module in (installers, environments):
        monkeypatch.setattr(module, "find_uv", lambda: None)
    spec = spec_of(wheels, "tiny-thing==1.0")
    assert version_in(prepare_environment(spec, home=tmp_path, say=said)) == "1.0"


def test_an_installer_sees_no_secret_of_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "canary")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://index/simple")
    seen = installers._environment()
    assert "canary" not in seen.values()
    assert seen["UV_DEFAULT_INDEX"] == "https://index/simple"


def test_a_home_that_cannot_be_written_to_is_named(tmp_path: Path, said: Listener, wheels: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError, match=r"cannot be written to .*set AMLPIPE_HOME"):
        prepare_environment(spec_of(wheels, "tiny-thing==1.0"), home=tmp_path / "file", say=said)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("error: No solution found when resolving dependencies\n  cause: Because a was not found", EnvironmentBuildError),
        ("ERROR: Could not find a version that satisfies the requirement a", EnvironmentBuildError),
        ("error: Failed to build `a`\n  cc: not found", EnvironmentBuildError),
        ("error: Failed to fetch: https://x\n  HTTP status client error (404 Not Found)", EnvironmentBuildError),
        ("error: Failed to fetch: https://x\n  HTTP status server error (503 Service Unavailable)", InfrastructureError),
        ("error: Request failed\n  dns error", InfrastructureError),
        ("OSError: [Errno 28] No space left on device", InfrastructureError),
        ("WARNING: x\nNewConnectionError: y\nERROR: No matching distribution found for a", InfrastructureError),
    ],
)
def test_whose_fault_it_is_is_read_from_the_installers_words(tmp_path: Path, words: str, kind: type[Exception]) -> None:
    installer = installers.Installer("environment 'x'", tmp_path, lambda _: None, -1)
    error = installer._error(words.splitlines(), 1)
    assert type(error) is kind
    assert words.splitlines()[-1].strip() in str(error)


@pytest.mark.parametrize(
    ("lines", "sentences"),
    [
        (
            [
                "  \u00d7 No solution found when resolving dependencies:",
                "  ╰─▶ Because there is no version of tiny-thing==9 and you require",
                "      tiny-thing==9, we can conclude that your requirements are unsatisfiable.",
                "",
                "hint: `tiny-thing` was found on https://index.example/simple",
            ],
            (
                "No solution found when resolving dependencies: Because there is no version of tiny-thing==9 and you require tiny-thing==9, "
                "we can conclude that your requirements are unsatisfiable. hint: `tiny-thing` was found on https://index.example/simple"
            ),
        ),
        (
            [
                "Looking in links: /wheels",
                "ERROR: No matching version (from versions: 1.0)",
                "ERROR: No matching distribution found for été",
            ],
            "ERROR: No matching version (from versions: 1.0); ERROR: No matching distribution found for été",
        ),
        (
            [
                "  \u00d7 Failed to build `old==1`",
                "  ├─▶ The build backend returned an error",
                "  ╰─▶ Call to `setuptools.build_wheel` failed (exit status: 1)",
            ],
            "Failed to build `old==1`; The build backend returned an error; Call to `setuptools.build_wheel` failed (exit status: 1)",
        ),
    ],
)
def test_the_words_of_an_installer_read_as_sentences_in_one_line(tmp_path: Path, lines: list[str], sentences: str) -> None:
    installer = installers.Installer("environment 'x'", tmp_path, lambda _: None, -1)
    assert str(installer._error(lines, 1)).endswith(f"The installer says: {sentences}")


def test_a_long_story_of_an_installer_is_shortened_and_keeps_its_end(tmp_path: Path) -> None:
    installer = installers.Installer("environment 'x'", tmp_path, lambda _: None, -1)
    text = str(installer._error(["error: it failed", *(f"line {i} {'x' * 200}" for i in range(39)), "the end"], 1))
    assert "error: it failed" in text
    assert text.endswith("the end")
    assert len(text) < 2000


def test_interpreters_that_do_not_start_are_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.98").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.98").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find_python("3.98") is None


def test_uv_is_found_beside_the_interpreter_on_the_path_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_uv.cache_clear()
    try:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setattr(shutil, "which", lambda name: "/somewhere/uv")
        assert find_uv() == ("/somewhere/uv",)
        find_uv.cache_clear()
        (tmp_path / "uv").write_text("#!/bin/sh\n")
        (tmp_path / "uv").chmod(0o755)
        assert find_uv() == (str(tmp_path / "uv"),)
    finally:
        find_uv.cache_clear()


def test_the_mark_of_a_finished_environment_says_what_is_in_it(tmp_path: Path, said: Listener, wheels: Path) -> None:
    found = prepare_environment(spec_of(wheels, "tiny-thing==1.0"), home=tmp_path, say=said)
    mark = json.loads((Path(found.python).parents[1] / environments._READY).read_text())
    assert mark["requirements"] == ["tiny-thing==1.0"]
    assert mark["python"] == interpreters.worker_minor()


def test_waiting_for_another_build_is_said(tmp_path: Path, wheels: Path) -> None:
    listeners = [Listener(), Listener()]
    with ThreadPoolExecutor(2) as pool:
        made = list(
            pool.map(lambda listener: prepare_environment(spec_of(wheels, "tiny-thing==1.0"), home=tmp_path, say=listener), listeners)
        )
    assert made[0] == made[1]
    assert sum("building it with" in str(listener) for listener in listeners) == 1


def test_a_build_whose_process_was_killed_is_awaited_and_then_done_again(
    repository: Path, tmp_path: Path, said: Listener, wheels: Path
) -> None:
    # The first installer outlives the process that started it, and must not write into the second one's environment.
    program = tmp_path / "micromamba"
    venv = " ".join((*(find_uv() or (sys.executable, "-m")), "venv"))
    slow = (
        f'if ! [ -e "{tmp_path}/started" ]; then touch "{tmp_path}/started"; '
        f'for look in $(seq 600); do [ -e "{tmp_path}/waited-for" ] && break; sleep 0.1; done; '
        f'mkdir -p "$4/bin"; touch "{tmp_path}/ended"; exit; fi'
    )
    program.write_text(f'#!/bin/sh\n{slow}\ntest -e "{tmp_path}/ended" || exit 9\nexec {venv} "$4"\n')
    program.chmod(0o755)
    code = f"""
from pathlib import Path
from airflow_amlpipe.compute import environments
from airflow_amlpipe.spec.environment import EnvironmentSpec
environments.find_conda = lambda: {str(program)!r}
def say(line):
    print(line)
    if "waiting for that" in line:
        Path({str(tmp_path / "waited-for")!r}).touch()
print(environments.prepare_environment(EnvironmentSpec(conda_packages=("numpy",)), home=Path({str(tmp_path)!r}), say=say).python)
"""
    first = subprocess.Popen([sys.executable, "-c", code], cwd=repository, stdout=subprocess.PIPE)
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    first.kill()
    first.communicate()
    second = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True)
    assert not second.stderr
    assert "another process is building it; waiting for that" in second.stdout
    assert "because an earlier build of it did not finish" in second.stdout
    assert Path(second.stdout.splitlines()[-1]).exists()
