"""Which files does a person mean by a script, a notebook or a folder?"""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten

__all__ = ["REQUIREMENTS", "SCRIPTS", "decode_script", "files_below", "is_requirements"]

SCRIPTS = (".py", ".pyw", ".ipynb")
REQUIREMENTS = (".txt", ".in", ".yml", ".yaml")
# Folders of tools and of other people's packages.
_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "dist-packages"}


def files_below(paths: Iterable[str], *, suffixes: tuple[str, ...] = (*SCRIPTS, *REQUIREMENTS)) -> Iterator[Path]:
    """Yield each file that is named, and those of the given kinds below each folder, sorted; none of them twice.

    Folders whose names begin with a dot are left out, virtual environments and other people's packages too. Links to folders are not followed.

    :raises UnknownNameError: there is no such file or folder
    """
    seen: set[Path] = set()
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found: Iterable[Path] = _walk(path, suffixes)
        elif path.exists() or path.is_symlink():
            found = (path,)
        else:
            raise UnknownNameError(f"{shorten(repr(given))}: there is no such file or folder; name scripts, notebooks or folders")
        for file in found:
            key = file.absolute()
            if key not in seen:
                seen.add(key)
                yield file


def is_requirements(path: Path) -> bool:
    """Whether a file lists packages by its name: ``requirements*.txt``, ``constraints.txt``, and YAML files, of which the reader decides."""
    return path.suffix in {".yml", ".yaml"} or (path.suffix in {".txt", ".in"} and ("require" in path.stem or "constraint" in path.stem))


def decode_script(content: bytes) -> tuple[str, str]:
    """Return the text of a script, line ends as they are, and its encoding, which its first lines name or leave to be UTF-8.

    :raises DefinitionError: it is not in that encoding, or names one that Python does not have
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding), encoding
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise DefinitionError(f"it cannot be read as text: {shorten(str(error))}") from error


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        if "pyvenv.cfg" in names and Path(here) != folder:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(here, name)
            if path.suffix.lower() in suffixes and (path.suffix.lower() in SCRIPTS or is_requirements(path)) and path.is_file():
                yield path
