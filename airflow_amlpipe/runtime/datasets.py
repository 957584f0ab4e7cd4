"""Which datasets can a script get hold of, and how does it read them?

Inputs in direct mode are there already: ``run.input_datasets[name]`` and ``Dataset.get_by_id`` of such an input ask nobody. Any other
registered dataset is asked of the host (``asking.py``), which copies its data when it is first read.
"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: A002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.dataset_files import choose_files, chooses_files, find_files
from airflow_amlpipe.runtime.dataset_methods import FileMethods, TableMethods
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.protocol import ENV_RUN_FOLDER, read_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from airflow_amlpipe.runtime.protocol import DatasetPart, InputPart

__all__ = ["AbstractDataset", "Dataset", "FileDataset", "TabularDataset", "dataset_of_input"]

_DIRECT: Dict[str, AbstractDataset] = {}


class _Served(type):
    """Gives the dataset classes ``File`` and ``Tabular``, whose makers are the SDK's."""

    @property
    def File(cls) -> Any:  # noqa: N802  # SDK v1's name
        """Makes datasets of files."""
        return from_sdk("core", "Dataset", "Dataset.File").File

    @property
    def Tabular(cls) -> Any:  # noqa: N802  # SDK v1's name
        """Makes datasets of tables."""
        return from_sdk("core", "Dataset", "Dataset.Tabular").Tabular


class AbstractDataset(CompletedBySdk):
    """A version of a registered dataset, or an input of the step.

    :ivar part: what the host told of it; ``path`` is empty until its data is here
    """

    _NAME = "Dataset"

    def __init__(self, workspace: Any, part: DatasetPart, definition: Optional[Dict[str, Any]] = None) -> None:
        self._workspace = workspace
        self._part = part
        # What was taken of it since, if anything: then it has no name and no id any more.
        self._definition = definition

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest", **kwargs: Any) -> Any:
        """Return a version of a registered dataset.

        It is no input of the step and not in its key: it is written down, and asked again before the step's result is reused.

        :raises UserErrorException: no such dataset or version; the message lists those there are
        """
        if not is_inside_step():
            return from_sdk("core", "Dataset", "Dataset.get_by_name").get_by_name(workspace, name, version, **kwargs)
        return _of_part(workspace, ask("dataset", {"name": str(name), "version": _version_number(name, version), "id": None})["dataset"])

    @staticmethod
    def get_by_id(workspace: Any, id: str, **kwargs: Any) -> Any:
        """Return the version of a dataset that has this id; an input of the step in direct mode is there already.

        :raises UserErrorException: none has
        """
        if not is_inside_step():
            return from_sdk("core", "Dataset", "Dataset.get_by_id").get_by_id(workspace, id, **kwargs)
        for part in read_context(os.environ[ENV_RUN_FOLDER])["inputs"]:
            if part["dataset"] is not None and part["dataset"]["id"] == id:
                return dataset_of_input(part, lambda: workspace)
        return _of_part(workspace, ask("dataset", {"name": None, "version": None, "id": str(id)})["dataset"])

    @staticmethod
    def get_all(workspace: Any) -> Any:
        """Return the latest version of every registered dataset by its name."""
        return workspace.datasets

    @property
    def id(self) -> Any:
        """Its id."""
        return None if self._definition is not None else self._part["id"]

    @property
    def name(self) -> Any:
        """The name it is registered under, or ``None``."""
        return None if self._definition is not None else self._part["name"]

    @property
    def version(self) -> Any:
        """Its version under that name, or ``None``."""
        return None if self._definition is not None else self._part["version"]

    @property
    def description(self) -> Any:
        """What its author wrote."""
        return None if self._definition is not None else self._part["description"]

    @property
    def tags(self) -> Dict[str, str]:
        """What its author noted."""
        return dict(self._part["tags"])

    def _described(self) -> Dict[str, Any]:
        return self._part["definition"] if self._definition is None else self._definition

    def _redefined(self, definition: Dict[str, Any]) -> Any:
        return type(self)(self._workspace, self._part, definition)

    def _local_files(self) -> List[Tuple[str, str]]:
        part = self._located()
        files = find_files(part["path"], part["roots"], part["files"])
        if not chooses_files(self._described()):
            return files
        sizes = [(shown, os.path.getsize(local)) for local, shown in files]
        return [files[index] for index in choose_files(self._described(), sizes)]

    def _located(self) -> DatasetPart:
        """Return what is known of the dataset, its data being on this machine; it is copied when that is first asked."""
        if not self._part["path"]:
            self._part = ask("dataset-data", {"id": self._part["id"]})["dataset"]
        return self._part

    def _load_sdk(self, wanted: str) -> Any:
        dataset = from_sdk("core", "Dataset", wanted)
        return dataset.get_by_id(self._workspace, id=self.id)

    def __repr__(self) -> str:
        return "%s(name=%r, version=%r)" % (type(self).__name__, self.name, self.version)


class FileDataset(AbstractDataset, FileMethods):
    """Files that have a name."""

    def to_path(self) -> List[str]:
        """Return the files' paths, each with a leading ``/``, relative to the folder that the dataset is for a step."""
        return ["/" + below for _, below in self._files()]

    def download(self, target_path: Any = None, overwrite: bool = False, ignore_not_found: bool = False) -> List[str]:
        """Copy the files to a local folder, each to its place of :meth:`to_path`, and return their paths there.

        :param target_path: the folder; without it, a fresh temporary one
        :raises UserErrorException: there are no files, or one is there already and ``overwrite`` is ``False``
        """
        import shutil

        files = self._files()
        if not files and not ignore_not_found:
            raise UserErrorException("%r has no files; use ignore_not_found=True if that may be" % (self,))
        if target_path is None:
            import tempfile

            target_path = tempfile.mkdtemp(prefix="amlpipe-dataset-")
        targets = [os.path.join(os.path.abspath(os.fspath(target_path)), *below.split("/")) for _, below in files]
        present = [target for target in targets if os.path.exists(target)]
        if present and not overwrite:
            raise UserErrorException(
                "%r: download: %.300r exists already (%d in all); use overwrite=True, or an empty folder" % (self, present[0], len(present))
            )
        for (path, _), target in zip(files, targets):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
        return targets

    def mount(self, mount_point: Any = None, **_: Any) -> MountContext:
        """Return a context manager whose ``mount_point`` is a folder with the files.

        :param mount_point: where the files are to be found; without it, where they lie
        """
        return MountContext(self, mount_point)

    def _files(self) -> List[Tuple[str, str]]:
        """Return each file, and its path in the folder that the dataset is for a step."""
        part = self._located()
        root = os.path.dirname(part["path"]) if os.path.isfile(part["path"]) else part["path"]
        return [(local, os.path.relpath(local, root).replace(os.sep, "/")) for local, _ in self._local_files()]


class MountContext:
    """SDK v1's ``with dataset.mount() as context: context.mount_point``; nothing is mounted here, the files are on this machine already."""

    def __init__(self, dataset: FileDataset, mount_point: Any) -> None:
        self._dataset = dataset
        self._copies = ""
        self._wanted = None if mount_point is None else os.path.abspath(os.fspath(mount_point))
        self._made = ""

    @property
    def mount_point(self) -> str:
        """The folder with the files."""
        return self._wanted or self._source()

    def start(self) -> None:
        """Make the files appear at the mount point."""
        if self._wanted is None or self._made:
            return
        source = self._source()
        if os.path.isdir(self._wanted) and not os.path.islink(self._wanted) and not os.listdir(self._wanted):
            os.rmdir(self._wanted)
        try:
            os.makedirs(os.path.dirname(self._wanted), exist_ok=True)
            os.symlink(source, self._wanted)
        except FileExistsError:
            raise UserErrorException("mount: %.300r exists already and is no empty folder" % self._wanted) from None
        self._made = self._wanted

    def _source(self) -> str:
        """Return a folder with the dataset's files and no others."""
        if self._dataset._definition is None:
            place = self._dataset._located()["path"]
            return os.path.dirname(place) if os.path.isfile(place) else place
        if not self._copies:
            import tempfile

            self._copies = tempfile.mkdtemp(prefix="amlpipe-dataset-")
            self._dataset.download(self._copies, ignore_not_found=True)
        return self._copies

    def stop(self) -> None:
        """Take the mount point away; twice is fine."""
        if self._made and os.path.islink(self._made):
            os.unlink(self._made)
        self._made = ""

    def __enter__(self) -> MountContext:  # noqa: PYI034  # typing.Self is younger than Python 3.8
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class TabularDataset(AbstractDataset, TableMethods):
    """A table that has a name."""


class Dataset(AbstractDataset, metaclass=_Served):
    """Where scripts start from: ``Dataset.get_by_name(ws, name)``, ``Dataset.get_by_id(ws, id)``."""


def dataset_of_input(part: InputPart, workspace: Callable[[], Any]) -> Any:
    """Return the dataset that an input in direct mode is."""
    dataset = part["dataset"]
    if dataset is None:
        return AbstractDataset.get_by_id(workspace(), part["value"])
    if dataset["id"] not in _DIRECT:
        _DIRECT[dataset["id"]] = _of_part(workspace(), dataset)
    return _DIRECT[dataset["id"]]


def _of_part(workspace: Any, part: DatasetPart) -> Any:
    kind = TabularDataset if part["definition"]["kind"] == "tabular" else FileDataset
    return kind(workspace, part)


def _version_number(name: str, version: Any) -> Optional[int]:
    if version in ("latest", None):
        return None
    if isinstance(version, bool) or not str(version).isdecimal():
        raise UserErrorException("dataset %.200r: version %.80r is not known; give a whole number, or 'latest'" % (name, version))
    return int(version)
