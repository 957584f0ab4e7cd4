"""How does a script keep files with its run, and fetch those that are kept?"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.artifacts import artifact_name, walk_files
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Sequence

__all__ = ["FileMethods"]


class FileMethods:
    """The ``upload_*`` and ``download_*`` methods of a run."""

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Optional[str] = None) -> None:
        """Keep a copy of a file, or of what a stream gives, with the run.

        :raises UserErrorException: the name is taken or leaves the run's files, or there is no such file
        """
        raise NotImplementedError

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[Any],
        return_artifacts: bool = False,
        timeout_seconds: Optional[int] = None,
        datastore_name: Optional[str] = None,
    ) -> None:
        """Keep copies of several files with the run.

        :raises UserErrorException: as :meth:`upload_file`, or not as many paths as names
        """
        names, paths = list(names), list(paths)
        if len(names) != len(paths):
            raise UserErrorException("upload_files: %d names for %d paths; give one name for each path" % (len(names), len(paths)))
        for name, path in zip(names, paths):
            self.upload_file(name, path, datastore_name)

    def upload_folder(self, name: str, path: Any, datastore_name: Optional[str] = None) -> None:
        """Keep copies of all files below a folder with the run."""
        for file, below in list(walk_files(path)):  # before the copies appear, which may lie below it too
            self.upload_file("%s/%s" % (artifact_name(name), below), file, datastore_name)

    def get_file_names(self) -> List[str]:
        """Return the names of the run's files, sorted."""
        raise NotImplementedError

    def download_file(self, name: str, output_file_path: Any = None, _validate_checksum: bool = False) -> None:
        """Copy a file of the run to ``output_file_path``, by default to the current folder.

        :raises UserErrorException: the run has no such file
        """
        raise NotImplementedError

    def download_files(
        self,
        prefix: Optional[str] = None,
        output_directory: Any = None,
        output_paths: Optional[Sequence[Any]] = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: Optional[int] = None,
    ) -> None:
        """Copy all files of the run whose names start with ``prefix``.

        :raises UserErrorException: ``output_paths`` are not as many as the files
        """
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        if output_paths is None:
            root = os.getcwd() if output_directory is None else os.fspath(output_directory)
            cut = 0 if append_prefix or not prefix else len(prefix)
            places: List[Any] = [os.path.join(root, name[cut:].lstrip("/") or os.path.basename(name)) for name in names]
        else:
            places = list(output_paths)
        if len(places) != len(names):
            raise UserErrorException("download_files: %d output_paths for %d files: %s" % (len(places), len(names), ", ".join(names[:20])))
        for name, place in zip(names, places):
            if os.path.dirname(place):
                os.makedirs(os.path.dirname(place), exist_ok=True)
            self.download_file(name, place)
