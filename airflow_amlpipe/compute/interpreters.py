"""Which interpreter of this machine has the version of Python that an environment asks for?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

__all__ = ["find_python", "find_uv", "worker_minor"]

_PRINT_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def worker_minor() -> str:
    """Return the version of the interpreter that runs this process, such as ``3.11``."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


@lru_cache(maxsize=1)
def find_uv() -> tuple[str, ...] | None:
    """Return the command that starts uv, or ``None`` when there is none: next to our interpreter, on the path, or as a module."""
    beside = Path(sys.executable).with_name("uv")
    if os.access(beside, os.X_OK):
        return (str(beside),)
    on_path = shutil.which("uv")
    if on_path:
        return (on_path,)
    from importlib.util import find_spec

    return (sys.executable, "-m", "uv") if find_spec("uv") is not None else None


@lru_cache(maxsize=32)
def find_python(minor: str) -> str | None:
    """Return an interpreter of version ``minor`` (``3.8``) that starts, or ``None``; nothing is downloaded."""
    if minor == worker_minor():
        return sys.executable
    for candidate in _candidates(minor):
        if _version_of(candidate) == minor:
            return candidate
    return None


def _candidates(minor: str) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    on_path = shutil.which(f"python{minor}")
    # A shim of pyenv starts only what the folder it is called in has chosen; what it stands for is looked up directly.
    if on_path and not Path(on_path).is_relative_to(pyenv):
        yield on_path
    versions = [path for path in pyenv.glob(f"versions/{minor}.*") if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    for path in sorted(versions, key=lambda path: int(path.name.split(".")[2]), reverse=True):
        yield str(path / "bin" / "python")
    uv = find_uv()
    if uv is not None:
        answer = subprocess.run(
            [*uv, "python", "find", "--no-python-downloads", "--no-project", minor], capture_output=True, text=True, cwd="/"
        )
        if answer.returncode == 0:
            yield answer.stdout.strip()


def _version_of(python: str) -> str | None:
    try:
        answer = subprocess.run([python, "-I", "-c", _PRINT_VERSION], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
