"""From the definition of an environment to an interpreter: what is installed, where is it kept, and when is it built anew?

An environment that has something to install is built once per definition, below ``home/environments/<digest>``, and kept. Its name and its
variables do not matter for that, its packages, options and version of Python do. One process builds while others wait; the mark that it
is ready is written last, so that a build which was killed is done again. An environment without packages is the worker's own interpreter.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from airflow_amlpipe.compute.installers import Installer, find_conda
from airflow_amlpipe.compute.interpreters import find_python, find_uv, worker_minor
from airflow_amlpipe.compute.requirements import CondaPackages, Requirements, parse_conda_packages, parse_requirements
from airflow_amlpipe.exceptions import EnvironmentBuildError, InfrastructureError, shorten
from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.secret_urls import redact
from airflow_amlpipe.workspace.package_logins import PackageLogins

__all__ = ["StepInterpreter", "prepare_environment"]

_READY = "amlpipe-environment.json"
# The runtime is promised from 3.8 on and compiles from this one on. SDK v1's samples ask for 3.6.2, which a machine may well have.
_OLDEST_PYTHON = (3, 7)


@dataclass(frozen=True, slots=True)
class StepInterpreter:
    """An interpreter that is ready to run a script.

    :ivar python: its path
    :ivar path: folders that come first on the script's ``PATH``
    :ivar variables: what programs of this environment expect to find
    """

    python: str
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What has to be built: everything that decides what is in the environment.

    :ivar name: of the definition, for people
    :ivar minor: the version of Python, such as ``3.11``
    :ivar python: the interpreter to build from, ``None`` when the installer brings it
    :ivar conda_program: what installs ``conda``, ``None`` when there is nothing of that
    """

    name: str
    minor: str
    python: str | None
    requirements: Requirements
    conda: CondaPackages
    conda_program: str | None

    def digest(self) -> str:
        return digest(
            "amlpipe/local-environment/v1",
            {
                "platform": sysconfig.get_platform(),
                "python": self.minor,
                "interpreter": None if self.python is None else os.path.realpath(self.python),
                "requirements": self.requirements.lines,
                # Without credentials: a new token gives the same packages.
                "options": [[name, redact(value)] for name, value in self.requirements.options],
                "conda": list(self.conda.packages) if self.conda_program else [],
                "channels": [redact(channel) for channel in self.conda.channels] if self.conda_program else [],
            },
        )


def prepare_environment(
    spec: EnvironmentSpec,
    *,
    home: Path,
    say: Callable[[str], None],
    conda_packages_from_pypi: bool = False,
    python_downloads: bool = False,
    needs: tuple[str, ...] = (),
) -> StepInterpreter:
    """Return the interpreter of ``spec``, building its environment below ``home/environments`` when nobody has yet.

    Safe to call from many processes at once; returns in a millisecond when there is nothing to build.

    :param say: is given each line of progress, and every notice an author should see
    :param conda_packages_from_pypi: where no conda is at hand, install conda packages from PyPI under the same names
    :param python_downloads: let uv fetch a version of Python that this machine does not have
    :param needs: packages that what is started needs; they are installed where the environment does not name them
    :raises EnvironmentBuildError: it cannot be installed as it is written; the resolver's own words are in the message
    :raises InfrastructureError: it cannot be installed now: the network, the disk
    """
    where = f"environment {shorten(repr(spec.name))}"
    if spec.image or spec.dockerfile:
        say(f"{where}: its Docker image is not used on local compute; the step runs as a process of this machine")
    if spec.user_managed:
        return _given_interpreter(where, spec.interpreter)
    requirements = parse_requirements(spec)
    if requirements.left_out:
        say(f"{where}: not installed, because every step has the runtime in their place: {shorten(', '.join(requirements.left_out), 300)}")
    plan = _plan(where, spec, requirements, say, conda_packages_from_pypi=conda_packages_from_pypi, python_downloads=python_downloads)
    if plan.minor == worker_minor() and not plan.requirements.lines and not plan.conda.packages and all(map(find_spec, needs)):
        return _given_interpreter(where, None)
    if lacking := tuple(sorted({*needs} - plan.requirements.names - plan.conda.names)):
        say(f"{where}: {' and '.join(lacking)} are installed too, because what the step starts needs them")
        plan = replace(plan, requirements=replace(plan.requirements, lines=(*plan.requirements.lines, *lacking)))
    folder = home.absolute() / "environments" / plan.digest()
    if not _is_ready(folder):
        with _build_lock(where, folder, say) as lock:
            if not _is_ready(folder):
                with_logins = _with_logins(where, plan, PackageLogins(home), say)
                _build(where, folder, with_logins, say, lock, python_downloads=python_downloads)
    prefix = "CONDA_PREFIX" if plan.conda_program else "VIRTUAL_ENV"
    return StepInterpreter(str(folder / "bin" / "python"), (str(folder / "bin"),), {prefix: str(folder)})


def _given_interpreter(where: str, given: str | None) -> StepInterpreter:
    """Return an interpreter as it is. SDK v1's default, plain ``python``, is the worker's own."""
    if given in {None, "", "python"}:
        return StepInterpreter(sys.executable, (str(Path(sys.executable).parent),))
    found = shutil.which(str(given))
    if found is None:
        raise EnvironmentBuildError(
            f"{where}: the interpreter {shorten(repr(given))} was not found on this machine, or cannot be run; give the path of one that is there"
        )
    return StepInterpreter(found, (str(Path(found).parent),))


def _plan(
    where: str,
    spec: EnvironmentSpec,
    requirements: Requirements,
    say: Callable[[str], None],
    *,
    conda_packages_from_pypi: bool,
    python_downloads: bool,
) -> _Plan:
    conda = parse_conda_packages(spec)
    wanted = _minor_of(where, spec.python_version or conda.python_version)
    if tuple(map(int, wanted.split("."))) < _OLDEST_PYTHON:
        say(
            f"WARNING: {where} asks for Python {wanted}, in which nothing that a step gets of airflow-amlpipe can run; "
            f"Python {worker_minor()} is used instead"
        )
        wanted = worker_minor()
    program = find_conda() if conda.packages else None
    if program is not None:
        return _Plan(spec.name, wanted, None, requirements, conda, program)
    if conda.packages:
        if not conda_packages_from_pypi:
            raise EnvironmentBuildError(
                f"{where} has conda packages ({shorten(', '.join(conda.packages), 200)}), and this machine has no micromamba, mamba or conda; "
                "install one of them, list the packages as pip requirements, or set the option conda_packages_from_pypi"
            )
        requirements = replace(requirements, lines=(*conda.as_requirements(), *requirements.lines))
        say(f"{where}: no conda here, so its conda packages are installed from PyPI under the same names")
    python = find_python(wanted)
    if python is None and not (python_downloads and find_uv() is not None):
        say(
            f"WARNING: {where} asks for Python {wanted}, which this machine does not have; Python {worker_minor()} is used instead. "
            f"Install python{wanted}, or allow downloads with AMLPIPE_PYTHON_DOWNLOADS=1"
        )
        wanted, python = worker_minor(), sys.executable
    return _Plan(spec.name, wanted, python, requirements, replace(conda, packages=()), None)


def _minor_of(where: str, version: str | None) -> str:
    if version is None or version.strip() in {"", "3"}:
        return worker_minor()
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.[\d*]+)?", version.strip())
    if found is None:
        raise EnvironmentBuildError(f"{where}: python_version {shorten(repr(version))} cannot be used; write it like '3.11' or '3.11.7'")
    return f"{found[1]}.{found[2]}"


def _is_ready(folder: Path) -> bool:
    # The interpreter is a link to the one it was built from, which may be gone by now.
    return (folder / _READY).is_file() and os.access(folder / "bin" / "python", os.X_OK)


@contextmanager
def _build_lock(where: str, folder: Path, say: Callable[[str], None]) -> Iterator[int]:
    path = folder.with_suffix(".lock")
    while True:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InfrastructureError(
                f"{where}: {shorten(str(folder.parent))} cannot be written to ({error.strerror}); set AMLPIPE_HOME to a folder that can"
            ) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"{where}: another process is building it; waiting for that")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_file_of(lock, path):
                yield lock
                return
            # Somebody deleted the file while we waited: what we hold locks nothing.
        finally:
            os.close(lock)


def _is_file_of(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _with_logins(where: str, plan: _Plan, logins: PackageLogins, say: Callable[[str], None]) -> _Plan:
    """Return ``plan`` with the logins that are kept out of definitions, and say of which URLs this machine does not know them."""
    unknown: list[str] = []

    def restored(line: str) -> str:
        given, not_known = logins.restore(line)
        unknown.extend(not_known)
        return given

    requirements, conda = plan.requirements, plan.conda
    plan = replace(
        plan,
        requirements=replace(
            requirements,
            lines=tuple(map(restored, requirements.lines)),
            options=tuple((name, restored(value)) for name, value in requirements.options),
        ),
        conda=replace(conda, channels=tuple(map(restored, conda.channels))),
    )
    if unknown:
        say(
            f"{where}: the login of {shorten(', '.join(unknown), 300)} is kept out of the workspace and not known on this machine; the installer "
            "logs in by itself (~/.netrc, a keyring), or run the script that has the login here once (submit or register)"
        )
    return plan


def _build(where: str, folder: Path, plan: _Plan, say: Callable[[str], None], lock: int, *, python_downloads: bool) -> None:
    count = len(plan.requirements.lines) + len(plan.conda.packages)
    say(
        f"{where}: building it with Python {plan.minor} and {count} package{'' if count == 1 else 's'}, because "
        f"{'an earlier build of it did not finish or cannot start any more' if folder.exists() else 'no environment of this definition is kept yet'} ({folder})"
    )
    began = time.monotonic()
    installer = Installer(where, folder, say, lock)
    try:
        if folder.exists():
            shutil.rmtree(folder)
        if plan.conda_program:
            installer.create_conda(plan.conda_program, plan.conda, plan.minor)
        else:
            installer.create_venv(plan.python or plan.minor, python_downloads=python_downloads)
        if plan.requirements.lines:
            installer.install(plan.requirements)
        _mark_ready(folder, plan)
    except OSError as error:
        raise InfrastructureError(
            f"{where} could not be built: {error.strerror or error} ({shorten(str(error.filename or folder))})"
        ) from error
    say(f"{where}: ready after {time.monotonic() - began:.1f} s")


def _mark_ready(folder: Path, plan: _Plan) -> None:
    content = {
        "name": plan.name,
        "python": plan.minor,
        "requirements": [redact(line) for line in plan.requirements.lines],
        "options": [f"{name} {redact(value)}".strip() for name, value in plan.requirements.options],
        "conda": list(plan.conda.packages),
        "built_at": time.time(),
    }
    temporary = folder / (_READY + ".tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / _READY)
