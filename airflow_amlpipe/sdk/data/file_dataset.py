"""What can be done with files that have a name?"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk._workspace_store import dataset_files
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.storage.copies import fetch_file

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
    from airflow_amlpipe.storage.store import Store

__all__ = ["FileDataset"]


class FileDataset(AbstractDataset):
    """Files and folders of datastores. Made by ``Dataset.File.from_files``, ``Dataset.get_by_name`` and their kin."""

    def __init__(self) -> None:
        super().__init__()
        self._sources: list[tuple[str, str]] = []

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return this dataset as an input that the script sees as a local path; its name comes from its place in the step."""
        return self._consumed("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return this dataset as an input that is copied to a local path; its name comes from its place in the step."""
        return self._consumed("download", path_on_compute)

    def to_path(self) -> list[str]:
        """Return the files' paths, each with a leading ``/``, relative to the folder that the dataset is for a step: the one that it names.

        A dataset of several paths is the folder that they share, or has a folder for each datastore if they lie on several.
        """
        return [f"/{relative}" for _, _, relative in self._files("FileDataset.to_path")]

    def download(self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False) -> list[str]:
        """Copy the files to a local folder, each to its place of :meth:`to_path`, and return their paths there.

        :param target_path: the folder; without it, a fresh temporary one
        :param ignore_not_found: return an empty list for a dataset that has no files (any more)
        :raises UserErrorException: there are no files, or one is there already and ``overwrite`` is ``False``
        """
        files = self._files("FileDataset.download")
        if not files and not ignore_not_found:
            raise UserErrorException(f"{self!r} has no files; check its paths, or use ignore_not_found=True")
        if target_path is None:
            import tempfile

            target_path = tempfile.mkdtemp(prefix="amlpipe-dataset-")
        folder = check_local_path("FileDataset.download: target_path", target_path)
        targets = [folder.joinpath(*PurePosixPath(relative).parts) for _, _, relative in files]
        present = [target for target in targets if target.exists()]
        if present and not overwrite:
            raise UserErrorException(
                f"{self!r}: download: {shorten(repr(str(present[0])))} exists already ({len(present)} in all); use overwrite=True, or an empty folder"
            )
        for (store, name, _), target in zip(files, targets, strict=True):
            fetch_file(store, name, target, overwrite=True)
        return [str(target) for target in targets]

    as_hdfs = absent("FileDataset.as_hdfs", "use as_mount() or as_download()")
    mount = absent("FileDataset.mount", "use download() in a script, or as_mount() for a step's input")
    as_cache = absent("FileDataset.as_cache", "use as_mount() or as_download()")
    hydrate = absent("FileDataset.hydrate", "use as_mount() or as_download()")
    file_metadata = absent("FileDataset.file_metadata", "select files by a glob in from_files")
    filter = absent("FileDataset.filter", "select files by a glob in from_files")
    random_split = absent("FileDataset.random_split", "split the list of to_path() in the script")
    skip = absent("FileDataset.skip", "slice the list of to_path() in the script")
    take = absent("FileDataset.take", "slice the list of to_path() in the script")
    take_sample = absent("FileDataset.take_sample", "sample the list of to_path() in the script")

    def _consumed(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig._of(None, self, mode, path_on_compute)

    def _paths(self) -> list[tuple[str, str]]:
        return list(self._sources)

    def _registered(self, workspace: Any, record: Any) -> FileDataset:
        dataset = super()._registered(workspace, record)
        dataset._sources = [(path.datastore, path.path) for path in record.paths]
        return dataset

    def _files(self, what: str) -> list[tuple[Store, str, str]]:
        """Return every file as (datastore, path on it, path in the folder that the dataset is for a step)."""
        dataset = self
        if self._deferred is not None and self._workspace is not None:
            dataset = AbstractDataset.get_by_name(self._workspace, self._deferred[0], self._deferred[1] or "latest")
        return dataset_files(dataset._workspace, dataset._sources, what)

    def __repr__(self) -> str:
        if self.name is not None:
            return f"FileDataset(name={self.name!r}, version={self.version or 'latest'})"
        return f"FileDataset({shorten(', '.join(f'{datastore}/{path}' for datastore, path in self._sources))})"
