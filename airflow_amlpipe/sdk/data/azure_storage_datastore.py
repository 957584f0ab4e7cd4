"""How are files brought to a datastore and back?

The classes keep SDK v1's names; what lies behind one is the URL that the workspace has registered for it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items, check_local_path
from airflow_amlpipe.sdk._workspace_store import open_datastore
from airflow_amlpipe.sdk.data._config_helper import path_on_datastore
from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore, TextDetail
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_amlpipe.storage.store import Store

__all__ = ["AbstractAzureStorageDatastore", "AzureBlobDatastore", "AzureFileDatastore"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_AT_ONCE = 16


class AbstractAzureStorageDatastore(AbstractDatastore):
    """A datastore that holds files."""

    container_name = TextDetail()
    account_name = TextDetail()
    protocol = TextDetail()
    endpoint = TextDetail()
    subscription_id = TextDetail()
    resource_group = TextDetail()

    @property
    def is_sas(self) -> bool:
        """Whether this process was given a SAS token for it; a connection's is not looked at."""
        return self.sas_token is not None

    @property
    def sas_token(self) -> str | None:
        """The token that this process was given; never one that a connection holds."""
        login = self._given_login()
        return None if login is None else login.text("sas_token")

    @property
    def account_key(self) -> str | None:
        """The key that this process was given; never one that a connection holds."""
        login = self._given_login()
        return None if login is None or login.text("tenant_id") else login.password

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Return a DataReference to ``path``, or to the whole datastore."""
        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> DataReference:
        return self.path().as_mount()

    def as_download(self, path_on_compute: str | None = None) -> DataReference:
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: str | None = None) -> DataReference:
        return self.path().as_upload(path_on_compute)

    def upload(self, src_dir: str, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True) -> DataReference:
        """Copy the files of a local folder to the datastore, keeping their place below it.

        :param overwrite: replace files that are there already; otherwise they are left, and noted
        :raises UserErrorException: ``src_dir`` is no folder, or ``target_path`` leaves the datastore
        """
        source = check_local_path(f"datastore {self.name!r}: upload: src_dir", src_dir)
        if not source.is_dir():
            raise UserErrorException(
                f"datastore {self.name!r}: upload: {shorten(repr(str(src_dir)))} is no folder; give one, or use upload_files"
            )
        files = sorted(Path(folder, name) for folder, _, names in os.walk(source) for name in names)
        return self._upload([(file, file.relative_to(source).as_posix()) for file in files], target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: Iterable[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy single local files to the datastore.

        :param relative_root: folder below which the files keep their place; without it, the folder that they have in common
        :raises UserErrorException: a file does not exist or lies outside ``relative_root``
        """
        what = f"datastore {self.name!r}: upload_files"
        given = [check_local_path(what, file).absolute() for file in check_items(f"{what}: files", files)]
        for file in given:
            if not file.is_file():
                raise UserErrorException(f"datastore {self.name!r}: upload_files: {shorten(repr(str(file)))} is no file")
        parents = [str(file.parent) for file in given]
        root = (
            check_local_path(f"{what}: relative_root", relative_root).absolute()
            if relative_root
            else Path(os.path.commonpath(parents))
            if parents
            else Path.cwd()
        )
        for file in given:
            if not file.is_relative_to(root):
                raise UserErrorException(
                    f"datastore {self.name!r}: upload_files: {shorten(repr(str(file)))} is not below relative_root {shorten(repr(str(root)))}"
                )
        return self._upload([(file, file.relative_to(root).as_posix()) for file in given], target_path, overwrite, show_progress)

    def download(self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True) -> int:
        """Copy files from the datastore to a local folder, keeping their whole path, and return how many there were to copy.

        :param prefix: only what lies under this file or folder
        :param overwrite: replace local files; otherwise they are left, and noted
        """
        from airflow_amlpipe.storage.copies import data_files, fetch_file

        folder = check_local_path(f"datastore {self.name!r}: download: target_path", target_path)
        store = self._store("Datastore.download")
        names = [name for name, _ in data_files(store, path_on_datastore(f"datastore {self.name!r}: download", prefix))]

        def download(name: str) -> bool:
            return fetch_file(store, name, folder.joinpath(*PurePosixPath(name).parts), overwrite=overwrite)

        for number, (name, _) in enumerate(_each(store, download, names), 1):
            _show(show_progress, f"Downloaded {name}, {number} files out of an estimated total of {len(names)}")
        return len(names)

    def _upload(self, files: list[tuple[Path, str]], target_path: str | None, overwrite: bool, show_progress: bool) -> DataReference:
        from airflow_amlpipe.storage.copies import put_file

        store = self._store("Datastore.upload")
        folder = path_on_datastore(f"datastore {self.name!r}: upload: target_path", target_path)

        def upload(file: tuple[Path, str]) -> str | None:
            target = f"{folder}/{file[1]}" if folder else file[1]
            if not overwrite and store.exists(target):
                return target
            put_file(store, file[0], target)
            return None

        for number, ((source, _), left) in enumerate(_each(store, upload, files), 1):
            if left is not None:
                _show(show_progress, f"Target already exists. Skipping upload for {left}")
                continue
            _show(show_progress, f"Uploaded {source}, {number} files out of an estimated total of {len(files)}")
        return DataReference(self, None, folder or None)

    def _store(self, what: str) -> Store:
        return open_datastore(self.workspace, self.name, what)


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """What SDK v1 kept in a blob container."""


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """What SDK v1 kept in a file share."""


def _each(store: Store, action: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[tuple[_Item, _Result]]:
    """Yield each of ``items`` with what ``action`` does with it, in their order; where each costs a journey, several are on their way at once."""
    if store.local_path("") is not None or len(items) < 2:
        yield from ((item, action(item)) for item in items)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE, "amlpipe-copy") as pool:
        try:
            yield from zip(items, pool.map(action, items), strict=True)
        except BaseException:
            # What has not begun would only delay the error.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _show(wanted: bool, line: str) -> None:
    if wanted:
        sys.stdout.write(f"{line}\n")
