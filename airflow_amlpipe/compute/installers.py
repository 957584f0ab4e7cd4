"""How are packages installed, and whose fault is it when that fails?

The resolver's own words are kept: an author can act on them. A network that is down or a disk that is full is not the author's fault, so
that is an :class:`InfrastructureError` and may be retried.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.compute.interpreters import find_uv
from airflow_amlpipe.compute.requirements import CondaPackages, Requirements
from airflow_amlpipe.compute.variables import inherited_variables
from airflow_amlpipe.exceptions import EnvironmentBuildError, InfrastructureError
from airflow_amlpipe.spec.secret_urls import redact

__all__ = ["Installer", "find_conda"]

_INHERITED_PREFIXES = ("CONDA_PKGS", "MAMBA_", "PIP_", "UV_", "XDG_CACHE_")
_TAIL_LINES = 40
_LONGEST_WORDS = 1500

_NO_SOLUTION = re.compile(r"No solution found when resolving|ResolutionImpossible", re.IGNORECASE)
_NOT_THE_AUTHOR = re.compile(
    r"error sending request|client error \(Connect\)|dns error|connection (?:refused|reset|aborted|closed|timed out)|timed? ?out"
    r"|Temporary failure in name resolution|Name or service not known|nodename nor servname|Network is unreachable|No route to host"
    r"|HTTP status server error|HTTP error (?:5\d\d|429)|Too Many Requests|NewConnectionError|ConnectTimeoutError|ReadTimeoutError"
    r"|Max retries exceeded|RemoteDisconnected|CondaHTTPError|Could not resolve host|No space left on device|Disk quota exceeded",
    re.IGNORECASE,
)
_TREE = re.compile(r"^\s*(?:[\u00d7\u2502]|[\u251c\u2570]\u2500*\u25b6)\s*")
_NOISE = re.compile(r"^(?:Using (?:Python|CPython)|Creating virtual environment|Activate with|WARNING: Retrying|\[notice\])", re.IGNORECASE)


def find_conda() -> str | None:
    """Return the program that installs conda packages on this machine, or ``None``."""
    for name in ("micromamba", "mamba", "conda"):
        found = shutil.which(name)
        if found:
            return found
    given = os.environ.get("CONDA_EXE", "")
    return given if given and os.access(given, os.X_OK) else None


class Installer:
    """Makes one environment at ``folder``.

    :param where: the environment as its author knows it, the beginning of every message
    :param lock: a file descriptor that every program started here keeps open, so that the lock outlives us as long as one of them works
    """

    def __init__(self, where: str, folder: Path, say: Callable[[str], None], lock: int) -> None:
        self._where = where
        self._folder = folder
        self._say = say
        self._lock = lock

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self._folder / "bin" / "python"

    def create_venv(self, python: str, *, python_downloads: bool) -> None:
        """Make an empty environment from an interpreter, or, with ``python_downloads``, from a version that uv fetches."""
        uv = find_uv()
        if uv is None:
            self._run([python, "-I", "-m", "venv", str(self._folder)])
        else:
            downloads = () if python_downloads else ("--no-python-downloads",)
            self._run([*uv, "venv", "--no-project", *downloads, "--python", python, str(self._folder)])

    def create_conda(self, program: str, conda: CondaPackages, python_version: str) -> None:
        """Make an environment with conda packages, and Python of ``python_version``."""
        channels = conda.channels or ("conda-forge",)
        arguments = [argument for channel in channels for argument in ("-c", channel)]
        self._run(
            [program, "create", "--yes", "--prefix", str(self._folder), *arguments, f"python={python_version}", "pip", *conda.packages]
        )

    def install(self, requirements: Requirements) -> None:
        """Install requirement lines. They and the indexes' URLs go through a file: a command line is seen by everybody on the machine."""
        file = self._folder / "amlpipe-requirements.txt"
        in_file = [f"{name} {value}".strip() for name, value in requirements.options if name not in {"--pre", "--trusted-host"}]
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            handle.write("\n".join((*in_file, *requirements.lines)) + "\n")
        try:
            self._install_from(file, requirements)
        finally:
            file.unlink()  # it may hold credentials

    def _install_from(self, file: Path, requirements: Requirements) -> None:
        uv = find_uv()
        if uv is None:
            more = [
                argument
                for name, value in requirements.options
                if name in {"--pre", "--trusted-host"}
                for argument in (name, value)
                if argument
            ]
            self._run([str(self.python), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *more, "-r", str(file)])
        else:
            more = ["--prerelease=allow"] if ("--pre", "") in requirements.options else []
            more += [f"--allow-insecure-host={value}" for name, value in requirements.options if name == "--trusted-host"]
            self._run([*uv, "pip", "install", *more, "--python", str(self.python), "-r", str(file)])

    def _run(self, command: Sequence[str]) -> None:
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        try:
            process = subprocess.Popen(
                command,
                cwd="/",  # no project's configuration is found from there
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock,),
                start_new_session=True,
            )
        except OSError as error:
            raise InfrastructureError(f"{self._where}: {Path(command[0]).name} could not be started: {error.strerror or error}") from error
        try:
            for raw in process.stdout or ():
                line = redact(raw.decode("utf-8", "replace").rstrip())
                if line.strip() and not _NOISE.match(line):
                    tail.append(line)
                    self._say(line)
            code = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            if process.stdout:
                process.stdout.close()
        if code:
            raise self._error(list(tail), code)

    def _error(self, tail: list[str], code: int) -> Exception:
        text = "\n".join(tail)
        if code < 0 or (_NOT_THE_AUTHOR.search(text) and not _NO_SOLUTION.search(text)):
            words = _shorten_words(tail) or f"the installer was ended by signal {-code}"
            return InfrastructureError(f"{self._where} could not be installed now; a retry may help. The installer says: {words}")
        words = _shorten_words(tail) or f"nothing (exit code {code})"
        return EnvironmentBuildError(
            f"{self._where} cannot be installed as it is written; change its packages. The installer says: {words}"
        )


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(_INHERITED_PREFIXES)}
    return {**inherited_variables(os.environ), **kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def _shorten_words(tail: list[str]) -> str:
    """Return what matters of an installer's last lines as sentences in one line: from its first error on, bounded, the end kept."""
    first = next(
        (index for index, line in enumerate(tail) if re.match(r"\s*(?:error|ERROR|critical|\u00d7)", line)), max(0, len(tail) - 12)
    )
    words, in_tree = "", False
    for line in tail[first:]:
        # uv draws its sentences as a tree and folds the long ones: what is indented there goes on with the line before.
        text = _TREE.sub("", line).strip()
        is_branch = _TREE.match(line) is not None
        in_tree = is_branch or (in_tree and line[:1].isspace())
        goes_on = words.endswith((".", ":", ",")) or (in_tree and not is_branch)
        words += f"{' ' if goes_on else '; '}{text}" if words and text else text
    return words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS // 2]} ... {words[-_LONGEST_WORDS // 2 :]}"
