"""How does a script bring files to a datastore and back?

The host does it: the step has no login of a datastore. What is uploaded goes to the host as a copy, what is downloaded comes as one.
"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002

from __future__ import annotations

import os
import sys

from airflow_amlpipe.runtime.artifacts import walk_files
from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Tuple

__all__ = ["Datastore"]


class Datastore(CompletedBySdk):
    """A datastore of the step's workspace; ``Datastore(ws)`` is the default one."""

    _NAME = "Datastore"

    def __new__(cls, workspace: Any, name: Optional[str] = None) -> Any:
        if not is_inside_step():
            return from_sdk("core", "Datastore", "azureml.core.Datastore")(workspace, name)
        return object.__new__(cls)

    def __init__(self, workspace: Any, name: Optional[str] = None) -> None:
        self.workspace = workspace
        self._part: Dict[str, Any] = ask("datastore", {"name": name})

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> Any:
        """Return a datastore by its name.

        :raises UserErrorException: it is not registered; the message lists those that are
        """
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Any) -> Any:
        """Return the default datastore."""
        return Datastore(workspace)

    @property
    def name(self) -> str:
        """The datastore's name."""
        name: str = self._part["name"]
        return name

    @property
    def datastore_type(self) -> str:
        """What SDK v1 called its kind, such as ``AzureBlob``."""
        kind: str = self._part["type"]
        return kind

    @property
    def container_name(self) -> Any:
        """As it was registered."""
        return self._part["details"].get("container_name", "")

    @property
    def account_name(self) -> Any:
        """As it was registered."""
        return self._part["details"].get("account_name", "")

    def download(self, target_path: Any, prefix: Optional[str] = None, overwrite: bool = False, show_progress: bool = True) -> int:
        """Copy files to a local folder, keeping their whole path, and return how many there were.

        :param prefix: only what lies under this file or folder
        :param overwrite: replace local files; otherwise they are left
        """
        import shutil

        answer = ask("datastore-download", {"datastore": self.name, "prefix": prefix})
        for name in answer["files"]:
            target = os.path.join(os.fspath(target_path), *name.split("/"))
            if os.path.exists(target) and not overwrite:
                continue
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            shutil.move(os.path.join(answer["path"], *name.split("/")), target)
            if show_progress:
                sys.stdout.write("Downloaded %s\n" % name)
        shutil.rmtree(answer["path"], ignore_errors=True)
        return len(answer["files"])

    def upload(self, src_dir: Any, target_path: Optional[str] = None, overwrite: bool = False, show_progress: bool = True) -> Any:
        """Copy the files below a local folder to the datastore.

        :param overwrite: replace files that are there already; otherwise they are left, and noted
        :raises UserErrorException: ``src_dir`` is no folder, or ``target_path`` leaves the datastore
        """
        return self._send(list(walk_files(src_dir)), target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: Iterable[Any],
        relative_root: Any = None,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> Any:
        """Copy single local files to the datastore.

        :param relative_root: folder below which the files keep their place; without it, the folder that they have in common
        :raises UserErrorException: a file does not exist, or lies outside ``relative_root``
        """
        paths = [os.path.abspath(os.fspath(file)) for file in files]
        for path in paths:
            if not os.path.isfile(path):
                raise UserErrorException("datastore %r: upload_files: there is no file at %.200r" % (self.name, path))
        if not paths:
            return self.path(target_path)
        root = os.path.abspath(os.fspath(relative_root)) if relative_root else os.path.commonpath([os.path.dirname(path) for path in paths])
        pairs = [(path, os.path.relpath(path, root).replace(os.sep, "/")) for path in paths]
        for path, below in pairs:
            if below.split("/")[0] == "..":
                raise UserErrorException("datastore %r: upload_files: %.200r is not below relative_root %.200r" % (self.name, path, root))
        return self._send(pairs, target_path, overwrite, show_progress)

    def path(self, path: Optional[str] = None, data_reference_name: Optional[str] = None) -> Any:
        """Return (this datastore, path), which stands for a place on it."""
        return (self, path or "")

    def _send(self, files: List[Tuple[str, str]], target_path: Optional[str], overwrite: bool, show_progress: bool) -> Any:
        arguments = {"datastore": self.name, "target": target_path, "overwrite": bool(overwrite)}
        left = ask("datastore-upload", arguments, files)["left"]
        if show_progress:
            for name in left:
                sys.stdout.write("Target already exists. Skipping upload for %s\n" % name)
            sys.stdout.write("Uploaded %d files\n" % (len(files) - len(left)))
        return self.path(target_path)

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Datastore", wanted).get(self.workspace, self.name)

    def __repr__(self) -> str:
        return "Datastore(name=%r, datastore_type=%r)" % (self.name, self.datastore_type)
