"""Where do the files of a dataset lie while a script has it mounted on its own machine?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset

__all__ = ["MountContext"]


class MountContext:
    """SDK v1's ``with dataset.mount() as context: context.mount_point``. Outside a step the files are copied, and deleted at the end."""

    def __init__(self, dataset: FileDataset, mount_point: str | None) -> None:
        self._dataset = dataset
        self._given = None if mount_point is None else check_local_path("FileDataset.mount: mount_point", mount_point).absolute()
        self._folder: Path | None = None
        self._existed = False

    @property
    def mount_point(self) -> str:
        """The folder with the files; they are there once it is started."""
        if self._given is None and self._folder is None:
            import tempfile

            self._folder = Path(tempfile.mkdtemp(prefix="amlpipe-mount-"))
            self._existed = False
        return str(self._given or self._folder)

    def start(self) -> None:
        """Put the files there.

        :raises UserErrorException: the folder holds something already
        """
        folder = Path(self.mount_point)
        if self._given is not None:
            self._existed = folder.exists()
            if self._existed and (not folder.is_dir() or any(folder.iterdir())):
                raise UserErrorException(f"FileDataset.mount: {shorten(repr(str(folder)))} exists already; give an empty folder, or none")
        self._dataset.download(str(folder), ignore_not_found=True)
        folder.mkdir(parents=True, exist_ok=True)

    def stop(self) -> None:
        """Delete the files; twice is fine."""
        folder = self._given or self._folder
        if folder is None:
            return
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
        if self._existed:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
