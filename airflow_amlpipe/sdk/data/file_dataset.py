"""What can be done with files that have a name?"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import FileMethods
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk.data._mount_context import MountContext
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

__all__ = ["FileDataset"]


class FileDataset(FileMethods, AbstractDataset):
    """Files and folders of datastores, or some of them. Made by ``Dataset.File.from_files``, ``Dataset.get_by_name`` and their kin."""

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
        from airflow_amlpipe.storage.copies import fetch_file

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

    def mount(self, mount_point: str | None = None, **kwargs: Any) -> MountContext:
        """Return a context manager that has the files in a local folder, its ``mount_point``, between ``start()`` and ``stop()``.

        They are copies: what is written there goes nowhere.

        :param mount_point: the folder, which must not hold anything yet; without it, a temporary one
        """
        return MountContext(self, mount_point)

    as_hdfs = absent("FileDataset.as_hdfs", "use as_mount() or as_download()")
    as_cache = absent("FileDataset.as_cache", "use as_mount() or as_download()")
    hydrate = absent("FileDataset.hydrate", "use as_mount() or as_download()")

    def _consumed(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig._of(None, self, mode, path_on_compute)

    def _local_files(self) -> list[tuple[str, str]]:
        # Only what the paths say is asked of files.
        return [("", f"/{name}") for _, name, _ in self._files("Dataset.get_partition_key_values")]
