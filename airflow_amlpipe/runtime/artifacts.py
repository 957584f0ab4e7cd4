"""Which files does a run keep, and how does a script add and fetch them?

A file is uploaded as a copy below the run folder, so that the script may go on changing its own. A name is taken once, by whichever process
comes first. ``outputs/`` and ``logs/`` of the working folder are kept when the step ends, and are listed here as they are.
"""

from __future__ import annotations

import os

from airflow_amlpipe.runtime.errors import ModelPathNotFoundException, UserErrorException
from airflow_amlpipe.runtime.values import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple

__all__ = ["ArtifactFolder", "artifact_name", "walk_files"]

_KEPT = ("outputs", "logs")


def artifact_name(name: object) -> str:
    """Return ``name`` with ``/`` separators if it stays below the run's files.

    :raises UserErrorException: it does not
    """
    parts = check_name("artifact", name).replace("\\", "/").split("/")
    clean = [part for part in parts if part not in ("", ".")]
    if not clean or ".." in clean or parts[0] == "" or "\0" in str(name) or ":" in parts[0][1:2]:
        raise UserErrorException("artifact %.200r: the name must be a relative path without '..', such as 'outputs/model.pkl'" % (name,))
    return "/".join(clean)


def walk_files(path: Any) -> Iterator[Tuple[str, str]]:
    """Yield each file below a folder and its path relative to it with ``/``, in order.

    :raises UserErrorException: there is no such folder
    """
    root = os.fspath(path)
    if not os.path.isdir(root):
        raise UserErrorException("there is no folder at %.200r (in %s)" % (root, os.getcwd()))
    for parent, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            yield os.path.join(parent, file), os.path.relpath(os.path.join(parent, file), root).replace(os.sep, "/")


class ArtifactFolder:
    """The files of one run, as the script sees them.

    :param uploads: where uploaded copies are put
    :param working_folder: whose ``outputs/`` and ``logs/`` belong to the run, or empty
    """

    def __init__(self, uploads: str, working_folder: str) -> None:
        self._uploads = uploads
        self._working_folder = working_folder

    def add_file(self, name: object, path_or_stream: Any) -> str:
        """Keep a copy of a file, or of what a binary stream gives, as ``name``.

        :raises UserErrorException: the name is taken, or there is no such file
        """
        import shutil
        import uuid

        clean = artifact_name(name)
        if not hasattr(path_or_stream, "read"):
            path = os.fspath(path_or_stream)
            if not os.path.isfile(path):
                raise UserErrorException("artifact %.200r: there is no file at %.200r (in %s)" % (clean, path, os.getcwd()))
        target = os.path.join(self._uploads, *clean.split("/"))
        temporary = os.path.join(self._uploads, os.pardir, "." + uuid.uuid4().hex)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if hasattr(path_or_stream, "read"):
                with open(temporary, "wb") as file:
                    shutil.copyfileobj(_Bytes(path_or_stream), file)
            else:
                shutil.copyfile(path, temporary)
            _take_name(temporary, target)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise UserErrorException("artifact %.200r exists already in this run; upload it under another name" % (clean,)) from None
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
        return clean

    def paths(self) -> Dict[str, str]:
        """Return the local path of each file by its name, sorted; an uploaded file hides one of the same name in ``outputs/``."""
        found: Dict[str, str] = {}
        if self._working_folder:
            for kept in _KEPT:
                found.update(_files(os.path.join(self._working_folder, kept), kept + "/"))
        found.update(_files(self._uploads, ""))
        return {name: found[name] for name in sorted(found)}

    def below(self, name: object) -> Tuple[List[Tuple[str, str]], str]:
        """Return the file called ``name``, or the files below that folder, with their paths beside it, and the last part of the name.

        :raises ModelPathNotFoundException: there is none
        """
        clean = artifact_name(name)
        paths, top = self.paths(), clean.rsplit("/", 1)[-1]
        cut = len(clean) - len(top)
        found = [(path, known[cut:]) for known, path in paths.items() if known == clean or known.startswith(clean + "/")]
        if not found:
            known_names = ", ".join(list(paths)[:20]) or "none yet"
            raise ModelPathNotFoundException(
                "Could not locate the provided model_path %.200r in the files of this run; write it to outputs/ or upload it first. Its files: %s"
                % (clean, known_names)
            )
        return found, top

    def fetch(self, name: object, target: Any) -> str:
        """Copy the file ``name`` to ``target`` (a file's path, or a folder that exists) and return where it is now.

        :raises UserErrorException: the run has no such file
        """
        import shutil

        clean = artifact_name(name)
        paths = self.paths()
        if clean not in paths:
            known = ", ".join(list(paths)[:20]) or "none yet"
            raise UserErrorException("artifact %.200r does not exist in this run; its files: %s" % (clean, known))
        place = os.fspath(target) if target is not None else os.path.basename(clean)
        if os.path.isdir(place):
            place = os.path.join(place, os.path.basename(clean))
        elif os.path.dirname(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
        if not (os.path.exists(place) and os.path.samefile(place, paths[clean])):
            shutil.copyfile(paths[clean], place)
        return place


def _take_name(temporary: str, target: str) -> None:
    """Give a finished file its name: whole, and only if nobody has taken it.

    :raises FileExistsError: somebody has
    """
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except (AttributeError, OSError):
        if os.path.isdir(target):
            raise FileExistsError(target) from None
        # A file system, or a Python, without links: who creates the name first has it.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(temporary, target)


class _Bytes:
    """A stream of text or bytes, read as bytes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        return content.encode("utf-8") if isinstance(content, str) else bytes(content)


def _files(root: str, prefix: str) -> Dict[str, str]:
    return {prefix + below: path for path, below in walk_files(root)} if os.path.isdir(root) else {}
